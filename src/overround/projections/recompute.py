"""The plain twin of the fold: what every table must show, said by the replayed machine rather than by `folding`.

Used by the audit. What is, comes from the machine's state; what was, from each fact and the state before and after it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from overround.book.bets import (
    Bet,
    BetStatus,
    BuilderPriced,
    DelayedBetRefused,
    TicketReferred,
    WaitingTicketRefused,
)
from overround.book.cashout import CashedOut
from overround.book.catalogue import (
    Event,
    EventEnded,
    EventStarted,
    Market,
    MarketCreated,
    PricesSet,
    SelectionsAdded,
    SelectionWithdrawn,
)
from overround.book.control import (
    PLATFORM_ID,
    ApprovalRequired,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.ledger import Account, AccountKind, CustomerOpened, FundsMoved, Posting
from overround.book.limits import (
    NO_LIMIT,
    Cap,
    CapSet,
    CoolingOff,
    HouseTermsSet,
    LimitSet,
    PlayerTermsSet,
    SelfExcluded,
)
from overround.book.machine import RequestRefused, State
from overround.book.settlement import (
    BetsSettled,
    Heard,
    MarketBetsCancelled,
    MarketBetsRestored,
    Result,
    ResultHeard,
    ResultRecorded,
    ResultRolledBack,
)
from overround.kernel.fact import Fact
from overround.kernel.level import Level
from overround.projections import tables
from overround.projections.actions import action, is_action
from overround.projections.bet_recompute import bet_row, leg_rows
from overround.projections.exchange_recompute import EXCHANGE_ROWS, ExchangePast
from overround.projections.grant_recompute import GrantsPast
from overround.projections.tables import Table
from overround.projections.writing import control_row

Row = tuple[object, ...]


class Past(msgspec.Struct):
    """What the state does not keep: gathered fact by fact, as the replay goes. `rows` are the histories' rows that
    came since they were last taken. What was archived stays here, as the machine left it."""

    rows: dict[str, list[Row]] = msgspec.field(default_factory=lambda: {table.name: [] for table in tables.HISTORY})
    opened_at_us: dict[int, int] = {}
    settled: dict[int, tuple[int, int, int, str | None]] = {}
    referred: dict[int, tuple[int, str, str]] = {}
    bets: dict[int, Bet] = {}
    markets: dict[int, Market] = {}
    events: dict[int, Event] = {}
    heard: dict[int, Heard] = {}
    caps: dict[tuple[Level, int, int, str], Cap] = {}
    refusals: dict[int, str] = {}
    grants: GrantsPast = msgspec.field(default_factory=GrantsPast)
    settled_revisions: dict[int, int] = {}
    versions: dict[int, int] = {}
    balances_minor: dict[int, int] = {}
    results: dict[int, Result] = {}
    places: dict[tuple[Level, int], Row] = {}
    exchange: ExchangePast = msgspec.field(default_factory=ExchangePast)

    def take(self) -> dict[str, list[Row]]:
        """The rows gathered since the last time, by table."""
        taken, self.rows = self.rows, {table.name: [] for table in tables.HISTORY}
        return taken

    def see(self, fact: Fact, state: State) -> None:
        """The state has just folded this fact."""
        self._meet(state)
        if isinstance(fact, Posting):
            self._transfers(fact, state)
        look = LOOKS.get(type(fact))
        if look is not None:
            look(self, fact, state)
        self._market_steps(fact, state)
        self.exchange.see(fact, state)
        self.grants.see(fact, state)
        if is_action(fact):
            self._action(fact, state)

    def _meet(self, state: State) -> None:
        """Whatever is new."""
        offer = state.catalogue
        self.bets.update((number, state.bets.bets[number]) for number in range(len(self.bets) + 1, state.bets.made + 1))
        self.markets.update(
            (each, offer.markets[each]) for each in range(len(self.markets) + 1, offer.markets_made + 1)
        )
        self.events.update((each, offer.events[each]) for each in range(len(self.events) + 1, offer.events_made + 1))

    def _action(self, fact: Fact, state: State) -> None:
        was = None
        if isinstance(fact, ResultRecorded):
            was = {"result": self.results.get(fact.market_id)}
            self.results[fact.market_id] = fact.result
        if isinstance(fact, ResultRolledBack):
            del self.results[fact.market_id]
        self.rows["operator_action"].append(tuple(action(fact, seq=state.seq, at_us=state.at_us, was=was)))

    def _transfers(self, fact: Posting, state: State) -> None:
        note = fact.note if isinstance(fact, FundsMoved) else None
        accounts, balances = state.ledger.accounts, self.balances_minor
        for n, transfer in enumerate(fact.transfers):
            debit, credit, amount_minor, reason, ref = msgspec.structs.astuple(transfer)
            balances[debit] = balances.get(debit, 0) - amount_minor
            balances[credit] = balances.get(credit, 0) + amount_minor
            line = _statement(accounts[debit], accounts[credit])
            self.rows["transfer"].append(
                (state.seq, n, state.at_us, debit, credit, amount_minor, reason, ref, note)
                + ((line, balances[line]) if line else (None, None))
            )

    def _market_steps(self, fact: Fact, state: State) -> None:
        """A row for each market of the fact whose version is another one now."""
        if isinstance(fact, LevelSuspended | LevelResumed):
            touched = [fact.id] if fact.level is Level.SELECTION else []
        elif isinstance(fact, EventStarted | EventEnded):
            touched = state.catalogue.events[fact.event_id].markets
        else:
            touched = [getattr(fact, "market_id", 0)]
        for market_id in touched:
            market = state.catalogue.markets.get(market_id)
            if market is not None and self.versions.get(market_id) != market.version:
                self.versions[market_id] = market.version
                self.rows["market_status_history"].append(
                    (market_id, state.seq, state.at_us, market.status, market.reason, market.version)
                )


def _statement(debit: Account, credit: Account) -> int | None:
    own = [account for account in (debit, credit) if account.owner]
    cash = [account for account in own if account.kind is AccountKind.CASH]
    return (cash or own)[0].id if own else None


def _customer_opened(past: Past, fact: CustomerOpened, state: State) -> None:
    past.opened_at_us[fact.customer_id] = state.at_us


def _bets_settled(past: Past, fact: BetsSettled, state: State) -> None:
    for row in fact.bets:
        factor = fact.factors.get(row.bet_id)
        shown = msgspec.json.encode(factor).decode() if factor is not None else None
        past.settled[row.bet_id] = state.at_us, fact.market_id, fact.revision, shown
    for again in fact.reopened:
        del past.settled[again.bet_id]
    if fact.last:
        past.settled_revisions[fact.market_id] = fact.revision


def _delayed_refused(past: Past, fact: DelayedBetRefused, _: State) -> None:
    past.refusals[fact.bet_id] = fact.code


def _ticket_referred(past: Past, fact: TicketReferred, state: State) -> None:
    past.referred[fact.ticket_id] = state.at_us, fact.code, msgspec.json.encode(fact.detail).decode()


def _waiting_refused(past: Past, fact: WaitingTicketRefused, state: State) -> None:
    ticket = state.bets.bets[fact.ticket_id].ticket
    if ticket is not None:
        past.refusals.update(dict.fromkeys(ticket.bet_ids, fact.code))


def _window(past: Past, fact: MarketBetsCancelled | MarketBetsRestored, state: State) -> None:
    cancelled = isinstance(fact, MarketBetsCancelled)
    reason = fact.reason if isinstance(fact, MarketBetsCancelled) else ""
    window = fact.from_us, fact.until_us, reason, cancelled
    past.rows["bet_window"].append((fact.market_id, fact.revision, state.seq, state.at_us, *window))


def _rolled_back(past: Past, fact: ResultRolledBack, state: State) -> None:
    past.rows["result"].append((fact.market_id, fact.revision, state.seq, state.at_us, None, 0))


def _cashed_out(past: Past, fact: CashedOut, state: State) -> None:
    amounts = fact.stake_minor, fact.amount_minor, state.bets.bets[fact.bet_id].running_minor
    past.rows["cash_out"].append(
        (fact.quote_id, fact.bet_id, fact.customer_id, *amounts, fact.by_rule, state.seq, state.at_us)
    )


def _builder_priced(past: Past, fact: BuilderPriced, state: State) -> None:
    parts, versions = (msgspec.json.encode(each).decode() for each in (fact.parts, fact.versions))
    past.rows["builder_price"].append(
        (fact.builder_id, fact.event_id, parts, versions, fact.price_milli, fact.expires_at_us, state.seq, state.at_us)
    )


def _cap_set(past: Past, fact: CapSet, _: State) -> None:
    past.caps[fact.level, fact.id, fact.selection_id, fact.currency] = fact.cap


def _request_refused(past: Past, fact: RequestRefused, state: State) -> None:
    if fact.cause is not None:
        detail = msgspec.json.encode(fact.detail).decode()
        past.rows["refusal"].append(
            (state.seq, state.at_us, fact.cause.actor, fact.cause.key, type(fact.command).__name__, fact.code, detail)
        )


def _market_created(past: Past, fact: MarketCreated, state: State) -> None:
    for selection_id, price_milli in enumerate(fact.prices_milli, 1):
        if price_milli:
            past.rows["price_history"].append((fact.market_id, selection_id, state.seq, state.at_us, price_milli))


def _selections_added(past: Past, fact: SelectionsAdded, state: State) -> None:
    for selection_id, price_milli in enumerate(fact.prices_milli, fact.first_id):
        if price_milli:
            past.rows["price_history"].append((fact.market_id, selection_id, state.seq, state.at_us, price_milli))


def _selection_withdrawn(past: Past, fact: SelectionWithdrawn, state: State) -> None:
    past.rows["price_history"].append((fact.market_id, fact.selection_id, state.seq, state.at_us, 0))


def _prices_set(past: Past, fact: PricesSet, state: State) -> None:
    for selection_id, price_milli in sorted(fact.prices):
        if state.catalogue.markets[fact.market_id].selections[selection_id].is_the_feeds:
            past.rows["price_history"].append((fact.market_id, selection_id, state.seq, state.at_us, price_milli))


def _price_overridden(past: Past, fact: PriceOverridden | OverrideEnded, state: State) -> None:
    _on_offer(past, state, fact.market_id, fact.selection_id)


def _level_stopped(past: Past, fact: LevelSuspended | LevelResumed, state: State) -> None:
    if fact.level is Level.SELECTION:
        _on_offer(past, state, fact.id, fact.selection_id)
    else:
        _place(past, state, fact.level, fact.id)


def _margin_set(past: Past, fact: MarginSet, state: State) -> None:
    _place(past, state, fact.level, fact.id)


def _place(past: Past, state: State, level: Level, number: int) -> None:
    past.places[level, number] = tuple(control_row(state.catalogue.control, level, number))


def _approval_required(past: Past, _: ApprovalRequired, state: State) -> None:
    _place(past, state, Level.PLATFORM, PLATFORM_ID)


def _on_offer(past: Past, state: State, market_id: int, selection_id: int) -> None:
    price_milli = state.catalogue.markets[market_id].selections[selection_id].price_milli
    past.rows["price_history"].append((market_id, selection_id, state.seq, state.at_us, price_milli))


def _result_heard(past: Past, fact: ResultHeard, _: State) -> None:
    past.heard[fact.market_id] = Heard(fact.result, fact.certainty)


def _result_recorded(past: Past, fact: ResultRecorded, state: State) -> None:
    past.heard.pop(fact.market_id, None)
    result = msgspec.json.encode(fact.result).decode()
    past.rows["result"].append((fact.market_id, fact.revision, state.seq, state.at_us, result, fact.certainty))


def _limit_set(past: Past, fact: LimitSet, state: State) -> None:
    amount_minor = fact.amount_minor if fact.amount_minor != NO_LIMIT else None
    _limit(past, fact, state, fact.customer_id, fact.currency, fact.limit, amount_minor, fact.effective_at_us, 0, None)


def _shut_out(past: Past, fact: CoolingOff | SelfExcluded, state: State) -> None:
    kind = "cool_off" if isinstance(fact, CoolingOff) else "self_exclusion"
    _limit(past, fact, state, fact.customer_id, "", kind, None, state.at_us, fact.until_us, None)


def _player_terms(past: Past, fact: PlayerTermsSet, state: State) -> None:
    terms = f'{{"max_stake_minor":{fact.max_stake_minor},"max_payout_minor":{fact.max_payout_minor}}}'
    _limit(past, fact, state, fact.customer_id, fact.currency, "player_terms", None, state.at_us, 0, terms)


def _house_terms(past: Past, fact: HouseTermsSet, state: State) -> None:
    terms = msgspec.json.encode(msgspec.structs.asdict(fact.terms)).decode()
    _limit(past, fact, state, 0, fact.currency, "house_terms", None, state.at_us, 0, terms)


def _limit(past: Past, fact: Fact, state: State, *rest: object) -> None:
    actor = fact.cause.actor if fact.cause else 0
    past.rows["limit_change"].append((state.seq, state.at_us, actor, *rest))


LOOKS: dict[type[Fact], Callable[[Past, Any, State], None]] = {
    CustomerOpened: _customer_opened,
    BetsSettled: _bets_settled,
    DelayedBetRefused: _delayed_refused,
    TicketReferred: _ticket_referred,
    WaitingTicketRefused: _waiting_refused,
    MarketBetsCancelled: _window,
    MarketBetsRestored: _window,
    ResultRolledBack: _rolled_back,
    BuilderPriced: _builder_priced,
    CashedOut: _cashed_out,
    CapSet: _cap_set,
    RequestRefused: _request_refused,
    MarketCreated: _market_created,
    SelectionsAdded: _selections_added,
    SelectionWithdrawn: _selection_withdrawn,
    PricesSet: _prices_set,
    ResultHeard: _result_heard,
    ResultRecorded: _result_recorded,
    LimitSet: _limit_set,
    CoolingOff: _shut_out,
    SelfExcluded: _shut_out,
    PlayerTermsSet: _player_terms,
    HouseTermsSet: _house_terms,
    PriceOverridden: _price_overridden,
    OverrideEnded: _price_overridden,
    LevelSuspended: _level_stopped,
    LevelResumed: _level_stopped,
    MarginSet: _margin_set,
    ApprovalRequired: _approval_required,
}


def rows_now(table: Table, state: State, past: Past) -> Iterator[Row]:
    """The rows that a table of what is must have, in the order of its key."""
    return NOW[table.name](state, past)


def _customers(_: State, past: Past) -> Iterator[Row]:
    yield from past.opened_at_us.items()


def _accounts(state: State, _: Past) -> Iterator[Row]:
    yield from map(msgspec.structs.astuple, state.ledger.accounts.values())


def _bets(_: State, past: Past) -> Iterator[Row]:
    return (bet_row(bet, past.settled.get(bet.id), past.refusals.get(bet.id)) for bet in past.bets.values())


def _legs(_: State, past: Past) -> Iterator[Row]:
    return (row for bet in past.bets.values() for row in leg_rows(bet))


NOT_ACCEPTED = (BetStatus.REFERRED, BetStatus.OFFERED, BetStatus.REFUSED)


def _referrals(_: State, past: Past) -> Iterator[Row]:
    for ticket_id, (referred_at_us, code, detail) in past.referred.items():
        first = past.bets[ticket_id]
        status = first.status if first.status in NOT_ACCEPTED else "accepted"
        about = ticket_id, first.customer_id, first.currency, referred_at_us, code, detail
        yield (*about, status, first.decide_at_us)


def _grants(_: State, past: Past) -> Iterator[Row]:
    return past.grants.rows()


def _caps(state: State, past: Past) -> Iterator[Row]:
    for scope, cap in sorted(past.caps.items()):
        now = cap if _is_archived(state, scope[0], scope[1]) else state.limits.caps.get(scope, Cap())
        yield (*scope, *msgspec.structs.astuple(now))


def _is_archived(state: State, level: Level, number: int) -> bool:
    """Whether the machine knows nothing any more of what there was at a level."""
    if level in (Level.MARKET, Level.SELECTION):
        return number not in state.catalogue.markets
    return level is Level.EVENT and number not in state.catalogue.events


def _sports(state: State, _: Past) -> Iterator[Row]:
    yield from map(msgspec.structs.astuple, state.catalogue.sports.values())


def _competitions(state: State, _: Past) -> Iterator[Row]:
    yield from map(msgspec.structs.astuple, state.catalogue.competitions.values())


def _events(_: State, past: Past) -> Iterator[Row]:
    for event in past.events.values():
        yield event.id, event.competition_id, event.name, event.starts_at_us, event.status, event.moment


def _markets(state: State, past: Past) -> Iterator[Row]:
    for market in past.markets.values():
        is_archived = _is_archived(state, Level.MARKET, market.id)
        result = (past.results if is_archived else state.settlement.results).get(market.id)
        heard = (past.heard if is_archived else state.settlement.heard).get(market.id)
        yield (
            market.id,
            market.event_id,
            market.type,
            msgspec.json.encode(market.specifiers).decode(),
            market.feed,
            market.in_play,
            market.delay_us,
            market.liability_minor,
            market.status,
            market.reason,
            market.version,
            market.confirmed_at_us,
            market.revision,
            past.settled_revisions.get(market.id, 0),
            msgspec.json.encode(result).decode() if result is not None else None,
            msgspec.json.encode(market.terms).decode(),
            msgspec.json.encode(market.withdrawals).decode(),
            market.owes_starting_prices,
            msgspec.json.encode(heard).decode() if heard is not None else None,
            msgspec.json.encode(market.cancelled).decode(),
        )


def _selections(_: State, past: Past) -> Iterator[Row]:
    for market in past.markets.values():
        for selection in market.selections.values():
            yield (market.id, *msgspec.structs.astuple(selection))


def _feeds(state: State, _: Past) -> Iterator[Row]:
    for _name, feed in sorted(state.catalogue.feeds.items()):
        yield feed.name, feed.seen_at_us, feed.silent, feed.back_at_us


def _controls(state: State, past: Past) -> Iterator[Row]:
    for (level, number), row in sorted(past.places.items()):
        is_archived = _is_archived(state, level, number)
        yield row if is_archived else tuple(control_row(state.catalogue.control, level, number))


def _exchange_rows(rows: Callable[[State, ExchangePast], Iterator[Row]], state: State, past: Past) -> Iterator[Row]:
    return rows(state, past.exchange)


NOW: dict[str, Callable[[State, Past], Iterator[Row]]] = {
    "customer": _customers,
    "account": _accounts,
    "bet": _bets,
    "bet_leg": _legs,
    "referral": _referrals,
    "grant": _grants,
    "sport": _sports,
    "competition": _competitions,
    "event": _events,
    "market": _markets,
    "selection": _selections,
    "feed": _feeds,
    "control": _controls,
    "cap": _caps,
    **{name: partial(_exchange_rows, rows) for name, rows in EXCHANGE_ROWS.items()},
}
