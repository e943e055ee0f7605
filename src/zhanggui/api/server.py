"""Runs the application behind uvicorn, with our connections. Knows no route."""

import sys
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette

from zhanggui.api.connection import Connection
from zhanggui.api.connections import Connections
from zhanggui.config import ApiSettings

_OWN_FILES = 256
"""Open files that the database, the log and the models may need beside the connections."""


def run(app: Starlette, limits: ApiSettings, *, host: str, port: int) -> None:
    """Serve until interrupted."""
    uvicorn.run(app, host=host, port=port, **options(limits))


def options(limits: ApiSettings) -> dict[str, Any]:
    """How uvicorn is to serve within `limits`."""
    connections = Connections(
        most=min(limits.connections, _open_files(limits.connections + _OWN_FILES) - _OWN_FILES),
        most_per_address=limits.connections_per_address,
        proxies=limits.trusted_proxies,
    )
    return {
        "loop": "asyncio",
        "http": partial(Connection, connections=connections, head_seconds=limits.head_seconds),
        "ws": "none",
        "timeout_keep_alive": max(1, int(limits.head_seconds)),
        "forwarded_allow_ips": [str(network) for network in limits.trusted_proxies],
        "log_level": "warning",
        "server_header": False,
    }


def _open_files(wanted: int) -> int:
    """As many files as this process may open: up to `wanted`, it takes what the system allows."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
