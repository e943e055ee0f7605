"""Commands that bring data in and look at it: ingest, products, consents, suppress, profile, segment."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from zhanggui.cli.output import (
    JsonOption,
    LanguageOption,
    MomentOption,
    ShopOption,
    console,
    opened,
    progress,
    show_json,
)

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (ingest, products, consents, suppress, profile, profiles, segment):
        app.command()(command)


def ingest(file: FileArgument, shop: ShopOption = Path()) -> None:
    """Take in events: JSON lines of the Segment spec, plain or .gz. Bad rows go to a reject file."""
    with opened(shop) as engine, progress("events") as advance:
        result = engine.ingest(file, progress=advance)
    console.print(f"{result.stored} events stored, {result.duplicates} known already")
    _report_rejects(result.rejected, result.rejects)


def products(
    file: FileArgument,
    shop: ShopOption = Path(),
    form: Annotated[str, typer.Option("--format", help="auto, csv, jsonl, shopify or google.")] = "auto",
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="field=column, for a CSV or JSONL with columns of its own.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Of prices that name none; default: the shop's.")] = None,
    language: Annotated[
        str, typer.Option(help="Of titles and descriptions that name none: en or zh; default: the shop's.")
    ] = "",
    full: Annotated[
        bool, typer.Option("--full", help="The file names every product: delete those that it does not name.")
    ] = False,
) -> None:
    """Take in a product feed: CSV, JSONL, a Shopify export, a Google Merchant feed (XML or TSV)."""
    if language not in ("", "en", "zh"):
        raise typer.BadParameter("en or zh", param_hint="--language")
    pairs = dict(pair.partition("=")[::2] for pair in mapping or [])
    with opened(shop) as engine, progress("products") as advance:
        result = engine.load_products(
            file, form=form, mapping=pairs or None, currency=currency, language=language, full=full, progress=advance
        )
    console.print(f"{result.upserted} products added or changed, {result.deleted} deleted")
    if result.kept:
        console.print(
            f"[yellow]{result.kept} products are not in the file and were kept[/]: rows without a readable id were refused; "
            "mend them and load it again",
            highlight=False,
        )
    _report_rejects(result.rejected, result.rejects)


def suppress(
    address: Annotated[str, typer.Argument(help="Such as an e-mail address.")],
    shop: ShopOption = Path(),
    lift: Annotated[bool, typer.Option("--lift", help="Let it be used again.")] = False,
    channel: Annotated[str, typer.Option("--channel", help="The channel that it is for.")] = "email",
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")] = "an operator's wish",
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Never use an address again (its owner complained, for example), or lift that. When, why and by whom is kept."""
    from zhanggui.decisioning.suppression import in_words

    with opened(shop) as engine:
        found = engine.suppress(address, channel=channel, reason=reason, by=f"command line ({_user()})", lift=lift)
    if as_json:
        show_json(asdict(found))
        return
    console.print(in_words(found, "zh" if language == "zh" else "en"), markup=False, highlight=False, soft_wrap=True)
    for one in found.history:
        mark = "✗" if one.suppressed else "✓"
        console.print(f"  {mark} {one.at:%Y-%m-%d %H:%M}  {one.reason}  ({one.by})", markup=False, highlight=False)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "?"


def consents(file: FileArgument, shop: ShopOption = Path()) -> None:
    """Take in consents: JSON lines of customer_id, channel, purpose, granted, at, how, text."""
    with opened(shop) as engine, progress("consents") as advance:
        result = engine.load_consents(file, progress=advance)
    console.print(f"{result.changed} consents changed, {result.unchanged} stood that way already")
    _report_rejects(result.rejected, result.rejects)


def profiles(shop: ShopOption = Path(), at: MomentOption = None) -> None:
    """Build the profiles, as of now or of any moment."""
    with opened(shop) as engine:
        built = engine.build_profiles(as_of=engine.moment(at))
    console.print(f"{built.rows} profiles as of {built.as_of:%Y-%m-%d %H:%M} UTC, snapshot {built.version}")


def profile(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    shop: ShopOption = Path(),
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """What is known of one customer: each column as predicates name it, in words, and hers."""
    with opened(shop) as engine:
        known = engine.customer(customer_id)
    if as_json:
        show_json(known)
        return
    zh = language == "zh"
    _table(known["profile"], zh=zh)
    for one in known["consents"]:
        console.print(_consent(one, zh=zh), markup=False)


def segment(
    predicate: Annotated[str, typer.Argument(help="Such as 'orders >= 2 and recency_days < 90'.")],
    shop: ShopOption = Path(),
    language: LanguageOption = "en",
) -> None:
    """Who a predicate holds for, in words and in number."""
    with opened(shop) as engine:
        found = engine.segment(predicate, language=language)
    console.print(found.words, markup=False)
    counts = "{1} 位顾客中的 {0} 位" if language == "zh" else "{0} of {1} customers"
    console.print(counts.format(found.members, found.customers), highlight=False)
    for customer_id in found.examples:
        console.print(f"  {customer_id}", markup=False)


def _report_rejects(count: int, path: Path | None) -> None:
    if count:
        console.print(f"[yellow]{count} rows were refused[/]; each with its reason in {path}", highlight=False)


def _consent(one: dict[str, Any], *, zh: bool) -> str:
    purpose = {"marketing": "营销", "personalisation": "个性化"}[one["purpose"]] if zh else one["purpose"]
    state = (("已撤回", "已给出") if zh else ("withdrawn", "granted"))[one["granted"]]
    if zh:
        return f"同意 {one['channel']} {purpose}：{state} {one['at']}，{one['how']}"
    return f"consent {one['channel']} {purpose}: {state} {one['at']}, {one['how']}"


def _table(values: dict[str, Any], *, zh: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from zhanggui.profiles.words import COLUMNS

    table = Table(show_header=False, box=None)
    for name, value in values.items():
        table.add_row(name, COLUMNS[name][zh], Text(str(value)))
    console.print(table)
