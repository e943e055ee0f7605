"""The shop of the sixty conversations, how they are held, and what is checked after each turn. Writes docs/conversations.md.

Run `python tests/talking_shop.py` to write that page anew.
"""

import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.store import Turn
from zhanggui.engine import Engine
from zhanggui.shops.policy_pages import write_policy_pages
from zhanggui.testing import FixedClock

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "acceptance" / "conversations"
PAGE = ROOT / "docs" / "conversations.md"
NOW = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)
"""A Tuesday morning in Shanghai: people of the shop are there."""


@contextmanager
def talking_shop(folder: Path, *, settings: str = "") -> Iterator[Engine]:
    """The sample shop's products and pages, with the orders of two made-up customers and two products that set traps.

    `settings` stand at the end of its zhanggui.toml.
    """
    beside = tomllib.loads((FOLDER / "shop.toml").read_text(encoding="utf-8"))
    if not (folder / "zhanggui.toml").exists():
        Engine.create(folder, name="小掌柜", language="zh")
        with (folder / "zhanggui.toml").open("a", encoding="utf-8") as file:
            file.write(settings)
    with Engine.open(folder, clock=FixedClock(NOW)) as engine:
        sample = (files("zhanggui.shops") / "data" / "sample_products.jsonl").read_text(encoding="utf-8")
        engine.catalog.put([*map(json.loads, sample.splitlines()), *beside["products"]])
        write_policy_pages(engine.service.pages.folder)
        customers = {one["customer_id"]: one for one in beside["customers"]}
        put = engine.service.put_orders([_order(one, customers[one["customer_id"]]) for one in beside["orders"]])
        assert put.errors == ()
        yield engine


def _order(given: Mapping[str, Any], customer: Mapping[str, Any]) -> dict[str, Any]:
    placed = NOW - timedelta(days=given["placed_days_ago"])
    row = {
        "order_id": given["order_id"],
        "customer_id": given["customer_id"],
        "state": given["state"],
        "lines": given["lines"],
        "email": customer["email"],
        "phone": customer["phone"],
        "placed_at": placed.isoformat(),
        "updated_at": (placed + timedelta(days=1)).isoformat() if given["state"] != "pending" else placed.isoformat(),
    }
    if "tracking" in given:
        row["shipments"] = [{"tracking": given["tracking"], "carrier": given["carrier"]}]
    return row


@dataclass(frozen=True, kw_only=True)
class Held:
    """One conversation as it was held, and what did not hold after its turns."""

    name: str
    kind: str
    turns: tuple[Turn, ...]
    problems: tuple[str, ...]


def written() -> list[dict[str, Any]]:
    """The sixty conversations as they were written."""
    return [
        conversation
        for name in ("chinese", "english")
        for conversation in tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["conversations"]
    ]


def written_since() -> list[dict[str, Any]]:
    """The conversations that came since."""
    held: list[dict[str, Any]] = tomllib.loads((FOLDER / "since.toml").read_text(encoding="utf-8"))["conversations"]
    return held


def hold(engine: Engine, conversation: Mapping[str, Any]) -> Held:
    """Hold one conversation, turn by turn, and check each."""
    visitor = conversation.get("visitor", "")
    began = engine.conversations.start(
        visitor_token=engine.service.sign_visitor(visitor) if visitor else "",
        visitor_id=conversation["name"],
        door="test",
        seed=conversation["name"],
    )
    problems = []
    for number, expected in enumerate(conversation["turns"], 1):
        engine.conversations.turn(began.conversation_id, expected["says"], key=str(number))
        turn = engine.conversations.turns(began.conversation_id)[-1]
        state = engine.conversations.state(began.conversation_id)
        heading = f"turn {number} ({expected['says']!r})"
        answered = f"acts {_acts(turn)}: {turn.answer!r}"
        problems += [f"{heading}: {wrong}; {answered}" for wrong in _wrong(expected, turn, state, engine)]
    turns = engine.conversations.turns(began.conversation_id)
    return Held(name=conversation["name"], kind=conversation["kind"], turns=turns, problems=tuple(problems))


