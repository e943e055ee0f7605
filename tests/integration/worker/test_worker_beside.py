"""The worker beside a door: killed, another begins; its parent killed, it ends."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from zhanggui.engine import Engine

PARENT = """
import multiprocessing, pathlib, sys, time
from zhanggui.cli.worker import worker_beside

if __name__ == "__main__":
    with worker_beside(pathlib.Path(sys.argv[1])):
        known = None
        while True:
            for child in multiprocessing.active_children():
                if child.pid != known:
                    known = child.pid
                    print(known, flush=True)
            time.sleep(0.1)
"""


def test_a_killed_worker_is_begun_again_and_ends_with_its_parent(tmp_path: Path) -> None:
    shop, script = tmp_path / "shop", tmp_path / "parent.py"
    Engine.create(shop)
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script), str(shop)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        too_long = threading.Timer(60, parent.kill)  # who waits for a worker that does not come would wait for ever
        too_long.start()
        try:
            first = int(parent.stdout.readline())
            os.kill(first, signal.SIGKILL)
            second = int(parent.stdout.readline())
            assert second != first
        finally:
            too_long.cancel()
            parent.kill()
        # The pipe ends when whoever could write to it has ended. Raises TimeoutExpired while the worker lives on.
        assert parent.communicate(timeout=30)[0] == ""
