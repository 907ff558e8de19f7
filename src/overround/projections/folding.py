"""How each fact changes the tables. Pure: reads `Known`, writes `Changes`, and uses the catalogue's own fold for the
lives of events and markets, so that there is one law for both."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from overround.book import catalogue, exchange
from overround.book.bets import BetAccepted, BetDelayed, BetStatus, DelayedBetAccepted, DelayedBetRefused
from overround.book.catalogue import (
    CompetitionCreated,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStarted,
    FeedSeen,
    FeedSilenced,
    MarketChanged,
    MarketClosed,
    MarketCreated,
    MarketHandedOver,
    MarketResumed,
    MarketSuspended,
    MomentSet,
    PricesSet,
    SelectionsAdded,
    SelectionWithdrawn,
    SportCreated,
)
from overround.book.exchange import ExchangeSettled
from overround.book.ledger import (
    Account,
    AccountKind,
    CurrencyOpened,
    CustomerOpened,
    ExchangeAccountOpened,
    FundsMoved,
    Transfer,
    WalletOpened,
)
from overround.book.limits import (
    NO_LIMIT,
    CoolingOff,
    HouseTermsSet,
    LimitSet,
    PlayerTermsSet,
    SelfExcluded,
)
from overround.book.machine import RequestRefused
from overround.book.settlement import BetsSettled, Heard, ResultHeard, ResultRecorded
from overround.kernel.fact import Cause, Fact
from overround.projections.actions import action
from overround.projections.changes import (
    OUTCOME,
    PAYOUT,
    PRICE,
    REFUSAL,
    SEQ,
    SETTLED_AT,
    STATUS,
    Changes,
    Held,
    Known,
    Recorded,
    Resulted,
)
from overround.projections.controlling import CONTROLS
from overround.projections.underway import Folding, act, market_changed

NOBODY = Cause(0, "00000000-0000-0000-0000-000000000000", 0)


def fold(known: Known, batch: Iterable[Recorded]) -> Changes:
    """What a batch of facts, in order, does to the tables."""
    at = Folding(known, Changes())
    folds = FOLDS
    for recorded in batch:
        step = folds.get(type(recorded.fact))
        if step is not None:
            at.seq, at.at_us = recorded.seq, recorded.at_us
            step(at, recorded.fact)
    return at.changes


def _post(at: Folding, transfers: tuple[Transfer, ...], note: str | None) -> None:
    accounts, touched, rows = at.known.accounts, at.changes.accounts, at.changes.transfers
    seq, at_us = at.seq, at.at_us
    for n, transfer in enumerate(transfers):
        amount_minor = transfer.amount_minor
        debit, credit = accounts[transfer.debit], accounts[transfer.credit]
        debit.balance_minor -= amount_minor
        credit.balance_minor += amount_minor
        touched.add(debit.id)
        touched.add(credit.id)
        line = _line_of(debit, credit)
        rows.append(
            (
                seq,
                n,
                at_us,
                debit.id,
                credit.id,
                amount_minor,
                transfer.reason,
                transfer.ref,
                note,
                line.id if line else None,
                line.balance_minor if line else None,
            )
        )


def _line_of(debit: Account, credit: Account) -> Account | None:
    """The account on whose statement a transfer is a line: the customer's, cash before any other."""
    if debit.owner:
        return credit if credit.owner and credit.kind is AccountKind.CASH else debit
    return credit if credit.owner else None


def _currency_opened(at: Folding, fact: CurrencyOpened) -> None:
    for account_id, kind in (
        (fact.open_stakes, AccountKind.OPEN_STAKES),
        (fact.trading, AccountKind.TRADING),
        (fact.clearing, AccountKind.CLEARING),
    ):
        _open(at, Account(account_id, 0, kind, fact.currency))


def _customer_opened(at: Folding, fact: CustomerOpened) -> None:
    at.changes.customers.append((fact.customer_id, at.at_us))


