"""How often, and at which hours of their own day, a customer may be contacted. Pure; counts come from `contacts`."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, kw_only=True)
class Cap:
    """At most `messages` in any `days` days."""

    messages: int
    """Number of marketing messages."""
    days: float
    """Length of the rolling window."""
    channel: str = ""
    """Of this channel only; "" for all channels together."""

    @property
    def code(self) -> str:
        """How reasons name it: "cap:email:2/7d"."""
        return f"cap:{self.channel or 'all'}:{self.messages}/{self.days:g}d"


@dataclass(frozen=True, kw_only=True)
class ContactLimits:
    """Limits that hold for every campaign, checked when deciding and again in the sending transaction."""

    caps: tuple[Cap, ...] = (Cap(messages=2, days=7), Cap(messages=4, days=30))
    """Frequency caps over rolling windows; marketing only."""
    quiet_from: time = time(21)
    """No marketing from this local time on ..."""
    quiet_until: time = time(9)
    """... until this one; equal times mean no quiet hours."""
    quiet_channels: tuple[str, ...] = ("email", "sms", "webhook")
    """Channels that reach a customer who is not looking."""

    def caps_of(self, channel: str) -> tuple[Cap, ...]:
        """The caps that a message on `channel` counts against."""
        return tuple(cap for cap in self.caps if cap.channel in ("", channel))


def zone(name: str | None, default: str) -> ZoneInfo:
    """The time zone called `name`, or the shop's where a customer has stated none or nonsense."""
    try:
        return ZoneInfo(name or default)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(default)


def next_allowed(moment: datetime, *, channel: str, zone: ZoneInfo, limits: ContactLimits) -> datetime:
    """`moment` itself outside quiet hours, else when they end (same zone as `moment`)."""
    if channel not in limits.quiet_channels or limits.quiet_from == limits.quiet_until:
        return moment
    local = moment.astimezone(zone)
    start, end = limits.quiet_from, limits.quiet_until
    now = local.time()
    quiet = (start <= now < end) if start < end else (now >= start or now < end)
    if not quiet:
        return moment
    day = local.date() + timedelta(days=1 if start > end and now >= start else 0)
    return datetime.combine(day, end, zone).astimezone(moment.tzinfo)
