"""Fakes for users' own tests: a model, a channel and a clock that do what they are told. No network, no wait."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from zhanggui.content.message import Message
from zhanggui.delivery.channel import Outcome, Receipt
from zhanggui.errors import ModelError
from zhanggui.llm.model import ChatRequest, Completion, Sampling


class FakeLLM:
    """Answers from a script or a function, and remembers what it was asked.

    `answers`: a text, or texts, used in turn and over again, or a function from (request, number of the answer) to a text.
    While `fails` is true, it raises ModelError instead.
    """

    def __init__(
        self, answers: str | Sequence[str] | Callable[[ChatRequest, int], str], *, fails: bool = False
    ) -> None:
        self._answers, self.fails = [answers] if isinstance(answers, str) else answers, fails
        self._given = 0
        self.requests: list[ChatRequest] = []

    @property
    def identity(self) -> str:
        """Always "fake"."""
        return "fake"

    def generate(self, requests: Sequence[ChatRequest], *, sampling: Sampling) -> list[Completion]:
        """Answer as told; ModelError if told to fail."""
        if self.fails:
            raise ModelError("this fake was told to fail")
        found = []
        for request in requests:
            self.requests.append(request)
            texts = tuple(self._text(request, number) for number in range(request.n))
            words = sum(len(text.split()) for text in texts)
            found.append(
                Completion(
                    texts=texts,
                    prompt_tokens=1,
                    completion_tokens=words,
                    model=self.identity,
                    finish_reasons=("stop",) * request.n,
                )
            )
        return found

    def stream(self, request: ChatRequest, *, sampling: Sampling) -> Iterator[str]:
        """The answer, word by word."""
        yield from self.generate([request], sampling=sampling)[0].texts[0].split(" ")

    def _text(self, request: ChatRequest, number: int) -> str:
        if callable(self._answers):
            return self._answers(request, number)
        self._given += 1
        return self._answers[(self._given - 1) % len(self._answers)]


class MemoryChannel:
    """Keeps messages instead of sending them. `outcome` says what becomes of each; default: accepted."""

    def __init__(self, outcome: Callable[[Message], Outcome] = lambda _message: "accepted") -> None:
        self._outcome = outcome
        self.sent: list[Message] = []

    def send(self, messages: Iterable[Message]) -> Iterator[Receipt]:
        """Take one message, yield its receipt, take the next."""
        for message in messages:
            outcome = self._outcome(message)
            if outcome == "accepted":
                self.sent.append(message)
            yield Receipt(message_id=message.message_id, outcome=outcome, detail=f"fake: {outcome}")


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The moment that it shows."""
        return self.now

    def advance(self, step: timedelta) -> None:
        """Move it."""
        self.now += step
