"""A tuned model: what it may have lost and what it has, and how it is kept as an artifact. Knows no training."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from zhanggui.errors import TrainingError
from zhanggui.storage import Artifact, ArtifactStore
from zhanggui.training import curves, job
from zhanggui.training.licences import stated
from zhanggui.training.measure import Measured
from zhanggui.training.rows import Pair
from zhanggui.training.settings import FinetuneSettings, LimitSettings, PreferenceSettings


def lost(before: Measured, after: Measured, limits: LimitSettings) -> list[str]:
    """What the model lost past the limits, in words; empty when it may be used."""
    found = []
    ratio = after.general_perplexity / before.general_perplexity
    # "not at most": a model that came apart has no perplexity at all (NaN), and must not pass.
    if not ratio <= limits.general_perplexity:
        found.append(
            f"the model has forgotten: perplexity of general texts rose {ratio:.2f}-fold, "
            f"{limits.general_perplexity:g} is allowed (train less, or with a lower learning rate)"
        )
    if after.repetition_4 > limits.repetition_4:
        found.append(
            f"the model repeats itself: {after.repetition_4:.1%} of 4-grams, {limits.repetition_4:.1%} is allowed"
        )
    return found


def keep(
    settings: FinetuneSettings | PreferenceSettings,
    write: Callable[[Path], None],
    *,
    kind: Literal["adapter", "decoder", "encoder-decoder"],
    base: str,
    pairs: Sequence[Pair],
    parted: bool = False,
    data_hash: str,
    before: Measured,
    after: Measured,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    work: Path,
    artifacts: ArtifactStore,
    now: datetime,
) -> Artifact:
    """Keep what `write` puts into a folder, with figures, curves and samples.

    `base` as `kept.weights` gives it; `pairs` are all that were read, `parted` when their folder said what to hold out;
    `history` is the Trainer's log. The samples stay in `work` too, also when TrainingError is raised because the model lost more than the limits allow.
    """
    samples = json.dumps(after.samples, ensure_ascii=False, indent=1)
    (work / "samples.json").write_text(samples, encoding="utf-8")
    if problems := lost(before, after, settings.limits):
        raise TrainingError("; ".join(problems) + f"; the checkpoints are kept in {work}")
    config = asdict(settings) | {
        "kind": kind,
        "base": base,
        "base_licence": stated(base),
        "prompt": settings.prompt if all(one.language for one in pairs) else "examples",
        "held_out": "parts" if parted else "groups",
        "languages": sorted({one.language for one in pairs} - {""}),
    }
    version = f"{now:%Y%m%dT%H%M%S}"
    with artifacts.create(settings.name, version, now=now, config=config, data_hash=data_hash) as draft:
        write(draft.path)
        curves.keep(history, draft.path, title=f"{settings.name} {version}")
        (draft.path / "samples.json").write_text(samples, encoding="utf-8")
        draft.metrics.update(before=before.figures(), after=after.figures(), measured_pairs=after.pairs, **metrics)
    job.clear(work)
    return artifacts.get(settings.name, version)
