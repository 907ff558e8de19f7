"""Named rounding rules for exact integer quotients. A product is rounded once, by one of these, and never again."""


def half_even(numerator: int, denominator: int) -> int:
    """Round `numerator / denominator` to the nearest integer, a tie to the even one (IEEE 754 roundTiesToEven).

    The house rounds payouts this way: over many bets it favours neither side. `denominator` is positive.

    >>> [half_even(n, 2) for n in (1, 3, 5, -1)]
    [0, 2, 2, 0]
    """
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def down(numerator: int, denominator: int) -> int:
    """Round towards minus infinity: for limits, where the largest stake that still fits is wanted.

    >>> down(7, 2), down(-7, 2)
    (3, -4)
    """
    return numerator // denominator
