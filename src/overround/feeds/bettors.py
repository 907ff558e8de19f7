"""Bettors of several temperaments: what each looks for on the board, how much they stake, and what price they take."""

import random
from collections.abc import Callable, Sequence
from typing import Final

import msgspec


class Pick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A selection on offer. `chance` is what the model thinks of it, which only a value hunter half knows."""

    event_id: int
    market_id: int
    market_version: int
    kind: str
    in_play: bool
    selection_id: int
    price_milli: int
    chance: float


class Wish(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet that somebody wants."""

    pick: Pick
    stake_minor: int
    odds_change: str
    market_version: int = 0


Board = Sequence[Pick]


class Temperament(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of bettor. `share` is how many of a crowd there are of it; `pace` how often one bets, 1 being usual."""

    name: str
    share: int
    pace: float
    wish: Callable[[Board, random.Random], Wish | None]


def casual(board: Board, chance: random.Random) -> Wish | None:
    """Anything up to 8.00, a few notes, any price."""
    pick = _any(board, chance, lambda each: each.price_milli <= 8_000)
    return _wish(pick, chance.randrange(200, 2_001, 50), "any")


def favourite_backer(board: Board, chance: random.Random) -> Wish | None:
    """The shortest price of a match's 1X2, more money, no worse price than seen."""
    match = _any(board, chance, lambda each: each.kind == "1x2")
    if match is None:
        return None
    shortest = min((each for each in board if each.market_id == match.market_id), key=lambda each: each.price_milli)
    return _wish(shortest, chance.randrange(1_000, 10_001, 500), "higher")


def long_shot_lover(board: Board, chance: random.Random) -> Wish | None:
    """From 6.00 up, coins, any price."""
    return _wish(_any(board, chance, lambda each: each.price_milli >= 6_000), chance.randrange(50, 501, 50), "any")


def value_hunter(board: Board, chance: random.Random) -> Wish | None:
    """The price that is highest above their own estimate, which is the model's with an error of 6 %; only the very
    price and market version seen, and a quarter of Kelly's stake on a bank of 2,000.00."""
    if not board:
        return None
    looked_at = chance.sample(board, min(12, len(board)))
    edges = [(each.chance * chance.gauss(1.0, 0.06) * each.price_milli / 1_000 - 1.0, each) for each in looked_at]
    edge, pick = max(edges, key=lambda pair: pair[0])
    if edge <= 0.02:
        return None
    stake = round(0.25 * edge / (pick.price_milli / 1_000 - 1.0) * 200_000)
    return Wish(
        pick=pick,
        stake_minor=min(max(stake, 100), 20_000),
        odds_change="none",
        market_version=pick.market_version,
    )


def chaser(board: Board, chance: random.Random) -> Wish | None:
    """In play only, around evens, and now and then twice or four times as much."""
    pick = _any(board, chance, lambda each: each.in_play and 1_400 <= each.price_milli <= 3_000)
    return _wish(pick, chance.randrange(500, 3_001, 100) * chance.choice((1, 1, 1, 2, 4)), "any")


TEMPERAMENTS: Final = (
    Temperament(name="casual", share=8, pace=1.0, wish=casual),
    Temperament(name="favourite", share=4, pace=0.7, wish=favourite_backer),
    Temperament(name="long-shot", share=4, pace=0.8, wish=long_shot_lover),
    Temperament(name="hunter", share=2, pace=1.5, wish=value_hunter),
    Temperament(name="chaser", share=4, pace=2.0, wish=chaser),
)


def crowd(number: int) -> tuple[Temperament, ...]:
    """So many bettors, in the shares of their temperaments."""
    pattern = tuple(each for each in TEMPERAMENTS for _ in range(each.share))
    step = 13  # coprime to the 22 of the pattern, so that a small crowd is mixed too
    return tuple(pattern[number * step % len(pattern)] for number in range(number))


def _any(board: Board, chance: random.Random, fits: Callable[[Pick], bool]) -> Pick | None:
    fitting = [each for each in board if fits(each)]
    return chance.choice(fitting) if fitting else None


def _wish(pick: Pick | None, stake_minor: int, odds_change: str) -> Wish | None:
    return None if pick is None else Wish(pick=pick, stake_minor=stake_minor, odds_change=odds_change)
