"""Runs the sample's campaign with a model that never answers, until it is killed. Argument: the shop's folder."""

import socket
import sys
import threading
from datetime import UTC, datetime, timedelta

from zhanggui.engine import Engine

if __name__ == "__main__":
    socket.gethostname = lambda: "a-container-that-is-gone"
    with Engine.open(sys.argv[1], clock=lambda: datetime.now(UTC) - timedelta(minutes=5)) as engine:
        object.__setattr__(engine.parts, "model", lambda: threading.Event().wait())
        object.__setattr__(engine.parts, "model_languages", ("en",))
        engine.run_campaign("welcome-back")
