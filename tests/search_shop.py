"""A few products and their index, for tests of the search."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from zhanggui.catalog import Product, store
from zhanggui.catalog.search import Query, Results, SearchShelf
from zhanggui.money import Money
from zhanggui.storage import ArtifactStore, Database

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def cny(major: int) -> Money:
    return Money(currency="CNY", minor=major * 100)


def product(product_id: str, en: str, zh: str, category: str, price: int, **facts: str) -> Product:
    stock = int(facts.pop("stock", "5"))
    return Product(
        product_id=product_id,
        titles={"en": en, "zh": zh},
        category=category,
        price=cny(price),
        stock=stock,
        attributes=facts,
    )


PRODUCTS = [
    product(
        "shirt-blue", "Linen shirt, navy", "亚麻衬衫 藏青色", "Clothing > Shirts", 200, Colour="navy", Material="linen"
    ),
    product("shirt-white", "Cotton shirt", "纯棉衬衫", "Clothing > Shirts", 150, Colour="white", Material="cotton"),
    product(
        "shirt-red", "Linen shirt", "亚麻衬衫", "Clothing > Shirts", 120, Colour="red", Material="linen", stock="0"
    ),
    product("cup", "Celadon tea cup", "青瓷茶杯", "Ceramics", 58, Colour="green"),
    product("tea", "Longjing green tea", "龙井绿茶", "Tea", 128, Origin="Hangzhou"),
    product("oolong", "Oolong tea", "乌龙茶", "Tea", 88, Origin="Anxi"),
    product("flask", "Vacuum flask 500 ml", "保温杯 500毫升", "Kitchen", 99, Colour="blue"),
]
SALE = Product(
    product_id="scarf",
    titles={"en": "Wool scarf", "zh": "羊毛围巾"},
    category="Clothing > Scarves",
    price=cny(300),
    sale_price=cny(90),
    sale_until=NOW + timedelta(hours=1),
)


class Shop:
    """Some products and their index."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self.shelf = SearchShelf(artifacts=ArtifactStore(folder / "artifacts"), clock=lambda: NOW)
        self.put(*PRODUCTS, SALE)

    def put(self, *products: Product) -> None:
        with self.database.transaction() as connection:
            store.upsert(connection, products, now=NOW)

    def search(self, text: str = "", *, now: datetime = NOW, **asked: object) -> Results:
        with self.database.reading() as connection:
            return self.shelf.current(connection).search(Query(text=text, **asked), now=now)  # type: ignore[arg-type]
