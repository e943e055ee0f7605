"""What was bought and what the shop promises: orders, policy pages, and the desk that changes an order for a shopper.

Does not know conversations, channels or campaigns.
"""
