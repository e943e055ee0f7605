"""Masks personal data: e-mail, telephone, identity, order, card and account numbers, number plates, postal addresses.

Telephone numbers are found by Google's libphonenumber, the rest by rules for China, the United States and Britain. Names
of people are not masked, and neither is what no rule knows. Pure functions.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from zhanggui.corpus.document import Document
from zhanggui.errors import CorpusError

_REGIONS = ("CN", "US", "GB")
_MAYBE_PHONE = re.compile(r"\d(?:[\s().+-]{0,3}\d){6}")
# A number with one of these before it names a thing, not a person.
_THING = re.compile(
    r"(?:单号|[编型货批款色序]号|编码|批次|条形?码|序列号|尺码|码数|尺寸|规格|(?<![A-Za-z])(?:order|tracking|isbn|barcode|model|serial"
    r"|sku|part|upc|ean|asin|s/?n|sizes?))[\s:：#./-]{0,2}(?:number|no\.?|id)?[\s:：#./是为-]{0,2}[A-Za-z]{0,4}$",
    re.IGNORECASE,
)
_DATE = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_NUMERAL = "〇零一二三四五六七八九"
_CITY = r"[^\W\da-zA-Z_在到是放寄回址给往送了我的你您他她把从住]"
_ROAD = r"[^\W\da-zA-Z_在到是址给往了我的你您他她把从住]"
# A district ends at the first of its words, so that there is one way to read a run of them, not one for each cut.
_DISTRICT = rf"{_CITY}(?:(?![区县市旗镇乡]){_CITY}){{0,4}}[区县市旗镇乡]"
_TAIL = r"(?:[\u4e00-\u9fff\d-]{0,10}(?:号楼|室|楼|栋|幢|单元|座|层)|\d{1,3}(?:-\d{1,4}){1,3})?"
_STREET = r"(?:路|街|大道|(?<![味渠频赛轨通难])道|巷|弄|胡同|(?<![这那哪家心屋房店手夜])里|村|小区|新村|花园)(?:[东南西北中一二三四五六七八九十]{1,2}段)?"
_WAY = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Terrace|Ter|Court|Ct|Square|Sq|Highway|Hwy"
    "|Parkway|Pkwy|Crescent|Place|Pl|Way|Grove"
)
# Between a number and what else would be a street's word: "4 Wheel Drive", "12 Piece Place Setting", "10 Inch Square".
_UNIT = "Inch(?:es)?|Pieces?|Pcs|Packs?|Count|Hours?|Degree|Percent|Lumens?|Watts?|Volts?|Wheels?|Person|Speed|Way|Off"
_STATE = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    twice = [sum(divmod(2 * int(one), 10)) for one in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(twice)) % 10 == 0


def _is_card(match: re.Match[str]) -> bool:
    return bool(match["said"]) or (
        _luhn(re.sub(r"\D", "", match["it"])) and not _named_thing(match.string, match.start("it"))
    )


def _is_identity(match: re.Match[str]) -> bool:
    """Whether it is said to be one, is written in one piece, or has the check digit of GB 11643-1999."""
    digits = re.sub(r"[\s-]", "", match["it"]).upper()
    total = sum(int(one) * 2 ** (17 - place) for place, one in enumerate(digits[:17]))
    return bool(match["said"]) or digits == match["it"].upper() or "10X98765432"[total % 11] == digits[17]


def _named_thing(text: str, place: int) -> bool:
    return _THING.search(text[max(0, place - 24) : place]) is not None


def _always(_match: re.Match[str]) -> bool:
    return True


# What is masked is the group `it`; what stands before it stays.
_RULES: tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    ("EMAIL", re.compile(r"(?P<it>[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})"), _always),
    ("EMAIL", re.compile(
        r"(?P<it>[A-Za-z0-9._%+-]{1,64}(?:@|\s?[\[(]\s?at\s?[\])]\s?)(?:[A-Za-z0-9-]{1,63}[.。]){1,8}(?:com|cn|net|org|edu|hk|tw|uk|io)(?![A-Za-z]))",
        re.IGNORECASE), _always),
    ("EMAIL", re.compile(r"(?:邮箱|邮件|mail)[\s:：是]{0,3}(?P<it>[A-Za-z0-9._%+-]{1,64}\s?@\s?(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})", re.IGNORECASE), _always),
    ("ACCOUNT", re.compile(
        r"(?:[微薇V]信|QQ|\bVX|wechat|whatsapp|telegram)(?:群?号|群|\s?id)?[\s:：是]{0,3}"
        r"(?P<it>[@+]?(?=[A-Za-z0-9-]{0,19}[\d_])[A-Za-z0-9_-]{5,20})(?![A-Za-z0-9_])", re.IGNORECASE), _always),
    # Said to be one, and long: what a small shop counts by, such as #1001, names nobody.
    ("ORDER", re.compile(
        r"(?:订单(?:编号|号码|单号|号)?|(?:运|快递|物流|面|退款|售后)(?:单号|编号|单编号|号码)|单号|(?<![A-Za-z])(?:order|tracking)(?![A-Za-z]))"
        r"(?:\s?(?:number|no\.?|id))?[\s:：#是为]{0,3}"
        r"(?P<it>(?!\d{4}-\d{1,2}-\d)(?=(?:[A-Z-]{0,4}\d){9})[A-Z\d][A-Z\d-]{7,38}[A-Z\d])(?![A-Za-z\d])", re.IGNORECASE), _always),
    # GB 11643-1999: region, date of birth, order, check digit; before it, without century and check digit
    ("ID", re.compile(rf"(?P<said>身份证(?:号码?)?[\s:：是]{{0,3}})?(?<![\dA-Za-z])(?P<it>[1-9]\d{{5}}[\s-]?(?:19|20)\d{{2}}{_DATE}[\s-]?\d{{3}}[\dXx])(?![\dA-Za-z])"), _is_identity),
    ("ID", re.compile(rf"(?:身份证|证件)(?:号码?)?[\s:：是]{{0,3}}(?P<it>[1-9]\d{{7}}{_DATE}\d{{3}})(?![\dA-Za-z])"), _always),
    ("ID", re.compile(
        r"(?:身[份分]证|回乡证|台胞证|通行证|居留证|护照|passport)(?:字?号码?|\s(?:no\.?|number))?[\s:：是]{0,3}"
        r"(?P<it>[A-Z]{1,2}\d{6}\([\dA]\)|\d{7}\(\d\)|[A-Z]{1,3}\d{7,12}|\d{8,10})(?![\dA-Za-z])", re.IGNORECASE), _always),
    ("ID", re.compile(r"(?<![\d-])(?P<it>(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4})(?![\d-])"), _always),
    ("CARD", re.compile(
        r"(?P<said>卡号?|[账帐][号户]|\bcard(?:\s(?:number|no\.?))?)?[\s:：是]{0,3}"
        r"(?<![\dA-Za-z-])(?P<it>(?:[3-6]|2(?=2[2-9]|[3-6]|7[0-2]))(?:[ -]?\d){14,18})(?![\dA-Za-z-])", re.IGNORECASE), _is_card),
    ("PHONE", re.compile(r"(?<![\d-])(?P<it>0\d{2,3}-[2-9]\d{6,7}-\d{1,5})(?![\d-])"), _always),
    ("PHONE", re.compile(r"(?:座机|固话|电话|热线|(?<![A-Za-z])(?:tel|phone))(?:号码?)?[\s:：.是]{0,3}(?P<it>[2-9]\d{2,3}[ -]?\d{4})(?![\d-])", re.IGNORECASE), _always),
    ("PHONE", re.compile(rf"(?<![{_NUMERAL}])(?P<it>[一幺][三四五六七八九][{_NUMERAL}]{{9}})(?![{_NUMERAL}])"), _always),
    ("PLATE", re.compile(r"(?P<it>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•\s]?(?=[A-Z]{0,5}\d)[A-HJ-NP-Z0-9]{5,6})(?![A-Za-z0-9])"), _always),
    ("ADDRESS", re.compile(
        rf"(?P<it>(?:{_CITY}{{2,5}}(?:省|自治区))?(?:{_CITY}{{2,4}}[市州盟])?(?:{_DISTRICT}){{1,4}}"
        rf"{_ROAD}{{1,10}}?{_STREET}\d{{1,5}}(?![\d分公里米站个家元年月路])(?:组\d{{1,5}})?(?:号院|号|弄|院)?{_TAIL})"), _always),
    ("ADDRESS", re.compile(
        rf"(?P<it>(?:{_CITY}{{2,4}}市)?{_ROAD}{{1,8}}?{_STREET}(?:\d{{1,5}}|(?<=[路街巷弄])[{_NUMERAL}十百]{{1,5}})"
        rf"(?:号院|号|弄)(?!线){_TAIL})"), _always),
    ("ADDRESS", re.compile(
        rf"(?P<it>{_ROAD}{{1,8}}?(?:小区|新村|花园|公寓|大厦|桂园|[苑城府庭湾居邸])(?:[A-Z]|\d{{1,3}})(?:号楼|栋|幢|座)"
        r"(?:\d{1,2}单元)?\d{3,4}(?:[室户]|房(?!间))?)"), _always),
    ("ADDRESS", re.compile(
        rf"(?P<it>(?:\b(?:Flat|Apt\.?|Apartment|Unit|Suite) \w{{1,4}},? )?"
        rf"\b\d{{1,5}}[A-Za-z]? (?!(?:{_UNIT}) )(?:[NSEW]\.? )?(?:[A-Z][a-z]+|\d{{1,3}}(?:st|nd|rd|th)) (?:[A-Z][a-z]+ ){{0,2}}(?:{_WAY})\b\.?"
        r"(?: (?:NW|NE|SW|SE|N|S|E|W)\b)?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#)\.? ?\w{1,5})?"
        r"(?:, [A-Z][A-Za-z. ]{2,30},? (?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b))?)"), _always),
    # Without a word for a street, but with city, state and ZIP code
    ("ADDRESS", re.compile(rf"(?P<it>\b\d{{1,5}} (?:[A-Z][a-z]+ ?){{1,4}}, (?:[A-Z][a-z.]+ ?){{1,3}}, (?:{_STATE}) \d{{5}}(?:-\d{{4}})?)(?!\d)"), _always),
    ("ADDRESS", re.compile(r"(?P<it>\bP\.? ?O\.? Box \d{1,6})", re.IGNORECASE), _always),
)  # fmt: skip


def mask(text: str) -> tuple[str, Counter[str]]:
    """The text with personal data replaced by "[EMAIL]" and the like, and how many there were of each kind.

    Raises CorpusError without the extra `train`.
    """
    counts: Counter[str] = Counter()
    for kind, pattern, holds in _RULES:

        def put(match: re.Match[str], kind: str = kind, holds: Callable[[re.Match[str]], bool] = holds) -> str:
            if not holds(match):
                return match[0]
            counts[kind] += 1
            whole, start = match[0], match.start("it") - match.start()
            return f"{whole[:start]}[{kind}]{whole[start + len(match['it']) :]}"

        text = pattern.sub(put, text)
        if kind == "CARD" and _MAYBE_PHONE.search(text):
            text = _without_phones(text, counts)
    return text, counts


def masked_fields(document: Document) -> tuple[Document, Counter[str]]:
    """The document with its attributes and kept columns masked, and the counts of `mask`; the text is left as it is.

    A name is read with its value: an article number is no telephone number, and what is called WeChat is an account. A
    value without personal data stays to the letter. Raises CorpusError as `mask`.
    """
    counts: Counter[str] = Counter()

    def fields(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, _masked_value(name, value, counts)) for name, value in pairs)

    return replace(document, attributes=fields(document.attributes), kept=fields(document.kept)), counts


def _masked_value(name: str, value: str, counts: Counter[str]) -> str:
    plain = unicodedata.normalize("NFKC", value)
    before = f"{unicodedata.normalize('NFKC', name).replace('_', ' ')}:"
    text, found = mask(before + plain)
    if not text.startswith(before):  # the name itself looks like personal data, or runs into its value
        before = ""
        text, found = mask(plain)
    counts.update(found)
    return text[len(before) :] if found else value


def _without_phones(text: str, counts: Counter[str]) -> str:
    for region in _REGIONS:
        for start, end in sorted(_phones(text, region), reverse=True):
            if not _named_thing(text, start):
                counts["PHONE"] += 1
                text = f"{text[:start]}[PHONE]{text[end:]}"
    return text


def _phones(text: str, region: str) -> Iterator[tuple[int, int]]:
    try:
        from phonenumbers import Leniency, PhoneNumberMatcher
    except ModuleNotFoundError as error:
        raise CorpusError("telephone numbers need phonenumbers; run: pip install 'zhanggui[train]'") from error
    for found in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
        yield found.start, found.end
