"""Webhooks signed by Standard Webhooks (https://www.standardwebhooks.com): for a shop's own sender or another channel.

Knows HTTP; not whether a message may be sent.
"""

import ipaddress
import json
import os
import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from zhanggui.content.message import Message, to_data
from zhanggui.delivery.channel import Outcome, Receipt
from zhanggui.errors import DeliveryError

_RETRY = {408, 425, 429, 500, 502, 503, 504}


class WebhookChannel:
    """POSTs each message to `url` as JSON, with `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    `secret_env` names the environment variable that holds the signing secret ("whsec_..."). Addresses on this machine
    or a private network are refused unless `allow_private`. Raises DeliveryError when a setting is wrong.
    """

    def __init__(self, *, url: str, secret_env: str, timeout_s: float = 15.0, allow_private: bool = False) -> None:
        if urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).hostname:
            raise DeliveryError(f"{url!r} is no web address for the webhook channel")
        secret = os.environ.get(secret_env, "")
        if not secret:
            raise DeliveryError(f"the environment variable {secret_env} holds no webhook secret")
        try:
            self._signer = Webhook(secret)
        except Exception as error:
            raise DeliveryError(f"the secret in {secret_env} is not base64 (whsec_...)") from error
        self._url, self._timeout, self._private = url, timeout_s, allow_private

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Post messages one by one over one connection; redirects are not followed."""
        with httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False) as client:
            for message in messages:
                outcome, detail = self._post(client, message)
                yield Receipt(message_id=message.message_id, outcome=outcome, detail=detail[:300])

    def _post(self, client: httpx.Client, message: Message) -> tuple[Outcome, str]:
        try:
            if not self._private:
                _refuse_private(self._url)
        except DeliveryError as error:
            return "rejected", str(error)
        except OSError as error:  # a name server that does not answer is no fault of the message
            return "retry", f"{urlsplit(self._url).hostname} has no address: {error}"
        body = json.dumps({"type": "message.send", "data": to_data(message)}, ensure_ascii=False)
        at = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(message.message_id, at, body),
        }
        try:
            answer = client.post(self._url, content=body.encode(), headers=headers)
        except httpx.TransportError as error:
            return "retry", f"{type(error).__name__}: {error}"
        if answer.is_success:
            return "accepted", str(answer.status_code)
        return "retry" if answer.status_code in _RETRY else "rejected", f"HTTP {answer.status_code}"


def _refuse_private(url: str) -> None:
    parts = urlsplit(url)
    found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    for *_, place in found:
        if not ipaddress.ip_address(place[0]).is_global:
            raise DeliveryError(f"{parts.hostname} is on a private network; set allow_private if that is meant")
