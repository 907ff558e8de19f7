"""Who hears what: the stream's clients by market, event and customer, told from the live view's facts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from overround.edge import messages
from overround.edge.catalogue import event_body, market_body
from overround.edge.changes import Change
from overround.edge.client import Client
from overround.edge.fanout import Group
from overround.edge.live import Live
from overround.edge.messages import Subscribe, Unsubscribe
from overround.edge.own import OWN_KINDS, news
from overround.edge.own_tickets import REFERRAL_KINDS, referral_news
from overround.edge.problems import Problem
from overround.edge.wallet import BalanceBody
from overround.edge.wire import frame

HEARTBEAT_S: Final = 5.0
BALANCE_EVERY_S: Final = 0.1
MAX_IMAGES: Final = 10_000
"""Encoded images kept; they are made again when needed."""

NOTHING: Final[frozenset[str]] = frozenset()


class Hub:
    """Listens to the live view and tells the clients."""

    def __init__(self, live: Live, *, balance_of: Callable[[int], Awaitable[BalanceBody]]) -> None:
        self.clients: dict[Client, None] = {}
        self.kinds = NOTHING
        self._live, self._balance_of = live, balance_of
        self._groups: dict[int, Group] = {}
        self._by_event: dict[int, dict[Client, None]] = {}
        self._by_customer: dict[int, dict[Client, None]] = {}
        self._images: dict[int, tuple[int, bytes]] = {}
        self._operators: dict[Client, None] = {}
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        live.listener = self

    # Who is there.

    def add(self, client: Client) -> None:
        self.clients[client] = None
        client.wire.on_room = lambda: self._room(client)

    def remove(self, client: Client) -> None:
        """It is gone; so is everything kept for it."""
        if self.clients.pop(client, self) is self:
            return
        client.wire.on_room = None
        for event_id in list(client.events):
            self._leave_event(client, event_id)
        for market_id in list(client.markets):
            self._group(client).forget(market_id, client)
        self._leave_own(client)
        self._leave_referrals(client)

    def _group(self, client: Client) -> Group:
        group = self._groups.get(client.conflate_ms)
        if group is None:
            group = Group(client.conflate_ms / 1_000, held=lambda: self._live.is_stale)
            self._groups[client.conflate_ms] = group
        return group

    def conflate(self, client: Client, interval_ms: int) -> None:
        """Move it to another interval."""
        if interval_ms == client.conflate_ms:
            return
        before = self._group(client)
        before.flush()
        client.conflate_ms = interval_ms
        after = self._group(client)
        for market_id in self._watched(client):
            before.forget(market_id, client)
            after.watch(market_id, client)

    def _watched(self, client: Client) -> set[int]:
        """Every market that it hears, by itself or through its event."""
        events = self._live.state.events
        return client.markets.union(*(events[event_id].markets for event_id in client.events))

    def subscribe(self, client: Client, asked: Subscribe) -> list[tuple[str, dict[str, Any]]]:
        """Add what exists, and show it; what does not, as codes with ids."""
        state = self._live.state
        markets = [market_id for market_id in asked.markets if market_id in state.markets]
        events = [event_id for event_id in asked.events if event_id in state.events]
        group = self._group(client)
        group.flush()
        shown = set(markets).union(*(state.events[event_id].markets for event_id in events))
        for market_id in shown:
            group.watch(market_id, client)
        client.markets.update(markets)
        client.events.update(events)
        for event_id in events:
            self._by_event.setdefault(event_id, {})[client] = None
        self._hear_own(client, bets=asked.bets, balance=asked.balance)
        if asked.referrals:
            self._hear_referrals(client)
        client.tell(messages.Subscribed(id=asked.id, seq=self._live.seq))
        if self._live.is_stale:
            client.tell(messages.Stale(since_ms=self._live.stale_since_us // 1_000))
        self._show(client, shown, after=asked.seq)
        unknown = (
            ("market_not_found", "market_ids", [each for each in asked.markets if each not in state.markets]),
            ("event_not_found", "event_ids", [each for each in asked.events if each not in state.events]),
        )
        return [(code, {name: missing}) for code, name, missing in unknown if missing]

    def unsubscribe(self, client: Client, asked: Unsubscribe) -> None:
        for event_id in asked.events:
            if event_id in client.events:
                self._leave_event(client, event_id)
        for market_id in asked.markets:
            client.markets.discard(market_id)
        kept = self._watched(client)
        for market_id in set(asked.markets) - kept:
            self._group(client).forget(market_id, client)
            client.dirty.discard(market_id)
        if asked.bets or asked.balance:
            bets, balance = client.bets and not asked.bets, client.balance and not asked.balance
            self._leave_own(client)
            self._hear_own(client, bets=bets, balance=balance)
        if asked.referrals:
            self._leave_referrals(client)

    def _leave_event(self, client: Client, event_id: int) -> None:
        client.events.discard(event_id)
        hearing = self._by_event[event_id]
        del hearing[client]
        if not hearing:
            del self._by_event[event_id]
        kept = self._watched(client)
        for market_id in self._live.state.events[event_id].markets:
            if market_id not in kept:
                self._group(client).forget(market_id, client)
                client.dirty.discard(market_id)

    # Markets.

    def changed(self, changes: Sequence[Change]) -> None:
        """The view says what a fact changed."""
        for change in changes:
            if change.is_new:
                self._offered(change)
            else:
                for group in self._groups.values():
                    group.changed(change)

    def _offered(self, change: Change) -> None:
        """A new market of an event that is heard."""
        for client in self._by_event.get(change.event_id, ()):
            self._group(client).watch(change.market_id, client)
            client.dirty.add(change.market_id)
            if not self._live.is_stale:
                asyncio.get_running_loop().call_soon(self._room, client)

    def event_changed(self, seq: int, event_id: int) -> None:
        """An event began, ended or moved."""
        hearing = self._by_event.get(event_id)
        if hearing:
            shown = event_body(self._live, self._live.state.events[event_id])
            frames = frame(messages.encode(messages.Event(seq=seq, event=shown)))
            for client in hearing:
                client.tell_own(frames)

    def _show(self, client: Client, market_ids: set[int], *, after: int | None) -> None:
        """Images of markets, of those that changed after a sequence where one is named."""
        changes = self._live.changes
        client.dirty |= {each for each in market_ids if after is None or changes.last_change(each) > after}
        self._room(client, even_stale=True)

    def _room(self, client: Client, *, even_stale: bool = False) -> None:
        """There is room to write: what waits goes out, oldest change first."""
        own = client.own
        while own and not client.wire.is_full:
            client.wire.write(own.popleft())
        if client.missed_bets and not client.wire.is_full:
            client.missed_bets = False
            client.tell(messages.Missed(of="referrals" if client.referrals else "bets", seq=self._live.seq))
        if self._live.is_stale and not even_stale:
            return
        for market_id in sorted(client.dirty, key=self._live.changes.last_change):
            if client.wire.is_full:
                return
            client.dirty.discard(market_id)
            client.wire.write(self._image(market_id))

    def _image(self, market_id: int) -> bytes:
        """A market, whole, framed once for everybody until it changes."""
        seq = self._live.changes.last_change(market_id)
        kept = self._images.get(market_id)
        if kept is not None and kept[0] == seq:
            return kept[1]
        market = market_body(self._live, self._live.state.markets[market_id])
        frames = frame(messages.encode(messages.Image(seq=seq, market=market)))
        if len(self._images) >= MAX_IMAGES:
            self._images.clear()
        self._images[market_id] = (seq, frames)
        return frames

    # A customer's own.

    def _hear_own(self, client: Client, *, bets: bool, balance: bool) -> None:
        client.bets, client.balance = client.bets or bets, client.balance or balance
        if client.bets or client.balance:
            self._by_customer.setdefault(client.customer_id, {})[client] = None
            self._choose_kinds()
        if balance:
            self._ask_balance(client.customer_id)

    def _leave_own(self, client: Client) -> None:
        client.bets = client.balance = False
        hearing = self._by_customer.get(client.customer_id, {})
        hearing.pop(client, None)
        if not hearing:
            self._by_customer.pop(client.customer_id, None)
        self._choose_kinds()

    def _choose_kinds(self) -> None:
        """Only facts about which somebody wants to hear are looked at."""
        self.kinds = (OWN_KINDS if self._by_customer else NOTHING) | (REFERRAL_KINDS if self._operators else NOTHING)

    def _hear_referrals(self, client: Client) -> None:
        client.referrals = True
        self._operators[client] = None
        self._choose_kinds()

    def _leave_referrals(self, client: Client) -> None:
        client.referrals = False
        self._operators.pop(client, None)
        self._choose_kinds()

    def fact(self, seq: int, at_us: int, kind: str, body: str | bytes) -> None:
        """A fact about customers: whoever of them listens hears of it, and operators of referrals."""
        if self._operators and kind in REFERRAL_KINDS:
            frames = frame(messages.encode(referral_news(seq, at_us, body)))
            for client in self._operators:
                client.tell_own(frames)
        if kind not in OWN_KINDS or not self._by_customer:
            return
        for customer_id, message in news(seq, at_us, kind, body, self._by_customer):
            hearing = self._by_customer[customer_id]
            if message is not None:
                frames = frame(messages.encode(message))
                for client in hearing:
                    if client.bets:
                        client.tell_own(frames)
            if any(client.balance for client in hearing):
                self._ask_balance(customer_id)

    def _ask_balance(self, customer_id: int) -> None:
        """Ask the book, once at a time for a customer; what changes meanwhile makes it ask again."""
        if customer_id in self._asking:
            self._again.add(customer_id)
            return
        self._asking[customer_id] = asyncio.create_task(self._tell_balance(customer_id))

    async def _tell_balance(self, customer_id: int) -> None:
        try:
            body = await self._balance_of(customer_id)
        except Problem:
            self._again.add(customer_id)
        else:
            frames = frame(messages.encode(messages.Balance(seq=body.seq, balance=body)))
            for client in self._by_customer.get(customer_id, ()):
                if client.balance and not client.is_full:
                    client.send(frames)
                elif client.balance:
                    self._again.add(customer_id)
        await asyncio.sleep(BALANCE_EVERY_S)
        del self._asking[customer_id]
        if customer_id in self._again and customer_id in self._by_customer:
            self._again.discard(customer_id)
            self._ask_balance(customer_id)

    # Everybody.

    def stale(self) -> None:
        """The view is cut off."""
        frames = frame(messages.encode(messages.Stale(since_ms=self._live.stale_since_us // 1_000)))
        for client in self.clients:
            client.send(frames)

    def live(self) -> None:
        """The view has caught up: first what changed meanwhile, then that it is live."""
        for group in self._groups.values():
            group.flush()
        frames = frame(messages.encode(messages.Live(seq=self._live.seq)))
        for client in self.clients:
            self._room(client)
            if not client.is_full:
                client.send(frames)

    async def beat(self, now_us: Callable[[], int]) -> None:
        """For ever: a heartbeat to whoever has heard everything."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            if self._live.is_stale:
                continue
            for group in self._groups.values():
                group.flush()
            frames = frame(messages.encode(messages.Heartbeat(seq=self._live.seq, at_ms=now_us() // 1_000)))
            for client in self.clients:
                if not client.is_full:
                    client.send(frames)
