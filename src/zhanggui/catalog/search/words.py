"""A text as words that can be looked up: Chinese cut by jieba's dictionary (rjieba), English stemmed, numbers with their unit.

Knows no product and no index. A text of any kind is read, in time linear in its length; what is no word is left out.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from zhanggui.errors import StorageError

_RUN = re.compile(
    r"(?P<zh>[\u3400-\u9fff\uf900-\ufaff]+)|(?P<number>\d+(?:\.\d+)?)|(?P<latin>[a-z]+)(?:['’]s(?![a-z]))?|(?P<other>[^\W\d_])"
)
_UNITS = {
    **dict.fromkeys(("ml", "毫升"), "ml"),
    **dict.fromkeys(("l", "升", "litre", "litres", "liter", "liters"), "l"),
    **dict.fromkeys(("g", "克", "gram", "grams"), "g"),
    **dict.fromkeys(("kg", "公斤", "千克"), "kg"),
    **dict.fromkeys(("cm", "厘米", "公分"), "cm"),
    **dict.fromkeys(("mm", "毫米"), "mm"),
    **dict.fromkeys(("m", "米"), "m"),
    **dict.fromkeys(("inch", "inches", "寸", "英寸"), "inch"),
    **dict.fromkeys(("mah", "毫安", "毫安时"), "mah"),
    "gb": "gb",
    "tb": "tb",
    "w": "w",
}
_LONGEST, _SHORT = 40, 40
_ACCENTS = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """`text` as it is compared: width, case and accents make no difference."""
    if text.isascii():
        return text.casefold()
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", apart))


def words(text: str) -> list[str]:
    """The words of a text in their order, as they were written; a number is one word with the unit that follows it."""
    return list(_cut_short(text) if len(text) <= _SHORT else _cut(text))


def _cut(text: str) -> tuple[str, ...]:
    cut: list[str] = []
    for run in _RUN.finditer(fold(text)):
        kind, written = run.lastgroup, run[run.lastgroup or 0][:1_000]
        for word in _jieba().cut(written) if kind == "zh" else (written[:_LONGEST],):
            if (unit := _UNITS.get(word)) and cut and cut[-1][-1].isdigit():
                cut[-1] += unit
            else:
                cut.append(word)
    return tuple(cut)


_cut_short = lru_cache(maxsize=16_384)(_cut)  # brands, values and categories come again and again


def parts(listed: Sequence[str]) -> Iterator[str]:
    """What else a text with these words may be found by: parts of long Chinese words, and neighbours written as one.

    The last character of a Chinese word is often the thing itself: 雨伞 is a 伞.
    """
    for word in listed:
        if len(word) > 1 and is_chinese(word):
            yield word[-1]
            yield from (part for part in _jieba().cut_for_search(word) if part not in (word, word[-1]))
    yield from (first + second for first, second in itertools.pairwise(listed))


def is_chinese(word: str) -> bool:
    """Whether a word is written in Chinese characters."""
    return "\u3400" <= word[0] <= "\u9fff" or "\uf900" <= word[0] <= "\ufaff"


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """An English word without its ending; any other word as it is."""
    found = _stemmer().analyze(word) if word[0].isascii() and word.isalpha() else ()
    return found[0] if found else word


@lru_cache(maxsize=65_536)
def syllables(word: str) -> tuple[str, ...]:
    """The pinyin of a Chinese word without tones, syllable by syllable, "ü" as "v"; nothing for any other word."""
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(word, errors="ignore", v_to_u=False)) if is_chinese(word) else ()


@cache
def _jieba() -> Any:
    try:
        import rjieba
    except ModuleNotFoundError as error:
        raise StorageError("the search needs rjieba; run: pip install rjieba") from error
    return rjieba


@cache
def _stemmer() -> Any:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.stemmer("english")).build()
