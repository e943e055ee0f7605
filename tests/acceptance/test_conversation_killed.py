"""A worker that is killed between any two turns loses no state, and its last turn is answered once."""

import subprocess
import sys
from pathlib import Path

from talking_shop import talking_shop

HERE = Path(__file__).parent


def test_kill_9_between_any_two_turns_loses_nothing(tmp_path: Path) -> None:
    with talking_shop(tmp_path / "shop") as engine:
        engine.catalog.refresh_search()  # here, where its libraries are loaded already: not once more in a worker
        talk = engine.conversations.start(seed="s").conversation_id
        answered = 0
        for told in (3, 2):
            worker = subprocess.Popen(
                [sys.executable, str(HERE / "talk_until_killed.py"), str(tmp_path / "shop"), talk],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert worker.stdout is not None
            numbers = [int(worker.stdout.readline()) for _ in range(answered + told)]
            worker.kill()
            worker.wait()
            worker.stdout.close()
            answered = len(engine.conversations.turns(talk))
            assert answered >= numbers[-1]  # whatever was answered is there
        turns = engine.conversations.turns(talk)
        assert [turn.number for turn in turns] == list(range(1, answered + 1))
        assert [turn.key for turn in turns] == [str(number) for number in range(1, answered + 1)]
        state = engine.conversations.state(talk)
        assert state.turn == answered
        assert state.unwanted == {"material": ("silk",)}
