"""`zhanggui catalog …`: what shoppers may ask of the products."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhanggui.cli.output import (
    JsonOption,
    LanguageOption,
    ShopOption,
    either,
    language_named,
    opened,
    say,
    show_json,
)

if TYPE_CHECKING:
    from zhanggui.catalog.ontology import Ontology

app = typer.Typer(no_args_is_help=True, help="What shoppers may ask of the products, and what is found.")


@app.command()
def ontology(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; default: the screen.")] = None,
    shop: ShopOption = Path(),
    read: Annotated[
        Path | None,
        typer.Option(
            "--read", exists=True, dir_okay=False, readable=True, help="Take this edited file; it wins from now on."
        ),
    ] = None,
    _language: LanguageOption = None,
) -> None:
    """Write the shop's categories, aspects, values and synonyms as a file to edit, or take an edited one (--read)."""
    from zhanggui.catalog.ontology.file import to_toml

    with opened(shop) as engine:
        if read is not None:
            known = engine.catalog.edit_ontology(read)
        elif file is not None:
            known = engine.catalog.write_ontology(file)
        else:
            typer.echo(to_toml(engine.catalog.ontology()), nl=False)
            return
    counts = _counts(known)
    if read is not None:
        say(f"{read} holds from now on: {counts}", f"从现在起以 {read} 为准：{counts}")
    else:
        say(
            f"{counts}, in {file}; edit it and take it back with --read {file}",
            f"{counts}，已写入 {file}；改好后用 --read {file} 读回",
        )


@app.command()
def feed(
    folder: Annotated[Path, typer.Argument(help="Where to write products.jsonl and metadata.json.")],
    shop: ShopOption = Path(),
    country: Annotated[
        str, typer.Option(help="The market that it is for (ISO 3166-1, such as CN); default: none.")
    ] = "",
    texts: Annotated[str | None, typer.Option(help="Language of its texts, en or zh; default: the shop's.")] = None,
    _language: LanguageOption = None,
) -> None:
    """Write the products as a feed of the Agentic Commerce Protocol, for assistants that are not the shop's own."""
    if country and not (len(country) == 2 and country.isascii() and country.isupper()):
        raise typer.BadParameter("two capital letters, such as CN", param_hint="--country")
    with opened(shop) as engine:
        spoken = language_named(texts) if texts else None
        written = engine.catalog.write_feed(folder, language=spoken, country=country)
    say(f"{written.products} products in {folder}", f"{folder} 中有 {written.products} 件商品")


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="What a shopper would type; nothing, for all products.")] = "",
    shop: ShopOption = Path(),
    category: Annotated[str, typer.Option(help="A category, with what is below it.")] = "",
    where: Annotated[
        list[str] | None, typer.Option(help="aspect=value, such as colour=blue; several of one aspect: any of them.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="aspect=value that it must not have.")] = None,
    min_price: Annotated[str, typer.Option(help="Such as 100, in the shop's currency, or '100 USD'.")] = "",
    max_price: Annotated[str, typer.Option(help="Such as 300, in the shop's currency, or '300 USD'.")] = "",
    in_stock: Annotated[bool, typer.Option("--in-stock", help="Only what is not sold out.")] = False,
    sort: Annotated[str, typer.Option(help="relevance, price or -price (dearest first).")] = "relevance",
    offset: Annotated[int, typer.Option(help="Leave out so many.")] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 10,
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find products as a shopper would, with what there is to choose from (facets) and what was given up to find any."""
    from zhanggui.catalog.document import to_data
    from zhanggui.catalog.search import read_query
    from zhanggui.cli.found import show_found

    with opened(shop) as engine:
        asked = read_query(
            text,
            currency=engine.config.shop.currency,
            category=category,
            where=where or (),
            without=without or (),
            price_min=min_price,
            price_max=max_price,
            in_stock=in_stock,
            sort=sort,
            offset=offset,
            limit=limit,
        )
        found = engine.catalog.search(asked)
        if as_json:
            show_json(
                {
                    "products": [to_data(product) for product in found.products],
                    "fitting": found.fitting_ids(),
                    **asdict(found.results),
                }
            )
            return
        show_found(found, engine.catalog.ontology(), now=engine.clock())


def _counts(known: "Ontology") -> str:
    values = sum(len(aspect.values) for aspect in known.aspects)
    return either(
        f"{len(known.categories)} categories, {len(known.aspects)} aspects with {values} values",
        f"{len(known.categories)} 个分类，{len(known.aspects)} 种属性共 {values} 个取值",
    )
