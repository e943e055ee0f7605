"""The shop for other assistants: tools of the Model Context Protocol in the shapes of the Universal Commerce Protocol.

Read only. Does not know how to sell: no basket, no checkout, no payment.
"""
