"""Cashing out: what an open bet is worth now, a quote for it, and its taking, checked again after the in-play delay."""

import msgspec

from overround.book import cashout, catalogue, ledger, settlement, tickets
from overround.book.bets import Bet, BetStatus
from overround.book.cashout import CashedOut, CashOutDelayed, CashOutQuoted, CashOutRefused, Refusal, Waiting, Why
from overround.book.catalogue import Market, MarketStatus
from overround.book.ledger import StakeKind
from overround.book.machine.cash_answers import CashOutValue
from overround.book.machine.cash_commands import QuoteCashOut, TakeCashOut, ValueCashOut
from overround.book.machine.finding import own_bet
from overround.book.machine.settling import Results, decided_minor
from overround.book.machine.showing import running_slip
from overround.book.machine.state import State
from overround.book.tickets import Leg
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused
Versions = tuple[tuple[int, int], ...]


class Worth(msgspec.Struct, frozen=True):
    """What a part of a bet's stake is cashed out for now, how long that waits, and the versions of the markets of its
    open legs."""

    stake_minor: int
    amount_minor: int
    delay_us: int
    versions: Versions


class Values:
    """What bets are worth at an instant. Made for one step: what many bets share is worked out once."""

    def __init__(self, state: State, *, now_us: int) -> None:
        self._state = state
        self._now_us = now_us
        self._results = Results(state)
        self._books: dict[int, cashout.Ratio] = {}

    def worth(
        self, bet: Bet, *, portion_bps: int = 0, stake_minor: int = 0, waiting: Waiting | None = None
    ) -> Worth | Refused:
        """The worth of a portion of a bet, or of a part of its stake; `waiting` is what it waited as."""
        never = never_offered(bet)
        if never is not None:
            return never
        slip, struck_at_us = running_slip(bet), bet.struck_at_us
        part_minor = stake_minor or cashout.part_minor(
            running_minor=slip.stake_minor, portion_bps=portion_bps, lines=tickets.line_count(slip)
        )
        if part_minor is None:
            return Refused(Refusal.PORTION_INVALID, {"lines": tickets.line_count(slip)})
        known = [self._results.of_leg(leg, struck_at_us) for leg in slip.legs]
        if decided_minor(slip, known) is not None:
            return _unavailable(Why.DECIDED)
        factors: list[tuple[int, int]] = []
        open_markets: list[Market] = []
        for position, (leg, result) in enumerate(zip(slip.legs, known, strict=True), 1):
            if result is not None:
                factors.append(tickets.working(leg, result).win)
                continue
            why = self._why_not(leg, waiting)
            if why is not None:
                return _unavailable(why, leg=position)
            factors.append(self._expected(leg, struck_at_us))
            open_markets.append(self._state.catalogue.markets[leg.market_id])
        versions = tuple((market.id, market.version) for market in open_markets)
        if waiting is not None and versions != waiting.versions:
            return _unavailable(Why.CHANGED)
        margin_bps = self._state.limits.terms[bet.currency].cash_out_margin_bps
        amount_minor = cashout.amount_minor(slip, factors, part_minor=part_minor, margin_bps=margin_bps)
        if not amount_minor:
            return _unavailable(Why.WORTHLESS)
        return Worth(part_minor, amount_minor, max(map(self._delay_us, open_markets)), versions)

    def _why_not(self, leg: Leg, waiting: Waiting | None) -> Why | None:
        """Why an open leg has no value now."""
        if not leg.price_milli:
            return Why.STARTING_PRICE
        if leg.parts:
            return Why.BUILDER
        market = self._state.catalogue.markets[leg.market_id]
        asked_at_us = waiting.asked_at_us if waiting is not None else self._now_us
        if not self._state.catalogue.takes_bet(market, asked_at_us=asked_at_us, now_us=self._now_us):
            over = market.status in (MarketStatus.CLOSED, MarketStatus.RESULTED)
            return Why.CLOSED if over else Why.SUSPENDED
        return None if market.selections[leg.selection_id].price_milli else Why.NO_PRICE

    def _expected(self, leg: Leg, struck_at_us: int) -> tuple[int, int]:
        market = self._state.catalogue.markets[leg.market_id]
        won = tickets.working(leg, settlement.if_won(market, taken_at_us=struck_at_us)).win
        book = self._books.get(market.id)
        if book is None:
            book = cashout.book([selection.price_milli for selection in market.selections.values()])
            self._books[market.id] = book
        price_milli, winners = market.selections[leg.selection_id].price_milli, catalogue.winners(market)
        return cashout.expected_factor(won, price_milli=price_milli, book=book, winners=winners)

    def _delay_us(self, market: Market) -> int:
        return catalogue.delay_us(market, self._state.catalogue.events[market.event_id])


