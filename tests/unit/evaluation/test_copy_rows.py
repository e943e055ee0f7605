import json
from pathlib import Path
from typing import Any

import pytest

from zhanggui.errors import EvaluationError
from zhanggui.evaluation.copy_rows import CopyRow, read, read_vocabulary
from zhanggui.storage import RejectFile

ASKED = {"content": "类型#裙*颜色#白色", "summary": "白色的裙子。"}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows), encoding="utf-8")
    return path


def rows(folder: Path, files: list[Path], reference: Path | None = None, **options: Any) -> tuple[list[CopyRow], list[dict[str, Any]]]:  # fmt: skip
    kept = folder / "rejects.jsonl"
    with RejectFile(path=kept) as rejects:
        found = read(files, reference, rejects=rejects, **options)
    return found, [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


def test_row_k_of_each_file_belongs_together(tmp_path: Path) -> None:
    asked = write(tmp_path / "asked.jsonl", ASKED, "", {"about": "Mug", "facts": {"colour": "sage"}, "copy": "Sage."})
    one = write(tmp_path / "one.jsonl", {"summary": "白裙。"}, {"prediction": "A mug."})
    two = write(tmp_path / "two.jsonl", {"answer": ""}, "", {"text": "Sage mug."})
    found, rejected = rows(tmp_path, [one, two], asked)
    assert [row.texts for row in found] == [{"one": "白裙。", "two": ""}, {"one": "A mug.", "two": "Sage mug."}]
    assert [row.reference for row in found] == ["白色的裙子。", "Sage."]
    assert [row.language for row in found] == ["zh", "en"]
    assert [row.place for row in found] == ["asked.jsonl:1", "asked.jsonl:3"]
    assert rejected == []


def test_one_file_can_hold_source_reference_and_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", {"content": "类型#裙", "reference": "裙子。", "text": "裙。"})
    found, _ = rows(tmp_path, [file])
    assert found[0].reference == "裙子。"
    assert found[0].texts == {"a": "裙。"}


def test_a_text_is_never_its_own_reference(tmp_path: Path) -> None:
    found, _ = rows(tmp_path, [write(tmp_path / "a.jsonl", {"content": "类型#裙", "summary": "裙。"})])
    assert found[0].reference is None


def test_a_bad_row_is_left_out_for_all_and_kept_with_file_line_and_field(tmp_path: Path) -> None:
    asked = write(tmp_path / "asked.jsonl", ASKED, {"content": "裙"}, ASKED, ASKED, ASKED, ASKED, ASKED)
    one = write(tmp_path / "one.jsonl", {"text": "好"}, {"text": "b"}, "{", {"text": 5}, {"txt": ""}, {"text": "e", "content": "类型#裤"}, '{"text": "\\ud800"}')  # fmt: skip
    found, rejected = rows(tmp_path, [one], asked)
    assert [row.texts["one"] for row in found] == ["好"]
    assert [(Path(one["source"]).name, one["line"], one["field"]) for one in rejected] == [
        ("asked.jsonl", 2, "content"),
        ("one.jsonl", 3, ""),
        ("one.jsonl", 4, "text"),
        ("one.jsonl", 5, "text"),
        ("one.jsonl", 6, ""),
        ("one.jsonl", 7, "text"),
    ]
    assert rejected[4]["problem"] == f"it was written for another row than row 6 of {asked}"


def test_cut_texts_are_cut_like_their_references(tmp_path: Path) -> None:
    found, _ = rows(tmp_path, [write(tmp_path / "a.jsonl", {"reference": "abcdef", "text": "bcdefg"})], chars=3)
    assert (found[0].reference, found[0].texts["a"]) == ("abc", "bcd")


def test_files_of_one_name_and_one_called_reference_keep_apart(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
    files = [write(tmp_path / name, {"text": name}) for name in ("x/out.jsonl", "y/out.jsonl", "reference.jsonl")]
    found, _ = rows(tmp_path, files)
    assert list(found[0].texts) == [str(file) for file in files]


def test_files_of_different_lengths_or_without_a_good_row_are_refused(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.jsonl", {"text": "a"}), write(tmp_path / "two.jsonl", {"text": "a"}, {"text": "b"})
    with pytest.raises(EvaluationError, match=r"two\.jsonl: it has 2 rows, .*one\.jsonl has 1 "):
        rows(tmp_path, [one, two])
    with pytest.raises(EvaluationError, match=r"no row that can be evaluated \(1 rows: it has no text\)"):
        rows(tmp_path, [write(tmp_path / "three.jsonl", {"copy_": "a"})])
    with pytest.raises(EvaluationError, match="it cannot be opened: No such file"):
        rows(tmp_path, [tmp_path / "none.jsonl"])


def test_a_vocabulary_is_read_from_sources(tmp_path: Path) -> None:
    with RejectFile(path=tmp_path / "rejects.jsonl") as rejects:
        assert read_vocabulary(write(tmp_path / "v.jsonl", ASKED, {"content": ""}), rejects=rejects) == {"裙", "白色"}
        assert rejects.count == 1
        with pytest.raises(EvaluationError, match="it names no attribute"):
            read_vocabulary(write(tmp_path / "w.jsonl", {"text": "a"}), rejects=rejects)
