"""Which code made something: the package's version and, where it runs from a git checkout, the commit. Asks git once."""

import os
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def code_version() -> str:
    """Such as "0.1.0", or "0.1.0+g1a2b3c4d5e6f" of a checkout, with ".dirty" where its src differs from that commit.

    A local version in the sense of PEP 440. It says what the tree was at the first call: call it when a job begins.
    """
    return version("zhanggui") + commit_of(Path(__file__).parents[3])


def commit_of(checkout: Path) -> str:
    """ "+g" and twelve digits of the commit, with ".dirty"; "" where the folder is no checkout or git does not answer."""
    import subprocess

    if not (checkout / ".git").exists():
        return ""
    # A hook's GIT_DIR would name another repository.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*words: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(checkout), *words]
        done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
        return done.stdout.strip()

    try:
        dirty = ".dirty" if git("status", "--porcelain", "--", "src") else ""
        return f"+g{git('rev-parse', '--short=12', 'HEAD')}{dirty}"
    except (OSError, subprocess.SubprocessError):
        return ""
