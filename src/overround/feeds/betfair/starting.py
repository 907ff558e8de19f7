"""Recorded orders for the starting price, as orders of the two service customers: backs are the taker's, lays the
maker's, since nobody may meet himself. Pure.

Such an order cannot be taken back, here as at Betfair: what the recording shows less of stays. At the off both meet
with a thousand at the recorded price, and with as much more as makes all of theirs come out there.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from overround.book import auction
from overround.book.auction import ANY_BACK_MILLI, ANY_LAY_MILLI, PARTS, Bid
from overround.book.exchange import MAX_INSTRUCTIONS
from overround.book.exposure import Side
from overround.book.machine.exchange_commands import CancelOrders, PlaceInstruction, PlaceOrders
from overround.book.matching import OrderType
from overround.feeds.betfair.making import Place, Step
from overround.feeds.betfair.mirror import Key, RunnerMirror, Sides
from overround.kernel.ladder import Ladder as Prices
from overround.kernel.price import UNIT

START_MINOR: Final = 100_000
"""The backer's stake with which both meet at the recorded price, which then comes out to the thousandth."""

Ask = tuple[Place, PlaceInstruction]
NOTHING: Final[dict[Place, list[int]]] = {}


class Starter:
    """The orders for the starting price on one of our markets. `plan` changes nothing; `heard` takes the answers."""

    def __init__(self, *, market_id: int, maker: int, taker: int, currency: str, prices: Prices) -> None:
        self.market_id, self.maker, self.taker, self.currency = market_id, maker, taker, currency
        self._prices = prices
        self._placed: dict[Place, list[int]] = {}
        self._held: dict[Key, dict[Place, list[int]]] = {}
        """What is to be placed once a runner is put on the house, as it came."""

        self.in_doubt: dict[Key, None] = {}
        """Runners on which something was refused; they are looked at again with their next change."""

    # -------------------------------------------------------------- before the off

    def plan(self, runners: Iterable[tuple[Key, RunnerMirror]]) -> list[Step]:
        """What the recording has more of than we do."""
        asked: list[Ask] = []
        for key, mirror in runners:
            if key in self._held:
                self.hold([(key, mirror)])
                asked += self._let_go(key)
                continue
            fresh = mirror.fresh_at_start
            if key in self.in_doubt:
                fresh = Sides(dict.fromkeys(mirror.spb), dict.fromkeys(mirror.spl))
            if fresh.lays or fresh.backs:
                asked += self._missing(key, mirror, fresh)
                mirror.fresh_at_start = Sides({}, {})
                self.in_doubt.pop(key, None)
        return [*self._places(self.maker, asked, Side.LAY), *self._places(self.taker, asked, Side.BACK)]

    def hold(self, runners: Iterable[tuple[Key, RunnerMirror]]) -> None:
        """What the recording has more of on runners that are not put on the house."""
        for key, mirror in runners:
            if mirror.fresh_at_start.lays or mirror.fresh_at_start.backs:
                held = self._held.setdefault(key, {})
                for place, asked in self._missing(key, mirror, mirror.fresh_at_start):
                    held.setdefault(place, []).append(asked.liability_minor)
                mirror.fresh_at_start = Sides({}, {})

    def _let_go(self, key: Key) -> Iterator[Ask]:
        for place, amounts in self._held.pop(key).items():
            yield from ((place, _instruction(place, amount)) for amount in amounts)

    def _missing(self, key: Key, mirror: RunnerMirror, fresh: Sides) -> Iterator[Ask]:
        held = self._held.get(key, NOTHING)
        for side, ladder, prices in ((Side.LAY, mirror.spb, fresh.lays), (Side.BACK, mirror.spl, fresh.backs)):
            for price in sorted(prices):
                place = (key, side, price)
                more = ladder.get(price, 0) - sum(self._placed.get(place, ())) - sum(held.get(place, ()))
                if more > 0 and self._prices.has(price):
                    yield place, _instruction(place, more)

    def _places(self, customer_id: int, asked: list[Ask], side: Side) -> Iterator[Step]:
        own = [ask for ask in asked if ask[0][1] is side]
        for start in range(0, len(own), MAX_INSTRUCTIONS):
            places, instructions = zip(*own[start : start + MAX_INSTRUCTIONS], strict=True)
            command = PlaceOrders(customer_id, self.market_id, self.currency, instructions, as_maker=True)
            yield Step(command, places)

    def refused(self, step: Step) -> None:
        self.in_doubt.update((place[0], None) for place in step.places)

    def heard(self, step: Step) -> None:
        """All orders of a step were taken; nothing is believed before."""
        if isinstance(step.command, PlaceOrders):
            for place, asked in zip(step.places, step.command.instructions, strict=True):
                self._placed.setdefault(place, []).append(asked.liability_minor)

    def lost(self, key: Key) -> None:
        """A runner is out, and with it all that was there."""
        for place in [place for place in self._placed if place[0] == key]:
            del self._placed[place]
        self._held.pop(key, None)

    # -------------------------------------------------------------- the off

    def start(self, prices: Iterable[tuple[Key, int]]) -> list[Step]:
        """Clear the maker's book, and make the auction come out at just these prices, but for whoever else takes
        part."""
        asked = [ask for key, price in prices for ask in self._meeting(key, price)]
        clear = Step(CancelOrders(self.maker, self.market_id), ())
        return [clear, *self._places(self.maker, asked, Side.LAY), *self._places(self.taker, asked, Side.BACK)]

    def _meeting(self, key: Key, price: int) -> Iterator[Ask]:
        """As much of both as is matched at this price whole; layers have a trifle more, so that no lower price leaves
        as little over."""
        backs, lays = auction.sizes_at(list(self._bids(key)), price)
        stake = START_MINOR + max(0, -((backs - lays) // PARTS))
        liability = -(-(stake * PARTS + backs - lays) * (price - UNIT) // (PARTS * UNIT))
        for side, amount in ((Side.LAY, liability), (Side.BACK, stake)):
            place = (key, side, _any(side))
            yield place, _instruction(place, amount)

    def _bids(self, key: Key) -> Iterator[Bid]:
        for (runner, side, price), amounts in self._placed.items():
            if runner == key:
                yield from (Bid(0, side, price, amount, by_liability=side is Side.LAY) for amount in amounts)


def _any(side: Side) -> int:
    """The limit of whoever takes any price, as the ladders show it."""
    return ANY_BACK_MILLI if side is Side.BACK else ANY_LAY_MILLI


def _instruction(place: Place, liability_minor: int) -> PlaceInstruction:
    (selection_id, _), side, price = place
    is_any = price == _any(side)
    return PlaceInstruction(
        selection_id,
        side,
        0 if is_any else price,
        0,
        type=OrderType.MARKET_ON_CLOSE if is_any else OrderType.LIMIT_ON_CLOSE,
        liability_minor=liability_minor,
    )