def never_offered(bet: Bet) -> Refused | None:
    """Why a bet is never cashed out, whatever the prices."""
    if bet.stake_kind is not StakeKind.CASH:
        return _unavailable(Why.STAKE_KIND)
    return _unavailable(Why.EACH_WAY) if bet.slip is not None and bet.slip.each_way else None


def _unavailable(why: Why, **detail: int) -> Refused:
    return Refused(Refusal.CASH_OUT_UNAVAILABLE, {"why": why.value, **detail})


# ---------------------------------------------------------------- whether it may be asked


def open_bet(state: State, *, customer_id: int, bet_id: int, portion_bps: int) -> Bet | Refused:
    """A customer's bet that runs, of which a portion is asked for. Others' bets are not found."""
    bet = own_bet(state, bet_id, customer_id, Refusal.BET_NOT_FOUND)
    if isinstance(bet, Refused):
        return bet
    if not 0 < portion_bps <= cashout.WHOLE_BPS:
        return Refused(Refusal.PORTION_INVALID)
    return bet if bet.status is BetStatus.OPEN else _not_open(bet)


def _not_open(bet: Bet) -> Refused:
    return Refused(Refusal.BET_NOT_OPEN, {"status": bet.status.value})


def value(state: State, query: ValueCashOut, now_us: int) -> CashOutValue | Refused:
    """What it is worth, with the bet's rule and what waits. Where it cannot be had, `code` and `why` say so."""
    bet = own_bet(state, query.bet_id, query.customer_id, Refusal.BET_NOT_FOUND)
    if isinstance(bet, Refused):
        return bet
    found = _quotable(state, query, now_us)
    rule, waiting = state.cashout.rules.get(bet.id), state.cashout.waiting.get(bet.id)
    refused = found if isinstance(found, Refused) else None
    return CashOutValue(
        bet_id=bet.id,
        running_minor=bet.running_minor if bet.status is BetStatus.OPEN else 0,
        stake_minor=found.stake_minor if isinstance(found, Worth) else 0,
        amount_minor=found.amount_minor if isinstance(found, Worth) else 0,
        code=str(refused.code) if refused else "",
        detail=refused.detail if refused else {},
        at_least_minor=rule.at_least_minor if rule else 0,
        portion_bps=rule.portion_bps if rule else 0,
        decide_at_us=waiting.decide_at_us if waiting else 0,
        seq=state.seq,
    )


def _quotable(state: State, asked: QuoteCashOut | ValueCashOut, now_us: int) -> Worth | Refused:
    bet = open_bet(state, customer_id=asked.customer_id, bet_id=asked.bet_id, portion_bps=asked.portion_bps)
    if isinstance(bet, Refused):
        return bet
    if bet.id in state.cashout.waiting:
        return Refused(Refusal.CASH_OUT_UNDER_WAY)
    return Values(state, now_us=now_us).worth(bet, portion_bps=asked.portion_bps)


# ---------------------------------------------------------------- quotes and their taking


def quote(state: State, command: QuoteCashOut, now_us: int) -> Facts:
    worth = _quotable(state, command, now_us)
    if isinstance(worth, Refused):
        return worth
    if state.cashout.is_full(now_us) and command.bet_id not in state.cashout.quoted:
        return Refused(Refusal.TOO_MANY_QUOTES, {"max_quotes": cashout.MAX_QUOTES})
    return (
        CashOutQuoted(
            quote_id=state.cashout.made + 1,
            bet_id=command.bet_id,
            customer_id=command.customer_id,
            currency=state.bets.bets[command.bet_id].currency,
            portion_bps=command.portion_bps,
            stake_minor=worth.stake_minor,
            amount_minor=worth.amount_minor,
            expires_at_us=now_us + cashout.QUOTE_US,
        ),
    )


