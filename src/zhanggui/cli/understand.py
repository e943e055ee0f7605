"""`zhanggui understand`: what shoppers mean, said by rules, by a trained encoder or by the shop's language model."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhanggui.cli.output import LanguageOption, ShopOption, errors, opened, say

if TYPE_CHECKING:
    from zhanggui.conversation.understand.labelled import Labelled
    from zhanggui.conversation.understanding import Understander, Understanding


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(understand)


def understand(
    text: Annotated[str | None, typer.Argument(help="What a shopper says; or name a --file.")] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", help="One utterance a line, - for standard input; or JSONL with labels, then it is measured too."
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option("--by", help="rules, model (the shop's language model), or NAME[:VERSION] of a trained encoder."),
    ] = "rules",
    today: Annotated[
        datetime | None, typer.Option("--today", formats=["%Y-%m-%d"], help='The day before "tomorrow".')
    ] = None,
    shop: ShopOption = Path(),
    store: Annotated[Path | None, typer.Option("--store", help="Folder of the artifacts; default: the shop's.")] = None,
    _language: LanguageOption = None,
) -> None:
    """Say what shoppers mean: intents, slots with their place and value, confidence; one JSON line an utterance."""
    from zhanggui.conversation.understand.labelled import Labelled
    from zhanggui.conversation.understanding import Utterance

    if (text is None) == (file is None):
        raise typer.BadParameter("give a text or a --file", param_hint="TEXT")
    rows = [Labelled(utterance=Utterance(text=text), intents=())] if text is not None else _rows(file or Path("-"))
    day = (today or datetime.now(UTC)).date()
    understander = _understander(by, shop, store, day)
    understood = understander.understand([row.utterance for row in rows])
    for one in understood:
        typer.echo(json.dumps(_plain(one), ensure_ascii=False))
    if any(row.intents for row in rows):
        _measure(rows, understood)


def _rows(file: Path) -> "list[Labelled]":
    from zhanggui.conversation.understand.labelled import Labelled, read_labelled
    from zhanggui.conversation.understanding import Utterance
    from zhanggui.errors import CorpusError

    if file.suffix in (".jsonl", ".json"):
        return read_labelled(file)
    try:
        lines = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"it cannot be read: {error}", source=str(file)) from error
    return [Labelled(utterance=Utterance(text=line), intents=()) for line in lines.splitlines() if line.strip()]


def _understander(by: str, shop: Path, store: Path | None, day: date) -> "Understander":
    from zhanggui.catalog.ontology import Ontology
    from zhanggui.cli.model import store_of
    from zhanggui.engine.understanders import MODEL, understander_named

    titles: tuple[str, ...] = ()
    ontology, model = Ontology(), None
    if (shop / "zhanggui.toml").exists():
        with opened(shop) as engine:
            ontology, titles = engine.catalog.ontology(), engine.catalog.titles()
            model = engine.models.writer() if by == MODEL else None
    new_understander = understander_named(by, artifacts=lambda: store_of(shop, store), model=lambda: model)
    return new_understander(ontology, titles, today=lambda: day)


def _plain(one: "Understanding") -> dict[str, Any]:
    slots = [
        {
            "name": slot.name,
            "value": slot.value,
            "start": slot.start,
            "end": slot.end,
            **({"negated": True} if slot.negated else {}),
            **({"operator": slot.operator} if slot.operator else {}),
        }
        for slot in one.slots
    ]
    intents = {name: round(share, 3) for name, share in one.intents.items()}
    return {
        "text": one.text,
        "language": one.language,
        "intents": intents,
        "slots": slots,
        "confidence": one.confidence,
    }


def _measure(rows: "Sequence[Labelled]", understood: "Sequence[Understanding]") -> None:
    from zhanggui.conversation.understand.scores import scores

    for language in ("zh", "en"):
        pairs = [(row, one) for row, one in zip(rows, understood, strict=True) if one.language == language]
        if pairs:
            reached = scores([row for row, _ in pairs], [one for _, one in pairs])
            figures = f"intent F1 {reached.intent_f1:.3f}, slot F1 {reached.slot_f1:.3f}"
            chinese = f"意图 F1 {reached.intent_f1:.3f}，槽位 F1 {reached.slot_f1:.3f}"
            say(
                f"{language}: {figures}, value F1 {reached.value_f1:.3f} ({len(pairs)} utterances)",
                f"{language}：{chinese}，取值 F1 {reached.value_f1:.3f}（{len(pairs)} 句）",
                to=errors,
            )
