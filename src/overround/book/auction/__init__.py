"""The auction finds a runner's starting price and who meets whom at it.

Invariants: most is matched at that price; nobody gets a price beyond their limit, and no layer can lose more than was
named; what backers are matched and what layers are matched is the same.
"""

from overround.book.auction.rules import allot, near, price, sizes_at
from overround.book.auction.types import (
    ANY_BACK_MILLI,
    ANY_LAY_MILLI,
    HIGHEST_MILLI,
    LOWEST_MILLI,
    NEAR_STEP_MILLI,
    PARTS,
    Bid,
    Levels,
    Matched,
)

__all__ = [
    "ANY_BACK_MILLI",
    "ANY_LAY_MILLI",
    "HIGHEST_MILLI",
    "LOWEST_MILLI",
    "NEAR_STEP_MILLI",
    "PARTS",
    "Bid",
    "Levels",
    "Matched",
    "allot",
    "near",
    "price",
    "sizes_at",
]
