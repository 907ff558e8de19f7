"""Numbers and instants as the dialect writes and reads them. Money and prices are floats on its wire and nowhere else.

What comes in is read as decimal text, exactly; what goes out is one division, whose shortest text is the number meant.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from overround.edge.values import at_text, micros_of

UNIT_MILLI: Final = 1_000
SCALES: Final = (1, 10, 100, 1_000, 10_000)


def size(minor: int, digits: int = 2) -> float:
    """Minor units as the dialect's sizes: 1250 is 12.5."""
    return minor / SCALES[digits]


def price(milli: int) -> float:
    """Thousandths as decimal odds: 2620 is 2.62."""
    return milli / UNIT_MILLI


def minor_of(amount: Decimal, digits: int = 2) -> int | None:
    """Minor units exactly, or None where the amount has more decimals than the currency, or is no number."""
    return _whole(amount, digits)


def milli_of(odds: Decimal) -> int | None:
    """Thousandths exactly, or None where it has more decimals than any ladder."""
    return _whole(odds, 3)


def _whole(number: Decimal, digits: int) -> int | None:
    if not number.is_finite() or abs(number.adjusted()) > 18:
        return 0 if number == 0 else None
    scaled = number.scaleb(digits)
    return int(scaled) if scaled == scaled.to_integral_value() else None


def date(at_us: int) -> str:
    """`2026-11-23T16:00:00.000Z`."""
    return at_text(at_us)


def date_or_none(at_us: int) -> str | None:
    """As `date`, where 0 means that there is no such instant."""
    return at_text(at_us) if at_us else None


def millis(at_us: int) -> int:
    """Milliseconds since the Unix epoch, as the stream writes instants."""
    return at_us // 1_000


def micros(moment: datetime) -> int:
    """Microseconds since the Unix epoch; a moment without an offset is in UTC."""
    return micros_of(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def market_name(market_id: int) -> str:
    """How the dialect writes a market's id: market 7 is `1.7`."""
    return f"1.{market_id}"


def market_number(text: str) -> int:
    """Our id of a market, or 0 where the text names none of ours."""
    exchange, _, digits = text.partition(".")
    is_ours = exchange == "1" and digits.isascii() and digits.isdecimal() and len(digits) <= 15 and digits[0] != "0"
    return int(digits) if is_ours else 0
