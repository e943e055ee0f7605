"""Amounts with a unit, in Chinese and English, in one form: "500ml", "0.5 litres" and "500毫升" are "500 ml".

Knows units and numbers, no aspect.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_UNITS: dict[str, tuple[str, str, str]] = {
    # unit: (what it measures, how much of the base it is, other names; of the Chinese ones the first is shown)
    "mg": ("mass", "0.001", "毫克 milligram milligrams"),
    "g": ("mass", "1", "克 gram grams gr gms"),
    "kg": ("mass", "1000", "千克 公斤 kilogram kilograms kgs kilo kilos"),
    "oz": ("mass", "28.3495", "盎司 ounce ounces"),
    "lb": ("mass", "453.592", "磅 lbs pound pounds"),
    "jin": ("mass", "500", "斤 市斤"),
    "liang": ("mass", "50", "两"),
    "ml": ("volume", "1", "毫升 millilitre millilitres milliliter milliliters mls"),
    "cl": ("volume", "10", "centilitre centilitres centiliter centiliters"),
    "l": ("volume", "1000", "升 公升 litre litres liter liters ltr"),
    "fl oz": ("volume", "29.5735", "液盎司 floz fl.oz"),
    "mm": ("length", "0.1", "毫米 millimetre millimetres millimeter millimeters"),
    "cm": ("length", "1", "厘米 公分 centimetre centimetres centimeter centimeters cms"),
    "m": ("length", "100", "米 metre metres meter meters"),
    "inch": ("length", "2.54", '英寸 寸 inches in " ″ ”'),
    "ft": ("length", "30.48", "英尺 foot feet"),
    "MB": ("memory", "1", "兆 megabyte megabytes"),
    "GB": ("memory", "1000", "gigabyte gigabytes"),
    "TB": ("memory", "1000000", "terabyte terabytes"),
    "W": ("power", "1", "瓦 watt watts"),
    "kW": ("power", "1000", "千瓦 kilowatt kilowatts"),
    "V": ("voltage", "1", "伏 volt volts"),
    "mAh": ("charge", "1", "毫安 毫安时"),
    "Hz": ("frequency", "1", "赫兹 hertz"),
    "hours": ("time", "1", "小时 hour h hrs hr"),
    "minutes": ("time in minutes", "1", "分钟 minute min mins"),
    "days": ("days", "1", "天 日 day"),
    "months": ("months", "1", "个月 月 month"),
    "years": ("months", "12", "year yr yrs"),
    "MP": ("resolution", "1", "megapixel megapixels"),
    "bar": ("pressure", "1", "巴"),
    "gsm": ("paper weight", "1", "克/平方米 g/m2 g/m²"),
    "°": ("angle", "1", "度 degree degrees"),
    "%": ("share", "1", "percent"),
    "°C": ("temperature", "1", "摄氏度 ℃"),
    "pieces": (
        "count",
        "1",
        "件 件套 个 只 支 片 枚 条 双 套 卷 包 袋 piece pcs pc count pack packs pairs pair set bags",
    ),
    "pages": ("pages", "1", "页 page sheets sheet 张"),
    "cups": ("cups", "1", "杯 cup"),
}
_IMPERIAL = {"oz", "lb", "fl oz", "inch", "ft"}
_NAMES = {
    unicodedata.normalize("NFKC", name).casefold(): unit
    for unit, (_, _, names) in _UNITS.items()
    for name in (unit, *names.split(" "))
}
_NUMBER = r"\d{1,9}(?:,\d{3}){0,3}(?:\.\d{1,6})?"
_ALIAS = "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True))
_MEASURE = re.compile(rf"({_NUMBER}) ?-? ?({_ALIAS})?")
_EXTENT = re.compile(
    rf"({_NUMBER}) ?(?:{_ALIAS})? ?[x*×] ?({_NUMBER}) ?(?:{_ALIAS})?(?: ?[x*×] ?({_NUMBER}))? ?({_ALIAS})"
)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """An amount of a unit; "" is a bare number."""

    amount: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{_plain(self.amount)} {self.unit}".strip()

    @property
    def kind(self) -> str:
        """What it measures, such as mass; "" of a bare number."""
        return _UNITS[self.unit][0] if self.unit else ""

    def in_unit(self, unit: str) -> "Measure":
        """The same amount in `unit`; as it is, where that measures something else. A bare number is meant in `unit`.

        Inches, feet, pounds and ounces stay: who sells a hose of 25 ft does not call it 300 inches or 762 cm.
        """
        if not self.unit:
            return Measure(amount=self.amount, unit=unit)
        if unit not in _UNITS or _UNITS[unit][0] != self.kind or {unit, self.unit} & _IMPERIAL:
            return self
        ratio = Decimal(_UNITS[self.unit][1]) / Decimal(_UNITS[unit][1])
        return Measure(amount=round(self.amount * ratio, 3), unit=unit)


def measure(text: str) -> Measure | None:
    """The amount that the whole of `text` states; None where it states none."""
    match = _MEASURE.fullmatch(_comparable(text))
    if match is None:
        return None
    return Measure(amount=Decimal(match[1].replace(",", "")), unit=_NAMES[match[2]] if match[2] else "")


def normal(text: str) -> str:
    """`text` with an amount or an extent ("200*230cm") in its one form; other texts as they are."""
    if (extent := _EXTENT.fullmatch(_comparable(text))) is not None:
        sides = "x".join(_plain(Decimal(side.replace(",", ""))) for side in extent.groups()[:3] if side)
        return f"{sides} {_NAMES[extent[4]]}"
    stated = measure(text)
    return str(stated) if stated is not None and stated.unit else text


def unit_of(texts: Iterable[str]) -> str | None:
    """The commonest unit of texts that all state amounts of one kind; None of others, "" of bare numbers."""
    measures = [measure(text) for text in texts]
    stated = [amount for amount in measures if amount is not None]
    if not stated or len(stated) < len(measures) or len({amount.kind for amount in stated}) > 1:
        return None
    units = [amount.unit for amount in stated]
    return max(dict.fromkeys(units), key=units.count)


def unit_in_chinese(unit: str) -> str:
    """What a unit is called in Chinese; itself, where it has no name there."""
    first = _UNITS[unit][2].split(" ")[0] if unit in _UNITS else unit
    return first if "\u4e00" <= first[0] <= "\u9fff" else unit


def _comparable(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text[:80]).casefold().split())


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
