"""Runs the sample's campaign with a model that never answers, until it is killed. Argument: the shop's folder."""

import sys
import threading

from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM

if __name__ == "__main__":
    silent = FakeLLM(lambda _request, _number: str(threading.Event().wait()))
    with Engine.open(sys.argv[1], model=silent) as engine:
        engine.runs.run("welcome-back")
