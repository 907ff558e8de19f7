"""From a change to everybody who hears it: conflation, images, resuming by `clk`, heartbeats, slow readers.

A `clk` is the journal's sequence up to which everything was told, so any gateway can go on from any other's: of a
subscription that resumes, only markets that changed since come again, whole. An `initialClk` names the journal and
what was asked: 16 digits, a point, 18 digits. With that of another journal there is nothing to go on from, and all is
shown.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Final

from overround.edge.betfair.asked import MAX_MARKETS, MarketSubscription, OrderSubscription, StreamCode, Subscription
from overround.edge.betfair.board import Board, MarketView
from overround.edge.betfair.conversation import Trouble
from overround.edge.betfair.definitions import is_over
from overround.edge.betfair.figures import market_number
from overround.edge.betfair.ordering import order_changes, order_image
from overround.edge.betfair.pictures import Gallery
from overround.edge.betfair.selecting import matches
from overround.edge.betfair.subscribers import SHAPE_BYTES, Heard, MarketHeard, OrderHeard

TICK_S: Final = 0.05
"""The least time between two updates of a market for a subscriber that asked for no conflation."""

BEAT_EVERY_S: Final = 0.1
MAX_CLK_AHEAD: Final = 1_000
"""A `clk` further ahead of this gateway than that is of this house before it was restored from a backup."""

MAX_CLK_DIGITS: Final = 18
JOURNAL_DIGITS: Final = 16
INITIAL_CLK: Final = re.compile(rf"(?:([0-9a-f]{{{JOURNAL_DIGITS}}})\.)?([0-9a-f]{{{2 * SHAPE_BYTES}}})")
"""A journal, which those of older versions did not name, and what was asked."""

MAX_CHANGED: Final = 1_000
"""Orders of one market that may wait for a slow reader; should there be more, it gets the market whole."""


class Group:
    """All market subscriptions of one conflation, by market."""

    def __init__(self, teller: "Teller", interval_s: float) -> None:
        self.watchers: dict[int, dict[MarketHeard, None]] = {}
        self._teller, self._interval_s = teller, interval_s
        self._pending: dict[int, None] = {}
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._flushed_s = 0.0

    def changed(self, market_id: int) -> None:
        """Something to tell: at once after a quiet interval, else when the interval is over."""
        if market_id not in self.watchers:
            return
        self._pending[market_id] = None
        if self._timer is None:
            loop = asyncio.get_running_loop()
            left_s = self._flushed_s + self._interval_s - loop.time()
            self._timer = loop.call_later(left_s, self.flush) if left_s > 0 else loop.call_soon(self.flush)

    @property
    def waits(self) -> bool:
        return bool(self._pending)

    def has_pending(self, market_id: int) -> bool:
        return market_id in self._pending

    def flush(self) -> None:
        """Tell what waits, unless the view is stale: then it waits on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending or self._teller.board.is_stale:
            return
        self._flushed_s = asyncio.get_running_loop().time()
        pending, self._pending = self._pending, {}
        told: dict[MarketHeard, None] = {}
        for market_id in pending:
            for heard in self.watchers.get(market_id, ()):
                if heard.reader.is_full or heard.dirty:
                    heard.dirty[market_id] = None
                elif self._teller.note(heard, market_id, is_conflated=heard.conflation_ms > 0):
                    told[heard] = None
        self._teller.write(told)


