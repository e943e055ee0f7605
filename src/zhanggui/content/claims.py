"""What a text claims, held against the brief's facts: a claim without evidence may not go out.

Numbers, their units, money, discounts, urgency, promises, materials, origins, health, awards, and names that nobody gave. Judges
only words; whether a fact is true is the catalogue's business. Law: 广告法 4, 8, 11, 12, 28.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from zhanggui.content import measures
from zhanggui.content.brief import Brief

VERSION = "2026.3"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim and what supports it."""

    kind: str
    phrase: str
    evidence: str | None
    """The name of the supporting fact; None for an unsupported claim."""


_DIGITS = r"\d+(?:[.,]\d+)*"
_TIMES = re.compile(r"(?<=\d)\s*[x×*]\s*(?=\d)", re.IGNORECASE)  # of sizes, however they are spaced
_EN_NUMBERS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|hundreds|thousands?|million|"
    "dozens?|half|double|twice|triple|percent"
)
# Kind -> pattern. Every hit needs the same words among the brief's facts.
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "number": rf"{_DIGITS}(?:x{_DIGITS})*%?|\b(?:{_EN_NUMBERS})\b|[两二三四五六七八九十百千万亿]+(?=[元块折倍成种款件天年月小时分钟克斤公斤毫升升米厘寸层重道%％])|百分之[一二三四五六七八九十百零]+|半价|一半",
        "money": r"[$€£¥￥]|\b(?:dollars?|euros?|pounds?|cents?|bucks|yuan|rmb|usd)\b|[0-9一二两三四五六七八九十百]\s*[元块](?!钱?饼)|\b(?:price[sd]?|cheap(?:er)?|affordabl[ey]|inexpensive|budget|bargains?|value for money)\b|价格|便宜|低价|实惠|划算|物美价廉",
        "discount": r"\b(?:free|sale|discount(?:s|ed)?|coupons?|promo(?:tion)?s?|deals?|offers?|rebates?|savings?|save|voucher|gift card|cashback|rewards?|points)\b|\boff\b(?= (?:your|the|all|any|every|on)\b)|折扣|打折|[0-9一二三四五六七八九]折|免费|包邮|赠送|赠品|买.?送|满减|立减|优惠|特价|促销|返现|红包|积分|抽奖|秒杀|清仓|券",
        "urgency": r"\b(?:today only|only today|hurry|last chance|limited[- ]time|limited|while (?:stocks?|supplies) lasts?|ends? (?:soon|today|tonight)|don'?t miss|act (?:now|fast)|selling fast|few left|exclusive(?:ly)?|now or never|running out|for a short time)\b|仅剩|仅限|限时|限量|最后\w?天|抢购|抓紧|错过|倒计时|即将结束|售完|手慢|独家|速来",
        "promise": r"\b(?:guarantee\w*|warrant\w+|promise\w*|refunds?|returns? policy|money[- ]back|satisf\w+ guaranteed|ships?|shipping|deliver(?:y|ed|s)?|next[- ]day|same[- ]day|in stock|certified|certificat\w+|tested|proven|approved|trusted by|rated|reviews?|award\w*|winning|patent\w*|recommended by|experts?|research|studies|scientif\w+|since \d+)\b|保证|承诺|保障|质保|退货|退款|包退|包换|发货|次日达|送达|认证|检测|专利|获奖|奖项|权威|专家|推荐信|研究表明|销量|好评|热销|畅销|正品|假一赔",
        "health": r"\b(?:health(?:y|ier|ful)?|nutriti\w+|vitamins?|minerals?|protein|antioxidants?|calori\w+|low[- ]fat|fat[- ]free|sugar[- ]free|immun\w+|wellness|digesti\w+|cholesterol|diet\w*|hypoallergenic|dermatolog\w+|heal(?:s|ing)?|cures?|therap\w+|medic\w+|superfoods?|probiotic\w*|energy[- ]boosting|good for you|guilt[- ]free|weight)\b|健康|营养|维生素|蛋白质|低脂|低糖|无糖|零糖|零脂|养生|保健|功效|美白|抗衰|免疫|排毒|消化|滋补|减肥|瘦身",
        "ingredient": r"\b(?:organic\w*|natural(?:ly)?|gluten[- ]free|vegan|vegetarian|non[- ]gmo|gmo|preservatives?|additives?|artificial|pure|raw|whole[- ]grains?|free[- ]range|grass[- ]fed|cage[- ]free|wild[- ]caught|locally|local|sustainabl[ey]|eco[- ]friendly|recycl\w+|biodegradable|fair[- ]trade|handmade|hand[- ]?crafted|home[- ]?made|artisan\w*|authentic|imported|farm[- ]fresh|farm|chemical\w*)\b|有机|天然|纯天然|无添加|零添加|防腐剂|手工|纯手工|非转基因|环保|可降解|原产|进口|国产|野生|散养|正宗|古法|农家",
        "material": r"\b(?:cotton|wool(?:len)?|silk|linen|leather|cashmere|polyester|nylon|denim|bamboo|oak|wood(?:en)?|steel|stainless|titanium|alumini?um|copper|ceramic|porcelain|glass|plastic|rubber|latex|marble|crystal|gold(?:en)?|silver|diamond|pearl)\b|纯棉|棉质|羊毛|羊绒|真丝|桑蚕丝|亚麻|真皮|牛皮|皮革|不锈钢|实木|陶瓷|玻璃|竹制|纯银|黄金|钻石|水晶|大理石|硅胶|乳胶|聚酯",
        "origin": r"\b(?:made in|from the (?:hills|mountains|valleys?|coasts?|farms?) of|italian?|french|france|japan(?:ese)?|swiss|switzerland|germany?|belgian|belgium|spanish|spain|greek|greece|mexic\w+|brazil\w*|colombia\w*|china|chinese|india\w*|thai\w*|american|usa|canad\w+|califor\w+|new york|mediterranean|tuscan\w*|wisconsin|vermont|hawaii\w*|florida|maine|alaska\w*|columbian)\b|意大利|法国|日本|德国|瑞士|韩国|泰国|新西兰|澳洲|澳大利亚|美国|产地|产自|来自[^，。]{1,6}(?:山|省|县|岛|高原)",
    }.items()
}
# Words of ordinary speech that look like numbers or deals and claim nothing.
_HARMLESS = re.compile(
    r"\b(?:one|another|feel free|free time|free up|half an hour|half the (?:fun|battle|joy)|two of you|a bit off|take off|time off|day off|show off|deal with|a great deal|save (?:room|space|you (?:some )?time|time|a seat|a slice|the day|some for)"
    r"|offers? (?:a|an|that|you|something|some|up|the)\b|raw (?:edges?)|glass of|a glass|glasses|golden(?: (?:brown|crust|hour|light))?|weight of the day|price of admission)\b|午后两点|三两好友|三五好友|一半一半|四季|七月|八月|九月|十月|三餐|四溢|百搭|千层|万家|百味|两个人|三口之家|十分(?!之)|千里|一年四季",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?“\"'‘:—–\n] )(?<!^)(?<![.!?“\"'‘\n])\b[A-Z][a-zA-Z&'’]{2,}\b")
