"""The understander that a name stands for: rules, the shop's language model, or an encoder among its artifacts.

What it needs is loaded when the first understander is made. Understands nothing itself.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from zhanggui.catalog.ontology import Ontology
from zhanggui.conversation.understand.language_model import LanguageModelUnderstander
from zhanggui.conversation.understand.rules import RuleUnderstander
from zhanggui.conversation.understanding import Understander
from zhanggui.errors import ArtifactError, ModelError
from zhanggui.llm.model import LanguageModel
from zhanggui.storage import ArtifactStore

if TYPE_CHECKING:
    from zhanggui.conversation.understand.encoder import EncoderReader

RULES, MODEL = "rules", "model"


class NewUnderstander(Protocol):
    """Makes an understander for an ontology and the titles of products."""

    def __call__(self, ontology: Ontology, titles: Sequence[str], /, *, today: Callable[[], date]) -> Understander:
        """One that knows these words; `today` says what day it is. Raises ModelError or ArtifactError."""
        ...


def understander_named(
    name: str, *, artifacts: Callable[[], ArtifactStore], model: Callable[[], LanguageModel | None]
) -> NewUnderstander:
    """How to make the understander called `name`: "rules", "model", or NAME[:VERSION] of a trained encoder."""
    if name == RULES:
        return RuleUnderstander
    return partial(_by_model, model) if name == MODEL else partial(_by_encoder, name, artifacts)


def _by_model(
    model: Callable[[], LanguageModel | None],
    ontology: Ontology,
    titles: Sequence[str],
    /,
    *,
    today: Callable[[], date],
) -> Understander:
    chosen = model()
    if chosen is None:
        raise ModelError("the shop names no language model to understand with; set [model] in its zhanggui.toml")
    return LanguageModelUnderstander(chosen, ontology, titles, today=today)


def _by_encoder(
    name: str,
    artifacts: Callable[[], ArtifactStore],
    ontology: Ontology,
    titles: Sequence[str],
    /,
    *,
    today: Callable[[], date],
) -> Understander:
    from zhanggui.conversation.understand.encoder import EncoderUnderstander

    store = artifacts()
    plain, _, version = name.partition(":")
    if plain not in store.names():
        raise ArtifactError(
            f"nothing understands by the name of {name}: it is neither {RULES} nor {MODEL}, nor an artifact in "
            f"{store.root}; run: zhanggui train understand"
        )
    folder = store.get(plain, version or "latest").path
    return EncoderUnderstander(_reader(folder), ontology, titles, today=today)


@lru_cache(maxsize=2)
def _reader(folder: Path) -> "EncoderReader":
    """A version is loaded once: the assistant is made anew whenever products change."""
    from zhanggui.conversation.understand.encoder import EncoderReader

    return EncoderReader(folder)
