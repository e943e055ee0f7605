"""`engine.flows`: journeys, such as the one after an abandoned cart: applied, paused, moved on, shown."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zhanggui.campaigns import advance, journey_entries, journey_signals, journey_store
from zhanggui.campaigns import journey as journey_files
from zhanggui.campaigns.advance import Advanced
from zhanggui.campaigns.journey import Journey
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.delivery import outbox
from zhanggui.delivery.sender_identity import IdentityProblem
from zhanggui.errors import BusyError, ConfigError, FlowError, ZhangguiError
from zhanggui.touches import flows, ownership
from zhanggui.touches.ownership import Ownership

_NIGHT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class AppliedFlow:
    """A journey that was stored."""

    name: str
    version: int


@dataclass(frozen=True, kw_only=True)
class FlowView:
    """A journey as it stands."""

    name: str
    version: int
    state: flows.State
    reason: str
    """Why it was paused or cancelled."""
    on_the_way: int
    """Customers who may still get a message of it."""
    ended: Mapping[str, int]
    """Customers who are through it or have left it, by the event or the reason."""
    messages: Mapping[str, int]
    """Its messages by their state in the outbox."""
    definition: Mapping[str, Any]
    """As `apply` takes it."""


@dataclass(frozen=True, kw_only=True)
class Flows:
    """The journeys of a shop with these channels."""

    parts: RunParts
    channels: tuple[str, ...]
    identity_problems: Callable[[Collection[str]], Sequence[IdentityProblem]]
    """What keeps the shop from writing to customers over these channels."""

    def apply(self, definition: Mapping[str, Any]) -> AppliedFlow:
        """Store a journey given as plain data; it runs from now on. Raises CampaignError, and FlowError for a cancelled one."""
        return self._apply(journey_files.check(definition))

    def apply_file(self, path: Path) -> AppliedFlow:
        """Store a journey from a TOML file; it runs from now on. Raises CampaignError, and FlowError for a cancelled one."""
        return self._apply(journey_files.parse(path.read_text(encoding="utf-8"), source=str(path)))

    def all(self) -> list[FlowView]:
        """Every journey as it stands, by name."""
        with self.parts.database.reading() as connection:
            return [_view(connection, journey, version) for journey, version in journey_store.every(connection)]

    def pause(self, name: str, *, reason: str = "") -> None:
        """Let nothing new begin of a journey: nobody comes in, no step is made, no message leaves. Raises NotFoundError and
        FlowError.
        """
        self._change(name, lambda connection: flows.pause(connection, name, reason))

    def resume(self, name: str) -> None:
        """Let a paused journey go on; steps that were due meanwhile are made late, or have expired. Raises NotFoundError and
        FlowError.
        """
        self._change(name, lambda connection: flows.resume(connection, name))

    def cancel(self, name: str, *, reason: str = "") -> None:
        """End a journey for good; messages that wait are not sent. Raises NotFoundError and FlowError."""
        self._change(name, lambda connection: flows.cancel(connection, name, reason))
        with self.parts.database.transaction() as connection:
            outbox.cancel(connection, name, now=self.parts.clock())

    def advance(self, *, say: Callable[[str], None] | None = None) -> dict[str, Advanced]:
        """Let customers in and out of every journey that nobody else is at, and make the steps that are due; what became of each.

        A worker calls it again and again. With `say`, a journey that fails is told to it and does not keep the others waiting.
        """
        with self.parts.database.reading() as connection:
            names = [flow.flow_id for flow in flows.unowned(connection, kind="journey")]
        advanced = {}
        for name in names:
            try:
                advanced[name] = self._advance(name)
            except (BusyError, FlowError):
                continue  # another worker is at it, or it was stopped
            except ZhangguiError as error:
                if say is None:
                    raise
                say(f"flow {name}: {error}")
        self._forget()
        return advanced

    def _advance(self, name: str) -> Advanced:
        parts, began = self.parts, time.monotonic()
        with parts.database.transaction() as connection:
            journey, _ = journey_store.get(connection, name)
            term = ownership.begin(connection, name, settings=parts.ownership)
        with Ownership(parts.database, term, began=began, settings=parts.ownership) as own:
            return advance.advance(parts, name, journey, own)

    def _forget(self) -> None:
        """Delete the events that can end nothing any more."""
        with self.parts.database.transaction() as connection:
            longest = max(journey_store.waited_for(connection).values(), default=timedelta())
            late = 2 * timedelta(hours=self.parts.delivery.expire_hours) + _NIGHT
            journey_signals.forget(connection, before=self.parts.clock() - longest - late)

    def _apply(self, journey: Journey) -> AppliedFlow:
        for channel in journey.channels:
            if channel not in self.channels:
                raise ConfigError(
                    f"flow {journey.name!r} uses the channel {channel!r}; write a [channels.{channel}] section"
                )
        if problems := self.identity_problems(journey.channels):
            raise ConfigError("\n".join(problem.english for problem in problems))
        with self.parts.database.transaction() as connection:
            new = flows.state(connection, journey.name) is None
            version = journey_store.apply(connection, journey, now=self.parts.clock())
            flow = flows.open(connection, journey.name, kind="journey", name=journey.name, version=version)
            if flow.state == "cancelled":
                raise FlowError(f"flow {journey.name!r} was cancelled, for good; give it another name")
            flows.revise(connection, journey.name, version)
            if new:  # it begins with what happens from now on
                journey_signals.listened(connection, journey.name, journey_signals.last(connection))
        return AppliedFlow(name=journey.name, version=version)

    def _change(self, name: str, change: Callable[[sa.Connection], bool]) -> None:
        with self.parts.database.transaction() as connection:
            journey_store.get(connection, name)
            if not change(connection):
                raise FlowError(f"flow {name!r} is {flows.get(connection, name).state}; nothing was changed")


def _view(connection: sa.Connection, journey: Journey, version: int) -> FlowView:
    flow = flows.get(connection, journey.name)
    ended = dict(journey_entries.standing(connection, journey.name))
    return FlowView(
        name=journey.name,
        version=version,
        state=flow.state,
        reason=flow.reason,
        on_the_way=ended.pop("open", 0),
        ended=ended,
        messages=outbox.counts(connection, journey.name).states,
        definition=journey_files.to_data(journey),
    )