class Teller:
    """Listens to the board and tells subscribers."""

    def __init__(self, board: Board, *, now_us: Callable[[], int]) -> None:
        self.board = board
        self._now_us = now_us
        self._gallery = Gallery()
        self._groups: dict[int, Group] = {}
        self._markets: dict[MarketHeard, None] = {}
        self._orders: dict[int, dict[OrderHeard, None]] = {}
        self._waiting: dict[OrderHeard, None] = {}
        self._held: dict[OrderHeard, None] = {}
        self._timer: asyncio.Handle | None = None
        board.listener = self

    # Subscribing.

    def refusal(self, heard: MarketHeard | OrderHeard, asked: MarketSubscription | OrderSubscription) -> Trouble | None:
        """Why a subscription cannot be taken."""
        if isinstance(heard, MarketHeard) and len(heard.filter.market_ids or self._found(heard, 0)) > MAX_MARKETS:
            return Trouble(StreamCode.SUBSCRIPTION_LIMIT_EXCEEDED, f"at most {MAX_MARKETS} markets", asked.id)
        if self._since(heard, asked) is None:
            return Trouble(StreamCode.INVALID_CLOCK, "clk and initialClk are not of this subscription", asked.id)
        return None

    def _found(self, heard: MarketHeard, since: int) -> list[MarketView]:
        """The markets that a subscription names, whatever became of them; where it names none, those that fit and are
        not over, or became so after `since`."""
        named, known = heard.filter.market_ids, self.board.markets
        if named:
            views = [view for number in dict.fromkeys(map(market_number, named)) if (view := known.get(number))]
        else:
            views = [view for view in known.values() if not is_over(view.market) or 0 < since < view.stamp]
        return [view for view in views if matches(heard.filter, view)]

    def hear_markets(self, heard: MarketHeard, asked: MarketSubscription) -> None:
        """From now on this is heard, beginning with an image, or with what changed since `clk`."""
        since = self._since(heard, asked) or 0
        self._markets[heard] = None
        group = self._group(heard)
        group.flush()
        shown = []
        for market in self._found(heard, since):
            group.watchers.setdefault(market.id, {})[heard] = None
            picture = self._gallery.picture(market, heard.look, market.stamp)
            heard.told[market.id] = picture
            if market.stamp > since:
                shown.append(self._gallery.image(picture))
        self._gallery.tidy()
        self._show(heard, shown, since=since, about="mc")

    def hear_orders(self, heard: OrderHeard, asked: OrderSubscription) -> None:
        """As `hear_markets`, of a customer's orders."""
        since = self._since(heard, asked) or 0
        self._orders.setdefault(heard.customer_id, {})[heard] = None
        shown = [
            order_image(heard, self.board, market_id)
            for market_id, stamp in self.board.of_customer.get(heard.customer_id, {}).items()
            if stamp > since and (since or not is_over(self.board.markets[market_id].market))
        ]
        self._show(heard, [change for change in shown if change], since=since, about="oc")

    def _since(self, heard: Heard, asked: Subscription) -> int | None:
        """The sequence to go on from; 0 for an image; None where the clocks cannot be this subscription's."""
        initial_clk, clk = asked.initial_clk, asked.clk
        if not initial_clk and not clk:
            return 0
        told = INITIAL_CLK.fullmatch(initial_clk or "")
        if told is None or not clk or not clk.isascii() or not clk.isdecimal() or len(clk) > MAX_CLK_DIGITS:
            return None
        if told[1] != self._journal:
            return 0
        if told[2] != heard.shape:
            return None
        return int(clk) if int(clk) <= self.board.seq + MAX_CLK_AHEAD else 0

    def _show(self, heard: Heard, shown: list[bytes], *, since: int, about: str) -> None:
        kind = "RESUB_DELTA" if since else "SUB_IMAGE"
        heard.show(
            shown,
            kind=kind,
            initial_clk=f"{self._journal}.{heard.shape}".encode(),
            clk=self._clk(),
            pt_ms=self._pt_ms(),
            now_s=_now_s(),
            about=about,
        )

    def leave(self, heard: MarketHeard | OrderHeard | None) -> None:
        """It is over, or another takes its place."""
        if isinstance(heard, MarketHeard):
            self._markets.pop(heard, None)
            for market_id in heard.told.keys() | heard.dirty.keys():
                self._look_away(heard, market_id)
        elif isinstance(heard, OrderHeard):
            hearing = self._orders.get(heard.customer_id, {})
            hearing.pop(heard, None)
            if not hearing:
                self._orders.pop(heard.customer_id, None)
            self._waiting.pop(heard, None)
            self._held.pop(heard, None)

    def _look_away(self, heard: MarketHeard, market_id: int) -> None:
        """A subscription has a market no more."""
        watchers = self._group(heard).watchers
        watching = watchers.get(market_id, {})
        watching.pop(heard, None)
        if not watching:
            watchers.pop(market_id, None)
            if not any(market_id in group.watchers for group in self._groups.values()):
                self._gallery.forget(market_id)

    def _group(self, heard: MarketHeard) -> Group:
        group = self._groups.get(heard.conflation_ms)
        if group is None:
            group = Group(self, max(heard.conflation_ms / 1_000, TICK_S))
            self._groups[heard.conflation_ms] = group
        return group

    # What the board says.

    def market_changed(self, market_id: int) -> None:
        for group in self._groups.values():
            group.changed(market_id)

    def market_added(self, market_id: int) -> None:
        """A new market: whoever asked for such hears it, as far as the limit. Those that are settled make room."""
        market = self.board.markets[market_id]
        for heard in self._markets:
            if not matches(heard.filter, market):
                continue
            if heard.count >= MAX_MARKETS:
                self._make_room(heard)
            if heard.count >= MAX_MARKETS:
                self._warn(heard)
                continue
            self._group(heard).watchers.setdefault(market_id, {})[heard] = None
            heard.dirty[market_id] = None
            asyncio.get_running_loop().call_soon(self.room, heard)

    def market_gone(self, market_id: int) -> None:
        """A market is shown no longer."""
        for group in self._groups.values():
            for heard in list(group.watchers.get(market_id, ())):
                heard.told.pop(market_id, None)
                heard.dirty.pop(market_id, None)
                self._look_away(heard, market_id)
        for hearing in self._orders.values():
            for waiting in hearing:
                waiting.forget(market_id)

    def _make_room(self, heard: MarketHeard) -> None:
        """Take away the markets that are settled and of which everything was told."""
        for market_id in [each for each in heard.told if self._is_told_out(heard, each)]:
            del heard.told[market_id]
            self._look_away(heard, market_id)
        heard.is_short = heard.is_short and heard.count >= MAX_MARKETS

    def _is_told_out(self, heard: MarketHeard, market_id: int) -> bool:
        view = self.board.markets.get(market_id)
        is_settled = view is None or bool(view.market.settled_at_us)
        return is_settled and market_id not in heard.dirty and not self._group(heard).has_pending(market_id)

    def _warn(self, heard: MarketHeard) -> None:
        """Say once that there are markets which it does not hear of."""
        if not heard.is_short:
            heard.is_short = True
            text = f"at most {MAX_MARKETS} markets: there are more"
            heard.reader.warn(Trouble(StreamCode.SUBSCRIPTION_LIMIT_EXCEEDED, text, heard.id))

    def order_changed(self, customer_id: int, market_id: int, runner: int, bet_id: int) -> None:
        """One of a customer's orders, or with a `bet_id` of 0 only what was matched on a runner."""
        for heard in self._orders.get(customer_id, ()):
            changed = heard.changed.setdefault(market_id, {}).setdefault(runner, {})
            if bet_id:
                changed[bet_id] = None
            if len(changed) > MAX_CHANGED:
                del heard.changed[market_id]
                heard.whole[market_id] = None
            self._wait(heard)

    def orders_whole(self, customer_id: int, market_id: int) -> None:
        """So much of a customer's orders changed that they are shown anew."""
        for heard in self._orders.get(customer_id, ()):
            heard.whole[market_id] = None
            self._wait(heard)

    def orders_closed(self, customer_id: int, market_id: int) -> None:
        """A market in which a customer had orders closed."""
        for heard in self._orders.get(customer_id, ()):
            heard.closed[market_id] = None
            self._wait(heard)

    def _wait(self, heard: OrderHeard) -> None:
        self._waiting[heard] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_soon(self._tell_orders)

    def live(self) -> None:
        """The view has caught up: what changed meanwhile goes out."""
        for group in self._groups.values():
            group.flush()
        self._tell_orders()

    # Telling.

    def note(self, heard: MarketHeard, market_id: int, *, is_conflated: bool) -> bool:
        """Put the difference to what this reader has into what goes out next; whether there is any."""
        market = self.board.markets.get(market_id)
        if market is None:
            return False
        picture = self._gallery.picture(market, heard.look, market.stamp)
        before = heard.told.get(market_id)
        heard.told[market_id] = picture
        if before is None:
            heard.out.append(self._gallery.image(picture))
            return True
        change = self._gallery.delta(before, picture, is_conflated=is_conflated) if before is not picture else b""
        if change:
            heard.out.append(change)
        return bool(change)

    def write(self, told: Iterable[MarketHeard]) -> None:
        """One message for each."""
        clk, pt_ms, now_s = self._clk(), self._pt_ms(), _now_s()
        for heard in told:
            heard.tell(heard.out, clk=clk, pt_ms=pt_ms, now_s=now_s, about="mc")
            heard.out.clear()
        self._gallery.tidy()

    def room(self, heard: MarketHeard) -> None:
        """There is room to write: what was held back goes out, together."""
        if not heard.dirty or heard.reader.is_full or self.board.is_stale or heard not in self._markets:
            return
        dirty, heard.dirty = heard.dirty, {}
        told = [self.note(heard, market_id, is_conflated=True) for market_id in dirty]
        if any(told):
            self.write((heard,))

    def room_for_orders(self, heard: OrderHeard) -> None:
        if heard.waits:
            self._wait(heard)

    def _tell_orders(self) -> None:
        self._timer = None
        if self.board.is_stale:
            return
        waiting, self._waiting = self._waiting, {}
        clk, pt_ms, now_s = self._clk(), self._pt_ms(), _now_s()
        for heard in waiting:
            if heard.reader.is_full:
                continue  # it is asked again when there is room
            if now_s - heard.told_s < heard.conflation_ms / 1_000:
                self._held[heard] = None
                continue
            changes = order_changes(heard, self.board)
            if changes:
                heard.tell(changes, clk=clk, pt_ms=pt_ms, now_s=now_s, about="oc")

    async def beat(self) -> None:
        """For ever: a heartbeat to whoever was told nothing for as long as it asked."""
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            clk, pt_ms, now_s = self._clk(), self._pt_ms(), _now_s()
            held, self._held = self._held, {}
            for order_heard in held:
                self._wait(order_heard)
            for heard in self._everybody():
                if now_s - heard.said_s >= heard.beat_s and not heard.reader.is_full:
                    told = heard.clk if self._waits(heard) else clk
                    heard.beat(clk=told, pt_ms=pt_ms, now_s=now_s, is_stale=self.board.is_stale)

    def _waits(self, heard: MarketHeard | OrderHeard) -> bool:
        """Whether something happened that this one was not told yet."""
        in_group = isinstance(heard, MarketHeard) and self._group(heard).waits
        return heard.waits or in_group or self.board.is_stale

    def _everybody(self) -> list[MarketHeard | OrderHeard]:
        orders = [heard for hearing in self._orders.values() for heard in hearing]
        return [*self._markets, *orders]

    @property
    def _journal(self) -> str:
        return self.board.journal[:JOURNAL_DIGITS]

    def _clk(self) -> bytes:
        return b"%d" % self.board.seq

    def _pt_ms(self) -> bytes:
        return b"%d" % (self._now_us() // 1_000)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
