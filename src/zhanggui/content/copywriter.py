"""The shipped English copywriter: an adapter for the default weights, trained on briefs and their copy. Loads nothing.

Made by `examples/finetune-copywriter.toml`; what it can do is in docs/experiments.md.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

ADAPTER = "copywriter-en.gguf"


def with_copywriter(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a local model: with the copywriter, where they name neither weights nor an adapter of their own.

    `adapter = ""` asks for the default weights as they are.
    """
    if "path" in options or "adapter" in options:
        return dict(options)
    return {"adapter": str(files("zhanggui.content") / ADAPTER), "prompt": "product", **options}
