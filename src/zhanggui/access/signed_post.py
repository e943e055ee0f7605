"""POSTs signed by Standard Webhooks (https://www.standardwebhooks.com) to an address of the shop's. Knows no kind of content."""

import ipaddress
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from zhanggui.errors import DeliveryError

_ANSWER_CHUNKS = 16
"""So much of an answer's body is read, and no more: it may be endless."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What came back; `status` is None where nothing did, and `problem` says why."""

    status: int | None
    body: bytes = b""
    """Its first 16 chunks."""
    retry_after: str = ""
    problem: str = ""
    handed_over: bool = True
    """Whether the whole request had left: then it may have been taken, whatever came back."""


class SignedPost:
    """POSTs to `url` as JSON, with `webhook-id`, `webhook-timestamp` and `webhook-signature`; redirects are not followed.

    `secret_env` names the environment variable that holds the signing secret ("whsec_..."). Addresses on this machine
    or a private network are refused unless `allow_private`. Raises DeliveryError when a setting is wrong.
    """

    def __init__(
        self,
        *,
        url: str,
        secret_env: str,
        timeout_s: float,
        allow_private: bool,
        clock: Callable[[], datetime],
        by: str,
    ) -> None:
        if not _is_web_address(url):
            raise DeliveryError(f"{url!r} is no web address for {by}")
        secret = os.environ.get(secret_env, "")
        if not secret:
            raise DeliveryError(f"the environment variable {secret_env} holds no webhook secret")
        try:
            self._signer = Webhook(secret)
        except Exception as error:
            raise DeliveryError(f"the secret in {secret_env} is not base64 (whsec_...)") from error
        self.url, self._timeout, self._private, self._clock = url, timeout_s, allow_private, clock

    def client(self) -> httpx.Client:
        """A connection for posts; the caller closes it."""
        return httpx.Client(timeout=self._timeout, follow_redirects=False, trust_env=False)

    def send(self, client: httpx.Client, post_id: str, content: Mapping[str, Any]) -> Posted:
        """Post once. Raises DeliveryError for a private address, OSError for a host that has none, and ValueError, TypeError or
        RecursionError where JSON cannot say the content.
        """
        if not self._private:
            refuse_private(self.url)
        steps: list[str] = []
        request = self._request(client, post_id, content, steps)
        try:
            answer = client.send(request, stream=True)
        except httpx.TransportError as error:
            written = any(step.endswith("send_request_body.complete") for step in steps)
            return Posted(status=None, problem=f"{type(error).__name__}: {error}", handed_over=written)
        return Posted(status=answer.status_code, body=_read(answer), retry_after=answer.headers.get("retry-after", ""))

    def _request(
        self, client: httpx.Client, post_id: str, content: Mapping[str, Any], steps: list[str]
    ) -> httpx.Request:
        """The signed request; `steps` will name what has been done of it."""
        body = json.dumps(content, ensure_ascii=False, allow_nan=False)
        at = self._clock()
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "webhook-id": post_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(post_id, at, body),
        }
        return client.build_request(
            "POST",
            self.url,
            content=body.encode(),
            headers=headers,
            extensions={"trace": lambda step, _details: steps.append(step)},
        )


def refuse_private(url: str) -> None:
    """Raise DeliveryError for a host on this machine or a private network, and OSError for one that has no address."""
    host = urlsplit(url).hostname
    for *_, place in socket.getaddrinfo(host, None):
        if not ipaddress.ip_address(place[0]).is_global:
            raise DeliveryError(f"{host} is on a private network; set allow_private if that is meant")


def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    try:
        for chunk in islice(answer.iter_raw(), _ANSWER_CHUNKS):
            body += chunk
    except httpx.TransportError:  # its status has been heard already
        pass
    finally:
        answer.close()
    return bytes(body)


def _is_web_address(url: str) -> bool:
    try:
        return httpx.URL(url).scheme in ("https", "http") and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False
