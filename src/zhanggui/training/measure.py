"""What a decoder can do before and after: loss on held-out answers, perplexity of general texts, repetition, diversity."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zhanggui.training.rows import Pair

SAMPLES = 24
"""Held-out prompts that a model is asked to answer."""
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
    samples: tuple[dict[str, str], ...]

    def figures(self) -> dict[str, float]:
        """Everything but the samples."""
        return {name: value for name, value in asdict(self).items() if name != "samples"}


def measure(model: Any, tokenizer: Any, held: Sequence[Pair]) -> Measured:
    """Measure a decoder on held-out pairs; answers are greedy, so that two runs agree."""
    import torch

    was_training = model.training
    model.eval()
    with torch.inference_mode():
        loss = _answer_loss(model, tokenizer, held)
        general = _answer_loss(model, tokenizer, [Pair(prompt=(), answer=text, group="") for text in GENERAL])
        answers = _generate(model, tokenizer, held[:SAMPLES])
    model.train(was_training)
    return summary(held, answers, loss=loss, general=general)


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
        samples=tuple(
            {"prompt": pair.prompt[-1]["content"], "reference": pair.answer, "answer": answer}
            for pair, answer in zip(held, answers, strict=False)
        ),
    )


def _answer_loss(model: Any, tokenizer: Any, pairs: Sequence[Pair]) -> float:
    """Mean loss a token of the answers, batches of alike length."""
    import torch

    rows = []
    for one in pairs:
        turns = [dict(turn) for turn in one.prompt]
        head = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False) if turns else ""
        prompt = tokenizer(head, add_special_tokens=False)["input_ids"] or [tokenizer.eos_token_id]
        rows.append((prompt, tokenizer(one.answer, add_special_tokens=False)["input_ids"]))
    rows.sort(key=lambda row: len(row[0]) + len(row[1]))
    total, count = 0.0, 0
    for start in range(0, len(rows), 8):
        batch = rows[start : start + 8]
        width = max(len(a) + len(b) for a, b in batch)
        ids = torch.tensor([a + b + [tokenizer.pad_token_id] * (width - len(a) - len(b)) for a, b in batch])
        labels = torch.tensor([[-100] * len(a) + b + [-100] * (width - len(a) - len(b)) for a, b in batch])
        logits = model(input_ids=ids.to(model.device)).logits[:, :-1].float()
        found = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), labels[:, 1:].flatten().to(logits.device), ignore_index=-100, reduction="sum"
        )
        total += float(found)
        count += sum(len(b) for _, b in batch)
    return total / max(1, count)


def _generate(model: Any, tokenizer: Any, pairs: Sequence[Pair]) -> list[str]:
    import torch

    tokenizer.padding_side = "left"
    prompts = [
        tokenizer.apply_chat_template([dict(turn) for turn in one.prompt], add_generation_prompt=True, tokenize=False)
        for one in pairs
    ]
    given = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    out = model.generate(**given, max_new_tokens=64, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    tokenizer.padding_side = "right"
    assert isinstance(out, torch.Tensor)
    return [
        one.strip() for one in tokenizer.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
    ]
