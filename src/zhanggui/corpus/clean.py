"""Cleans a text for training: one form of each character, no markup, no unknown signs.

Pure functions; knows no file.
"""

import html
import re
import unicodedata

_TAG = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|</?[a-zA-Z][^<>]{0,500}>", re.DOTALL | re.IGNORECASE)
_UNKNOWN = re.compile(r"<\s*unk\s*>|\[unk\]|\ufffd", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_REPEATED = re.compile(r"([!?。！？，,、~～…\-=*_.])\1{2,}")
# Sentences that a shop's platform adds and nobody wrote.
_BOILERPLATE = re.compile(
    r"此用户没有填写评[价论]内容?!?|系统默认好评!?|评价方未及时做出评价,?系统默认好评!?|本商品评价由系统自动生成"
    r"|this (?:user|customer) (?:did not|has not) (?:leave|left) (?:a )?(?:review|comment)\.?",
    re.IGNORECASE,
)
# Chinese punctuation that NFKC makes ASCII, given back where it stands beside a Chinese character.
_HALF = str.maketrans(",!?:;", "，！？：；")
_BESIDE = re.compile(r"(?<=[\u4e00-\u9fff])[,!?:;]+|[,!?:;]+(?=[\u4e00-\u9fff])")


def clean(text: str) -> str:
    """Plain text in NFKC: no markup, control characters, unknown signs or boilerplate; "" when nothing is left."""
    text = _TAG.sub(" ", html.unescape(_TAG.sub(" ", _UNKNOWN.sub(" ", text))))
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = _BOILERPLATE.sub(" ", text)
    text = _REPEATED.sub(r"\1\1\1", text)
    text = _BESIDE.sub(lambda match: match[0].translate(_HALF), text)
    text = " ".join(text.split())
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", text)


def language(text: str) -> str:
    """ "zh", "en", "mixed" or "other", by the letters: a quarter of the other script makes it mixed."""
    chinese = sum("\u3400" <= sign <= "\u9fff" for sign in text)
    # A Chinese character says about as much as half an English word of five letters.
    latin = sum(sign.isascii() and sign.isalpha() for sign in text) / 2.5
    foreign = sum(sign.isalpha() and not sign.isascii() and not "\u3400" <= sign <= "\u9fff" for sign in text)
    if foreign > max(chinese, latin) or chinese + latin == 0:
        return "other"
    if min(chinese, latin) > 0.25 * (chinese + latin):
        return "mixed"
    return "zh" if chinese > latin else "en"