def take(state: State, command: TakeCashOut, now_us: int) -> Facts:
    """What was quoted, if the bet is worth no less now. In play it waits first, and nothing moves."""
    found = state.cashout.quotes.get(command.quote_id)
    if found is None or found.customer_id != command.customer_id:
        return Refused(Refusal.QUOTE_NOT_FOUND)
    if now_us >= found.expires_at_us:
        return Refused(Refusal.QUOTE_EXPIRED)
    bet = own_bet(state, found.bet_id, command.customer_id, Refusal.BET_NOT_FOUND)
    if isinstance(bet, Refused):
        return bet
    if bet.status is not BetStatus.OPEN:
        return _not_open(bet)
    worth = Values(state, now_us=now_us).worth(bet, stake_minor=found.stake_minor)
    if isinstance(worth, Refused):
        return worth
    if worth.amount_minor < found.amount_minor:
        return _changed(worth)
    agreed = msgspec.structs.replace(worth, amount_minor=found.amount_minor)
    return (begin(state, bet, agreed, quote_id=found.id, now_us=now_us),)


def _changed(worth: Worth) -> Refused:
    return Refused(Refusal.CASH_OUT_CHANGED, {"amount_minor": worth.amount_minor})


def begin(
    state: State, bet: Bet, agreed: Worth, *, quote_id: int, now_us: int, by_rule: bool = False
) -> CashedOut | CashOutDelayed:
    """Taken at once, or held for the longest in-play delay of the open legs."""
    if not agreed.delay_us:
        paid = agreed.stake_minor, agreed.amount_minor
        return _cashed_out(state, bet, *paid, quote_id=quote_id, by_rule=by_rule)
    return CashOutDelayed(
        quote_id=quote_id,
        bet_id=bet.id,
        customer_id=bet.customer_id,
        stake_minor=agreed.stake_minor,
        amount_minor=agreed.amount_minor,
        decide_at_us=now_us + agreed.delay_us,
        versions=agreed.versions,
        by_rule=by_rule,
    )


def _cashed_out(
    state: State, bet: Bet, stake_minor: int, amount_minor: int, *, quote_id: int, by_rule: bool
) -> CashedOut:
    wallet = state.ledger.wallets[bet.customer_id, bet.currency]
    transfers = ledger.cash_out(
        wallet,
        state.ledger.house[bet.currency],
        stake_minor=stake_minor,
        amount_minor=amount_minor,
        owed_minor=-wallet.debt.balance_minor,
        ref=bet.id,
    )
    return CashedOut(
        quote_id=quote_id,
        bet_id=bet.id,
        customer_id=bet.customer_id,
        currency=bet.currency,
        stake_minor=stake_minor,
        amount_minor=amount_minor,
        running_minor=bet.running_minor - stake_minor,
        by_rule=by_rule,
        transfers=transfers,
    )


def decide_waiting(state: State, bet_id: int, now_us: int) -> CashedOut | CashOutRefused:
    """The delay is over: everything is checked again, whole."""
    waiting, bet = state.cashout.waiting[bet_id], state.bets.bets[bet_id]
    refused = _fallen(state, bet, waiting, now_us)
    if refused is not None:
        return CashOutRefused(
            quote_id=waiting.id,
            bet_id=bet_id,
            customer_id=bet.customer_id,
            code=str(refused.code),
            detail=refused.detail,
        )
    paid = waiting.stake_minor, waiting.amount_minor
    return _cashed_out(state, bet, *paid, quote_id=waiting.id, by_rule=waiting.by_rule)


def _fallen(state: State, bet: Bet, waiting: Waiting, now_us: int) -> Refused | None:
    """Why what waited is not paid after all."""
    if bet.status is not BetStatus.OPEN:
        return _not_open(bet)
    worth = Values(state, now_us=now_us).worth(bet, stake_minor=waiting.stake_minor, waiting=waiting)
    if isinstance(worth, Refused):
        return worth
    return _changed(worth) if worth.amount_minor < waiting.amount_minor else None
