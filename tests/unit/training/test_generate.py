import json
from pathlib import Path

import pytest

from zhanggui.errors import TrainingError
from zhanggui.llm.model import ChatRequest, Completion, Sampling
from zhanggui.training import generate, rows
from zhanggui.training.settings import PairColumns

CONFIG = {"columns": {"prompt": "content", "completion": "summary", "group": "group"}, "system": "写广告", "clean": True, "validation": 0.3, "seed": 7}  # fmt: skip


class Varied:
    """Says one thing twice and another once."""

    identity = "varied"

    def generate(self, requests: list[ChatRequest], *, sampling: Sampling) -> list[Completion]:
        found = []
        for one in requests:
            said = one.messages[-1].content
            texts = (f"与 {said} 无关", f"这条 {said} 很好看", f"这条 {said} 很百搭好看")[-one.n :]
            found.append(
                Completion(
                    texts=texts, prompt_tokens=1, completion_tokens=1, model="varied", finish_reasons=("stop",) * one.n
                )
            )
        return found


def write(folder: Path, *lines: dict[str, str]) -> Path:
    (folder / "rows.jsonl").write_text(
        "\n".join(json.dumps(one, ensure_ascii=False) for one in lines), encoding="utf-8"
    )
    return folder / "rows.jsonl"


def test_rows_are_asked_as_they_were_trained_and_may_lack_answers(tmp_path: Path) -> None:
    (asked,) = generate.read(write(tmp_path, {"content": "类型#裤"}), CONFIG, held_out=False)
    assert [dict(one) for one in asked.prompt] == [
        {"role": "system", "content": "写广告"},
        {"role": "user", "content": "类型#裤"},
    ]
    nothing = {"content": "类型#裤", "summary": None}
    assert generate.read(write(tmp_path, nothing), CONFIG, held_out=False) == [asked]  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=r"line 1: the field 'content' is missing"):
        generate.read(write(tmp_path, {"prompt": "类型#裤"}), CONFIG, held_out=False)


def test_held_out_rows_are_those_that_training_held_out(tmp_path: Path) -> None:
    file = write(tmp_path, *[{"content": f"类型#{n}", "summary": "好"} for n in range(60)])
    pairs, _ = rows.read(file, PairColumns(prompt="content", completion="summary"), system="写广告", tidy=True)
    _, held = rows.split(pairs, validation=0.3, seed=7)
    assert generate.read(file, CONFIG, held_out=True) == held
    assert 5 < len(held) < 35


def test_what_a_corpus_holds_out_is_its_validation_part(tmp_path: Path) -> None:
    for part, said in (("train", "裤"), ("validation", "裙"), ("test", "衣")):
        (tmp_path / f"{part}.jsonl").write_text(json.dumps({"content": said, "summary": "好"}), encoding="utf-8")
    config = {**CONFIG, "held_out": "parts"}
    assert [one.prompt[-1]["content"] for one in generate.read(tmp_path, config, held_out=True)] == ["裙"]
    with pytest.raises(TrainingError, match="name that folder"):
        generate.read(tmp_path / "train.jsonl", config, held_out=True)


def test_of_several_candidates_the_one_that_agrees_most_is_kept(tmp_path: Path) -> None:
    pairs = generate.read(write(tmp_path, *[{"content": f"裤{n}"} for n in range(20)]), CONFIG, held_out=False)
    texts = list(generate.generate(Varied(), pairs, candidates=3, sampling=Sampling()))
    assert len(texts) == 20
    assert all("好看" in one and f"裤{n}" in one for n, one in enumerate(texts))
