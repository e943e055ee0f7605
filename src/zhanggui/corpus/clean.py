"""Cleans a text for training: one form of each character, no markup, no unknown signs, the items of a list kept apart.

Pure functions; knows no file.
"""

import html
import re
import unicodedata

# Elements that end a line, and those that stand within one. Any other word in angle brackets is a shop's own, as in <XL>.
_BLOCK = (
    "address|article|aside|blockquote|body|br|caption|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form"
    "|h[1-6]|head|header|hr|html|li|main|nav|ol|option|p|pre|section|select|summary|table|tbody|td|textarea|tfoot|th"
    "|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|area|audio|b|base|bdi|bdo|big|button|canvas|cite|code|col|colgroup|data|datalist|del|dfn|dialog|em"
    "|embed|font|i|iframe|img|input|ins|kbd|label|legend|link|map|mark|meta|meter|noscript|object|optgroup|output|param"
    "|picture|progress|q|rp|rt|ruby|s|samp|script|slot|small|source|span|strike|strong|style|sub|sup|svg|template|time"
    "|track|tt|u|var|video|wbr|[a-z]{1,9}:[a-z]{1,9}"
)
_TAG = re.compile(
    # What nothing closes, such as a script that a field's length has cut off, ends with the text (as in HTML, 13.2.5).
    r"<!--.*?(?:-->|\Z)|<(script|style)(?=[\s/>])[^<>]{0,500}>.*?(?:</\1(?=[\s/>])[^<>]*>|\Z)|<script(?=[\s/>]).*"
    rf"|</?(?:(?P<block>{_BLOCK})|{_INLINE})(?=[\s/>])[^<>]{{0,500}}>"
    r"|</[a-z][\w:-]*+\s*>|<[a-z][\w-]*+\s+[\w:-]++\s?=\s?[\"'][^<>]{0,500}>",
    re.DOTALL | re.IGNORECASE,
)
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
# What NFKC would run together with the digit beside it: 10² would be 102, 3½ be 31⁄2, and ①128GB be 1128GB.
_POWER = re.compile("(?<=\\d)([\u207a\u207b]?[\u00b2\u00b3\u00b9\u2070\u2074-\u2079]+)")
_FRACTION = re.compile("[\u00bc-\u00be\u2150-\u215e\u2189]")
_CIRCLED = re.compile("[\u2460-\u2473\u24ea\u3251-\u325f\u32b1-\u32bf]")
_BESIDE = re.compile(r"(?<=[\u4e00-\u9fff])[,!?:;]+|[,!?:;]+(?=[\u4e00-\u9fff])")


def clean(text: str) -> str:
    """Plain text in NFKC: no markup, control characters, unknown signs or boilerplate; "" when nothing is left.

    It is one line: where a line or an item of a list ended between two Chinese characters, there is a comma.
    """
    text = _without_tags(html.unescape(_without_tags(_UNKNOWN.sub(" ", text))))
    text = unicodedata.normalize("NFKC", _spelled(_INVISIBLE.sub("", text)))
    text = _BOILERPLATE.sub(" ", text)
    text = _REPEATED.sub(r"\1\1\1", text)
    text = _BESIDE.sub(lambda match: match[0].translate(_HALF), text)
    text = re.sub(r"(?<=[\u4e00-\u9fff])[^\S\n]*\n\s*(?=[\u4e00-\u9fff])", "，", text.strip())
    text = " ".join(text.split())
    return re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", text)


def _without_tags(text: str) -> str:
    return _TAG.sub(lambda match: "\n" if match["block"] else " ", text)


def _spelled(text: str) -> str:
    """Powers, fractions and numbers in circles in signs that stay apart from the digits beside them."""
    text = _POWER.sub(lambda match: "^" + unicodedata.normalize("NFKC", match[0]).replace("\u2212", "-"), text)
    text = _FRACTION.sub(
        lambda match: (
            (" " if match.start() and text[match.start() - 1].isdigit() else "")
            + unicodedata.normalize("NFKC", match[0]).replace("\u2044", "/")
        ),
        text,
    )
    return _CIRCLED.sub(lambda match: f"({unicodedata.normalize('NFKC', match[0])})", text)


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
