"""Cleans a text for training: one form of each character, no markup, no unknown signs, personal data masked.

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
# Chinese punctuation that NFKC makes ASCII, given back where it stands between Chinese characters.
_HALF = {",": "，", "!": "！", "?": "？", ":": "：", ";": "；"}
_BETWEEN = re.compile(r"(?<=[\u4e00-\u9fff])([,!?:;])(?=[\u4e00-\u9fff]|\s|$)")

_PERSONAL = (
    ("[EMAIL]", re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")),
    ("[ID]", re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\w)")),
    ("[PHONE]", re.compile(r"(?<!\d)(?:\+?86[\s-]?)?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?!\d)")),
    ("[PHONE]", re.compile(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)")),
    ("[PHONE]", re.compile(r"(?<![\w.])(?:\+1[\s.-]?)?\(?[2-9]\d{2}\)?[\s.-]\d{3}[\s.-]\d{4}(?!\d)")),
    ("[ACCOUNT]", re.compile(r"(?:微信号?|QQ号?|wechat|whatsapp)\s*[:：]?\s*[A-Za-z0-9_-]{5,20}", re.IGNORECASE)),
    ("[ADDRESS]", re.compile(r"[\u4e00-\u9fff]{2,8}(?:省|市|区|县)[\u4e00-\u9fff]{2,12}(?:路|街|道|巷|村|小区)\d{1,5}号?(?:[\u4e00-\u9fff\d-]{0,12}(?:室|楼|栋|单元))?")),
    ("[ADDRESS]", re.compile(r"\b\d{1,5} [A-Z][a-z]+(?: [A-Z][a-z]+)? (?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd)\b")),
)  # fmt: skip


def clean(text: str) -> str:
    """Plain text in NFKC: no markup, control characters, unknown signs or boilerplate; "" when nothing is left."""
    text = _TAG.sub(" ", html.unescape(_TAG.sub(" ", _UNKNOWN.sub(" ", text))))
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = _BOILERPLATE.sub(" ", text)
    text = _REPEATED.sub(r"\1\1\1", text)
    text = _BETWEEN.sub(lambda match: _HALF[match[1]], text)
    text = " ".join(text.split())
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", text)


def mask(text: str) -> tuple[str, int]:
    """The text with telephone numbers, ids, e-mail and postal addresses replaced, and how many there were."""
    count = 0
    for word, pattern in _PERSONAL:
        text, found = pattern.subn(word, text)
        count += found
    return text, count


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
