"""The person that each id ends at when aliases are followed. Pure; the same whatever order the aliases were learned in."""

from collections.abc import Mapping
from datetime import datetime


def ends(direct: Mapping[str, tuple[str, datetime]]) -> dict[str, str]:
    """Of each id that is somebody else's (id -> the other id, since when), the id at the end of its chain.

    Aliases may name each other in a circle: there the oldest one gives way (of equal age, the one of the smallest id), so
    that the latest statements hold, and its id stands for them all; it has no entry.
    """
    found: dict[str, str] = {}
    for start in direct:
        path: list[str] = []
        place: dict[str, int] = {}
        here = start
        while here in direct and here not in found and here not in place:
            place[here] = len(path)
            path.append(here)
            here = direct[here][0]
        if here in place:
            circle = path[place[here] :]
            here = min(circle, key=lambda one: (direct[one][1], one))
        else:
            here = found.get(here, here)
        found.update((one, here) for one in path)
    return {one: end for one, end in found.items() if one != end}
