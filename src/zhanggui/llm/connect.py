"""Opens HTTP connections as the environment says: through its proxy, if it names one that this installation can use."""

from typing import Any

import httpx

from zhanggui.errors import ModelError

_VARIABLES = "ALL_PROXY, HTTPS_PROXY or HTTP_PROXY"


def client(**options: Any) -> httpx.Client:
    """A client of httpx with these options. Raises ModelError where the environment names a proxy that cannot be used."""
    try:
        return httpx.Client(**options)
    except ImportError as error:
        raise ModelError(
            f"the environment names a SOCKS proxy ({_VARIABLES}), and socksio is not installed; "
            "run: pip install 'httpx[socks]', or unset the variable"
        ) from error
    except (ValueError, httpx.InvalidURL) as error:
        raise ModelError(
            f"the environment names a proxy ({_VARIABLES}) that is none: {error}; correct or unset it"
        ) from error