def _wallet_opened(at: Folding, fact: WalletOpened) -> None:
    own = ((fact.cash, AccountKind.CASH), (fact.bonus, AccountKind.BONUS), (fact.debt, AccountKind.DEBT))
    for account_id, kind in own:
        _open(at, Account(account_id, fact.customer_id, kind, fact.currency))
    at.known.cash[fact.customer_id, fact.currency] = fact.cash


def _open(at: Folding, account: Account) -> None:
    at.known.accounts[account.id] = account
    at.changes.opened.append(account.id)


def _funds_moved(at: Folding, fact: FundsMoved) -> None:
    _post(at, fact.transfers, fact.note)
    act(at, fact)


def _bet_accepted(at: Folding, fact: BetAccepted) -> None:
    at.changes.bets[fact.bet_id] = _bet(at, fact, BetStatus.OPEN, 0)
    _post(at, fact.transfers, None)


def _bet_delayed(at: Folding, fact: BetDelayed) -> None:
    at.changes.bets[fact.bet_id] = _bet(at, fact, BetStatus.DELAYED, fact.decide_at_us)
    account_id = at.known.cash[fact.customer_id, fact.currency]
    at.known.held[fact.bet_id] = Held(account_id, fact.stake_minor)
    at.known.accounts[account_id].held_minor += fact.stake_minor
    at.changes.accounts.add(account_id)


def _bet(at: Folding, fact: BetAccepted | BetDelayed, status: BetStatus, decide_at_us: int) -> list[object]:
    """A new row of `bet`, in the order of its columns."""
    cause = fact.cause or NOBODY
    return [
        fact.bet_id,
        fact.customer_id,
        fact.market_id,
        fact.selection_id,
        fact.currency,
        fact.stake_minor,
        fact.price_milli,
        fact.odds_change,
        fact.market_version,
        status,
        None,
        0,
        at.at_us,
        decide_at_us,
        0,
        None,
        cause.actor,
        cause.key,
        at.seq,
    ]


def _delayed_accepted(at: Folding, fact: DelayedBetAccepted) -> None:
    _release(at, fact.bet_id)
    _post(at, fact.transfers, None)
    bet = at.changes.bets.get(fact.bet_id)
    if bet is None:
        at.changes.decided[fact.bet_id] = (BetStatus.OPEN, fact.price_milli, at.seq, None)
    else:
        bet[STATUS], bet[PRICE], bet[SEQ] = BetStatus.OPEN, fact.price_milli, at.seq


def _delayed_refused(at: Folding, fact: DelayedBetRefused) -> None:
    _release(at, fact.bet_id)
    bet = at.changes.bets.get(fact.bet_id)
    if bet is None:
        at.changes.decided[fact.bet_id] = (BetStatus.REFUSED, None, None, fact.code)
    else:
        bet[STATUS], bet[REFUSAL] = BetStatus.REFUSED, fact.code


def _release(at: Folding, bet_id: int) -> None:
    """Let go of what a delayed bet held."""
    held = at.known.held[bet_id]
    at.known.accounts[held.account_id].held_minor -= held.stake_minor
    at.changes.accounts.add(held.account_id)


def _holds(at: Folding, fact: Fact) -> None:
    """What orders on the exchange hold of somebody's cash is another amount."""
    for hold in getattr(fact, "holds", ()):
        at.known.accounts[hold.account].held_minor += hold.change_minor
        at.changes.accounts.add(hold.account)


def _exchange_settled(at: Folding, fact: ExchangeSettled) -> None:
    _holds(at, fact)
    _post(at, fact.transfers, None)


def _exchange_opened(at: Folding, fact: ExchangeAccountOpened) -> None:
    _open(at, Account(fact.exchange, 0, AccountKind.EXCHANGE, fact.currency))


