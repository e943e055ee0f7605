"""Text in, text out: the one door to any language model. Knows nothing of marketing, prompts or customers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True)
class ChatMessage:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """What to answer, and how many alternative answers (`n`) to sample."""

    messages: tuple[ChatMessage, ...]
    n: int = 1
    schema: Mapping[str, Any] | None = None
    """JSON Schema that the answer shall follow. Locally llama.cpp's grammar holds the model to it; a server may ignore it."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to sample. Temperature 0 is greedy. A seed fixes the answers of a local model."""

    max_tokens: int = 160
    temperature: float = 0.7
    top_p: float = 0.9
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Completion:
    """The `n` answers to one request, and what they cost in tokens."""

    texts: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    model: str
    """Name or file of the model that wrote it."""
    finish_reasons: tuple[str, ...] = ()
    """"stop" or "length", one a text."""


@runtime_checkable
class LanguageModel(Protocol):
    """A model that answers chats. Batches: one call with many requests; a batch of one is the single case."""

    @property
    def identity(self) -> str:
        """Which model this is, for proof records: a file hash or a server's model name."""
        ...

    def generate(self, requests: Sequence[ChatRequest], *, sampling: Sampling) -> list[Completion]:
        """Answer every request, in order. Raises ModelError when the model cannot answer."""
        ...

    def stream(self, request: ChatRequest, *, sampling: Sampling) -> Iterator[str]:
        """Answer one request piece by piece (`request.n` must be 1). Raises ModelError."""
        ...