def _acts(turn: Turn) -> list[str]:
    return [act["name"] for act in turn.acts]


def _shown(turn: Turn) -> list[str]:
    return [card["product_id"] for act in turn.acts if act["name"] == "recommend" for card in act["facts"]["products"]]


def _wrong(expected: Mapping[str, Any], turn: Turn, state: BeliefState, engine: Engine) -> Iterator[str]:
    acts, shown, answer = _acts(turn), _shown(turn), turn.answer
    yield from (f"lacks the act {one}" for one in expected.get("acts", ()) if one not in acts)
    yield from (f"has the act {one}" for one in expected.get("not_acts", ()) if one in acts)
    yield from _none_of("acts", expected.get("acts_any"), acts)
    yield from (f"does not show {one}" for one in expected.get("shows", ()) if one not in shown)
    yield from (f"shows {one}" for one in expected.get("not_shows", ()) if one in shown)
    yield from _none_of("products", expected.get("shows_any"), shown)
    yield from (f"does not say {one}" for one in expected.get("facts", ()) if one not in answer)
    yield from (f"says {one}" for one in expected.get("absent", ()) if one in answer)
    if "facts_any" in expected and not any(one in answer for one in expected["facts_any"]):
        yield f"says none of {expected['facts_any']}"
    cited = [act["facts"]["source"].partition("#")[0] for act in turn.acts if "source" in act["facts"]]
    pages = [expected["cites"]] if "cites" in expected else expected.get("cites_any")
    yield from _none_of("pages", pages, cited)
    for name, value in expected.get("state", {}).items():
        if (there := _field(state, name)) != value:
            yield f"{name} is {there!r}, not {value!r}"
    for number, wanted in expected.get("orders", {}).items():
        if (order := engine.service.find_order(number)[0]).state != wanted:
            yield f"order {number} is {order.state}, not {wanted}"
    for number, wanted in expected.get("addresses", {}).items():
        if wanted not in " ".join(engine.service.find_order(number)[0].address.values()):
            yield f"order {number} does not go to {wanted}"


def _none_of(what: str, wanted: Sequence[str] | None, there: Sequence[str]) -> Iterator[str]:
    if wanted is not None and not set(wanted) & set(there):
        yield f"has none of the {what} {list(wanted)}, but {list(there)}"


def _field(state: BeliefState, name: str) -> Any:
    field, _, key = name.partition(".")
    value = getattr(state, field)
    if key:
        value = list(value.get(key, ()))
    return dict(value) if isinstance(value, Mapping) else value


def page(held: Sequence[Held]) -> str:
    """The transcripts as a Markdown page."""
    lines = [
        "# Sixty conversations",
        "",
        "Thirty in Chinese and thirty in English, written before the assistant and held with it by",
        "`tests/acceptance/test_conversations.py`; this page is written by `python tests/talking_shop.py`.",
        "",
    ]
    for one in held:
        lines += [f"## {one.name}", "", f"*{one.kind}*", ""]
        for turn in one.turns:
            lines += [f"**Shopper:** {_plain(turn.said)}", ""]
            lines += [f"**Assistant:** {'<br>'.join(map(_plain, turn.answer.splitlines()))}", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write the page, and say what did not hold."""
    with tempfile.TemporaryDirectory() as folder, talking_shop(Path(folder) / "shop") as engine:
        held = [hold(engine, conversation) for conversation in written()]
    PAGE.write_text(page(held), encoding="utf-8")
    wrong = [f"{one.name} {problem}" for one in held for problem in one.problems]
    sys.stdout.write("\n".join([*wrong, f"{sum(not one.problems for one in held)} of {len(held)} hold\n"]))


if __name__ == "__main__":
    main()
