"""Copy scored by `zhanggui.evaluation` and by nltk, rouge-chinese and sacrebleu: the same texts, tokens and figures.

    pip install 'zhanggui[zh,dev]' && python benchmarks/copy_quality.py [FILE] [--texts 5000] [--self-bleu 200]

FILE is JSON lines with `summary` or `copy`, by default the Chinese copy of this project, over and over. Each text is
scored against the one behind it. One core; jieba's time is the same on both sides and is not in the ratio.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import sacrebleu
from nltk.translate.bleu_score import SmoothingFunction
from nltk.translate.bleu_score import sentence_bleu as nltk_bleu
from rouge_chinese import Rouge

from zhanggui.evaluation import overlap
from zhanggui.evaluation.copy_quality import evaluate
from zhanggui.evaluation.copy_rows import CopyRow
from zhanggui.evaluation.ngrams import count
from zhanggui.evaluation.source import from_row
from zhanggui.evaluation.words import words

OURS = Path(__file__).parents[1] / "data" / "copywriter" / "zh-0.jsonl"
Tokens = Sequence[Sequence[str]]
SMOOTH = SmoothingFunction().method3


def ours(references: Tokens, texts: Tokens) -> dict[str, float]:
    """Means over texts, and BLEU of the corpus."""
    wanted, said = count(references, texts)
    statistics = overlap.bleu_statistics(wanted, said)
    return {
        "BLEU-4": float(overlap.bleu_of_texts(statistics).mean()),
        "corpus BLEU-4": float(overlap.bleu_of_sums(statistics.sum(axis=0))),
        "ROUGE-1": float(overlap.rouge_n_of_texts(wanted, said, 1).mean()),
        "ROUGE-2": float(overlap.rouge_n_of_texts(wanted, said, 2).mean()),
        "ROUGE-L": float(overlap.rouge_l_of_texts(wanted, said).mean()),
    }


def theirs(references: Tokens, texts: Tokens) -> dict[str, float]:
    """The same by the libraries."""
    both = list(zip(references, texts, strict=True))
    spaced = [(" ".join(one), " ".join(text)) for one, text in both]
    rouge = Rouge()
    scores = [rouge.get_scores(text, one)[0] for one, text in spaced]
    corpus = sacrebleu.corpus_bleu([text for _, text in spaced], [[one for one, _ in spaced]], tokenize="none")
    return {
        "BLEU-4": float(np.mean([nltk_bleu([one], text, smoothing_function=SMOOTH) for one, text in both])),
        "corpus BLEU-4": corpus.score / 100,
        **{f"ROUGE-{n.upper()}": float(np.mean([one[f"rouge-{n}"]["f"] for one in scores])) for n in ("1", "2", "l")},
    }


def self_bleu(texts: Tokens) -> float:
    """Each text against all others, by nltk."""
    return float(
        np.mean(
            [
                nltk_bleu([*texts[:row], *texts[row + 1 :]], text, smoothing_function=SMOOTH)
                for row, text in enumerate(texts)
            ]
        )
    )


def main() -> None:
    """Print seconds, the largest gap between the figures, and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", type=Path, default=OURS)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--self-bleu", type=int, default=200)
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    given = [json.loads(line) for line in asked.file.read_text(encoding="utf-8").splitlines()]
    given = list(islice(cycle(given), asked.texts))
    texts = [row.get("summary") or row["copy"] for row in given]
    said = texts[1:] + texts[:1]
    started = time.perf_counter()
    cut = words(texts, "zh")
    print(f"{len(texts)} texts, {sum(map(len, texts)) / len(texts):.0f} characters each; jieba {time.perf_counter() - started:.1f} s")  # fmt: skip
    total = [0.0, 0.0]
    for unit, tokens in (("characters", [list(text) for text in texts]), ("words", cut)):
        other = tokens[1:] + tokens[:1]
        started = time.perf_counter()
        mine = ours(tokens, other)
        between = time.perf_counter()
        libraries = theirs(tokens, other)
        seconds = between - started, time.perf_counter() - between
        total = [one + more for one, more in zip(total, seconds, strict=True)]
        gap = max(abs(mine[name] - libraries[name]) for name in mine)
        print(f"{unit:<11} zhanggui {seconds[0]:6.2f} s   libraries {seconds[1]:7.2f} s   {seconds[1] / seconds[0]:5.1f}x   largest gap {gap:.1e}", flush=True)  # fmt: skip
    print(f"together    {total[1] / total[0]:.1f}x")
    few = [list(text) for text in texts[: asked.self_bleu]]
    started = time.perf_counter()
    mine_few = overlap.self_bleu(few)
    between = time.perf_counter()
    theirs_few = self_bleu(few)
    seconds = between - started, time.perf_counter() - between
    print(f"self-BLEU   zhanggui {seconds[0]:6.2f} s   nltk {seconds[1]:12.2f} s   {seconds[1] / seconds[0]:5.0f}x   of {len(few)} texts, gap {abs(mine_few - theirs_few):.1e}")  # fmt: skip
    rows = [
        CopyRow(place=str(number), language="zh", source=from_row({key: one for key, one in row.items() if key != "copy"}), reference=text, texts={"system": wrote})
        for number, (row, text, wrote) in enumerate(zip(given, texts, said, strict=True))
    ]  # fmt: skip
    started = time.perf_counter()
    evaluate(rows)
    print(f"zhanggui evaluate copy, every figure of the texts and of their references with intervals: {time.perf_counter() - started:.1f} s")  # fmt: skip


if __name__ == "__main__":
    main()
