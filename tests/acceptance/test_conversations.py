"""Sixty conversations that were written before the assistant: state, acts and facts after each turn, and their transcripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from talking_shop import PAGE, Held, hold, page, talking_shop, written, written_since


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Held]]:
    folder: Path = tmp_path_factory.mktemp("talk") / "shop"
    with talking_shop(folder) as engine:
        yield {one["name"]: hold(engine, one) for one in [*written_since(), *written()]}


@pytest.mark.parametrize("name", [one["name"] for one in [*written(), *written_since()]])
def test_a_conversation_goes_as_a_good_shop_assistant_would_have_it(name: str, held: dict[str, Held]) -> None:
    assert held[name].problems == ()


def test_there_are_thirty_in_each_language_of_every_kind() -> None:
    names = [one["name"] for one in written()]
    assert len([name for name in names if name.startswith("zh-")]) == 30
    assert len([name for name in names if name.startswith("en-")]) == 30
    assert len(set(names)) == 60


def test_what_was_misread_since_is_held_in_both_languages() -> None:
    chinese, english = (
        [one["name"][3:] for one in written_since() if one["name"][:2] == tongue] for tongue in ("zh", "en")
    )
    assert sorted(chinese) == sorted(english)


def test_the_transcripts_are_those_of_today(held: dict[str, Held]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page([held[one["name"]] for one in written()]), (
        "run python tests/talking_shop.py"
    )
