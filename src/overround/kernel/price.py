"""A price is decimal odds in whole thousandths: 2.625 is 2625. It includes the stake, so 1000 would win nothing."""

from typing import Final

from overround.kernel.rounding import half_even

UNIT: Final = 1_000
MIN_PRICE_MILLI: Final = 1_001
MAX_PRICE_MILLI: Final = 10_000_000


def is_price(price_milli: int) -> bool:
    """Whether a price may be offered: 1.001 to 10,000.000."""
    return MIN_PRICE_MILLI <= price_milli <= MAX_PRICE_MILLI


def payout_minor(*, stake_minor: int, price_milli: int) -> int:
    """What a winning stake pays back, stake included, in minor units: stake × price, half to even.

    >>> payout_minor(stake_minor=1000, price_milli=2625)
    2625
    """
    return half_even(stake_minor * price_milli, UNIT)


def text(price_milli: int) -> str:
    """Decimal odds as a person writes them, with two or three decimals: `2.62`, `2.625`.

    >>> text(2625), text(2500)
    ('2.625', '2.50')
    """
    whole, part = divmod(price_milli, UNIT)
    digits = f"{part:03d}"
    return f"{whole}.{digits[:2] if digits[2] == '0' else digits}"


def parse(decimal: str) -> int:
    """Read decimal odds exactly; more than three decimals are rounded half to even.

    Raises ValueError when it is not a plain decimal number.

    >>> parse("2.5"), parse("18.05"), parse("3")
    (2500, 18050, 3000)
    """
    whole, _, part = decimal.strip().partition(".")
    if not (whole + part).isdecimal() or not (whole + part).isascii():
        raise ValueError(f"not decimal odds: {decimal!r}")
    return half_even(int(whole + part) * UNIT, 10 ** len(part))
