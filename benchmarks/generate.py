"""Tokens per second of 64 briefs: `llm.local`, the raw llama.cpp server of the same wheel, and transformers' generate.

    pip install 'zhanggui[local,train]' gguf && python benchmarks/generate.py [--rounds 3]

The same weights (SmolLM2-135M-Instruct), prompts, greedy decoding and limit of tokens; each side answers all briefs.
Each side runs in a process of its own, anew each round, so that it remembers no earlier prompts; they take turns, and
their medians are printed: a machine's speed drifts. Loading is not counted, nor what `llm.quick_weights` does once.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from zhanggui.content.brief import Brief
from zhanggui.content.prompt import request_for
from zhanggui.llm.local import LocalModel, default_weights
from zhanggui.llm.model import ChatRequest, Sampling

TOKENS, SLOTS, CONTEXT, BATCH = 40, 4, 1024, 8
GOODS = (
    "green tea", "running shoes", "wool scarf", "rice cooker", "hand cream", "dog food", "desk lamp", "yoga mat",
    "soap", "towels", "candles", "olive oil", "notebooks", "backpacks", "sunglasses", "cat toys",
)  # fmt: skip
STAGES = ("new", "loyal", "at_risk", "lapsed")
SAMPLING = Sampling(max_tokens=TOKENS, temperature=0.0, seed=1)


def briefs() -> list[ChatRequest]:
    """64 distinct briefs of one campaign: 16 goods for the readers of four life-cycle stages."""
    made = [
        Brief(language="en", channel="email", tone="warm", about=about, stage=stage)
        for stage in STAGES
        for about in GOODS
    ]
    return [request_for(brief, candidates=1) for brief in made]


def ours(requests: list[ChatRequest]) -> Callable[[], tuple[int, float]]:
    """`LocalModel.generate`."""
    model = LocalModel(slots=SLOTS, context=CONTEXT)

    def run() -> tuple[int, float]:
        started = time.perf_counter()
        answers = model.generate(requests, sampling=SAMPLING)
        return sum(one.completion_tokens for one in answers), time.perf_counter() - started

    return run


def raw(requests: list[ChatRequest]) -> Callable[[], tuple[int, float]]:
    """The wheel's own HTTP server, asked by as many clients as it has slots."""
    import httpx
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(default_weights())
    parameters.n_parallel, parameters.n_ctx = SLOTS, SLOTS * CONTEXT
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    client = httpx.Client(base_url=server.listening_address, timeout=300)

    def ask(request: ChatRequest) -> int:
        body = {
            "messages": [{"role": one.role, "content": one.content} for one in request.messages],
            "max_tokens": TOKENS,
            "temperature": 0.0,
            "cache_prompt": True,
        }
        answer = client.post("/v1/chat/completions", json=body)
        return int(answer.raise_for_status().json()["usage"]["completion_tokens"])

    def run() -> tuple[int, float]:
        assert server is not None
        started = time.perf_counter()
        with ThreadPoolExecutor(SLOTS) as pool:
            tokens = sum(pool.map(ask, requests))
        return tokens, time.perf_counter() - started

    return run


def transformers(requests: list[ChatRequest], batch: int) -> Callable[[], tuple[int, float]]:
    """`generate` on the same weights, dequantised to bfloat16, `batch` prompts at a time, padded on the left."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    file = default_weights()
    tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(
        str(file.parent), gguf_file=file.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    chats = [
        "".join(f"<|im_start|>{one.role}\n{one.content}<|im_end|>\n" for one in request.messages)
        + "<|im_start|>assistant\n"
        for request in requests
    ]

    def run() -> tuple[int, float]:
        started, tokens = time.perf_counter(), 0
        for start in range(0, len(chats), batch):
            given = tokenizer(chats[start : start + batch], return_tensors="pt", padding=True)
            with torch.inference_mode():
                out = model.generate(
                    **given, max_new_tokens=TOKENS, do_sample=False, pad_token_id=tokenizer.pad_token_id
                )
            made = out[:, given["input_ids"].shape[1] :]
            # Up to and with the first end token: what follows it is padding.
            ended = (made == tokenizer.eos_token_id).int().cumsum(1)
            tokens += int(((ended - (made == tokenizer.eos_token_id).int()) == 0).sum())
        return tokens, time.perf_counter() - started

    return run


def main() -> None:
    """Print tokens per second and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-transformers", action="store_true")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    requests = briefs()
    assert len({json.dumps([m.content for m in one.messages]) for one in requests}) == 64
    sides = {
        "zhanggui llm.local": lambda: ours(requests),
        "raw llama.cpp server": lambda: raw(requests),
        "transformers, one at a time": lambda: transformers(requests, 1),
        f"transformers, batches of {BATCH}": lambda: transformers(requests, BATCH),
    }
    if asked.side:
        print(json.dumps(sides[asked.side]()()))
        return
    rates: dict[str, list[float]] = {name: [] for name in sides if not (asked.no_transformers and "transf" in name)}
    for number in range(asked.rounds):
        for name in sorted(rates, reverse=bool(number % 2)):
            command = [sys.executable, __file__, "--side", name]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            tokens, seconds = json.loads(told.splitlines()[-1])
            rates[name].append(tokens / seconds)
    found = {name: statistics.median(values) for name, values in rates.items()}
    local = next(iter(found.values()))
    for name, rate in found.items():
        rounds = ", ".join(f"{one:.0f}" for one in rates[name])
        print(f"{name:<30} {rate:8.1f} tokens/s   rounds {rounds:<20} llm.local is {local / rate:.2f}x")


if __name__ == "__main__":
    main()
