"""One life lived twice: by a house that keeps everything, and by one that archives whenever it may. Whoever asks is
answered alike, or told that it is archived; and the tables that both lead to are the same."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.book.exchanging import Exchange
from tests.book.house import OPERATOR, House

from overround.book.archive import MAX_ARCHIVE_AFTER_US, BetsArchived, OrdersArchived
from overround.book.bets import WAITING, BetStatus
from overround.book.exchange import Status
from overround.book.machine import Answer, Machine, Pending, State, archiving, decode_fact, empty, fold, request
from overround.book.machine.commands import AnyCommand, PlaceBet
from overround.book.machine.desk_commands import SetArchiveAfter
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused
from overround.projections import tables
from overround.projections.recompute import Past, rows_now

ARCHIVED = ("market_archived", "event_archived", "bet_archived")
OF_ARCHIVING = (
    "archive_after_set", "market_archived", "bets_archived", "event_archived", "exchange_market_archived",
    "orders_archived",
)  # fmt: skip


class Shadowed(House):
    """`machine` keeps everything; `shadow` archives at chance, and hears all that is asked first."""

    def __init__(self, *, after_us: int, seed: int = 0, audited: bool = True) -> None:
        super().__init__(audited=audited)
        self.shadow, self.written, self.refused = Machine(), list[Pending](), 0
        self.chance = random.Random(seed)
        for machine, period_us in ((self.machine, MAX_ARCHIVE_AFTER_US), (self.shadow, after_us)):
            machine.execute(request(actor=OPERATOR, key=self.key(), command=SetArchiveAfter(period_us)), self.at_us)
        self._commit()

    def ask(self, command: AnyCommand, *, key: str | None = None, actor: int | None = None) -> Answer:
        self.archive(self.chance.choice((0, 0, 1, 2, 50)))
        if actor is None:
            actor = command.customer_id if isinstance(command, PlaceBet) else OPERATOR
        key = key or self.key()
        asked = request(actor=actor, key=key, command=command)
        told = self.shadow.execute(asked, self.at_us)
        if isinstance(told, Refused) and told.code in ARCHIVED:
            self.refused += 1
            self._agree()
            return told
        answer = super().ask(command, key=key, actor=actor)
        assert timeless(told) == timeless(answer), (command, timeless(told), timeless(answer))
        self._agree()
        return answer

    def step(self) -> int:
        """One step of what is due; both take the same."""
        made = super().step()
        if made:
            assert self.shadow.advance(self.at_us) == made
        else:
            self.archive(50)
        self._agree()
        return made

    def archive(self, steps: int) -> None:
        """Up to so many steps of archiving, wherever both happen to be."""
        for _ in range(steps):
            facts = archiving.decide_due(self.shadow.state, max(self.at_us, self.shadow.state.at_us))
            if not facts:
                return
            for fact in facts:
                self.shadow.record(fact, self.at_us)
            consistent(self.shadow.state)

    def _agree(self) -> None:
        self.written += self.shadow.drain()
        one, other = self.machine.state, self.shadow.state
        assert list(one.ledger.accounts.values()) == list(other.ledger.accounts.values())
        assert one.limits.players == other.limits.players
        assert one.promotions.grants == other.promotions.grants


class ShadowedExchange(Shadowed, Exchange):
    """The same for the exchange."""


def timeless(answer: Any) -> Any:
    """An answer without the sequences of facts, which archiving shifts."""
    if isinstance(answer, msgspec.Struct):
        fields = {name: timeless(getattr(answer, name)) for name in answer.__struct_fields__ if name != "seq"}
        return type(answer).__name__, fields
    if isinstance(answer, tuple | list):
        return [timeless(each) for each in answer]
    return "bet_taken_or_lapsed" if answer == "invalid_bet_id" else answer  # whose it was is not known any more


def consistent(state: State) -> None:
    """Nothing that is in memory names what is not, and what is archived is counted."""
    kept, by_id = state.archive, state.bets.bets
    named: dict[int, int] = {}
    for bet in by_id.values():
        if bet.ticket is not None:
            assert all(bet_id in by_id for bet_id in bet.ticket.bet_ids), "a ticket left in part"
        stood = bet.status not in (*WAITING, BetStatus.REFUSED)
        for market_id in {market_id for market_id, _ in bet.selections}:
            if stood or bet.status in WAITING:
                assert market_id in state.catalogue.markets, "a bet names a market that is gone"
            if stood:
                named[market_id] = named.get(market_id, 0) + 1
    assert kept.named == {market_id: named[market_id] for market_id in kept.named}
    for market_id, stood_on in state.bets.by_market.items():
        assert market_id not in kept.named
        assert all(bet.id in by_id for bet in stood_on)
    for market in state.catalogue.markets.values():
        assert market.id in state.catalogue.events[market.event_id].markets
    for event in state.catalogue.events.values():
        assert all(market_id in state.catalogue.markets for market_id in event.markets)
        traded = [market for market in state.exchange.markets.values() if market.event_id == event.id]
        assert kept.traded.get(event.id, 0) == len(traded)
        assert (event.id in kept.events.since) == (not event.markets and not traded)
    settled = {
        market.id
        for market in state.catalogue.markets.values()
        if market.resulted and market.id not in state.settlement.settling and not kept.has(market.id)
    }
    assert set(kept.markets.since) == settled
    closed = {
        market.id
        for market in state.exchange.markets.values()
        if market.status is Status.CLOSED and market.id not in state.exchange.settling
    }
    assert set(kept.exchange.since) == closed - {kept.clearing}
    for queue in (kept.markets, kept.exchange, kept.refused, kept.events):
        assert queue.order == sorted((since_us, number) for number, since_us in queue.since.items())


def told_by(journal: list[Pending]) -> tuple[State, Past, dict[str, list[tuple[object, ...]]]]:
    """A journal folded from the first fact, and the rows of all that it was."""
    state, past = empty(), Past()
    for pending in journal:
        fact = decode_fact(pending.body)
        fold(state, fact, pending.at_us)
        past.see(fact, state)
    return state, past, past.take()


def same_tables(one: list[Pending], other: list[Pending]) -> None:
    """Every table of two journals is the same, but for sequences and what only one of them was refused."""
    (state, past, history), (state_2, past_2, history_2) = told_by(one), told_by(other)
    for table in tables.NOW:
        shown = list(_columns(table, rows_now(table, state, past)))
        assert shown == list(_columns(table, rows_now(table, state_2, past_2))), table.name
    for table in tables.HISTORY:
        if table.name != "refusal":
            shown = list(_columns(table, iter(history[table.name])))
            assert shown == list(_columns(table, iter(history_2[table.name]))), table.name


def _columns(table: tables.Table, rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """Rows without sequences, and without what says how long things are kept."""
    for row in rows:
        named = dict(zip(table.columns, row, strict=True))
        if named.get("kind") not in OF_ARCHIVING:
            yield tuple(value for name, value in named.items() if not name.endswith("seq"))


def archived(facts: list[Fact]) -> tuple[list[int], list[int]]:
    """The bets, and the orders, that left."""
    bets = [bet for fact in facts if isinstance(fact, BetsArchived) for bet in fact.bets]
    return bets, [order for fact in facts if isinstance(fact, OrdersArchived) for order in fact.orders]
