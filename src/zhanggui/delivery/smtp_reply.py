"""What a mail server's reply means for a message: by its code (RFC 5321) and its enhanced status code (RFC 3463).

Knows replies; neither connections nor messages.
"""

import re
from dataclasses import dataclass
from typing import Literal

from zhanggui.delivery.channel import Outcome

Stage = Literal["connect", "mail", "rcpt", "data", "dot"]
"""What was answered: the connection with its log-in, the sender, the recipient, the command DATA, the whole message."""

_REST_SECONDS = 30.0
"""After 421 the server wants no more for now, and does not say for how long."""
_CUSTOMERS_ADDRESS = frozenset({"1", "2", "3", "4", "6", "10"})
"""X.1.n that speak of the recipient's address. X.1.7 and X.1.8 speak of the sender's; X.1.0 does not say of whose."""
_SENDERS_ADDRESS = frozenset({"7", "8"})
_LOG_IN_CODES = frozenset({530, 534, 535, 538})
_SPEAKS_OF_SENDER = re.compile(r"\bsender (?:address|verif|rejected|denied|refused|unknown|not )", re.IGNORECASE)
_ENHANCED = re.compile(r"^#?([245])\.(\d{1,3})\.(\d{1,3})(?![.\d])", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply and what it answered; `text` has its lines without the codes in front."""

    stage: Stage
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a reply means: see `Receipt`."""

    outcome: Outcome
    bad_address: bool = False
    policy: bool = False
    slow_down_seconds: float | None = None


_RETRY = Verdict(outcome="retry")
_REJECTED = Verdict(outcome="rejected")
_BAD_ADDRESS = Verdict(outcome="rejected", bad_address=True)
_POLICY = Verdict(outcome="retry", policy=True)


def judge(reply: Reply) -> Verdict:
    """Say what a reply means. Only an enhanced code that means the recipient's address condemns it."""
    if reply.code == 421:
        return Verdict(outcome="retry", slow_down_seconds=_REST_SECONDS)
    if 200 <= reply.code < 300 and reply.stage == "dot":
        return Verdict(outcome="accepted")
    if not 500 <= reply.code < 600:
        # 4yz may go well later. What is no code at all is no refusal: whether it was taken is known at the end only.
        return Verdict(outcome="in_doubt") if reply.stage == "dot" and not 400 <= reply.code < 500 else _RETRY
    subject, detail = enhanced_code(reply) or ("", "")
    if reply.code in _LOG_IN_CODES or subject == "7" or (subject, detail) == ("4", "5"):
        return _POLICY
    if reply.stage in ("connect", "mail"):  # the server does not know yet to whom it goes
        return _POLICY
    if subject == "1":
        return _of_address(reply, detail)
    if not subject and reply.stage == "rcpt":
        return _of_bare_recipient_refusal(reply.code)
    return _REJECTED


def enhanced_code(reply: Reply) -> tuple[str, str] | None:
    """The subject and detail of the reply's enhanced status code; None without one of the same class as the reply."""
    for status_class, subject, detail in _ENHANCED.findall(reply.text):
        if status_class == str(reply.code)[0]:
            return subject, detail
    return None


def _of_address(reply: Reply, detail: str) -> Verdict:
    if detail in _SENDERS_ADDRESS or _SPEAKS_OF_SENDER.search(reply.text):
        return _POLICY
    return _BAD_ADDRESS if detail in _CUSTOMERS_ADDRESS else _REJECTED


def _of_bare_recipient_refusal(code: int) -> Verdict:
    """550, 553 and 554 at RCPT are as often said of the sender as of the recipient: the shop may be at fault.

    552 there means "too many" or "too full for now" (RFC 5321, 4.5.3.1.10).
    """
    if code == 552:
        return _RETRY
    return _POLICY if code in (550, 553, 554) else _REJECTED
