"""Finds other people's code by name: entry points, loaded only when named. Does not know what it loads."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from zhanggui.errors import ConfigError


def make(group: str, name: str, options: Mapping[str, Any]) -> Any:
    """Call the entry point `name` of `group` with `options`. Raises ConfigError for an unknown name or option."""
    try:
        return find(group, name).load()(**options)
    except (TypeError, ImportError) as error:
        raise ConfigError(f"{name!r} of {group} cannot be set up: {error}") from error


def find(group: str, name: str) -> EntryPoint:
    """The entry point, not loaded. Raises ConfigError for an unknown name."""
    known = {point.name: point for point in entry_points(group=group)}
    if name not in known:
        raise ConfigError(f"there is no {name!r} among {group}; there are {', '.join(sorted(known))}")
    return known[name]
