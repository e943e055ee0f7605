"""What a decoder can do is measured within what it reads, whatever its tokenizer calls the beginning and the end."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.training import job  # noqa: E402
from zhanggui.training.answers import tokenize  # noqa: E402
from zhanggui.training.chats import CHATML, ended  # noqa: E402
from zhanggui.training.load import fits, load  # noqa: E402
from zhanggui.training.measure import MOST, measure, some  # noqa: E402
from zhanggui.training.models import new_model  # noqa: E402
from zhanggui.training.rows import Pair  # noqa: E402
from zhanggui.training.settings import ShapeSettings, TokenizerSettings  # noqa: E402
from zhanggui.training.tokenizer import train_tokenizer  # noqa: E402

TEXTS = ["about: tea", "A tea for quiet evenings.", "适合安静的夜晚。"]


def pair(prompt: str) -> Pair:
    return Pair(prompt=({"role": "user", "content": prompt},), answer="A tea for quiet evenings.", group="")


def base(folder: Path, *, context: int = 64, kind: str = "byte_bpe") -> tuple[Any, Any]:
    from transformers import set_seed

    set_seed(0)
    words = train_tokenizer(TEXTS, TokenizerSettings(kind=kind, vocabulary=400), context=context)  # type: ignore[arg-type]
    shape = ShapeSettings(kind="gpt2", hidden=32, layers=1, heads=2)
    words.save_pretrained(folder)
    ended(words)
    new_model(shape, words, context=context).save_pretrained(folder)
    return load(str(folder))


def test_a_short_context_holds_all_that_is_measured(tmp_path: Path) -> None:
    model, tokenizer = base(tmp_path)
    short, long = pair("about: tea"), pair("about: tea " + "x" * 40)
    rows = [len(tokenizer.apply_chat_template(list(one.prompt))["input_ids"]) for one in (short, long)]
    assert rows[0] < rows[1] < 64
    found = measure(model, tokenizer, [short, long])
    assert 0 < found.validation_loss < 10
    room = tokenizer(found.samples[1]["answer"], add_special_tokens=False)["input_ids"]
    assert len(room) <= 64 - rows[1]
    with pytest.raises(TrainingError, match="leaves no room for its answer, 64 is the most"):
        measure(model, tokenizer, [pair("x" * 80)])


def test_a_tokenizer_that_names_no_end_of_texts_is_measured_by_the_end_that_it_has(tmp_path: Path) -> None:
    model, tokenizer = base(tmp_path, kind="wordpiece", context=128)
    assert measure(model, tokenizer, [pair("about: tea")]).general_perplexity > 1


def test_settings_are_held_against_what_the_base_reads(tmp_path: Path) -> None:
    model, _ = base(tmp_path)
    fits(64, model, "tiny")
    with pytest.raises(TrainingError, match="max_tokens is 65, and the base tiny reads 64"):
        fits(65, model, "tiny")


def test_a_model_that_can_think_aloud_is_asked_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = base(tmp_path, context=128)
    quiet = "{% if enable_thinking is defined and not enable_thinking %}<|im_start|>quiet{% endif %}"
    tokenizer.chat_template = CHATML + "{% if add_generation_prompt %}" + quiet + "{% endif %}"
    row = tokenize([pair("about: tea")], tokenizer, longest=128)[0]
    assert tokenizer.decode(row.input_ids[row.labels == -100]).endswith("<|im_start|>quiet")
    asked = []
    generate = model.generate
    monkeypatch.setattr(model, "generate", lambda **given: asked.append(given["input_ids"]) or generate(**given))
    measure(model, tokenizer, [pair("about: tea")])
    assert tokenizer.decode(asked[0][0]).endswith("<|im_start|>quiet")


def test_a_base_is_measured_where_it_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    base(tmp_path)
    monkeypatch.setattr(job, "device", lambda: torch.device("meta"))
    model, _ = load(str(tmp_path))
    assert {one.device.type for one in model.parameters()} == {"meta"}
    monkeypatch.undo()
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert job.device() == torch.device("cuda", 1)


def test_of_many_held_out_pairs_the_same_two_thousand_are_measured() -> None:
    held = [pair(str(number)) for number in range(3 * MOST)]
    found = some(held)
    places = [int(one.prompt[0]["content"]) for one in found]
    assert len(places) == MOST == 2_000
    assert places == sorted(set(places))
    assert places[-1] > 2 * MOST, "not the first ones of a file"
    assert some(held) == found
    assert some(held[:5]) == held[:5]
