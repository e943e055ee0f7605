"""Webhooks signed by Standard Webhooks (https://www.standardwebhooks.com): for a shop's own sender or another channel.

Knows HTTP; not whether a message may be sent.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from zhanggui.access.signed_post import SignedPost
from zhanggui.content.message import Message, to_data
from zhanggui.delivery.channel import Outcome, Receipt
from zhanggui.errors import DeliveryError

_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_SHOP_REFUSED = frozenset({401, 403, 407})
"""The receiver does not believe the shop, whatever the message."""
_SLOW_DOWN = frozenset({429, 503})
_MAX_REST_SECONDS = 24 * 3600.0
"""No Retry-After stops a channel for longer: a mistyped one would stop it for good."""


class WebhookChannel:
    """POSTs each message to `url` as JSON, with `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    `secret_env` names the environment variable that holds the signing secret ("whsec_..."). Addresses on this machine
    or a private network are refused unless `allow_private`. Raises DeliveryError when a setting is wrong.
    """

    def __init__(
        self,
        *,
        url: str,
        secret_env: str,
        timeout_s: float = 15.0,
        allow_private: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._post = SignedPost(
            url=url,
            secret_env=secret_env,
            timeout_s=timeout_s,
            allow_private=allow_private,
            clock=clock,
            by="the webhook channel",
        )
        self._clock = clock

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Post messages one by one over one connection; redirects are not followed."""
        with self._post.client() as client:
            for message in messages:
                yield self._sent(client, message)

    def _sent(self, client: httpx.Client, message: Message) -> Receipt:
        name = message.message_id
        try:
            posted = self._post.send(client, name, {"type": "message.send", "data": to_data(message)})
        except DeliveryError as error:
            return Receipt(message_id=name, outcome="rejected", detail=str(error)[:300])
        except OSError as error:  # a name server that does not answer is no fault of the message
            host = urlsplit(self._post.url).hostname
            return Receipt(message_id=name, outcome="retry", detail=f"{host} has no address: {error}"[:300])
        except (ValueError, TypeError, RecursionError) as error:
            detail = f"no webhook can be made of it: {error}"[:300]
            return Receipt(message_id=name, outcome="rejected", detail=detail)
        if posted.status is None:
            outcome: Outcome = "in_doubt" if posted.handed_over else "retry"
            return Receipt(message_id=name, outcome=outcome, detail=posted.problem[:300])
        return receipt(name, posted.status, posted.retry_after, now=self._clock())


def receipt(message_id: str, status: int, retry_after: str, *, now: datetime) -> Receipt:
    """What an HTTP status means for a message."""
    detail = f"HTTP {status}"
    if 200 <= status < 300:
        return Receipt(message_id=message_id, outcome="accepted", detail=detail)
    if status in _SHOP_REFUSED:
        return Receipt(message_id=message_id, outcome="retry", detail=detail, policy=True)
    rest = rest_seconds(retry_after, now=now) if status in _SLOW_DOWN else None
    outcome: Outcome = "retry" if status in _RETRY else "rejected"
    return Receipt(message_id=message_id, outcome=outcome, detail=detail, slow_down_seconds=rest)


def rest_seconds(retry_after: str, *, now: datetime) -> float | None:
    """How long a Retry-After asks to wait (RFC 9110, 10.2.3): seconds or a date. None for neither."""
    if re.fullmatch(r"[0-9]{1,18}", retry_after):
        seconds = float(retry_after)
    else:
        try:
            until = parsedate_to_datetime(retry_after)
        except (ValueError, TypeError, OverflowError):
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), _MAX_REST_SECONDS)
