"""Money is a whole number of minor units (pence, cents) of one ISO 4217 currency. There are no floats here, ever."""

from typing import Final

MAX_MONEY_MINOR: Final = 10**15
"""The largest amount any field may carry: ten trillion of a two-decimal currency. Larger is refused, not clipped."""

MAX_CURRENCY_MINOR: Final = 10**18
"""The most that customers may have paid into the house in one currency, so that every sum fits a 64-bit integer."""

MINOR_DIGITS: Final[dict[str, int]] = {
    "AUD": 2, "BRL": 2, "CAD": 2, "CHF": 2, "CZK": 2, "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "INR": 2, "JPY": 0,
    "KRW": 0, "MXN": 2, "NGN": 2, "NOK": 2, "NZD": 2, "PLN": 2, "RON": 2, "SEK": 2, "SGD": 2, "TND": 3, "USD": 2,
    "ZAR": 2,
}  # fmt: skip
"""Decimal digits of the minor unit for each currency the house knows (ISO 4217, list one)."""


def is_currency(code: str) -> bool:
    """Whether the house knows this ISO 4217 code."""
    return code in MINOR_DIGITS


def text(*, minor: int, currency: str) -> str:
    """How a person writes it: `text(minor=1250, currency="EUR")` is `12.50 EUR`."""
    digits = MINOR_DIGITS[currency]
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d} {currency}" if digits else f"{sign}{whole} {currency}"
