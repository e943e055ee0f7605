"""Turns lines of the rooms that keep the promises round, one at a time, and asks the unit tests whether they notice.

`make mutants` fails below LEAST. What ran out of time, or met no test, has survived. Which rooms: `[tool.mutmut]`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

LEAST = 0.85
_KILLED = 1
"""pytest's exit code for a test that failed; every other end counts as survival."""
WORK = Path("mutants")
SOURCE = WORK / "src" / "zhanggui"


def exit_codes(source: Path, patterns: Iterable[str] = ()) -> dict[str, dict[str, int | None]]:
    """File -> mutant -> exit code of the tests (None: never tried), of the modules that `patterns` name or of all."""
    found: dict[str, dict[str, int | None]] = {}
    for meta in sorted(source.rglob("*.py.meta")):
        file = meta.relative_to(source).with_suffix("")
        module = ".".join(("zhanggui", *file.with_suffix("").parts))
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        if codes and (not patterns or any(pattern.startswith(module) for pattern in patterns)):
            found[str(file)] = codes
    return found


def report(codes: Mapping[str, Mapping[str, int | None]]) -> tuple[list[str], float]:
    """Lines that say how many mutants of each file and room were killed, and the share of all."""
    killed, made = Counter[str](), Counter[str]()
    for file, ends in codes.items():
        for name in (file, f"{Path(file).parent}/", "all"):
            made[name] += len(ends)
            killed[name] += sum(code == _KILLED for code in ends.values())
    rows = [*sorted(name for name in made if name != "all"), "all"]
    lines = [f"{name:40} {killed[name]:5} of {made[name]:5} killed {killed[name] / made[name]:7.1%}" for name in rows]
    return lines, killed["all"] / made["all"]


def main(patterns: list[str]) -> int:
    """Try every mutant (or those of modules such as `zhanggui.touches.permit`), print the score, fail below LEAST."""
    if not patterns:
        shutil.rmtree(WORK, ignore_errors=True)  # results that stand there may be those of other tests
    named = [f"{pattern}.*" for pattern in patterns]
    at_once = str((os.cpu_count() or 1) + 1)  # tests of delivery wait now and then
    mutmut = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", at_once]
    tried = subprocess.run([*mutmut, *named], check=False)
    codes = exit_codes(SOURCE, named)
    if tried.returncode or not codes:
        print("the mutants could not be tried", file=sys.stderr)
        return 2
    for ends in codes.values():
        for name in sorted(name for name, code in ends.items() if code != _KILLED):
            print(f"survived: {name} (exit {ends[name]})")
    lines, share = report(codes)
    print("\n".join(lines))
    print(f"{share:.1%} killed, at least {LEAST:.0%} wanted")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
