"""A market maker whose orders are a recorded ladder: what it has in our book, and what to change so that it is right.

Pure: a recorded market and the maker's orders in, commands out. Two service customers take part: the *maker* has all
that rests, the *taker* meets it where the recording traded, since nobody may meet himself.

Each round of a plan is: the maker pulls what would be in the way of a trade, tops up the price where it happened, and
the taker takes it, all or part. So whoever else waits at that price, or a better one, is matched in turn. At the end
every level is made as large as the recording's: what is too much is cut from the newest orders, what is missing joins
the end of the queue, behind whoever is there.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from overround.book.exchange import MAX_CHANGES, MAX_INSTRUCTIONS
from overround.book.exposure import Side
from overround.book.machine.answers import OrdersAnswer
from overround.book.machine.exchange_commands import CancelInstruction, CancelOrders, PlaceInstruction, PlaceOrders
from overround.book.matching import TimeInForce
from overround.feeds.betfair.mirror import Key, Ladder, RunnerMirror, Touched
from overround.kernel.ladder import Ladder as Prices

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
LAY: Final = Side.LAY
FILL_OR_KILL: Final = TimeInForce.FILL_OR_KILL

NOMINAL_MINOR: Final = 100
"""What is traded where a recording has last prices and no volumes."""

NOTHING: Final[Ladder] = {}

BOTH_SIDES: Final = 2
"""Recorded volumes count the backer's stake for both sides."""

Place = tuple[Key, Side, int]
"""A level of the maker's: whose side its orders are, and their price."""


class Resting(msgspec.Struct, gc=False):
    """An order of the maker's, as far as it knows."""

    order_id: int
    place: Place
    remaining_minor: int


class Step(NamedTuple):
    """A command, and what is to be made of its answer."""

    command: PlaceOrders | CancelOrders
    places: tuple[Place, ...]


class Counts(msgspec.Struct):
    """What was done, in orders."""

    placed: int = 0
    cancelled: int = 0
    trades: int = 0
    moved_aside: int = 0


