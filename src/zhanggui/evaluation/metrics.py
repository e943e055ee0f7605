"""The metrics of copy, by what they measure, with their names in English and Chinese. Computes nothing."""

from dataclasses import dataclass
from typing import Literal

Group = Literal["relevance", "diversity", "fluency", "faithfulness", "length"]
GROUPS: dict[Group, tuple[str, str]] = {
    "relevance": ("Relevance", "相关性"),
    "diversity": ("Diversity", "多样性"),
    "fluency": ("Fluency", "流畅性"),
    "faithfulness": ("Faithfulness", "忠实性"),
    "length": ("Length", "长度"),
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a figure is called and printed."""

    name: str
    group: Group
    en: str
    zh: str
    better: Literal["higher", "lower", ""]
    scale: int = 100
    """100 for shares and overlaps, which are printed in hundredths, as the field does; 1 for plain numbers."""


def _overlap(unit: str, english: str, chinese: str) -> list[Metric]:
    named = (
        ("bleu_4", "BLEU-4"),
        ("corpus_bleu_4", "corpus BLEU-4"),
        ("rouge_1", "ROUGE-1"),
        ("rouge_2", "ROUGE-2"),
        ("rouge_l", "ROUGE-L"),
    )
    return [
        Metric(
            name=f"{name}_{unit}",
            group="relevance",
            en=f"{title}, {english}",
            zh=f"{title.replace('corpus ', '语料级 ')}（{chinese}）",
            better="higher",
        )
        for name, title in named
    ]


METRICS: tuple[Metric, ...] = (
    Metric(name="attribute_coverage", group="relevance", en="attributes covered", zh="属性覆盖率", better="higher"),
    Metric(name="unsupported_attributes", group="relevance", en="unsupported attributes a text", zh="每条文案的无依据属性数", better="lower", scale=1),
    Metric(name="similarity", group="relevance", en="similarity in meaning", zh="语义相似度", better="higher"),
    *_overlap("characters", "characters", "按字"),
    *_overlap("words", "words", "按词"),
    *(
        Metric(name=f"distinct_{n}", group="diversity", en=f"distinct-{n}", zh=f"distinct-{n}", better="higher")
        for n in (1, 2, 3, 4)
    ),
    Metric(name="self_bleu_4", group="diversity", en="self-BLEU-4", zh="self-BLEU-4", better="lower"),
    Metric(name="perplexity", group="fluency", en="perplexity", zh="困惑度", better="lower", scale=1),
    Metric(name="repetition_4", group="fluency", en="repetition-4", zh="4 元重复率", better="lower"),
    Metric(name="unsupported_claims", group="faithfulness", en="texts with an unsupported claim", zh="含无依据说法的文案", better="lower"),
    Metric(name="length", group="length", en="characters a text", zh="平均字符数", better="", scale=1),
)  # fmt: skip
