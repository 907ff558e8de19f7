"""How each fact changes the tables. Pure: reads `Known`, writes `Changes`, and uses the catalogue's own fold for the
lives of events and markets, so that there is one law for both."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from overround.book import catalogue, exchange
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
from overround.book.ledger import (
    Account,
    AccountKind,
    CurrencyOpened,
    CustomerOpened,
    ExchangeAccountOpened,
    FundsMoved,
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
from overround.book.machine.exchange_above import ABOVE
from overround.book.settlement import Heard, ResultHeard, ResultRecorded
from overround.kernel.fact import Fact
from overround.projections.actions import action
from overround.projections.betting import BETS
from overround.projections.cashing import CASH_OUTS
from overround.projections.changes import Changes, Known, Recorded, Resulted
from overround.projections.controlling import CONTROLS
from overround.projections.correcting import CORRECTIONS
from overround.projections.exchanging import EXCHANGE, above
from overround.projections.granting import GRANTS
from overround.projections.underway import NOBODY, Folding, act, as_json, market_changed, post


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
        at.known.wallets[fact.customer_id, fact.currency, kind] = account_id


def _open(at: Folding, account: Account) -> None:
    at.known.accounts[account.id] = account
    at.changes.opened.append(account.id)


def _funds_moved(at: Folding, fact: FundsMoved) -> None:
    post(at, fact.transfers, fact.note)
    act(at, fact)


def _holds(at: Folding, fact: Fact) -> None:
    """What orders on the exchange hold of somebody's cash is another amount."""
    for hold in getattr(fact, "holds", ()):
        at.known.accounts[hold.account].held_minor += hold.change_minor
        at.changes.accounts.add(hold.account)


def _exchange(at: Folding, fact: Fact) -> None:
    _holds(at, fact)
    step = EXCHANGE.get(type(fact))
    if step is not None:
        step(at, fact)


def _exchange_opened(at: Folding, fact: ExchangeAccountOpened) -> None:
    _open(at, Account(fact.exchange, 0, AccountKind.EXCHANGE, fact.currency))


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


FOLDS: dict[type, Callable[[Folding, Any], None]] = {
    **CONTROLS,
    **BETS,
    **CASH_OUTS,
    **GRANTS,
    **CORRECTIONS,
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
    ResultHeard: _result_heard,
    ResultRecorded: _result_recorded,
    RequestRefused: _request_refused,
    **dict.fromkeys(exchange.APPLY, _exchange),
    ExchangeAccountOpened: _exchange_opened,
}


def _also_above(step: Callable[[Folding, Any], None]) -> Callable[[Folding, Any], None]:
    """A fact of the catalogue or the desk that reaches markets of the exchange, too."""

    def apply(at: Folding, fact: Fact) -> None:
        step(at, fact)
        above(at, fact)

    return apply


FOLDS |= {kind: _also_above(FOLDS[kind]) for kind in ABOVE}
"""What no table shows (a term, a request with nothing to do) is not here."""
