"""Numbers with their units: 46 cm of the facts is no 46 feet of a text. Judges words; knows no brief."""

import re
from collections.abc import Iterator, Mapping

# Each unit with the ways in which it is written.
_UNITS = {
    "mm": "mm millimetres? millimeters? 毫米",
    "cm": "cm centimetres? centimeters? 厘米 公分",
    "m": "m metres? meters? 米",
    "km": "km kilometres? kilometers? 公里 千米",
    "inch": 'in inch inches " 英寸 寸',
    "foot": "ft foot feet 英尺",
    "mile": "miles? 英里",
    "g": "g grams? grammes? 克",
    "kg": "kg kilos? kilograms? kilogrammes? 公斤 千克",
    "oz": "oz ounces?",
    "lb": "lbs? pounds? 磅",
    "ml": "ml millilitres? milliliters? 毫升",
    "cl": "cl centilitres?",
    "l": "l litres? liters? 升",
    "W": "w watts? 瓦",
    "V": "v volts? 伏",
    "mAh": "mah 毫安时?",
    "minute": "min minutes? 分钟",
    "hour": "h hrs? hours? 小时 个小时",
    "day": "days? 天",
    "week": "weeks? 周",
    "month": "months? 个月",
    "year": "years? 年",
    "degree": "° °c °f degrees? 度",
    "page": "pages? 页",
    "piece": "pieces? pcs 片 块 件",
}
_WRITTEN = [(re.compile(way), unit) for unit, ways in _UNITS.items() for way in ways.split()]
_ANY = "|".join(sorted((way for ways in _UNITS.values() for way in ways.split()), key=len, reverse=True))
_MEASURE = re.compile(
    rf"(?<![\dx])(?<!\d[.,])(\d+(?:[.,]\d+)*(?:x\d+(?:[.,]\d+)*)*)[\s-]?({_ANY})(?![a-z])", re.IGNORECASE
)


def measures(text: str) -> Iterator[tuple[str, str, str]]:
    """(phrase, number, unit) of each number with a unit in a text whose sizes are written 20x30."""
    for match in _MEASURE.finditer(text):
        yield match[0], match[1], _unit(match[2])


def support(number: str, unit: str, facts: Mapping[str, str]) -> str | None:
    """The name of the fact that has this number in this unit; the unit may stand in the fact's name ("pages": "320")."""
    for name, value in facts.items():
        if any((number, unit) == found[1:] for found in measures(value)):
            return name
        named = {_unit(word) for word in re.findall(rf"(?<![a-z])(?:{_ANY})(?![a-z])", name, re.IGNORECASE)}
        if unit in named and re.search(rf"(?<![\dx])(?<!\d[.,]){re.escape(number)}(?![\dx]|[.,]\d)", value):
            return name
    return None


def _unit(way: str) -> str:
    return next(unit for pattern, unit in _WRITTEN if pattern.fullmatch(way.lower()))
