"""What a decoder can do before and after: loss on held-out answers, perplexity of general texts, repetition, diversity."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zhanggui.corpus.clean import language
from zhanggui.training.answers import Answered, answer_logits, collate, tokenize
from zhanggui.training.chats import beginning, written
from zhanggui.training.load import context
from zhanggui.training.losses import nats
from zhanggui.training.packing import IGNORED
from zhanggui.training.rows import Pair

SAMPLES = 24
"""Held-out prompts that a model is asked to answer."""
MOST = 2_000
"""Held-out pairs that the loss is measured on, at most."""
_LONGEST, _ANSWER = 2_048, 64
# General texts that no shop's copy resembles: a model that has forgotten them can do nothing but copy.
GENERAL = (
    "The water in the lake was so clear that they could see stones on the bottom, and a boat seemed to float in the air.",
    "To sort a list, compare each pair of neighbouring elements and swap them when they are in the wrong order.",
    "Question: What is the capital of France?\nAnswer: The capital of France is Paris.",
    "Photosynthesis is the process by which plants use sunlight, water and carbon dioxide to make sugar and oxygen.",
    "def add(a, b):\n    return a + b\n\nprint(add(2, 3))",
    "She opened the letter, read it twice, and put it back into the drawer without saying a word to anyone.",
    "In 1969, two astronauts walked on the surface of the Moon for the first time in history.",
    "If a train travels sixty miles in one hour, how far does it travel in two and a half hours? It travels 150 miles.",
)
GENERAL_ZH = (
    "湖水清澈见底，小船好像浮在空中，岸边的老人正低头整理渔网。",
    "问：中国的首都是哪里？\n答：中国的首都是北京。",
    "光合作用是植物利用阳光、水和二氧化碳制造糖分并放出氧气的过程。",
    "她拆开信，读了两遍，没有对任何人说一句话，就把信放回了抽屉。",
    "1969年，人类第一次登上月球，全世界有数亿人通过电视看到了这一幕。",
    "一列火车每小时行驶六十公里，两个半小时能行驶多远？它能行驶一百五十公里。",
    "会议决定由财务部门在月底之前提交报告，并抄送各分公司负责人。",
    "排序时，先比较相邻的两个元素，如果顺序不对就交换，重复直到没有元素需要交换为止。",
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Figures of one model, and what it wrote."""

    validation_loss: float
    """Mean negative log-likelihood a token of the held-out answers, in nats."""
    general_perplexity: float
    repetition_4: float
    """Share of 4-grams of an answer that it has said before; mean over answers."""
    distinct_2: float
    """Distinct share of all answers' 2-grams."""
    bleu_4: float
    """Mean sentence BLEU of the answers against the held-out ones; words, or Chinese characters."""
    rouge_l: float
    """Mean F1 of the longest common subsequence, likewise."""
    pairs: int
    """Held-out pairs that the loss is of."""
    samples: tuple[dict[str, str], ...]

    def figures(self) -> dict[str, float]:
        """Everything but the samples and how many pairs there were."""
        return {name: value for name, value in asdict(self).items() if name not in ("samples", "pairs")}


def measure(model: Any, tokenizer: Any, held: Sequence[Pair]) -> Measured:
    """Measure a decoder on held-out pairs, `MOST` of them at most; answers are greedy, so that two runs agree.

    Raises TrainingError when a prompt is longer than what the model reads.
    """
    import torch

    held = some(held)
    longest = min(_LONGEST, context(model) or _LONGEST)

    was_training = model.training
    model.eval()
    with torch.inference_mode():
        loss = _loss(model, tokenizer, tokenize(held, tokenizer, longest=longest), longest=longest)
        general = _loss(model, tokenizer, _general(general_texts(held), tokenizer, longest=longest), longest=longest)
        answers = _generate(model, tokenizer, held[:SAMPLES], longest=longest)
    model.train(was_training)
    return summary(held, answers, loss=loss, general=general)


def some(held: Sequence[Pair]) -> Sequence[Pair]:
    """`MOST` of the pairs where there are more, always the same ones, in their order."""
    if len(held) <= MOST:
        return held
    return [held[place] for place in sorted(random.Random(0).sample(range(len(held)), MOST))]  # noqa: S311


def general_texts(held: Sequence[Pair]) -> Sequence[str]:
    """General texts in the language of the answers."""
    return GENERAL_ZH if language("".join(one.answer for one in held)) == "zh" else GENERAL


def summary(held: Sequence[Pair], answers: Sequence[str], *, loss: float, general: float) -> Measured:
    """The figures of a model that said `answers` to the first of `held`; losses in nats a token."""
    import torch

    from zhanggui.evaluation.diversity import distinct, repetition, units
    from zhanggui.evaluation.overlap import rouge_l, sentence_bleu

    both = [(units(pair.answer), units(said)) for pair, said in zip(held, answers, strict=False)]
    return Measured(
        validation_loss=loss,
        general_perplexity=float(torch.tensor(general).exp()),
        repetition_4=sum(repetition(one, 4) for one in answers) / len(answers),
        distinct_2=distinct(answers, 2),
        bleu_4=sum(sentence_bleu(*one) for one in both) / len(both),
        rouge_l=sum(rouge_l(*one) for one in both) / len(both),
        pairs=len(held),
        samples=tuple(
            {"prompt": pair.prompt[-1]["content"], "reference": pair.answer, "answer": answer}
            for pair, answer in zip(held, answers, strict=False)
        ),
    )


def _general(texts: Sequence[str], tokenizer: Any, *, longest: int) -> list[Answered]:
    """Whole texts to foretell, from nothing but the sign that begins one."""
    ids = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    found = [np.array([beginning(tokenizer), *one][:longest]) for one in ids]
    return [Answered(input_ids=ids, labels=np.array([IGNORED, *ids[1:]])) for ids in found]


def _loss(model: Any, tokenizer: Any, examples: Sequence[Answered], *, longest: int) -> float:
    """Mean loss a token of the answers of at most `longest` tokens, batches of alike length."""
    rows = sorted(examples, key=lambda row: len(row.input_ids))
    total, count = 0.0, 0
    for start in range(0, len(rows), 8):
        batch = collate([one.__dict__ for one in rows[start : start + 8]], pad=tokenizer.pad_token_id, limit=longest)
        logits, wanted = answer_logits(model, {name: one.to(model.device) for name, one in batch.items()})
        total += float(nats(logits, wanted))
        count += len(wanted)
    return total / max(1, count)


def _generate(model: Any, tokenizer: Any, pairs: Sequence[Pair], *, longest: int) -> list[str]:
    """An answer a pair, as long as the room that its prompt leaves; those with the same room go together."""
    prompts = [written(tokenizer, one.prompt, asking=True) for one in pairs]
    ids = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    room = [min(_ANSWER, longest - len(one)) for one in ids]
    answers = [""] * len(ids)
    for new in set(room):
        places = [place for place, one in enumerate(room) if one == new]
        batch = {"input_ids": [ids[place] for place in places]}
        given = tokenizer.pad(batch, padding_side="left", return_tensors="pt").to(model.device)
        out = model.generate(**given, max_new_tokens=new, do_sample=False, pad_token_id=tokenizer.pad_token_id)
        said = tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        for place, one in zip(places, said, strict=True):
            answers[place] = one.strip()
    return answers
