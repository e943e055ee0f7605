"""Whether what a message says of its product is so in the moment it leaves. Changes nothing."""

from datetime import datetime

import sqlalchemy as sa

from zhanggui.catalog import store as catalog
from zhanggui.content.message import Message


def untrue(connection: sa.Connection, message: Message, now: datetime) -> str | None:
    """What is no longer so of the product that the message advertises; None when all is."""
    product_id = message.data.get("product_id")
    if not product_id:
        return None
    product = catalog.find(connection, [product_id]).get(product_id)
    if product is None:
        return "not_in_catalogue"
    if product.sold_out:
        return "out_of_stock"
    price = message.data.get("price")
    return "price_changed" if price and price != str(product.price_at(now)) else None
