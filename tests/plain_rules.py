"""The rules that a touch may leave by, once more, in plain loops over what was said. Shares no line with the product."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SHOP_ZONE = "Europe/Berlin"
CAPS = ((2, timedelta(days=1)), (3, timedelta(days=7)))
"""At most so many messages in such a window, to a person and to a mailbox."""
NIGHT_FROM, NIGHT_UNTIL = 21, 9


def same_mailbox(address: str) -> str:
    """One text for one mailbox."""
    name, _, domain = unicodedata.normalize("NFKC", address).strip().lower().partition("@")
    return f"{name}@{domain.encode('idna').decode()}"


@dataclass(frozen=True)
class Planned:
    """A message that somebody is meant to get."""

    message_id: str
    who: str
    mailbox: str
    flow: str
    entry: str
    step: str
    zone: str | None
    expires_at: datetime

    @property
    def moment(self) -> tuple[str, str, str]:
        """What one person, and one mailbox, gets once."""
        return self.flow, self.entry, self.step


@dataclass(frozen=True)
class Said:
    """A consent, or its withdrawal."""

    who: str
    granted: bool
    mailbox: str


@dataclass
class Facts:
    """Everything that happened, in order; each rule is worked out anew from the beginning."""

    now: datetime
    aliases: list[tuple[str, str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    """(device, customer), by the shop's own word."""
    mailboxes: list[tuple[str, str | None]] = field(default_factory=list)
    """(customer, the address that was given, or None: taken back)."""
    said: list[Said] = field(default_factory=list)
    suppressed: set[str] = field(default_factory=set)
    stopped: dict[str, str] = field(default_factory=dict)
    """Flow -> "paused" or "cancelled"."""
    handed: list[tuple[Planned, datetime]] = field(default_factory=list)
    """What was handed to the channel: the other side may have it."""
    taken: list[tuple[Planned, datetime]] = field(default_factory=list)
    """What the other side surely has."""

    def same_person(self, who: str) -> set[str]:
        """Every id of the person."""
        latest = dict(self.aliases)
        ids = {who}
        while True:
            more = {new for old, new in latest.items() if old in ids} | {
                old for old, new in latest.items() if new in ids
            }
            if more <= ids:
                return ids
            ids |= more

    def mailbox(self, who: str) -> str | None:
        """Where the person said last that messages go."""
        ids, last = self.same_person(who), None
        for customer, address in self.mailboxes:
            if customer in ids:
                last = address
        return None if last is None else same_mailbox(last)

    def owners(self, device: str) -> list[set[str]]:
        """The persons who were known on a device."""
        owners: list[set[str]] = []
        for seen, customer in self.logins:
            if seen == device and self.same_person(customer) not in owners:
                owners.append(self.same_person(customer))
        return owners

    def agrees(self, who: str) -> bool:
        """Whether the person's last word was yes."""
        ids, yes = self.same_person(who), False
        for said in self.said:
            owners = self.owners(said.who)
            on_device = ids in owners and (len(owners) == 1 or not said.granted)
            if said.who in ids or on_device:
                yes = said.granted
        return yes

    def closed(self, who: str, mailbox: str) -> bool:
        """Whether somebody else withdrew at this mailbox, and nobody agreed since naming it."""
        closed, ids = False, self.same_person(who)
        for said in self.said:
            if said.granted and said.mailbox == mailbox:
                closed = False
            elif not said.granted and said.who not in ids and (said.mailbox or self.mailbox(said.who)) == mailbox:
                closed = True
        return closed

    def against(self, message: Planned) -> list[str]:
        """The rules that forbid this message now."""
        mailbox, ids = same_mailbox(message.mailbox), self.same_person(message.who)
        broken = []
        if message.flow in self.stopped:
            broken.append(self.stopped[message.flow])
        if self.now >= message.expires_at:
            broken.append("expired")
        if mailbox in self.suppressed:
            broken.append("suppressed")
        if not self.agrees(message.who):
            broken.append("no consent")
        if self.closed(message.who, mailbox):
            broken.append("withdrawn at this mailbox")
        if self.mailbox(message.who) != mailbox:
            broken.append("no longer reached there")
        if self.is_night(message.zone):
            broken.append("night")
        others = [(other, at) for other, at in self.taken if other.message_id != message.message_id]
        for theirs in (
            [(other, at) for other, at in others if other.who in ids],
            [(other, at) for other, at in others if same_mailbox(other.mailbox) == mailbox],
        ):
            if any(other.moment == message.moment for other, _ in theirs):
                broken.append("twice for one moment")
            first = {}
            for other, at in theirs:
                first.setdefault(other.message_id, at)
            for most, window in CAPS:
                if sum(at > self.now - window for at in first.values()) >= most:
                    broken.append(f"cap {most} in {window}")
        mine = [at for other, at in self.taken if other.message_id == message.message_id]
        if len(mine) > 1 or any(self.now - at < timedelta(minutes=15) for at in mine):
            broken.append("sent again")
        return broken

    def is_night(self, zone: str | None) -> bool:
        """Whether it is quiet hours where the customer is."""
        hour = self.now.astimezone(ZoneInfo(zone or SHOP_ZONE)).hour
        return hour >= NIGHT_FROM or hour < NIGHT_UNTIL

    def alone(self, message: Planned, waiting: list[Planned]) -> bool:
        """Whether no other message, waiting or perhaps there already, could stand in this one's way."""
        ids, mailbox = self.same_person(message.who), same_mailbox(message.mailbox)
        others = [*waiting, *(handed for handed, _ in self.handed)]
        return not any(
            (other.message_id == message.message_id and other in (handed for handed, _ in self.handed))
            or (other.message_id != message.message_id and (other.who in ids or same_mailbox(other.mailbox) == mailbox))
            for other in others
        )
