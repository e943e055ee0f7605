"""Answers of many rows at once, through transformers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.cli.main import app  # noqa: E402
from zhanggui.llm.model import Sampling  # noqa: E402
from zhanggui.storage import ArtifactStore  # noqa: E402
from zhanggui.training.chats import written  # noqa: E402
from zhanggui.training.generate_decoder import generate  # noqa: E402
from zhanggui.training.load import load  # noqa: E402
from zhanggui.training.models import new_model  # noqa: E402
from zhanggui.training.rows import Pair, pair  # noqa: E402
from zhanggui.training.settings import ShapeSettings, TokenizerSettings  # noqa: E402
from zhanggui.training.tokenizer import train_tokenizer  # noqa: E402

GREEDY = Sampling(max_tokens=6, temperature=0.0)
PAIRS = [pair({"prompt": "tea " * (1 + place % 5), "completion": ""}) for place in range(11)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    from transformers import set_seed

    set_seed(3)
    folder = tmp_path_factory.mktemp("small")
    words = train_tokenizer(["green tea, a lamp"], TokenizerSettings(kind="byte_bpe", vocabulary=400), context=256)
    new_model(ShapeSettings(hidden=64, layers=2, heads=2), words, context=256).save_pretrained(folder)
    words.save_pretrained(folder)
    model, tokenizer = load(str(folder))
    for weights in model.parameters():
        weights.data.mul_(8)  # new weights are so small that every answer is the same
    return model, tokenizer


def alone(model: Any, tokenizer: Any, one: Pair) -> str:
    given = tokenizer(written(tokenizer, one.prompt, asking=True), add_special_tokens=False, return_tensors="pt")
    given.pop("token_type_ids", None)
    out = model.generate(**given, max_new_tokens=6, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    return str(tokenizer.decode(out[0, given["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def test_answers_beside_longer_prompts_are_those_given_alone(small: tuple[Any, Any]) -> None:
    model, tokenizer = small
    wanted = [alone(model, tokenizer, one) for one in PAIRS]
    assert list(generate(model, tokenizer, PAIRS, candidates=1, sampling=GREEDY)) == wanted
    assert len(set(wanted)) > 1


def test_the_seed_fixes_what_is_sampled(small: tuple[Any, Any]) -> None:
    def drawn(seed: int) -> list[str]:
        sampling = Sampling(max_tokens=6, temperature=1.0, seed=seed)
        return list(generate(*small, PAIRS, candidates=3, sampling=sampling))

    assert len(drawn(1)) == len(PAIRS)
    assert drawn(1) == drawn(1) != drawn(2)


def test_the_command_answers_every_row_of_a_file(tmp_path: Path, small: tuple[Any, Any]) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    config = {"kind": "decoder", "columns": {}}
    with store.create("writer", "1", now=datetime(2026, 3, 1, tzinfo=UTC), config=config, data_hash="") as draft:
        for part in small:
            part.save_pretrained(draft.path / "model")
    rows = [{"prompt": f"tea {place}"} for place in range(5)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["model", "generate", "writer", str(tmp_path / "rows.jsonl"), "--bulk", "--max-tokens", "4"]
    done = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "out.jsonl"), "--store", str(store.root)])
    assert done.exit_code == 0, done.output
    said = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["prompt"] for row in said] == [row["prompt"] for row in rows]
    assert all("prediction" in row for row in said)