def _bets_settled(at: Folding, fact: BetsSettled) -> None:
    new, settled, at_us = at.changes.bets, at.changes.settled, at.at_us
    for row in fact.bets:
        bet = new.get(row.bet_id)
        if bet is None:
            settled[row.bet_id] = (row.outcome, row.payout_minor, at_us)
        else:
            bet[STATUS], bet[OUTCOME] = BetStatus.SETTLED, row.outcome
            bet[PAYOUT], bet[SETTLED_AT] = row.payout_minor, at_us
    if fact.last:
        at.known.resulted[fact.market_id].settled_revision = fact.revision
        at.changes.markets.add(fact.market_id)
    _post(at, fact.transfers, None)


def _result_heard(at: Folding, fact: ResultHeard) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.hear_result(market)
    at.known.resulted[market.id].heard = as_json(Heard(fact.result, fact.certainty))
    market_changed(at, market, before)


def _result_recorded(at: Folding, fact: ResultRecorded) -> None:
    result = as_json(fact.result)
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.result_market(market)
    resulted = at.known.resulted[market.id]
    was = {"result": msgspec.json.decode(resulted.result or "null")}
    at.changes.actions.append(action(fact, seq=at.seq, at_us=at.at_us, was=was))
    resulted.result, resulted.heard = result, None
    at.changes.results.append((market.id, fact.revision, at.seq, at.at_us, result, fact.certainty))
    market_changed(at, market, before)


def _sport_created(at: Folding, fact: SportCreated) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.sports.add(fact.sport_id)


def _competition_created(at: Folding, fact: CompetitionCreated) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.competitions.add(fact.competition_id)


def _event_changed(at: Folding, fact: EventCreated | EventRescheduled | EventStarted | EventEnded | MomentSet) -> None:
    """An event was created or moved or is at another moment, or started or ended, and its markets with it."""
    event = at.known.catalogue.events.get(fact.event_id)
    markets = (
        [at.known.catalogue.markets[market_id] for market_id in event.markets] if event and _has_life(fact) else []
    )
    before = [market.version for market in markets]
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.events.add(fact.event_id)
    for market, version in zip(markets, before, strict=True):
        market_changed(at, market, version)


def _has_life(fact: Fact) -> bool:
    return isinstance(fact, EventStarted | EventEnded)


def _market_created(at: Folding, fact: MarketCreated) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    market = at.known.catalogue.markets[fact.market_id]
    at.known.resulted[market.id] = Resulted()
    market_changed(at, market, 0)
    for selection in market.selections.values():
        at.changes.selections[market.id, selection.id] = None
        if selection.price_milli:
            at.changes.prices.append((market.id, selection.id, at.seq, at.at_us, selection.price_milli))
    if fact.feed:
        at.changes.feeds.add(fact.feed)


def _selections_added(at: Folding, fact: SelectionsAdded) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    market_changed(at, market, before)
    for selection_id, price_milli in enumerate(fact.prices_milli, fact.first_id):
        at.changes.selections[market.id, selection_id] = None
        if price_milli:
            at.changes.prices.append((market.id, selection_id, at.seq, at.at_us, price_milli))


def _selection_withdrawn(at: Folding, fact: SelectionWithdrawn) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    market_changed(at, market, before)
    at.changes.selections[market.id, fact.selection_id] = None
    at.changes.prices.append((market.id, fact.selection_id, at.seq, at.at_us, 0))


def _prices_set(at: Folding, fact: PricesSet) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.markets.add(fact.market_id)
    selections = at.known.catalogue.markets[fact.market_id].selections
    for selection_id, price_milli in dict(fact.prices).items():
        at.changes.selections[fact.market_id, selection_id] = None
        if selections[selection_id].is_the_feeds:
            at.changes.prices.append((fact.market_id, selection_id, at.seq, at.at_us, price_milli))


def _market_stepped(at: Folding, fact: MarketSuspended | MarketResumed | MarketClosed | MarketChanged) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    market_changed(at, market, before)
    if isinstance(fact, MarketChanged):
        act(at, fact)


