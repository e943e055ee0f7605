"""Finds references to what was shown ("the second one", 刚才那个, the cheapest) and wishes for an order of products."""

import re

from zhanggui.conversation.understand.amounts import of_chinese
from zhanggui.conversation.understanding import Slot

_ORDINALS = {word: number for number, word in enumerate(["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 1)}  # fmt: skip
_CARDINALS = {
    word: number
    for number, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)
}
_ENGLISH_NUMBER = re.compile(
    rf"(?a)\b(?:the )?(?P<ordinal>{'|'.join(_ORDINALS)}|\d(?:st|nd|rd|th))(?: (?:one|option|item|product))?\b(?! (?:time|half|day|wash|week|two|three))"
    rf"|\b(?:number|no\.?|option|item) ?(?P<number>\d|{'|'.join(_CARDINALS)})\b"
)
_FIRST_TWO = re.compile(r"(?a)\b(first) (two|2)\b|(前)([两俩二2][个款件双条种样只])")
_PAIR = re.compile(r"(?a)(?<![\w.])(\d) ?(?:or|and|vs\.?|和|跟|还是|与) ?(\d)(?![\w.%])")
_CHINESE_NUMBER = re.compile(
    r"(?a)第([一二两三四五六七八九十]|\d)(?:[个款件双条种样只支])?|(?<![\d一二三四五六七八九十百月大小])([一二三四五六七八九1-9])号(?![店楼线])"
)
_SPOKEN = (
    ("last", re.compile(r"(?a)\b(?:the )?last (?:one|option|item)\b|最后(?:那|一|这)[个款件双条种样只]")),
    ("cheapest", re.compile(r"(?a)\bthe (?:cheapest|least expensive|lowest priced)(?: one)?(?! (?:[a-z]+ )?you)\b|最便宜的?(?:那[个款件]|一[个款件])?|便宜的那[个款件条]|\bthe cheaper one\b")),
    (
        "previous",
        re.compile(
            r"(?a)\b(?:the )?(?:one before|previous one|earlier one|same one)\b|\b(?:this|that) one\b"
            r"|(?<=\b(?:is|of) )(?:this|that|those|these)\b(?! (?:price|your|the|my|a|an)\b)|(?:(?<=return )|(?<=does )|(?<=about )|(?<=have ))this\b|(?:(?<=add )|(?<=take )|(?<=send ))(?:this|that)\b"
            r"|(?<=\bdo )(?:these|those)\b|(?:(?<=does )|(?<=much is ))it\b(?! come with)|(?<=^is )it\b|(?<=exchange )it\b"
            r"|(?:刚才|刚刚|之前|前面)(?:的?那|看的那?)[个款件双条种样只]?|(?:这|那)[个款件双条只](?=[^牌价天颜尺时月周礼星\u4e00-\u9fff]|[是还怎有多吧了加的能可会好,，。?？]|$)|它们?"
        ),
    ),
)  # fmt: skip
_SORTS = (
    ("cheapest", re.compile(r"(?a)\b(?:lowest|cheapest|low to high|least expensive)(?: (?:price )?first)?\b|从低到高|价格升序|低价优先|最低价|最便宜")),
    ("dearest", re.compile(r"(?a)\b(?:highest|priciest|most expensive|dearest|high to low)(?: (?:price )?first)?\b|从高到低|最贵|价格降序")),
    ("newest", re.compile(r"(?a)\b(?:newest|latest|new arrivals)(?: first)?\b|(?<=what's )new\b|(?<=whats )new\b|最新(?:的|款)?|新品|上新|新款|新到")),
    ("best", re.compile(r"(?a)\b(?:best(?:[ -]?sell(?:ing|ers?))?|most popular|top[ -]?rated|best reviewed)\b(?! (?:price|you))|销量(?:最好|最高|排序|优先)?|最好(?:的|卖)|评价最好|卖得最好|热销|爆款|最热门|好评最多")),
)  # fmt: skip


def references(text: str) -> list[Slot]:
    """The items of a folded text that were shown before, and the order that products shall come in."""
    slots = []
    for match in _ENGLISH_NUMBER.finditer(text):
        said = match["ordinal"] or match["number"]
        number = _ORDINALS.get(said) or _CARDINALS.get(said) or int(said[0])
        slots.append(_slot("item", str(number), match.start(), match.end()))
    for match in _PAIR.finditer(text):
        slots += [_slot("item", match[group], match.start(group), match.end(group)) for group in (1, 2)]
    for match in _FIRST_TWO.finditer(text):
        one, two = (1, 2) if match[1] else (3, 4)
        slots += [_slot("item", str(number), *match.span(group)) for number, group in ((1, one), (2, two))]
    for match in _CHINESE_NUMBER.finditer(text):
        number = of_chinese(match[1] or match[2]) or int(match[1] or match[2])
        slots.append(_slot("item", str(number), match.start(), match.end()))
    for name, meanings in (("item", _SPOKEN), ("sort", _SORTS)):
        slots += [
            _slot(name, value, match.start(), match.end()) for value, cue in meanings for match in cue.finditer(text)
        ]
    return slots


def _slot(name: str, value: str, start: int, end: int) -> Slot:
    return Slot(name=name, value=value, start=start, end=end)
