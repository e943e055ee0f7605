"""The licence that a base model states of itself: in its folder's README (Hugging Face), its GGUF file, its manifest.

Judges nothing, and asks no network: a name of the hub states none here.
"""

import json
from pathlib import Path
from typing import Any

from zhanggui.storage.artifacts import MANIFEST


def stated(base: str) -> str:
    """The licence of a base as `kept.weights` gives it, such as "apache-2.0"; "" where it states none.

    Front matter `license` of a model card (with "other", its `license_name`), GGUF's key `general.license`, and of an
    artifact what its job was told and its own base stated.
    """
    if base == "default":
        from zhanggui.llm.local import default_weights

        base = str(default_weights())
    path = Path(base)
    if path.suffix == ".gguf":
        from gguf import GGUFReader

        field = GGUFReader(path).get_field("general.license")
        return str(field.contents()) if field else ""
    card = path / "README.md"
    found = _of_card(card) if card.is_file() else ""
    manifest = path.parent / MANIFEST
    if not found and manifest.is_file():
        config: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["config"]
        found = "; ".join(str(config[key]) for key in ("licence", "base_licence") if config.get(key))
    return found


def _of_card(card: Path) -> str:
    import yaml
    from huggingface_hub import metadata_load

    try:
        told = metadata_load(card) or {}
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    found = told.get("license") or ""
    if found == "other":
        found = told.get("license_name") or found
    return ", ".join(map(str, found)) if isinstance(found, list) else str(found)
