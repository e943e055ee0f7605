"""Commands that bring data in and look at it: ingest, products, consents, suppress, profile, segment."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhanggui.cli.output import (
    JsonOption,
    LanguageOption,
    MomentOption,
    ShopOption,
    as_of,
    either,
    language_named,
    moment_named,
    opened,
    progress,
    report_rejects,
    say,
    show,
    show_json,
    spoken,
)

if TYPE_CHECKING:
    from zhanggui.profiles.consent import Consent

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (ingest, products, consents, suppress, profile, profiles, segment):
        app.command()(command)


def ingest(file: FileArgument, shop: ShopOption = Path()) -> None:
    """Take in events: JSON lines of the Segment spec, plain or .gz. Bad rows go to a reject file."""
    with opened(shop) as engine, progress(either("events", "事件")) as advance:
        result = engine.events.ingest(file, progress=advance)
    say(
        f"{result.stored} events stored, {result.duplicates} known already",
        f"存入 {result.stored} 条事件，另有 {result.duplicates} 条早已存过",
    )
    report_rejects(result.rejected, result.rejects)


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
    spoken_there = language_named(language) if language else None
    pairs = dict(pair.partition("=")[::2] for pair in mapping or [])
    with opened(shop) as engine, progress(either("products", "商品")) as advance:
        result = engine.catalog.load(
            file,
            form=form,
            mapping=pairs or None,
            currency=currency,
            language=spoken_there,
            full=full,
            progress=advance,
        )
    say(
        f"{result.upserted} products taken in, {result.deleted} deleted",
        f"收录 {result.upserted} 件商品，删除 {result.deleted} 件",
    )
    if result.kept:
        say(
            f"{result.kept} products are not in the file and were kept: rows without a readable id were refused; "
            "mend them and load it again",
            f"有 {result.kept} 件商品不在文件里，暂时保留：有的行读不出商品编号，已被拒收；改好后请重新导入",
            style="yellow",
        )
    report_rejects(result.rejected, result.rejects)


def suppress(
    address: Annotated[str, typer.Argument(help="Such as an e-mail address.")],
    shop: ShopOption = Path(),
    lift: Annotated[bool, typer.Option("--lift", help="Let it be used again.")] = False,
    channel: Annotated[str, typer.Option("--channel", help="The channel that it is for.")] = "email",
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")] = "an operator's wish",
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Never use an address again (its owner complained, for example), or lift that. When, why and by whom is kept."""
    from zhanggui.touches.suppression import in_words

    with opened(shop) as engine:
        found = engine.addresses.suppress(
            address, channel=channel, reason=reason, by=f"command line ({_user()})", lift=lift
        )
    if as_json:
        show_json(asdict(found))
        return
    show(in_words(found, spoken()))
    for one in found.history:
        mark = "✗" if one.suppressed else "✓"
        show(f"  {mark} {one.at:%Y-%m-%d %H:%M}  {one.reason}  ({one.by})")


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "?"


def consents(file: FileArgument, shop: ShopOption = Path()) -> None:
    """Take in consents: JSON lines of customer_id, channel, purpose, granted, at, how, text, and maybe address."""
    with opened(shop) as engine, progress(either("consents", "同意")) as advance:
        result = engine.consents.load(file, progress=advance)
    say(
        f"{result.changed} consents changed, {result.unchanged} stood that way already",
        f"更新 {result.changed} 条同意，另有 {result.unchanged} 条本来就是这样",
    )
    report_rejects(result.rejected, result.rejects)


def profiles(shop: ShopOption = Path(), at: MomentOption = None) -> None:
    """Build the profiles, as of now or of any moment."""
    with opened(shop) as engine:
        built = engine.profiles.build(as_of=moment_named(at))
        in_use = engine.profiles.in_use()
    moment = f"{built.as_of:%Y-%m-%d %H:%M} UTC"
    say(
        f"{built.rows} profiles as of {moment}, snapshot {built.version}",
        f"{built.rows} 份画像，截至 {moment}，快照 {built.version}",
    )
    if built.foreign_orders:
        say(
            f"{built.foreign_orders} orders are in other currencies than the shop's and are left out of revenue",
            f"有 {built.foreign_orders} 笔订单不是本店币种，没有计入消费额",
            style="yellow",
        )
    for one in built.quarantined:
        say(
            f"{one.customer_id} has no profile: {one.reason}",
            f"{one.customer_id} 没有画像：{one.reason}",
            style="yellow",
        )
    if in_use is not None and in_use.version != built.version:
        say(f"in use is snapshot {in_use.version}", f"使用中的仍是快照 {in_use.version}")


def profile(
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    shop: ShopOption = Path(),
    _language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is known of one customer: each column as predicates name it, in words, and hers."""
    with opened(shop) as engine:
        known = engine.customers.get(customer_id)
    if as_json:
        show_json(asdict(known))
        return
    _table({"customer_id": known.customer_id, **known.profile})
    for consent in known.consents:
        _consent(consent)
    show(as_of(known.as_of, known.events_since))


def segment(
    predicate: Annotated[str, typer.Argument(help="Such as 'orders >= 2 and recency_days < 90'.")],
    shop: ShopOption = Path(),
    _language: LanguageOption = None,
) -> None:
    """Who a predicate holds for, in words and in number."""
    with opened(shop) as engine:
        found = engine.segments.of(predicate, language=spoken())
    show(found.words)
    say(f"{found.members} of {found.customers} customers", f"{found.customers} 位顾客中的 {found.members} 位")
    for customer_id in found.examples:
        show(f"  {customer_id}")
    show(as_of(found.as_of, found.events_since))


def _consent(consent: "Consent") -> None:
    purpose = {"marketing": "营销", "personalisation": "个性化"}[consent.purpose]
    moment = _in_words(consent.at)
    say(
        f"consent {consent.channel} {consent.purpose}: {'granted' if consent.granted else 'withdrawn'} {moment}, {consent.how}",
        f"同意 {consent.channel} {purpose}：{'已给出' if consent.granted else '已撤回'} {moment}，{consent.how}",
    )


def _table(values: Mapping[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from zhanggui.profiles.words import COLUMNS, STAGES

    zh = spoken() == "zh"
    table = Table(show_header=False, box=None)
    for name, value in values.items():
        # As predicates name it, too.
        told = either(value, f"{value}（{STAGES[value][1]}）") if name == "lifecycle_stage" else _in_words(value)
        table.add_row(name, COLUMNS[name][zh], Text(told))
    show(table)


def _in_words(value: Any) -> str:
    """A profile's value as one reads it; affinities as shares."""
    match value:
        case None | [] | "":
            return "—"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case float():
            return f"{value:.2f}".rstrip("0").rstrip(".")
        case list():
            return either(", ", "、").join(f"{one['name']} {one['weight']:.0%}" for one in value)
        case _:
            return str(value)
