"""Amounts of money in minor units with their currency (ISO 4217). Knows no product, price list or exchange rate."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def exponent(currency: str) -> int:
    """How many decimal digits the minor unit of `currency` has (2 for most, 0 for JPY, 3 for KWD)."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: str | int | float | Decimal, currency: str) -> int:
    """`amount` in major units as an integer of minor units, half away from zero.

    Raises ValueError when `amount` is no finite number or does not fit 64 bits.
    """
    try:
        value = Decimal(str(amount).strip())
        minor = int((value.scaleb(exponent(currency))).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ValueError(f"{str(amount)[:40]!r} is not an amount of money") from error
    if abs(minor) >= 2**63:
        raise ValueError(f"{str(amount)[:40]!r} is too large an amount")
    return minor


@dataclass(frozen=True, kw_only=True, order=True)
class Money:
    """An amount: `minor` integer minor units of `currency` (ISO 4217, upper case)."""

    currency: str
    minor: int

    @property
    def major(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        digits = exponent(self.currency)
        sign = _SIGNS.get(self.currency)
        amount = f"{self.major:,.{digits}f}"
        return f"{sign}{amount}" if sign else f"{amount} {self.currency}"
