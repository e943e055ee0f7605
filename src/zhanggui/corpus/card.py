"""The data card: what a corpus holds, in figures and with texts to check by eye, in English and Chinese."""

import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zhanggui.corpus.document import Document, Part
from zhanggui.corpus.split import SHARES
from zhanggui.errors import CorpusError

Kept = Sequence[tuple[Document, Part]]
_SECTIONS: Mapping[str, str] = {
    "notes": "Notes 提示",
    "files": "Files 文件",
    "licence": "Licence 许可",
    "parts": "Parts 划分",
    "rejected": "Rows refused 拒收的行",
    "dropped": "Texts dropped 去除的文本",
    "personal_data_masked": "Personal data masked 已遮盖的个人信息",
    "characters": "Length in characters 长度（字符）",
    "lengths": "Texts by length 长度分布",
    "languages": "Languages 语言",
    "labels": "Classes 类别",
    "topics_given": "Topics that came with the texts 自带主题",
    "attributes_given": "Attributes that came with the texts 自带属性",
    "leaks": "Leaks checked 泄漏检查",
    "annotations": "Annotations 标注",
}
_ROWS: Mapping[str, str] = {
    "texts": "texts 文本", "groups": "groups 组", "seed": "seed 随机种子", "too_short": "too short 过短", "exact_duplicates": "exact duplicates 完全重复",
    "near_duplicates": "near duplicates 近似重复", "removed": "leaks removed 已移除的泄漏", "train": "train 训练", "validation": "validation 验证", "test": "test 测试", "rows": "rows 行",
    "reasons": "reasons 原因", "shortest": "shortest 最短", "median": "median 中位数", "longest": "longest 最长", "mean": "mean 平均", "total": "total 总计",
    "groups_in_two_parts": "groups in two parts 跨集的组", "near_duplicates_in_two_parts": "near duplicates in two parts 跨集的近似重复", "texts_compared": "texts compared 已比对文本",
    "jaccard_from": "near duplicate from this Jaccard similarity 近似重复的阈值", "zh": "Chinese 中文", "en": "Latin script, taken for English 拉丁字母，视作英文", "mixed": "mixed 混合", "other": "other 其他",
    "leaks": "resembled a text of another part 与另一集的文本相近", "name": "name 名称", "encoding": "encoding 编码", "keyword": "keywords 关键词", "topic": "topics 主题",
    "sentiment": "sentiment 情感", "emotion": "emotion 情绪", "selling_point": "selling points 卖点", "attribute": "attributes covered 覆盖的属性", "label": "classes 类别",
    "count": "annotations 标注数", "share_of_texts": "share of texts 占文本比例", "confidence": "mean confidence 平均置信度", "sources": "sources 来源", "most_common": "most common 最常见", "measured": "measured on validation 在验证集上测得",
}  # fmt: skip


def figures(kept: Kept) -> dict[str, Any]:
    """What the kept texts add up to."""
    lengths = sorted(len(one.text) for one, _ in kept)
    at = {name: lengths[int(share * (len(lengths) - 1))] for name, share in _QUANTILES.items()} if lengths else {}
    return {
        "texts": len(kept),
        "groups": len({one.group for one, _ in kept}),
        "parts": {part: sum(mine == part for _, mine in kept) for part in SHARES},
        "characters": {**at, "mean": round(sum(lengths) / max(1, len(lengths)), 1), "total": sum(lengths)},
        "lengths": _histogram(lengths),
        "languages": dict(Counter(one.language for one, _ in kept).most_common()),
        "labels": dict(Counter(one.label for one, _ in kept if one.label).most_common(50)),
        "topics_given": dict(Counter(one.topic for one, _ in kept if one.topic).most_common(50)),
        "attributes_given": dict(Counter(name for one, _ in kept for name, _ in one.attributes).most_common(50)),
        "largest_group": max(Counter(one.group for one, _ in kept).values(), default=0),
    }


_QUANTILES = {"shortest": 0.0, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "longest": 1.0}