_PLAIN_NAMES = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "christmas",
        "easter",
        "thanksgiving",
        "halloween",
        "hello",
        "dear",
        "sundays",
        "saturdays",
        "fridays",
        "mondays",
    ]
)


def check(text: str, brief: Brief) -> list[Claim]:
    """Every claim of `text`, each with the fact of `brief` that supports it or None."""
    plain = _normal(text)
    facts = {name: _normal(value).lower() for name, value in brief.evidence.items()}
    spared = [match.span() for match in _HARMLESS.finditer(plain)]
    claims = []
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(plain):
            if any(start <= match.start() and match.end() <= end for start, end in spared):
                continue
            claims.append(Claim(kind=kind, phrase=match[0], evidence=_support(match[0], facts)))
    for phrase, number, unit in measures.measures(plain):
        claims.append(Claim(kind="measure", phrase=phrase, evidence=measures.support(number, unit, facts)))
    if brief.language == "en":
        for match in _NAME.finditer(plain):
            word = match[0].lower().removesuffix("'s").removesuffix("’s")
            if word not in _PLAIN_NAMES:
                claims.append(Claim(kind="name", phrase=match[0], evidence=_support(word, facts)))
    return claims


def unsupported(text: str, brief: Brief) -> list[Claim]:
    """The claims of `text` that no fact supports."""
    return [claim for claim in check(text, brief) if claim.evidence is None]


def _normal(text: str) -> str:
    return _TIMES.sub("x", unicodedata.normalize("NFKC", text))


def _support(phrase: str, facts: Mapping[str, str]) -> str | None:
    word = phrase.lower()
    if word[0].isdigit():  # its unit may follow at once: 500g, 30支
        pattern = re.compile(rf"(?<![\d.,x]){re.escape(word)}(?![\d%x]|[.,]\d)")
    else:
        pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w%])" if word.isascii() else re.escape(word))
    return next((name for name, value in facts.items() if pattern.search(value)), None)
