"""A page of annotations to check by eye: for each kind, texts spread over the corpus with what was said of them."""

import html
from collections.abc import Iterable, Sequence

from zhanggui.corpus.document import Annotation, Document, Part

_EACH = 15
_TITLES = {
    "keyword": "Keywords 关键词",
    "topic": "Topics 主题",
    "sentiment": "Sentiment 情感",
    "emotion": "Emotion 情绪",
    "selling_point": "Selling points 卖点",
    "attribute": "Attributes covered 覆盖的属性",
    "label": "Classes 类别",
}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.4rem;text-align:left;vertical-align:top}"
    "small{color:#666}b.doubt{color:#b00}"
)


def page(kept: Sequence[tuple[Document, Part]]) -> str:
    """One HTML page without scripts; every text in it is escaped."""
    body = [
        "<h1>Annotations to check by eye 标注抽查</h1>",
        "<p>Count what is wrong before you train on it. 训练之前，请先数一数有多少标错。</p>",
    ]
    for kind, title in _TITLES.items():
        mine = [(one, part) for one, part in kept if any(said.kind == kind for said in one.annotations)]
        if mine:
            body += [f"<h2>{title}</h2>", *_table(mine[:: max(1, len(mine) // _EACH)][:_EACH], kind)]
    doubtful = sorted(_doubts(kept), key=lambda one: -one[1].confidence)[:_EACH]
    if doubtful:
        body += [
            "<h2>Labels that the classifier doubts most 分类器最怀疑的标签</h2>",
            "<table><tr><th>Given 原标签</th><th>Classifier 分类器</th><th>Text 文本</th></tr>",
            *(
                f"<tr><td>{_plain(given)}</td><td>{_said(said)}</td><td>{_plain(one.text)}</td></tr>"
                for one, said, given in doubtful
            ),
            "</table>",
        ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Samples 抽查</title><style>{_STYLE}</style>'
        + "\n".join(body)
        + "</html>\n"
    )


def _table(rows: Iterable[tuple[Document, Part]], kind: str) -> list[str]:
    lines = ["<table><tr><th>Text 文本</th><th>Annotation 标注</th></tr>"]
    for one, part in rows:
        said = "<br>".join(_said(mine) for mine in one.annotations if mine.kind == kind)
        if kind == "attribute":
            covered = {(mine.aspect, mine.value) for mine in one.annotations if mine.kind == kind}
            missing = [f"{name}: {value}" for name, value in one.attributes if (name, value) not in covered]
            said += f"<br><small>not found 未提到: {_plain(', '.join(missing)) or '-'}</small>"
        given = f" {_plain(one.label)}" if one.label and kind in ("sentiment", "label") else ""
        lines.append(
            f"<tr><td>{_plain(one.text[:400])}<br><small>{part}, {_plain(one.source)}{given}</small></td><td>{said}</td></tr>"
        )
    return [*lines, "</table>"]


def _said(one: Annotation) -> str:
    aspect = f"{_plain(one.aspect)}: " if one.aspect else ""
    return f"{aspect}{_plain(one.value)} <small>{one.confidence:.2f}, {one.source}, {_plain(one.by)}</small>"


def _doubts(kept: Sequence[tuple[Document, Part]]) -> Iterable[tuple[Document, Annotation, str]]:
    """Texts whose own class or topic a classifier contradicts."""
    from zhanggui.corpus.classifier import SENTIMENTS

    for one, _ in kept:
        for said in one.annotations:
            if said.source == "classifier":
                given = one.topic if said.kind == "topic" else one.label
                meant = SENTIMENTS.get(given.lower(), given) if said.kind == "sentiment" else given
                if given and meant != said.value:
                    yield one, said, given


def _plain(text: str) -> str:
    return html.escape(text)
