"""A market maker whose orders are a recorded ladder: what to change in our book so that it is right.

Pure: a recorded market in, commands out. Two service customers take part: the *maker* has all that rests, the *taker*
meets it where the recording traded, since nobody may meet himself.

Each round of a plan is: the maker pulls what would be in the way of a trade, tops up the price where it happened, and
the taker takes it, all or part. So whoever else waits at that price, or a better one, is matched in turn. At the end
every level that was touched is made as large as the recording's: what is too much is cut from the newest orders, what
is missing joins the end of the queue, behind whoever is there. The maker says how large a level is to be, and the house
finds what that takes: bots that met it in between make no difference.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from overround.book.exchange import MAX_INSTRUCTIONS, MAX_QUOTE_ENTRIES
from overround.book.exposure import Side
from overround.book.machine.exchange_commands import CancelOrders, MassQuote, PlaceInstruction, PlaceOrders, QuoteEntry
from overround.book.matching import TimeInForce
from overround.feeds.betfair.mirror import Key, Ladder, RunnerMirror, Touched
from overround.kernel.ladder import Ladder as Prices

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
LAY: Final = Side.LAY
FILL_OR_KILL: Final = TimeInForce.FILL_OR_KILL

NOMINAL_MINOR: Final = 100
"""What is traded where a recording has last prices and no volumes."""

BOTH_SIDES: Final = 2
"""Recorded volumes count the backer's stake for both sides."""

Place = tuple[Key, Side, int]
"""A level: a runner, whose side its orders are, and their price."""


class Step(NamedTuple):
    """A command, and what of it is to be remembered once it was taken."""

    command: PlaceOrders | MassQuote | CancelOrders
    places: tuple[Place, ...] = ()


class Counts(msgspec.Struct):
    """What was done, in levels and trades."""

    placed: int = 0
    cancelled: int = 0
    trades: int = 0
    moved_aside: int = 0


