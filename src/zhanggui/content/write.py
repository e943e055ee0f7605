"""Writes one copy for each distinct brief: candidates from the model in one batch, checks, the best, or a template.

Cost grows with distinct briefs, not with customers. Where no model writes a brief's language well, the shipped
templates do. Fills in nothing personal.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zhanggui.catalog.product import Language
from zhanggui.content import advertising_law, claims, rules
from zhanggui.content.brief import Brief
from zhanggui.content.claims import Claim
from zhanggui.content.prompt import Style, prompt_hash, request_for
from zhanggui.content.select_variant import Candidate, best, examine
from zhanggui.content.settings import ContentSettings
from zhanggui.content.template import render, shipped
from zhanggui.llm.model import ChatRequest, LanguageModel, Sampling

_BATCH = 16  # prompts a call: enough to keep every slot of a model busy, small enough to show progress
_VARIANTS = 4

CHECKS = (f"claims@{claims.VERSION}", f"rules@{rules.VERSION}", f"advertising_law@{advertising_law.VERSION}")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """The words for one brief, and where they come from."""

    brief: Brief
    pitch: str
    source: Literal["model", "template"]
    model: str = ""
    prompt_hash: str = ""
    claims: tuple[Claim, ...] = ()
    checks: tuple[str, ...] = CHECKS
    """Checks that it passed, with their versions."""
    why_template: str = ""
    """"" for a model's words; else why a template stands in: "no_model", "no_candidate_passed", or "decided_later" than the
    run's words were written."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """The copies of all briefs, by brief id, and what they cost."""

    copies: Mapping[str, Copy]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    candidates: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Candidates by the reason that refused them; one with several reasons counts for each."""
    passed: int = 0
    """Candidates that passed every check."""
    examined: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    """Every candidate of a model, by brief id, also those that were refused: what a preference is learned from."""


def write(
    briefs: Iterable[Brief],
    model: LanguageModel | None,
    *,
    languages: Collection[Language],
    settings: ContentSettings,
    progress: Callable[[int], None] = lambda _count: None,
) -> Written:
    """Write every distinct brief. `languages`: those that `model` writes well. Raises ModelError."""
    distinct = {brief.brief_id: brief for brief in briefs}
    copies: dict[str, Copy] = {}
    rejected: Counter[str] = Counter()
    kept: dict[str, tuple[Candidate, ...]] = {}
    prompt_tokens = completion_tokens = made = passed = 0
    todo = [one for one in distinct.values() if model is not None and one.language in languages]
    sampling = Sampling(
        max_tokens=settings.max_tokens, temperature=settings.temperature, seed=settings.seed, stop=("\n\n",)
    )
    # A model that was trained on briefs says so; any other is shown examples.
    style: Style = getattr(model, "prompt_style", "examples")
    # Briefs that a model is asked for in the same words are answered once; each is examined by its own rules.
    asked: dict[str, tuple[ChatRequest, list[Brief]]] = {}
    for brief in todo:
        request = request_for(brief, candidates=settings.candidates, style=style)
        asked.setdefault(prompt_hash(request), (request, []))[1].append(brief)
    for start in range(0, len(asked), _BATCH):
        assert model is not None
        batch = list(asked.values())[start : start + _BATCH]
        answers = model.generate([request for request, _ in batch], sampling=sampling)
        for (request, alike), answer in zip(batch, answers, strict=True):
            prompt_tokens += answer.prompt_tokens
            completion_tokens += answer.completion_tokens
            for brief in alike:
                examined = [examine(text, brief, exemptions=settings.exemptions) for text in answer.texts]
                rejected.update(reason for one in examined for reason in one.reasons)
                kept[brief.brief_id] = tuple(examined)
                made += len(examined)
                passed += sum(not one.reasons for one in examined)
                if (chosen := best(examined, brief)) is not None:
                    copies[brief.brief_id] = _of_model(brief, chosen, model.identity, prompt_hash(request))
            progress(len(alike))
    for brief_id, brief in distinct.items():
        if brief_id not in copies:
            tried = model is not None and brief.language in languages
            copies[brief_id] = from_template(brief, why="no_candidate_passed" if tried else "no_model")
            progress(0 if tried else 1)
    return Written(
        copies=copies,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        candidates=made,
        rejected=dict(rejected.most_common()),
        passed=passed,
        examined=kept,
    )


def from_template(brief: Brief, *, why: str) -> Copy:
    """The shipped words for a brief; which variant follows from the brief."""
    variant = int(brief.brief_id[:8], 16) % _VARIANTS
    name = f"pitch.{brief.language}"
    about = brief.about or brief.offer_title
    slots = {"about": about, "opening": about[:1].upper() + about[1:], "variant": variant}
    pitch = render(shipped("pitch", brief.language), slots, name=name)
    return Copy(brief=brief, pitch=pitch, source="template", why_template=why)


def _of_model(brief: Brief, chosen: Candidate, identity: str, hashed: str) -> Copy:
    return Copy(
        brief=brief, pitch=chosen.text, source="model", model=identity, prompt_hash=hashed, claims=chosen.claims
    )
