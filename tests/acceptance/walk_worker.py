"""Walks what nobody walks, once it is told to; says how many texts it asked for and how many messages it sent. Argument: the shop's folder."""

import json
import sys

from zhanggui.engine import Engine
from zhanggui.testing import FakeLLM, MemoryChannel

if __name__ == "__main__":
    model, channel = FakeLLM(["Tea, for quiet evenings."]), MemoryChannel()
    with Engine.open(sys.argv[1], model=model, channels={"email": channel}) as engine:
        print("ready", flush=True)
        sys.stdin.readline()
        engine.runs.go_on()
        engine.runs.wait()
    print(json.dumps({"texts": len(model.requests), "sent": [message.message_id for message in channel.sent]}))
