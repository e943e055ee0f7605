import json
from pathlib import Path

import pytest

from zhanggui.errors import TrainingError
from zhanggui.training import rows
from zhanggui.training.measure import Measured
from zhanggui.training.settings import FinetuneSettings, LimitSettings, PairColumns, load
from zhanggui.training.tuned import lost

BRIEF = {"language": "en", "channel": "sms", "tone": "plain", "stage": "new", "about": "Green tea", "facts": {"size": "50 g"}, "offer": "", "copy": "Green tea, in a 50 g tin."}  # fmt: skip


def write(folder: Path, *lines: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


def test_three_shapes_of_row_become_pairs(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    pairs, digest = rows.read(write(tmp_path, BRIEF, chat, {"prompt": "Say a", "completion": "a"}), PairColumns())
    assert [one.answer for one in pairs] == ["Green tea, in a 50 g tin.", "Hello.", "a"]
    assert "about: Green tea\nsize: 50 g" in pairs[0].prompt[-1]["content"]
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("line", "words"),
    [("{", "line 2"), ("[1]", "line 2"), ({"prompt": "x"}, "completion"), ({**BRIEF, "facts": 3}, "line 2"),
     ({"messages": [{"role": "user", "content": "x"}]}, "assistant"), ({k: v for k, v in BRIEF.items() if k != "tone"}, "tone")],
)  # fmt: skip
def test_a_broken_row_is_named(tmp_path: Path, line: object, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        rows.read(write(tmp_path, BRIEF, line), PairColumns())


def test_no_group_crosses_the_split_and_the_seed_fixes_it(tmp_path: Path) -> None:
    pairs, _ = rows.read(write(tmp_path, *[{**BRIEF, "about": f"thing {n % 50}"} for n in range(400)]), PairColumns())
    train, held = rows.split(pairs, validation=0.2, seed=1)
    assert len(train) + len(held) == 400
    assert 20 < len(held) < 160
    assert not {one.group for one in train} & {one.group for one in held}
    assert rows.split(pairs, validation=0.2, seed=1) == (train, held)
    assert rows.split(pairs, validation=0.2, seed=2) != (train, held)


def test_settings_name_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text('name = "a"\nbase = "default"\ndata = "x"\nepoch = 3\n', encoding="utf-8")
    with pytest.raises(TrainingError, match="epoch"):
        load(path, FinetuneSettings)
    path.write_text('name = "a"\nbase = "default"\ndata = "x"\n[lora]\nrank = "big"\n', encoding="utf-8")
    with pytest.raises(TrainingError, match=r"lora\.rank"):
        load(path, FinetuneSettings)


def test_a_model_that_forgot_or_repeats_itself_is_refused() -> None:
    def measured(perplexity: float, repetition: float) -> Measured:
        return Measured(
            validation_loss=1.0,
            general_perplexity=perplexity,
            repetition_4=repetition,
            distinct_2=0.5,
            bleu_4=0.1,
            rouge_l=0.2,
            pairs=9,
            samples=(),
        )

    limits = LimitSettings()
    assert lost(measured(10, 0), measured(19, 0.04), limits) == []
    assert "forgotten" in lost(measured(10, 0), measured(21, 0), limits)[0]
    assert "forgotten" in lost(measured(10, 0), measured(float("nan"), 0), limits)[0]
    assert "repeats" in lost(measured(10, 0), measured(10, 0.06), limits)[0]


def test_columns_are_named_and_completions_made_clean_where_asked(tmp_path: Path) -> None:
    row = {"content": "类型#裤", "summary": "宽松<UNK>好看\n显瘦"}
    columns = PairColumns(prompt="content", completion="summary")
    (kept,), _ = rows.read(write(tmp_path, row), columns, system="写广告")
    assert kept.answer == row["summary"]
    assert [one["role"] for one in kept.prompt] == ["system", "user"]
    assert kept.group == "类型#裤"
    (tidy,), _ = rows.read(write(tmp_path, row), columns, tidy=True)
    assert tidy.answer == "宽松好看显瘦"