class Maker:
    """The maker's book on one of our markets. `plan` changes nothing but its counts; `heard` takes the answers."""

    def __init__(
        self, *, market_id: int, maker: int, taker: int, currency: str, prices: Prices, trades_told: bool = True
    ) -> None:
        self.market_id, self.maker, self.taker, self.currency = market_id, maker, taker, currency
        self._prices, self.trades_told = prices, trades_told
        self._levels: dict[Place, list[Resting]] = {}
        self._by_id: dict[int, Resting] = {}
        self._sizes: dict[tuple[Key, Side], Ladder] = {}
        self._traded: dict[Key, Ladder] = {}
        self._last: dict[Key, int] = {}
        self._volume: dict[Key, int] = {}
        self.counts = Counts()
        self.surprised: dict[Key, None] = {}
        """Runners on which the taker met somebody else, or something was refused: they are not as was planned."""

        self._off: dict[Key, dict[int, None]] = {}
        """Prices at which the house had less of the maker's than was planned, to be looked at with the runner's next
        change."""

    def orders_at(self, place: Place) -> Sequence[Resting]:
        """The oldest first."""
        return self._levels.get(place, ())

    def sizes_of(self, key: Key, side: Side) -> Ladder:
        """What the maker has of a runner by price; whoever asks does not change it."""
        return self._sizes.get((key, side), NOTHING)

    # -------------------------------------------------------------- what to do

    def plan(self, runners: Iterable[tuple[Key, RunnerMirror, Touched]], *, is_open: bool) -> list[Step]:
        """The commands that make our book what the recording says, where it was touched; of a market that is not open,
        only what is taken away. All of them may be sent at once: none needs the answer to another."""
        drafts = [_Draft(self, key, mirror, touched, self._off.pop(key, ())) for key, mirror, touched in runners]
        rounds = [self._trades(draft) if is_open else [] for draft in drafts]
        steps: list[Step] = []
        for number in range(max(map(len, rounds), default=0)):
            for draft, trades in zip(drafts, rounds, strict=True):
                if number < len(trades):
                    draft.trade(*trades[number])
            steps += self._written(drafts)
        for draft in drafts:
            draft.level(is_open=is_open)
        return steps + self._written(drafts)

    def _trades(self, draft: "_Draft") -> list[tuple[int, int]]:
        """(price, backer's stake) of what the recording traded and our book did not yet; the last price comes last."""
        key, mirror = draft.key, draft.mirror
        done = self._traded.setdefault(key, {})
        found: list[tuple[int, int]] = []
        if self.trades_told and len(done) == len(mirror.traded) and done == mirror.traded:
            return found
        for price, both in sorted(mirror.traded.items() - done.items()):
            size = both // BOTH_SIDES - done.get(price, 0) // BOTH_SIDES
            if size > 0 and self.has(price):
                done[price] = both
                found.append((price, size))
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
        """What the drafts hold by now as commands: cancels, then what the maker places, then what the taker does."""
        cuts = [cut for draft in drafts for cut in draft.cuts]
        offers = [offer for draft in drafts for offer in draft.offers]
        takes = [take for draft in drafts for take in draft.takes]
        for draft in drafts:
            draft.cuts, draft.offers, draft.takes = [], [], []
        self.counts.cancelled += len(cuts)
        self.counts.placed += len(offers)
        self.counts.trades += len(takes)
        return [*self._cancels(cuts), *self._places(self.maker, offers), *self._places(self.taker, takes)]

    def _cancels(self, cuts: list[tuple[Resting, int]]) -> Iterator[Step]:
        for start in range(0, len(cuts), MAX_CHANGES):
            part = cuts[start : start + MAX_CHANGES]
            instructions = tuple(CancelInstruction(order.order_id, size) for order, size in part)
            command = CancelOrders(self.maker, self.market_id, instructions)
            yield Step(command, tuple(order.place for order, _ in part))

    def _places(self, customer_id: int, asked: list[tuple[Place, PlaceInstruction]]) -> Iterator[Step]:
        for start in range(0, len(asked), MAX_INSTRUCTIONS):
            part = asked[start : start + MAX_INSTRUCTIONS]
            instructions = tuple(instruction for _, instruction in part)
            command = PlaceOrders(customer_id, self.market_id, self.currency, instructions, as_maker=True)
            yield Step(command, tuple(place for place, _ in part))

    # -------------------------------------------------------------- what became of it

    def heard(self, step: Step, answer: OrdersAnswer) -> None:
        """Take what the house says of an own order; nothing is believed before."""
        if isinstance(step.command, CancelOrders):
            if not step.command.instructions:
                self.lapsed()
                return
            for asked, report in zip(step.command.instructions, answer.reports, strict=True):
                if report.code or report.cancelled_minor < asked.reduction_minor:
                    self._is_off(self._by_id.get(asked.order_id))
                self._has_left(asked.order_id, 0 if report.code else report.remaining_minor)
            return
        if step.command.customer_id == self.maker:
            for place, report in zip(step.places, answer.reports, strict=True):
                if report.remaining_minor and place[2]:
                    self._add(Resting(report.order_id, place, report.remaining_minor))
                if report.remaining_minor < report.size_minor:
                    self._off.setdefault(place[0], {})[place[2]] = None
        for order_id, size in answer.met:
            order = self._by_id.get(order_id)
            if order is not None:
                self._has_left(order_id, order.remaining_minor - size)
            else:
                self.surprised.update((place[0], None) for place in step.places)

    def _is_off(self, order: Resting | None) -> None:
        if order is not None:
            self._off.setdefault(order.place[0], {})[order.place[2]] = None

    def _add(self, order: Resting) -> None:
        key, side, price = order.place
        self._levels.setdefault(order.place, []).append(order)
        sizes = self._sizes.setdefault((key, side), {})
        sizes[price] = sizes.get(price, 0) + order.remaining_minor
        self._by_id[order.order_id] = order

    def _has_left(self, order_id: int, remaining_minor: int) -> None:
        order = self._by_id.get(order_id)
        if order is None:
            return
        key, side, price = order.place
        sizes = self._sizes[key, side]
        sizes[price] += remaining_minor - order.remaining_minor
        if not sizes[price]:
            del sizes[price]
        order.remaining_minor = remaining_minor
        if remaining_minor > 0:
            return
        del self._by_id[order_id]
        level = self._levels[order.place]
        level.remove(order)
        if not level:
            del self._levels[order.place]

    def lapsed(self) -> None:
        """Nothing of the maker's is left: the off, or a result."""
        self._levels.clear()
        self._by_id.clear()
        self._sizes.clear()

    def lost(self, key: Key) -> None:
        """A runner is out, and with it all that was there."""
        for order in [order for order in self._by_id.values() if order.place[0] == key]:
            self._has_left(order.order_id, 0)

    def lays_lapsed(self) -> None:
        """A removed runner reduced the others' prices: lays of them lapsed."""
        for order in [order for order in self._by_id.values() if order.place[1] is LAY]:
            self._has_left(order.order_id, 0)


