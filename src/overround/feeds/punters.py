"""Bettors who write slips: doubles, accumulators, systems, and now and then a stake that a trader must look at."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from overround.feeds.bettors import Board, Pick

LONGEST_MILLI: Final = 6_000
"""Nobody puts a longer price into a slip."""

SYSTEM_OF: Final = {3: ("trixie", "patent"), 4: ("yankee", "lucky_15"), 5: ("canadian", "lucky_31")}


class SlipWish(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of one bet that somebody wants. Without a `system` it is one line of all picks; the stake is of each
    line."""

    picks: tuple[Pick, ...]
    unit_stake_minor: int
    odds_change: str
    system: str = ""
    refer: bool = False

    def body(self, currency: str) -> Mapping[str, Any]:
        """As `POST /v1/tickets` takes it."""
        legs = [
            {"market_id": pick.market_id, "selection_id": pick.selection_id, "price_milli": pick.price_milli}
            for pick in self.picks
        ]
        bet = {"legs": legs, "unit_stake_minor": self.unit_stake_minor}
        if self.system:
            bet["system"] = self.system
        return {"currency": currency, "bets": [bet], "odds_change": self.odds_change, "refer": self.refer}


class Punter(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of bettor who writes slips. `share` is how many of a crowd there are of it, `pace` how often one bets."""

    name: str
    share: int
    pace: float
    wish: Callable[[Board, random.Random], SlipWish | None]


def doubler(board: Board, chance: random.Random) -> SlipWish | None:
    """Two short prices, a few notes."""
    return _wish(_picks(board, chance, 2, longest_milli=2_500), chance.randrange(500, 3_001, 100), "any")


def accumulator(board: Board, chance: random.Random) -> SlipWish | None:
    """Four to seven matches in one line, coins, and any price."""
    return _wish(_picks(board, chance, chance.randint(4, 7)), chance.randrange(50, 501, 50), "any")


def system_player(board: Board, chance: random.Random) -> SlipWish | None:
    """A named system of three to five, coins on each line, no worse price than seen."""
    legs = chance.randint(3, 5)
    wish = _wish(_picks(board, chance, legs), chance.randrange(10, 51, 5), "higher")
    return msgspec.structs.replace(wish, system=chance.choice(SYSTEM_OF[legs])) if wish is not None else None


def high_roller(board: Board, chance: random.Random) -> SlipWish | None:
    """A single or a double for as much as a trader lets through."""
    picks = _picks(board, chance, chance.randint(1, 2), longest_milli=3_000)
    wish = _wish(picks, chance.randrange(80_000, 250_001, 10_000), "any")
    return msgspec.structs.replace(wish, refer=True) if wish is not None else None


PUNTERS: Final = (
    Punter(name="doubler", share=3, pace=1.0, wish=doubler),
    Punter(name="accumulator", share=3, pace=1.0, wish=accumulator),
    Punter(name="system", share=2, pace=0.7, wish=system_player),
    Punter(name="high-roller", share=1, pace=0.3, wish=high_roller),
)


def crowd(number: int) -> tuple[Punter, ...]:
    """So many punters, in their shares, the first four of every kind."""
    rest = [each for each in PUNTERS for _ in range(each.share - 1)]
    pattern = (*PUNTERS, *rest)
    return tuple(pattern[place % len(pattern)] for place in range(number))


def _picks(board: Board, chance: random.Random, number: int, *, longest_milli: int = LONGEST_MILLI) -> tuple[Pick, ...]:
    """One selection of each of so many matches; none where there are not so many."""
    by_event: dict[int, list[Pick]] = {}
    for pick in board:
        if pick.price_milli <= longest_milli:
            by_event.setdefault(pick.event_id, []).append(pick)
    if len(by_event) < number:
        return ()
    return tuple(chance.choice(by_event[event_id]) for event_id in chance.sample(sorted(by_event), number))


def _wish(picks: tuple[Pick, ...], unit_stake_minor: int, odds_change: str) -> SlipWish | None:
    return SlipWish(picks=picks, unit_stake_minor=unit_stake_minor, odds_change=odds_change) if picks else None
