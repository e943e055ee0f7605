"""Search over HTTP, for the shop's own programs: its pages, its operators' tools."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from zhanggui.api.guard import Requires
from zhanggui.catalog.document import to_data
from zhanggui.catalog.search import read_query
from zhanggui.engine import Engine

router = APIRouter(prefix="/v1", dependencies=[Depends(Requires("server"))])


@router.get("/products/search", tags=["catalogue"])
def search(
    request: Request,
    text: Annotated[str, Query(description="What a shopper typed")] = "",
    category: Annotated[str, Query(description="A category, with what is below it")] = "",
    where: Annotated[tuple[str, ...], Query(description="aspect=value; several of one aspect: any of them")] = (),
    without: Annotated[tuple[str, ...], Query(description="aspect=value that it must not have")] = (),
    price_min: Annotated[str, Query(description="Such as 100, or 100 USD")] = "",
    price_max: Annotated[str, Query(description="Such as 300, or 300 USD")] = "",
    in_stock: Annotated[bool, Query(description="Only what is not sold out")] = False,
    sort: Annotated[str, Query(description="relevance, price or -price")] = "relevance",
    offset: Annotated[int, Query(description="Leave out so many")] = 0,
    limit: Annotated[int, Query(description="At most so many, up to 100")] = 10,
) -> dict[str, Any]:
    """Products by words and filters, best first, with facets; `relaxed` says what was given up to find any."""
    engine: Engine = request.app.state.engine
    asked = read_query(
        text,
        currency=engine.config.shop.currency,
        category=category,
        where=where,
        without=without,
        price_min=price_min,
        price_max=price_max,
        in_stock=in_stock,
        sort=sort,
        offset=offset,
        limit=limit,
    )
    found = engine.catalog.search(asked)
    return {
        "products": [to_data(product) for product in found.products],
        "fitting": found.fitting_ids(),
        **asdict(found.results),
    }
