"""The auction finds a runner's starting price and who meets whom at it.

Invariants: most is matched at that price; nobody gets a price beyond their limit, and no layer can lose more than was
named; what backers are matched and what layers are matched is the same.
"""

from overround.book.auction.rules import allot, price, sizes_at
from overround.book.auction.types import ANY_BACK_MILLI, ANY_LAY_MILLI, HIGHEST_MILLI, LOWEST_MILLI, PARTS, Bid, Matched

__all__ = [
    "ANY_BACK_MILLI",
    "ANY_LAY_MILLI",
    "HIGHEST_MILLI",
    "LOWEST_MILLI",
    "PARTS",
    "Bid",
    "Matched",
    "allot",
    "price",
    "sizes_at",
]
