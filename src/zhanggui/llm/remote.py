"""Any OpenAI-compatible `/v1/chat/completions`: vLLM, Ollama, DeepSeek, Qwen, llama.cpp's server.

Retries with full jitter (Brooker 2015), a limit on requests under way, streaming. Knows nothing of marketing.
"""

import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import httpx

from zhanggui.errors import ModelError
from zhanggui.llm import connect
from zhanggui.llm.chat_format import defuse, json_answer
from zhanggui.llm.model import ChatRequest, Completion, Sampling

_RETRY = {408, 409, 425, 429, 500, 502, 503, 504}


class RemoteModel:
    """Answers chats through a server.

    `base_url` ends before `/chat/completions` (such as "http://localhost:8000/v1"). `api_key_env` names the environment
    variable that holds the key. `prompt`: how it is asked for copy, "brief" or "product" for a model that was trained so.
    Raises ModelError when that variable is not set, or the environment names a proxy that cannot be used.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        api_key_env: str = "",
        timeout_s: float = 120.0,
        retries: int = 5,
        concurrency: int = 8,
        extra: dict[str, Any] | None = None,
        prompt: Literal["brief", "product", "examples"] = "examples",
    ) -> None:
        self.prompt_style = prompt
        headers = {}
        if api_key_env:
            if not os.environ.get(api_key_env):
                raise ModelError(f"the environment variable {api_key_env} holds no API key for {base_url}")
            headers["Authorization"] = f"Bearer {os.environ[api_key_env]}"
        self._model, self._url, self._key_env = model, base_url.rstrip("/"), api_key_env
        self._retries, self._concurrency, self._extra = retries, concurrency, extra or {}
        limits = httpx.Limits(max_connections=concurrency)
        self._client = connect.client(headers=headers, timeout=timeout_s, limits=limits)

    @property
    def identity(self) -> str:
        """The model's name and its server."""
        return f"{self._model}@{httpx.URL(self._url).host}"

    def generate(self, requests: Sequence[ChatRequest], *, sampling: Sampling) -> list[Completion]:
        """Answer every request, in order, `concurrency` at a time. Raises ModelError when retries did not help."""
        with ThreadPoolExecutor(self._concurrency) as pool:
            return list(pool.map(lambda request: self._complete(request, sampling), requests))

    def stream(self, request: ChatRequest, *, sampling: Sampling) -> Iterator[str]:
        """Answer one request piece by piece (server-sent events). Raises ModelError."""
        if request.n != 1:
            raise ModelError("only one answer can be streamed")
        body = self._body(request, sampling) | {"stream": True}
        try:
            with self._client.stream("POST", f"{self._url}/chat/completions", json=body) as response:
                if response.status_code != 200:
                    response.read()
                    raise self._refused(response)
                for line in response.iter_lines():
                    data = line.removeprefix("data:").strip()
                    if not line.startswith("data:") or data == "[DONE]":
                        continue
                    for choice in json.loads(data).get("choices", []):
                        if piece := choice.get("delta", {}).get("content"):
                            yield piece
        except (httpx.TransportError, ValueError) as error:
            raise ModelError(f"{self._url} broke off: {error}") from error

    def _complete(self, request: ChatRequest, sampling: Sampling) -> Completion:
        texts: list[str] = []
        reasons: list[str] = []
        used = {"prompt_tokens": 0, "completion_tokens": 0}
        while len(texts) < request.n:  # some servers ignore n, and some refuse it
            missing = request.n - len(texts)
            answer = self._post(
                self._body(request, sampling, seed_shift=len(texts)) | ({"n": missing} if missing > 1 else {})
            )
            try:
                texts += [choice["message"].get("content") or "" for choice in answer["choices"]]
                reasons += [choice.get("finish_reason") or "stop" for choice in answer["choices"]]
                for name in used:
                    used[name] += int((answer.get("usage") or {}).get(name) or 0)
            except (KeyError, TypeError, IndexError) as error:
                raise ModelError(f"{self._url} answered in an unknown form: {str(answer)[:200]}") from error
            if not answer["choices"]:
                raise ModelError(f"{self._url} answered without a choice")
        return Completion(
            texts=tuple(texts[: request.n]),
            model=str(answer.get("model", self._model)),
            finish_reasons=tuple(reasons[: request.n]),
            **used,
        )

    def _post(self, body: dict[str, Any]) -> Any:
        problem = ""
        for attempt in range(self._retries + 1):
            wait = random.uniform(0, min(30.0, 0.5 * 2**attempt))  # noqa: S311 - jitter, not a secret
            try:
                response = self._client.post(f"{self._url}/chat/completions", json=body)
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if response.status_code == 200:
                    try:
                        return response.json()
                    except ValueError as error:
                        raise ModelError(f"{self._url} answered with something that is not JSON") from error
                if response.status_code == 400 and body.get("n", 1) > 1:
                    body = {key: value for key, value in body.items() if key != "n"}
                    continue
                if response.status_code not in _RETRY:
                    raise self._refused(response)
                problem = f"HTTP {response.status_code}"
                wait = _retry_after(response) or wait
            if attempt < self._retries:
                time.sleep(wait)
        raise ModelError(f"{self._url} did not answer after {self._retries + 1} attempts: {problem}")

    def _refused(self, response: httpx.Response) -> ModelError:
        if response.status_code in (401, 403):
            return ModelError(f"{self._url} refused the API key; check the variable {self._key_env or 'api_key_env'}")
        if response.status_code == 404:
            return ModelError(f"{self._url} knows no model {self._model!r}, or is no OpenAI-compatible address")
        return ModelError(f"{self._url} answered HTTP {response.status_code}: {response.text[:200]}")

    def _body(self, request: ChatRequest, sampling: Sampling, seed_shift: int = 0) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": one.role, "content": defuse(one.content)} for one in request.messages],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }
        if request.schema is not None:
            body["response_format"] = json_answer(request.schema)
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if sampling.seed is not None:
            body["seed"] = sampling.seed + seed_shift
        return body | self._extra


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return min(60.0, max(0.0, float(response.headers["Retry-After"])))
    except (KeyError, ValueError):
        return None
