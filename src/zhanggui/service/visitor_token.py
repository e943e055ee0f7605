"""Visitor tokens: JSON Web Tokens (RFC 7519) that the shop's server signs with HMAC-SHA256 for who is logged in there.

Makes and reads them; knows no order.
"""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from zhanggui.errors import AccessError

_HEADER = {"alg": "HS256", "typ": "JWT"}
_LONGEST = 4_096
_SKEW = timedelta(minutes=1)
"""So much the clocks of the shop's server and of this one may differ."""


def sign(customer_id: str, secret: str, *, expires: datetime) -> str:
    """A token for a customer, valid until `expires`."""
    claims = {"sub": customer_id, "exp": int(expires.timestamp())}
    signed = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, claims))
    return f"{signed}.{_encode(_signature(signed, secret))}"


def read(token: str, secret: str, *, now: datetime, longest: timedelta) -> str:
    """The id of the customer whom a token was signed for. Raises AccessError, which does not say what is wrong with it, but for
    one that has expired, or is valid for more than `longest`.
    """
    signed, _, signature = token.rpartition(".")
    if len(token) > _LONGEST or not hmac.compare_digest(_decode(signature), _signature(signed, secret)):
        raise AccessError("this visitor token was not signed with the shop's visitor secret")
    header, claims = (_object(part) for part in signed.partition(".")[::2])
    customer_id, expires = claims.get("sub"), claims.get("exp")
    if header.get("alg") != "HS256" or not isinstance(customer_id, str) or not customer_id.strip():
        raise AccessError('this visitor token is no HS256 token with the customer\'s id as "sub"')
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not 0 <= expires < 2**35:
        raise AccessError('this visitor token has no "exp": the second since 1970 at which it ends')
    end = datetime.fromtimestamp(expires, UTC)
    if end <= now - _SKEW:
        raise AccessError("this visitor token has expired")
    if end > now + longest + _SKEW:
        raise AccessError(f"this visitor token is valid for more than {longest.total_seconds() / 3600:g} hours")
    return customer_id.strip()


def _signature(signed: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """The bytes of a part; none for what is no base64url without padding."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return data if _encode(data) == text else b""


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(part))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