def _market_handed_over(at: Folding, fact: MarketHandedOver) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.markets.add(fact.market_id)
    if fact.feed:
        at.changes.feeds.add(fact.feed)


def _feed_heard(at: Folding, fact: FeedSeen | FeedSilenced) -> None:
    catalogue.apply(at.known.catalogue, fact, at.at_us)
    at.changes.feeds.add(fact.feed)


def _request_refused(at: Folding, fact: RequestRefused) -> None:
    cause = fact.cause or NOBODY
    command = type(fact.command).__name__
    at.changes.refusals.append((at.seq, at.at_us, cause.actor, cause.key, command, fact.code, as_json(fact.detail)))


def _limit_changed(at: Folding, fact: LimitSet | CoolingOff | SelfExcluded | PlayerTermsSet | HouseTermsSet) -> None:
    actor = (fact.cause or NOBODY).actor
    at.changes.limits.append((at.seq, at.at_us, actor, *_limit(fact, at.at_us)))
    if isinstance(fact, PlayerTermsSet | HouseTermsSet):
        act(at, fact)


def _limit(
    fact: LimitSet | CoolingOff | SelfExcluded | PlayerTermsSet | HouseTermsSet, at_us: int
) -> tuple[object, ...]:
    """customer_id, currency, kind, amount_minor, from_us, until_us, terms."""
    match fact:
        case LimitSet():
            amount_minor = None if fact.amount_minor == NO_LIMIT else fact.amount_minor
            return fact.customer_id, fact.currency, fact.limit, amount_minor, fact.effective_at_us, 0, None
        case CoolingOff():
            return fact.customer_id, "", "cool_off", None, at_us, fact.until_us, None
        case SelfExcluded():
            return fact.customer_id, "", "self_exclusion", None, at_us, fact.until_us, None
        case PlayerTermsSet():
            terms = {"max_stake_minor": fact.max_stake_minor, "max_payout_minor": fact.max_payout_minor}
            return fact.customer_id, fact.currency, "player_terms", None, at_us, 0, as_json(terms)
        case HouseTermsSet():
            named = msgspec.structs.asdict(fact.terms)
            return 0, fact.currency, "house_terms", None, at_us, 0, as_json(named)


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


FOLDS: dict[type, Callable[[Folding, Any], None]] = {
    **CONTROLS,
    CurrencyOpened: _currency_opened,
    CustomerOpened: _customer_opened,
    WalletOpened: _wallet_opened,
    FundsMoved: _funds_moved,
    LimitSet: _limit_changed,
    CoolingOff: _limit_changed,
    SelfExcluded: _limit_changed,
    PlayerTermsSet: _limit_changed,
    HouseTermsSet: _limit_changed,
    SportCreated: _sport_created,
    CompetitionCreated: _competition_created,
    EventCreated: _event_changed,
    EventRescheduled: _event_changed,
    EventStarted: _event_changed,
    EventEnded: _event_changed,
    MomentSet: _event_changed,
    MarketCreated: _market_created,
    MarketChanged: _market_stepped,
    SelectionsAdded: _selections_added,
    SelectionWithdrawn: _selection_withdrawn,
    PricesSet: _prices_set,
    MarketSuspended: _market_stepped,
    MarketResumed: _market_stepped,
    MarketClosed: _market_stepped,
    MarketHandedOver: _market_handed_over,
    FeedSeen: _feed_heard,
    FeedSilenced: _feed_heard,
    BetAccepted: _bet_accepted,
    BetDelayed: _bet_delayed,
    DelayedBetAccepted: _delayed_accepted,
    DelayedBetRefused: _delayed_refused,
    ResultHeard: _result_heard,
    ResultRecorded: _result_recorded,
    BetsSettled: _bets_settled,
    RequestRefused: _request_refused,
    **dict.fromkeys(exchange.APPLY, _holds),
    ExchangeSettled: _exchange_settled,
    ExchangeAccountOpened: _exchange_opened,
}
"""What no table shows (a term, a request with nothing to do) is not here."""
