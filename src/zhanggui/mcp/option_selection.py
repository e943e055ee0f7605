"""Which variants a choice of options leaves, what is given up of a choice that none has, and what could be chosen instead.

Pure; names and values are compared without regard to case.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from zhanggui.catalog import commerce_shapes as shapes
from zhanggui.catalog.product import Variant

Option = tuple[str, str]
"""The name of an option and the value chosen."""


class ValueState(TypedDict):
    """Of a value beside the other choices: whether a variant has it, and whether one of them can be bought."""

    available: bool
    exists: bool


def matching(variants: Sequence[Variant], selection: Mapping[str, str]) -> list[Variant]:
    """The variants that have every option of a selection."""
    wanted = _folded(selection.items())
    return [variant for variant in variants if wanted <= _folded(shapes.options(variant))]


def effective_selection(
    variants: Sequence[Variant], selected: Sequence[Option], preferences: Sequence[str]
) -> dict[str, str]:
    """As much of a selection as some variant has, written as the shop writes it.

    What no variant has goes from the end of `preferences` first; options that are not among them go before those.
    """
    rank = {name.casefold(): place for place, name in enumerate(preferences)}
    holding = sorted(selected, key=lambda option: rank.get(option[0].casefold(), len(rank)))
    while holding and not matching(variants, dict(holding)):
        holding.pop()
    known = {_fold(option): option for variant in variants for option in shapes.options(variant)}
    return dict(known[_fold(option)] for option in holding)


def availability_of(variants: Sequence[Variant], selection: Mapping[str, str]) -> dict[str, dict[str, ValueState]]:
    """Option -> value -> its state if that value were chosen and the rest of the selection kept."""
    states: dict[str, dict[str, ValueState]] = {}
    for variant in variants:
        for name, label in shapes.options(variant):
            if label not in states.setdefault(name, {}):
                others = {chosen: value for chosen, value in selection.items() if chosen != name}
                beside = matching(variants, {**others, name: label})
                states[name][label] = {
                    "available": any(not found.sold_out for found in beside),
                    "exists": bool(beside),
                }
    return states


def _folded(options: Iterable[Option]) -> set[Option]:
    return {_fold(option) for option in options}


def _fold(option: Option) -> Option:
    return option[0].casefold(), option[1].casefold()
