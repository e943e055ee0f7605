"""Runs the sample's campaign with a model that never answers, until it is killed. Argument: the shop's folder."""

import sys
import threading
from datetime import UTC, datetime, timedelta

from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM

if __name__ == "__main__":
    silent = FakeLLM(lambda _request, _number: str(threading.Event().wait()))
    with Engine.open(sys.argv[1], model=silent, clock=lambda: datetime.now(UTC) - timedelta(minutes=5)) as engine:
        engine.runs.run("welcome-back")
