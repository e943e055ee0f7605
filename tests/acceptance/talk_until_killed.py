"""Holds a conversation turn by turn, saying each answered number, until it is killed. Arguments: the shop, the conversation."""

import sys

from zhanggui.engine import Engine

if __name__ == "__main__":
    with Engine.open(sys.argv[1]) as engine:
        for number in range(1, 1_000):
            text = ("do you have scarves?", "not silk", "how much is it?", "under 200")[number % 4]
            engine.conversations.turn(sys.argv[2], text, key=str(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
