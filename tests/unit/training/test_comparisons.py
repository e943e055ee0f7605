import json
from pathlib import Path

import pytest

from zhanggui.errors import TrainingError
from zhanggui.training import comparisons, rows
from zhanggui.training.settings import PreferenceSettings, load

BRIEF = {"language": "zh", "channel": "sms", "tone": "warm", "stage": "new", "about": "绿茶", "facts": {"产地": "杭州"}, "offer": "", "chosen": "杭州绿茶，午后一杯。", "rejected": "全球最好的绿茶！"}  # fmt: skip
PLAIN = {"prompt": "Say a", "chosen": "a", "rejected": "b", "why": "left alone"}


def write(folder: Path, *lines: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_a_brief_is_compared_in_the_prompt_that_campaigns_use(tmp_path: Path) -> None:
    found, digest = comparisons.read(write(tmp_path, BRIEF, PLAIN))
    as_pair = rows.pair({name: value for name, value in BRIEF.items() if name[-2:] != "ed"} | {"copy": "x"})
    assert found[0].chosen.prompt == as_pair.prompt
    assert found[0].chosen.language == "zh"
    assert [one.rejected for one in found] == ["全球最好的绿茶！", "b"]
    assert len(digest) == 64
    assert comparisons.chats(found)[1] == {
        "prompt": [{"role": "user", "content": "Say a"}],
        "chosen": [{"role": "assistant", "content": "a"}],
        "rejected": [{"role": "assistant", "content": "b"}],
        "chat_template_kwargs": {"enable_thinking": False},
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [({**PLAIN, "rejected": "a"}, "line 2: chosen and rejected are the same"), ({"prompt": "x", "chosen": "a"}, "rejected"),
     ({**PLAIN, "chosen": ["a"]}, "line 2: chosen and rejected must be texts"), ({k: v for k, v in BRIEF.items() if k != "tone"}, "tone")],
)  # fmt: skip
def test_a_broken_comparison_is_named(tmp_path: Path, line: object, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        comparisons.read(write(tmp_path, PLAIN, line))


@pytest.mark.parametrize(
    "more", [{"facts": {"a": "b"}, "copy": "c"}, {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "c"}]}]
)  # fmt: skip
def test_what_was_chosen_is_learned_whatever_else_a_row_has(tmp_path: Path, more: dict[str, object]) -> None:
    (found,), _ = comparisons.read(write(tmp_path, {**PLAIN, **more, "group": "p1"}))
    assert (found.chosen.answer, found.rejected, found.chosen.group) == ("a", "b", "p1")
    assert found.chosen.prompt == ({"role": "user", "content": "Say a"},)


def test_a_file_of_other_rows_in_the_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, PLAIN)
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "x", "completion": "y"}', encoding="utf-8")
    with pytest.raises(TrainingError, match=r"pairs\.jsonl, line 1: the field 'chosen' is missing"):
        comparisons.read(tmp_path)


def test_no_product_crosses_the_split(tmp_path: Path) -> None:
    found, _ = comparisons.read(write(tmp_path, *[{**BRIEF, "about": f"茶{n % 40}"} for n in range(200)]))
    train, held = comparisons.split(found, validation=0.25, seed=1)
    assert len(train) + len(held) == 200
    assert held
    assert not {one.chosen.group for one in train} & {one.chosen.group for one in held}


def test_smoothing_past_a_half_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text('name = "a"\nbase = "default"\ndata = "x"\nlabel_smoothing = 0.5\n', encoding="utf-8")
    with pytest.raises(TrainingError, match="label_smoothing"):
        load(path, PreferenceSettings)
