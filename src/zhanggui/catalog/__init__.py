"""What the shop sells: products, feeds, the store."""

from zhanggui.catalog.product import LANGUAGES, Language, Product, Variant
from zhanggui.catalog.row import Deletion

__all__ = ["LANGUAGES", "Deletion", "Language", "Product", "Variant"]
