"""Real HTTP servers of tests: each says how it answers; here is how it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, TypeVar

Server = TypeVar("Server", bound=HTTPServer)


class SilentHandler(BaseHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *_arguments: Any) -> None:
        """Keep silent."""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server answers in a thread of its own during the block."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
