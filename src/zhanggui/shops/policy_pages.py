"""Policy pages to begin with, in both languages: of the sample shop, and a pattern for a shop's own. Reads none."""

from importlib.resources import files
from pathlib import Path


def write_policy_pages(folder: Path) -> list[Path]:
    """Write the pages into `folder`; pages that are there stay as they are. Returns those that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for page in sorted((files("zhanggui.shops") / "data" / "policies").iterdir(), key=lambda one: one.name):
        path = folder / page.name
        if not path.exists():
            path.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
            written.append(path)
    return written
