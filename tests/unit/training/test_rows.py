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


USER, SAID = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}


@pytest.mark.parametrize(
    ("row", "prompt", "answer"),
    [
        ({"prompt": "Hi", "completion": [SAID]}, ["system: Be brief.", "user: Hi"], "Hello."),
        ({"prompt": [USER], "completion": [SAID]}, ["user: Hi"], "Hello."),
        ({"instruction": "Say", "input": "it", "output": "It."}, ["system: Be brief.", "user: Say\nit"], "It."),
        ({"instruction": "Say", "input": "", "output": "It.", "system": "Own.", "history": [["a", "b"]]},
         ["system: Own.", "user: a", "assistant: b", "user: Say"], "It."),
        ({"conversations": [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "您好"}], "system": "Own."},
         ["system: Own.", "user: 你好"], "您好"),
        ({"conversations": [{"from": "system", "value": "s"}, {"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
         ["system: s", "user: a"], "b"),
    ],
)  # fmt: skip
def test_rows_of_other_tools_are_read(tmp_path: Path, row: object, prompt: list[str], answer: str) -> None:
    (found,), _ = rows.read(write(tmp_path, row), system="Be brief.")
    assert [f"{one['role']}: {one['content']}" for one in found.prompt] == prompt
    assert found.answer == answer


def test_a_json_array_is_read_and_its_rows_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "alpaca.json"
    good = {"instruction": "Say a", "input": "", "output": "a"}
    path.write_text("\ufeff" + json.dumps([good, good], indent=1), encoding="utf-8")
    assert [one.answer for one in rows.read(path)[0]] == ["a", "a"]
    path.write_text(json.dumps([good, {**good, "output": None}], indent=1), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"alpaca.json, line 7: the field 'output' is no text but null"):
        rows.read(path)
    path.write_text('[{"prompt": "a", "completion": "b"},\n {"prompt": "a"', encoding="utf-8")
    with pytest.raises(TrainingError, match=r"line 2: it is not JSON: .*one array of objects"):
        rows.read(path)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "x", "completion": None}, "'completion' is no text but null; write text"),
        ({"prompt": "x", "completion": 3}, "'completion' is no text but int"),
        ({"prompt": "x", "completion": [USER]}, "one turn of the assistant's"),
        ({"prompt": "x", "completion": [SAID, SAID]}, "one turn of the assistant's"),
        ({"prompt": None, "completion": "x"}, "'prompt' must be text or a list of turns"),
        ({"prompt": [{"role": "user", "content": None}], "completion": "x"}, r"prompt\[0\]\.content' is no text but null"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, r"messages\[1\]\.content' is no text but null"),
        ({"messages": [USER, "Hello."]}, r"messages\[1\] is no turn; it needs 'role'"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "observation", "value": "b"}]}, "'observation'; known are"),
        ({**BRIEF, "copy": None}, "'copy' is no text but null"),
        ({"text": "alone"}, "'prompt' is missing; a row has .* 'messages', .*Alpaca.*ShareGPT"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused_and_not_trained_on(tmp_path: Path, row: object, words: str) -> None:
    with pytest.raises(TrainingError, match=rf"rows\.jsonl, line 2: .*{words}"):
        rows.read(write(tmp_path, BRIEF, row))


def test_a_very_small_model_learns_from_the_product_and_its_reader_only(tmp_path: Path) -> None:
    (found,), _ = rows.read(write(tmp_path, BRIEF), style="product")
    assert [line.split(":")[0] for line in found.prompt[-1]["content"].splitlines()][:2] == ["reader", "about"]
    assert BRIEF["tone"] not in found.prompt[-1]["content"]


def test_a_column_that_is_called_copy_makes_no_brief(tmp_path: Path) -> None:
    (found,), _ = rows.read(write(tmp_path, {"about": "tea", "copy": "Good tea."}), PairColumns(prompt="about", completion="copy"))  # fmt: skip
    assert (found.answer, found.language) == ("Good tea.", "")


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


def test_a_group_is_one_however_its_name_is_written(tmp_path: Path) -> None:
    names = ("SKU {}", "sku{}", "Ｓｋｕ　{}")
    lines = [{"prompt": "a", "completion": "b", "group": name.format(n)} for n in range(60) for name in names]
    train, held = rows.split(rows.read(write(tmp_path, *lines))[0], validation=0.3, seed=1)
    sides = [
        {int(one.group.lower().replace("ｓｋｕ", "").replace("sku", "")) for one in side} for side in (train, held)
    ]
    assert not sides[0] & sides[1]


def test_a_group_binds_rows_of_every_shape(tmp_path: Path) -> None:
    shapes = [
        BRIEF,
        {"messages": [USER, SAID]},
        {"prompt": "a", "completion": "b"},
        {"instruction": "a", "input": "", "output": "b"},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
    ]
    for name in ("group", "sku"):
        columns = PairColumns(group=name)
        pairs, _ = rows.read(write(tmp_path, *[{**one, name: "p1"} for one in shapes]), columns)
        assert [one.group for one in pairs] == ["p1"] * 5
    pairs, _ = rows.read(write(tmp_path, *[{**one, "group": None} for one in shapes]))
    assert [one.group for one in pairs] == ["green tea", "Hi", "a", "a", "a"]


def test_a_corpus_is_divided_as_it_was_built(tmp_path: Path) -> None:
    for part in ("train", "validation", "test"):
        lines = [json.dumps({"prompt": f"{part} {n}", "completion": "a"}) for n in range(8)]
        (tmp_path / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    settings = FinetuneSettings(name="a", base="b", data="c", validation=0.5)
    train, held, digest = rows.read_parts(tmp_path, settings)
    assert [one.prompt[-1]["content"] for one in train] == [f"train {n}" for n in range(8)]
    assert [one.prompt[-1]["content"] for one in held] == [f"validation {n}" for n in range(8)]
    (tmp_path / "validation.jsonl").write_text(lines[0], encoding="utf-8")
    assert rows.read_parts(tmp_path, settings)[2] != digest


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
    assert tidy.answer == "宽松好看，显瘦"
