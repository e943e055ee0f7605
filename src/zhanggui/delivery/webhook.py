"""Webhooks signed by Standard Webhooks (https://www.standardwebhooks.com): for a shop's own sender or another channel.

Knows HTTP; not whether a message may be sent.
"""

import ipaddress
import json
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from zhanggui.content.message import Message, to_data
from zhanggui.delivery.channel import Outcome, Receipt
from zhanggui.errors import DeliveryError

_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_SHOP_REFUSED = frozenset({401, 403, 407})
"""The receiver does not believe the shop, whatever the message."""
_SLOW_DOWN = frozenset({429, 503})
_MAX_REST_SECONDS = 24 * 3600.0
"""No Retry-After stops a channel for longer: a mistyped one would stop it for good."""
_ANSWER_CHUNKS = 16
"""So much of an answer's body is read, so that the connection can go on; nobody looks at it."""


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
        if not _is_web_address(url):
            raise DeliveryError(f"{url!r} is no web address for the webhook channel")
        secret = os.environ.get(secret_env, "")
        if not secret:
            raise DeliveryError(f"the environment variable {secret_env} holds no webhook secret")
        try:
            self._signer = Webhook(secret)
        except Exception as error:
            raise DeliveryError(f"the secret in {secret_env} is not base64 (whsec_...)") from error
        self._url, self._timeout, self._private, self._clock = url, timeout_s, allow_private, clock

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Post messages one by one over one connection; redirects are not followed."""
        with httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False) as client:
            for message in messages:
                yield self._post(client, message)

    def _post(self, client: httpx.Client, message: Message) -> Receipt:
        name = message.message_id
        steps: list[str] = []
        try:
            if not self._private:
                refuse_private(self._url)
            request = self._request(client, message, steps)
        except DeliveryError as error:
            return Receipt(message_id=name, outcome="rejected", detail=str(error)[:300])
        except OSError as error:  # a name server that does not answer is no fault of the message
            return Receipt(
                message_id=name, outcome="retry", detail=f"{urlsplit(self._url).hostname} has no address: {error}"[:300]
            )
        except (ValueError, TypeError, RecursionError) as error:
            detail = f"no webhook can be made of it: {error}"[:300]
            return Receipt(message_id=name, outcome="rejected", detail=detail)
        try:
            answer = client.send(request, stream=True)
        except httpx.TransportError as error:
            written = any(step.endswith("send_request_body.complete") for step in steps)
            detail = f"{type(error).__name__}: {error}"[:300]
            return Receipt(message_id=name, outcome="in_doubt" if written else "retry", detail=detail)
        _read_out(answer)
        return receipt(name, answer.status_code, answer.headers.get("retry-after", ""), now=self._clock())

    def _request(self, client: httpx.Client, message: Message, steps: list[str]) -> httpx.Request:
        """The signed request; `steps` will name what has been done of it. Raises ValueError where JSON cannot say it."""
        body = json.dumps({"type": "message.send", "data": to_data(message)}, ensure_ascii=False, allow_nan=False)
        at = self._clock()
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(message.message_id, at, body),
        }
        return client.build_request(
            "POST",
            self._url,
            content=body.encode(),
            headers=headers,
            extensions={"trace": lambda step, _details: steps.append(step)},
        )


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


def _read_out(answer: httpx.Response) -> None:
    """Read the rest of an answer, but no endless one; its status has been heard already."""
    try:
        for _chunk in islice(answer.iter_raw(), _ANSWER_CHUNKS):
            pass
    except httpx.TransportError:
        pass
    finally:
        answer.close()


def _is_web_address(url: str) -> bool:
    try:
        return httpx.URL(url).scheme in ("https", "http") and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False


def refuse_private(url: str) -> None:
    """Raise DeliveryError for a host on this machine or a private network, and OSError for one that has no address."""
    host = urlsplit(url).hostname
    for *_, place in socket.getaddrinfo(host, None):
        if not ipaddress.ip_address(place[0]).is_global:
            raise DeliveryError(f"{host} is on a private network; set allow_private if that is meant")