class Maker:
    """The maker's levels on one of our markets, as it last said how large they are to be."""

    def __init__(
        self, *, market_id: int, maker: int, taker: int, currency: str, prices: Prices, trades_told: bool = True
    ) -> None:
        self.market_id, self.maker, self.taker, self.currency = market_id, maker, taker, currency
        self._prices, self.trades_told = prices, trades_told
        self._sizes: dict[tuple[Key, Side], Ladder] = {}
        self._traded: dict[Key, Ladder] = {}
        self._last: dict[Key, int] = {}
        self._volume: dict[Key, int] = {}
        self.counts = Counts()
        self.in_doubt: dict[Key, None] = {}
        """Runners of which something was refused: what is there is not known, so all of it is said again."""

    def sizes_of(self, key: Key, side: Side) -> Ladder:
        """How large the maker's levels of a runner are to be, by price."""
        sizes = self._sizes.get((key, side))
        if sizes is None:
            sizes = self._sizes[key, side] = {}
        return sizes

    def begin(self, key: Key, mirror: RunnerMirror) -> None:
        """A runner is put on the house only now: what was traded before is none of its trades."""
        self._traded[key] = dict(mirror.traded)
        self._volume[key], self._last[key] = mirror.tv_minor // BOTH_SIDES, mirror.last_milli
        mirror.fresh_trades.clear()

    # -------------------------------------------------------------- what to do

    def plan(self, runners: Iterable[tuple[Key, RunnerMirror, Touched]], *, is_open: bool) -> list[Step]:
        """The commands that make our book what the recording says, where it was touched; of a market that is not open,
        only what is taken away. All of them may be sent at once: none needs the answer to another."""
        drafts = [
            _Draft(self, key, mirror, touched)
            for key, mirror, touched in runners
            if touched is None or touched.lays or touched.backs or self._has_trades(mirror) or key in self.in_doubt
        ]
        trading = [(draft, self._trades(draft)) for draft in drafts if is_open and self._has_trades(draft.mirror)]
        steps: list[Step] = []
        for number in range(max((len(trades) for _, trades in trading), default=0)):
            for draft, trades in trading:
                if number < len(trades):
                    draft.trade(*trades[number])
            steps += self._written(drafts)
        for draft in drafts:
            draft.level(is_open=is_open)
        return steps + self._written(drafts)

    def _has_trades(self, mirror: RunnerMirror) -> bool:
        """Whether the recording may have traded what our book did not yet."""
        return bool(mirror.fresh_trades) or not self.trades_told

    def _trades(self, draft: "_Draft") -> list[tuple[int, int]]:
        """(price, backer's stake) of what the recording traded and our book did not yet; the last price comes last."""
        key, mirror = draft.key, draft.mirror
        done = self._traded.setdefault(key, {})
        found: list[tuple[int, int]] = []
        for price in sorted(mirror.fresh_trades):
            both = mirror.traded.get(price, 0)
            size = both // BOTH_SIDES - done.get(price, 0) // BOTH_SIDES
            if size > 0 and self.has(price):
                done[price] = both
                found.append((price, size))
        mirror.fresh_trades.clear()
        if not self.trades_told:
            found += self._untold(key, mirror)
        found.sort(key=lambda trade: (trade[0] == mirror.last_milli, -abs(trade[0] - mirror.last_milli)))
        if found:
            self._last[key] = found[-1][0]
        return found

    def _untold(self, key: Key, mirror: RunnerMirror) -> list[tuple[int, int]]:
        """Trades of a recording without traded ladders: the volume, if it has any, at the last price."""
        size = mirror.tv_minor // BOTH_SIDES - self._volume.get(key, 0)
        price = mirror.last_milli
        if not price or (size <= 0 and price == self._last.get(key)) or not self.has(price):
            return []
        self._volume[key] = max(self._volume.get(key, 0), mirror.tv_minor // BOTH_SIDES)
        return [(price, size if size > 0 else NOMINAL_MINOR)]

    def has(self, price: int) -> bool:
        """Whether our market has this price."""
        return self._prices.has(price)

    def _written(self, drafts: list["_Draft"]) -> list[Step]:
        """What the drafts hold by now as commands: what the maker says, then what the taker does."""
        quotes: list[list[QuoteEntry]] = [[]]
        takes: list[PlaceInstruction] = []
        for draft in drafts:
            if not (draft.entries or draft.takes):
                continue
            if len(quotes[-1]) + len(draft.entries) > MAX_QUOTE_ENTRIES:  # a runner's are together: cuts come first
                quotes.append([])
            quotes[-1] += draft.entries
            takes += draft.takes
            draft.entries, draft.takes = [], []
        self.counts.trades += len(takes)
        return [*self._quotes(quotes), *self._takes(takes)]

    def _quotes(self, quotes: list[list[QuoteEntry]]) -> Iterator[Step]:
        for entries in quotes:
            if entries:
                yield Step(MassQuote(self.maker, self.market_id, self.currency, tuple(entries)))

    def _takes(self, takes: list[PlaceInstruction]) -> Iterator[Step]:
        for start in range(0, len(takes), MAX_INSTRUCTIONS):
            part = tuple(takes[start : start + MAX_INSTRUCTIONS])
            yield Step(PlaceOrders(self.taker, self.market_id, self.currency, part, as_maker=True))

    # -------------------------------------------------------------- what became of it

    def refused(self, step: Step) -> None:
        """Nothing of a step was done."""
        match step.command:
            case MassQuote(entries=asked) | PlaceOrders(instructions=asked):
                self.in_doubt.update(((one.selection_id, one.handicap_quarters), None) for one in asked)
            case CancelOrders():
                pass

    def lapsed(self) -> None:
        """Nothing of the maker's is left: the off, or a result."""
        self._sizes.clear()

    def lost(self, key: Key) -> None:
        """A runner is out, and with it all that was there."""
        for side in (BACK, LAY):
            self._sizes.pop((key, side), None)

    def lays_lapsed(self) -> None:
        """A removed runner reduced the others' prices: lays of them lapsed."""
        for place in [place for place in self._sizes if place[1] is LAY]:
            del self._sizes[place]


class _Draft:
    """What is to be changed of one runner. The maker's levels are by then as they were last said to be."""

    __slots__ = (
        "_again", "atb", "atl", "backs", "entries", "key", "lays", "maker", "mirror", "takes", "touched",
    )  # fmt: skip

    def __init__(self, maker: Maker, key: Key, mirror: RunnerMirror, touched: Touched) -> None:
        self.maker, self.key, self.mirror = maker, key, mirror
        self.lays, self.backs = maker.sizes_of(key, LAY), maker.sizes_of(key, BACK)
        crossed = mirror.crossed
        self.atb, self.atl = mirror.offers()
        in_doubt = key in maker.in_doubt
        whole = touched is None or in_doubt or crossed or mirror.crossed
        self.touched = None if whole else touched
        self.entries: list[QuoteEntry] = []
        self.takes: list[PlaceInstruction] = []
        self._again: dict[tuple[Side, int], None] = {}
        """Levels to be said again at the end, whatever they are taken to be: somebody else may have been met there."""

        if in_doubt:
            self._again.update(((side, price), None) for side in (LAY, BACK) for price in self.sizes(side))

    def trade(self, price: int, size_minor: int) -> None:
        """The taker meets the maker at this price."""
        for better in [at for at in self.lays if at > price]:
            self.maker.counts.moved_aside += self.atb.get(better, 0) > 0
            self._say(LAY, better, 0)
        for better in [at for at in self.backs if at < price]:
            self.maker.counts.moved_aside += self.atl.get(better, 0) > 0
            self._say(BACK, better, 0)
        side, other = (BACK, LAY) if price in self.backs else (LAY, BACK)
        there = self.sizes(side).get(price, 0)
        if there < size_minor:
            self._say(side, price, size_minor)
        self._is_now(side, price, max(0, there - size_minor))
        self._again[side, price] = None
        self.takes.append(
            PlaceInstruction(
                self.key[0],
                other,
                price,
                size_minor,
                handicap_quarters=self.key[1],
                time_in_force=FILL_OR_KILL,
                min_fill_minor=1,
            )
        )

    def sizes(self, side: Side) -> Ladder:
        """How large the maker's levels of one side are taken to be."""
        return self.lays if side is LAY else self.backs

    def level(self, *, is_open: bool) -> None:
        """Make every level that was touched as large as the recording's. It is the last that a draft does."""
        (selection_id, handicap_quarters), touched, again = self.key, self.touched, self._again
        has_price, say = self.maker.has, self.entries.append
        placed = cancelled = 0
        for side, wanted, sizes, prices in (
            (LAY, self.atb, self.lays, touched and touched.lays),
            (BACK, self.atl, self.backs, touched and touched.backs),
        ):
            for price in sorted(wanted.keys() | sizes.keys() if prices is None else prices):
                size, has = wanted.get(price, 0), sizes.get(price, 0)
                if size < has:
                    cancelled += 1
                elif size > has and is_open and (has or has_price(price)):
                    placed += 1
                elif again and (side, price) in again:
                    size = has
                else:
                    continue
                say(QuoteEntry(selection_id, side, price, size, handicap_quarters))
                _set(sizes, price, size)
        self.maker.counts.placed += placed
        self.maker.counts.cancelled += cancelled

    def _say(self, side: Side, price: int, size_minor: int) -> None:
        """A level is to be just so large for a trade."""
        key, counts = self.key, self.maker.counts
        there = self.sizes(side).get(price, 0)
        counts.placed += size_minor > there
        counts.cancelled += size_minor < there
        self.entries.append(QuoteEntry(key[0], side, price, size_minor, key[1]))
        self._is_now(side, price, size_minor)

    def _is_now(self, side: Side, price: int, size_minor: int) -> None:
        """After a trade a level is looked at again."""
        _set(self.sizes(side), price, size_minor)
        if self.touched is not None:
            (self.touched.lays if side is LAY else self.touched.backs)[price] = None


def _set(sizes: Ladder, price: int, size_minor: int) -> None:
    if size_minor:
        sizes[price] = size_minor
    else:
        sizes.pop(price, None)
