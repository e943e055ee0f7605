"""How many connections are open, in all and from each address, and who has waited longest. Knows no HTTP."""

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

from zhanggui.access.neighbourhood import neighbourhood

Networks = Sequence[IPv4Network | IPv6Network]


class Waiting(Protocol):
    """A connection whose client has not yet said what it wants."""

    def give_up(self) -> None:
        """Close it at once."""
        ...


class Connections:
    """Counts what is open; over `most` in all, the connection that has waited longest for a request has to go."""

    def __init__(self, *, most: int, most_per_address: int, proxies: Networks = ()) -> None:
        self._most, self._most_per_address, self._proxies = most, most_per_address, proxies
        self._open: Counter[str] = Counter()
        self._waiting: dict[Waiting, None] = {}

    def enter(self, host: str) -> bool:
        """Count one more of `host`; whether that address has more than its share now. A proxy has no share of its own."""
        if self._open.total() >= self._most and self._waiting:
            next(iter(self._waiting)).give_up()
        place = neighbourhood(host)
        self._open[place] += 1
        return self._open[place] > self._most_per_address and not is_among(host, self._proxies)

    def leave(self, host: str) -> None:
        """Count one less of `host`."""
        place = neighbourhood(host)
        self._open[place] -= 1
        if self._open[place] <= 0:
            del self._open[place]

    def waits(self, connection: Waiting) -> None:
        """`connection` waits for a request from now on."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def waits_no_more(self, connection: Waiting) -> None:
        """Its request is there, or it is gone."""
        self._waiting.pop(connection, None)


def is_among(host: str, networks: Networks) -> bool:
    """Whether `host` is an address in one of `networks`."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