def _histogram(lengths: Sequence[int]) -> dict[str, int]:
    """Texts by length, in powers of two."""
    counts = Counter(max(0, length - 1).bit_length() for length in lengths)
    return {f"{(1 << power >> 1) + 1}-{1 << power}": counts[power] for power in sorted(counts)}


def notes(card: Mapping[str, Any]) -> list[str]:
    """What a reader of the card should not overlook, in both languages."""
    texts, rows = card["texts"], card["rejected"]["rows"]
    found = [f"{one['name']} holds no text. {one['name']} 没有文本。" for one in card["files"] if not one["texts"]]
    if not texts:
        found.append("No text is left. 没有留下文本。")
    elif not all(card["parts"].values()):
        found.append("NOT SPLIT: no part files were written; see the error. 未划分：没有写出各集文件，原因见报错。")
    elif max(abs(card["parts"][part] / texts - share) for part, share in SHARES.items()) > 0.03:
        found.append(
            "The parts are not 8:1:1: there are too few groups for it, or too large ones. 各集不是 8:1:1：组太少，或有的组太大。"
        )
    if texts and card["largest_group"] > max(1, 0.2 * texts):
        found.append(
            f"One group holds {card['largest_group'] / texts:.0%} of the texts. 有一组占全部文本的 {card['largest_group'] / texts:.0%}。"
        )
    if rows > 0.1 * (rows + texts):
        found.append(f"{rows} rows were refused; see rejects.jsonl. 有 {rows} 行被拒收，见 rejects.jsonl。")
    if len(card["labels"]) == 1:
        found.append("All texts are of one class. 所有文本都属同一类别。")
    if not card["licence"]:
        found.append("No licence is stated: train on it, ship nothing of it. 未说明许可：不要对外发布。")
    return found


def write(folder: Path, card: Mapping[str, Any], kept: Kept) -> None:
    """Write card.json and card.md."""
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "card.md").write_text(_page(card, kept), encoding="utf-8")


def _page(card: Mapping[str, Any], kept: Kept) -> str:
    lines = ["# Data card 数据卡", ""]
    lines += [f"{card['texts']:,} texts 文本, {card['groups']:,} groups 组, seed 随机种子 {card['seed']}"]
    for name, title in _SECTIONS.items():
        if value := card.get(name):
            lines += ["", f"## {title}", "", *_section(value)]
    lines += ["", "## Twenty texts to check by eye 抽查二十条", ""]
    step = max(1, len(kept) // 20)
    lines += [f"- {_ROWS[part]}, {plain(one.source)}: {plain(one.text[:160])}" for one, part in kept[::step][:20]]
    return "\n".join(lines) + "\n"


def _section(value: Any) -> list[str]:
    if isinstance(value, str):
        return [plain(value)]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [f"- {plain(one)}" for one in value]
    if isinstance(value, list):
        names = list(value[0])
        head = [f"| {' | '.join(_ROWS.get(name, name) for name in names)} |", "|---" * len(names) + "|"]
        return head + [f"| {' | '.join(_cell(one[name]) for name in names)} |" for one in value]
    if all(isinstance(one, Mapping) and "count" in one for one in value.values()):
        return [
            line
            for name, one in value.items()
            for line in ("", f"### {_ROWS.get(name, plain(name))}", "", *_section(one))
        ]
    return [
        "| | |",
        "|---|---|",
        *(f"| {_ROWS.get(name, plain(str(name)))} | {_cell(one)} |" for name, one in value.items()),
    ]


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<br>".join(f"{_ROWS.get(name, plain(str(name)))}: {_cell(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "<br>".join(_cell(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else plain(str(value))


def plain(text: str) -> str:
    """Text that Markdown shows as it stands: no markup, no cell ends."""
    return (
        html.escape(" ".join(text.split()), quote=False)
        .replace("|", "&#124;")
        .replace("`", "&#96;")
        .replace("[", "&#91;")
    )


def read(folder: Path) -> dict[str, Any]:
    """The card of a built corpus. Raises CorpusError."""
    path = folder / "card.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError("its data card cannot be read", source=str(path), hint="build the corpus anew") from error
    return found