class _Draft:
    """What is to be changed of one runner, and how large the maker's levels are by then."""

    __slots__ = ("_met", "atb", "atl", "backs", "cuts", "key", "lays", "maker", "mirror", "offers", "takes", "touched")

    def __init__(self, maker: Maker, key: Key, mirror: RunnerMirror, touched: Touched, off: Iterable[int] = ()) -> None:
        self.maker, self.key, self.mirror = maker, key, mirror
        self.lays, self.backs = maker.sizes_of(key, LAY), maker.sizes_of(key, BACK)
        self._met: dict[Place, int] = {}
        crossed = mirror.crossed
        self.atb, self.atl = mirror.offers()
        self.touched = None if touched is None or crossed or mirror.crossed else dict.fromkeys((*touched, *off))
        self.cuts: list[tuple[Resting, int]] = []
        self.offers: list[tuple[Place, PlaceInstruction]] = []
        self.takes: list[tuple[Place, PlaceInstruction]] = []

    def trade(self, price: int, size_minor: int) -> None:
        """The taker meets the maker at this price."""
        if not self._met:
            self.lays, self.backs = dict(self.lays), dict(self.backs)
        for better in [at for at in self.lays if at > price]:
            self.maker.counts.moved_aside += self.atb.get(better, 0) > 0
            self._resize(LAY, better, 0)
        for better in [at for at in self.backs if at < price]:
            self.maker.counts.moved_aside += self.atl.get(better, 0) > 0
            self._resize(BACK, better, 0)
        side = BACK if price in self.backs else LAY
        there = self.sizes(side).get(price, 0)
        if there < size_minor:
            self._resize(side, price, size_minor)
        place = self.key, side, price
        self._met[place] = self._met.get(place, 0) + min(there, size_minor)
        self._now(side, price, max(there, size_minor) - size_minor)
        other = LAY if side is BACK else BACK
        self.takes.append(
            (
                (self.key, other, price),
                PlaceInstruction(
                    self.key[0],
                    other,
                    price,
                    size_minor,
                    handicap_quarters=self.key[1],
                    time_in_force=FILL_OR_KILL,
                    min_fill_minor=1,
                ),
            )
        )

    def sizes(self, side: Side) -> Ladder:
        """How large the maker's levels of one side are by then."""
        return self.lays if side is LAY else self.backs

    def level(self, *, is_open: bool) -> None:
        """Make every level that was touched as large as the recording's. It is the last that a draft does."""
        touched = None if self.touched is None else sorted(self.touched)
        for side, wanted, sizes in ((LAY, self.atb, self.lays), (BACK, self.atl, self.backs)):
            prices = sorted(wanted.keys() | sizes.keys()) if touched is None else touched
            for price in prices:
                missing = wanted.get(price, 0) - sizes.get(price, 0)
                if missing < 0:
                    self._cut((self.key, side, price), -missing)
                elif missing and is_open and self.maker.has(price):
                    self._offer((self.key, side, price), missing)

    def _resize(self, side: Side, price: int, size_minor: int) -> None:
        missing = size_minor - self.sizes(side).get(price, 0)
        if missing > 0:
            self._offer((self.key, side, price), missing)
        else:
            self._cut((self.key, side, price), -missing)
        self._now(side, price, size_minor)

    def _offer(self, place: Place, size_minor: int) -> None:
        """Place what is missing of a level."""
        key, side, price = place
        self.offers.append((place, PlaceInstruction(key[0], side, price, size_minor, handicap_quarters=key[1])))

    def _cut(self, place: Place, excess: int) -> None:
        """Cut what is too much of a level from the newest. Orders that the taker meets in this plan are the oldest, so
        what is left of the newest is known."""
        orders = self.maker.orders_at(place)
        met = self._met.get(place, 0) if self._met else 0
        excess = min(excess, sum(order.remaining_minor for order in orders) - met) if met else excess
        for order in reversed(orders):
            part = min(excess, order.remaining_minor)
            if part <= 0:
                return
            self.cuts.append((order, part))
            excess -= part

    def _now(self, side: Side, price: int, size_minor: int) -> None:
        sizes = self.sizes(side)
        if size_minor:
            sizes[price] = size_minor
        else:
            sizes.pop(price, None)
        if self.touched is not None:
            self.touched[price] = None
