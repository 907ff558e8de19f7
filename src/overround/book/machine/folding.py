"""How a fact changes the state: the one way, whether it was decided a moment ago or a year ago."""

from collections.abc import Callable
from typing import Any

from overround.book import bets, cashout, catalogue, ledger, limits, promotions, settlement
from overround.book.bets import (
    Bet,
    BetAccepted,
    BetDelayed,
    BetStatus,
    BuilderPriced,
    DelayedBetAccepted,
    DelayedBetRefused,
    TicketAccepted,
    TicketDelayed,
    TicketOffered,
    TicketReferred,
    WaitingTicketAccepted,
    WaitingTicketRefused,
)
from overround.book.catalogue import SelectionWithdrawn
from overround.book.control import OverrideEnded, PriceOverridden
from overround.book.ledger import CurrencyOpened, CustomerOpened, FundsMoved, StakeKind, WalletOpened
from overround.book.limits import Purse
from overround.book.machine import archive_folding, cash_folding, exchanging, granting
from overround.book.machine.answers import Answer, BetAnswer, Done, Proposed, TicketAnswer
from overround.book.machine.events import (
    SUBJECT,
    AnyFact,
    CorrectionLimitSet,
    CorrectionProposed,
    ProposalApproved,
    ProposalExpired,
    ProposalRejected,
    RequestRefused,
)
from overround.book.machine.exchange_above import ABOVE, fold_above
from overround.book.machine.memory import Remembered, scope_of
from overround.book.machine.proposals import Proposal
from overround.book.machine.state import State, delay_over, delay_until, forget_override, remember_override
from overround.book.settlement import (
    BetsSettled,
    MarketBetsCancelled,
    MarketBetsRestored,
    ResultHeard,
    ResultRecorded,
    ResultRolledBack,
)
from overround.kernel.fact import Cause, Fact
from overround.kernel.price import payout_minor
from overround.kernel.refusal import Refused

NOBODY = Cause(0, "", 0)


def fold(state: State, fact: Fact, at_us: int) -> None:
    """Apply the next fact of the journal at its instant. The state's sequence rises by one."""
    state.seq += 1
    state.at_us = at_us
    step = FOLDS.get(type(fact))
    if step is not None:
        step(state, fact, at_us)
    cause = fact.cause
    if cause is not None and type(fact) is not BetAccepted:
        state.memory.remember(Remembered(scope_of(cause), at_us, cause.content, answer_of(state, fact)))
    state.memory.forget(now_us=at_us)


def answer_of(state: State, fact: Fact) -> Answer:
    """What whoever caused this fact was told; `state` has just folded it."""
    match fact:
        case RequestRefused():
            return Refused(fact.code, fact.detail)
        case CorrectionProposed():
            return Proposed(fact.proposal_id, fact.expires_at_us, state.seq)
        case BetDelayed():
            return _bet_answer(state, fact.bet_id, fact.decide_at_us)
        case _ if type(fact) in exchanging.ANSWERS:
            return exchanging.ANSWERS[type(fact)](state, fact)
        case _ if type(fact) in cash_folding.ANSWERS:
            return cash_folding.ANSWERS[type(fact)](state, fact)
        case TicketAccepted() | TicketDelayed() | TicketReferred():
            return _ticket_answer(state, fact)
        case _:
            field = SUBJECT.get(type(fact))
            return Done(getattr(fact, field) if field else 0, state.seq)


def _bet_answer(state: State, bet_id: int, decide_at_us: int) -> BetAnswer:
    bet = state.bets.bets[bet_id]
    return BetAnswer(bet.id, bet.status, bet.stake_minor, bet.price_milli, bet.placed_at_us, decide_at_us, state.seq)


def _ticket_answer(state: State, fact: TicketAccepted | TicketDelayed | TicketReferred) -> TicketAnswer:
    first = state.bets.bets[fact.ticket_id]
    return TicketAnswer(fact.ticket_id, first.status, fact.bets, first.placed_at_us, first.decide_at_us, state.seq)


def _purse(state: State, customer_id: int, currency: str) -> Purse:
    return state.limits.players[customer_id].purses[currency]


def _accepted(state: State, fact: BetAccepted, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)
    cause = fact.cause or NOBODY
    most_minor = payout_minor(stake_minor=fact.stake_minor, price_milli=fact.price_milli)
    bet = bets.accept(
        state.bets,
        state.catalogue,
        fact,
        at_us=at_us,
        seq=state.seq,
        key=scope_of(cause),
        content=cause.content,
        most_minor=most_minor,
    )
    limits.use(
        _purse(state, fact.customer_id, fact.currency),
        at_us=at_us,
        staked_minor=fact.stake_minor,
        returned_minor=0,
        potential_minor=most_minor,
    )
    state.memory.remember(bet)


def _delayed(state: State, fact: BetDelayed, at_us: int) -> None:
    cause = fact.cause or NOBODY
    bet = bets.delay(state.bets, fact, at_us=at_us, seq=state.seq, key=scope_of(cause), content=cause.content)
    _hold(state, bet, at_us)
    delay_until(state, due_us=fact.decide_at_us, bet_id=fact.bet_id)


def _hold(state: State, bet: Bet, at_us: int) -> None:
    """The stake of a waiting bet is set aside, and counts in the customer's own limits."""
    if bet.stake_kind is StakeKind.FREE_BET:
        return
    account = state.ledger.wallets[bet.customer_id, bet.currency].account(bet.stake_kind)
    ledger.hold(state.ledger, account_id=account.id, amount_minor=bet.stake_minor)
    purse = _purse(state, bet.customer_id, bet.currency)
    limits.use(purse, at_us=at_us, staked_minor=bet.stake_minor, returned_minor=0)


def _let_go(state: State, bet: Bet, amount_minor: int) -> None:
    """Part or all of what a waiting bet holds is free again."""
    if bet.stake_kind is not StakeKind.FREE_BET:
        account = state.ledger.wallets[bet.customer_id, bet.currency].account(bet.stake_kind)
        ledger.hold(state.ledger, account_id=account.id, amount_minor=-amount_minor)


def _give_back(state: State, bet: Bet, amount_minor: int) -> None:
    """Part or all of a waiting stake is not staked after all."""
    if bet.stake_kind is not StakeKind.FREE_BET:
        purse = _purse(state, bet.customer_id, bet.currency)
        limits.give_back(purse, placed_at_us=bet.placed_at_us, stake_minor=amount_minor)


def _promise(state: State, bet: Bet, at_us: int) -> None:
    """A bet that waited stands: what it may pay counts in the customer's day."""
    purse = _purse(state, bet.customer_id, bet.currency)
    limits.use(purse, at_us=at_us, staked_minor=0, returned_minor=0, potential_minor=bet.most_minor)


def _delayed_accepted(state: State, fact: DelayedBetAccepted, at_us: int) -> None:
    bet = bets.accept_delayed(state.bets, state.catalogue, fact, seq=state.seq)
    _let_go(state, bet, bet.stake_minor)
    ledger.post(state.ledger, fact.transfers)
    _promise(state, bet, at_us)
    delay_over(state)


def _delayed_refused(state: State, fact: DelayedBetRefused, at_us: int) -> None:
    bet = bets.refuse_delayed(state.bets, fact)
    _let_go(state, bet, bet.stake_minor)
    _give_back(state, bet, bet.stake_minor)
    archive_folding.refused(state, bet)
    delay_over(state)


def _taken(
    state: State, fact: TicketAccepted | TicketDelayed | TicketReferred, status: BetStatus, at_us: int
) -> list[Bet]:
    cause = fact.cause or NOBODY
    return bets.take_ticket(
        state.bets,
        fact,
        status=status,
        at_us=at_us,
        seq=state.seq,
        key=scope_of(cause),
        content=cause.content,
    )


def _ticket_accepted(state: State, fact: TicketAccepted, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)
    purse = _purse(state, fact.customer_id, fact.currency)
    is_own = fact.stake_kind is not StakeKind.FREE_BET
    promotions.stand(state.promotions, fact.grant_id)
    for bet in _taken(state, fact, BetStatus.OPEN, at_us):
        bets.stand((state.bets, state.catalogue), bet)
        limits.use(
            purse,
            at_us=at_us,
            staked_minor=bet.stake_minor if is_own else 0,
            returned_minor=0,
            potential_minor=bet.potential_minor,
        )


def _ticket_delayed(state: State, fact: TicketDelayed, at_us: int) -> None:
    _await(state, fact, BetStatus.DELAYED, at_us)


def _ticket_referred(state: State, fact: TicketReferred, at_us: int) -> None:
    _await(state, fact, BetStatus.REFERRED, at_us)


def _await(state: State, fact: TicketDelayed | TicketReferred, status: BetStatus, at_us: int) -> None:
    promotions.set_aside(state.promotions, fact.grant_id)
    for bet in _taken(state, fact, status, at_us):
        _hold(state, bet, at_us)
    delay_until(state, due_us=fact.decide_at_us, bet_id=fact.ticket_id)


def _ticket_offered(state: State, fact: TicketOffered, at_us: int) -> None:
    asked = [state.bets.bets[each.bet_id].stake_minor for each in fact.bets]
    for bet, stake_minor in zip(bets.offer_ticket(state.bets, fact), asked, strict=True):
        _let_go(state, bet, stake_minor - bet.stake_minor)
        _give_back(state, bet, stake_minor - bet.stake_minor)
    delay_over(state)
    delay_until(state, due_us=fact.decide_at_us, bet_id=fact.ticket_id)


def _waiting_accepted(state: State, fact: WaitingTicketAccepted, at_us: int) -> None:
    for each in fact.bets:
        bet = state.bets.bets[each.bet_id]
        _let_go(state, bet, bet.stake_minor)
    ledger.post(state.ledger, fact.transfers)
    for bet in bets.accept_waiting(state.bets, state.catalogue, fact, seq=state.seq):
        _promise(state, bet, at_us)
    promotions.stand(state.promotions, _grant_of(state, fact.ticket_id))
    delay_over(state)


def _waiting_refused(state: State, fact: WaitingTicketRefused, at_us: int) -> None:
    for bet in bets.refuse_waiting(state.bets, fact.ticket_id):
        _let_go(state, bet, bet.stake_minor)
        _give_back(state, bet, bet.stake_minor)
    promotions.let_go(state.promotions, _grant_of(state, fact.ticket_id))
    archive_folding.refused(state, state.bets.bets[fact.ticket_id])
    delay_over(state)


def _grant_of(state: State, ticket_id: int) -> int:
    ticket = state.bets.bets[ticket_id].ticket
    return ticket.grant_id if ticket is not None else 0


def _builder_priced(state: State, fact: BuilderPriced, at_us: int) -> None:
    bets.price_builder(state.bets, fact, at_us=at_us)


def _funds_moved(state: State, fact: FundsMoved, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)


def _currency_opened(state: State, fact: CurrencyOpened, at_us: int) -> None:
    ledger.open_currency(state.ledger, fact)
    limits.APPLY[CurrencyOpened](state.limits, fact, at_us)


def _customer_opened(state: State, fact: CustomerOpened, at_us: int) -> None:
    ledger.open_customer(state.ledger, fact)
    limits.APPLY[CustomerOpened](state.limits, fact, at_us)


def _wallet_opened(state: State, fact: WalletOpened, at_us: int) -> None:
    ledger.open_wallet(state.ledger, fact)
    limits.APPLY[WalletOpened](state.limits, fact, at_us)


def _result_heard(state: State, fact: ResultHeard, at_us: int) -> None:
    catalogue.hear_result(state.catalogue.markets[fact.market_id])
    settlement.hear(state.settlement, fact)


def _price_overridden(state: State, fact: PriceOverridden, at_us: int) -> None:
    catalogue.apply(state.catalogue, fact, at_us)
    forget_override(state, market_id=fact.market_id, selection_id=fact.selection_id)
    remember_override(state, until_us=fact.until_us, market_id=fact.market_id, selection_id=fact.selection_id)


def _override_ended(state: State, fact: OverrideEnded, at_us: int) -> None:
    catalogue.apply(state.catalogue, fact, at_us)
    forget_override(state, market_id=fact.market_id, selection_id=fact.selection_id)


def _selection_withdrawn(state: State, fact: SelectionWithdrawn, at_us: int) -> None:
    catalogue.apply(state.catalogue, fact, at_us)
    bets.withdraw((state.bets, state.catalogue), fact.market_id, fact.selection_id)


def _correction_limit_set(state: State, fact: CorrectionLimitSet, at_us: int) -> None:
    state.proposals.limits_minor[fact.currency] = fact.amount_minor


def _correction_proposed(state: State, fact: CorrectionProposed, at_us: int) -> None:
    state.proposals.made = fact.proposal_id
    state.proposals.waiting[fact.proposal_id] = Proposal(
        id=fact.proposal_id,
        actor=(fact.cause or NOBODY).actor,
        command=fact.command,
        change_minor=fact.change_minor,
        bets=fact.bet_count,
        is_whole=fact.is_whole,
        proposed_at_us=at_us,
        expires_at_us=fact.expires_at_us,
    )


def _proposal_over(state: State, fact: ProposalApproved | ProposalRejected | ProposalExpired, at_us: int) -> None:
    del state.proposals.waiting[fact.proposal_id]


def _result_recorded(state: State, fact: ResultRecorded, at_us: int) -> None:
    catalogue.result_market(state.catalogue.markets[fact.market_id])
    bets.release((state.bets, state.catalogue), fact.market_id)
    settlement.record(state.settlement, fact)
    archive_folding.unsettled(state, fact.market_id)


def _result_rolled_back(state: State, fact: ResultRolledBack, at_us: int) -> None:
    catalogue.roll_market_back(state.catalogue.markets[fact.market_id])
    bets.expose((state.bets, state.catalogue), fact.market_id)
    settlement.roll_back(state.settlement, fact)
    archive_folding.unsettled(state, fact.market_id)


def _bets_cancelled(state: State, fact: MarketBetsCancelled, at_us: int) -> None:
    catalogue.cancel_window(state.catalogue.markets[fact.market_id], fact.from_us, fact.until_us)
    settlement.begin(state.settlement, market_id=fact.market_id, revision=fact.revision)
    archive_folding.unsettled(state, fact.market_id)


def _bets_restored(state: State, fact: MarketBetsRestored, at_us: int) -> None:
    catalogue.restore_window(state.catalogue.markets[fact.market_id], fact.from_us, fact.until_us)
    settlement.begin(state.settlement, market_id=fact.market_id, revision=fact.revision)
    archive_folding.unsettled(state, fact.market_id)


def _bets_settled(state: State, fact: BetsSettled, at_us: int) -> None:
    ledger.post(state.ledger, fact.transfers)
    settlement.advance(state.settlement, fact)
    by_id, book, given = state.bets.bets, (state.bets, state.catalogue), state.promotions
    changes = granting.bonus_changes(state, fact) if given.grants else {}
    for row in fact.bets:
        bet = by_id[row.bet_id]
        if given.grants:
            promotions.settle(given, bet, row.outcome, at_us=at_us)
            granting.settled(state, bet, changes)
        bets.settle(book, bet, outcome=row.outcome, payout_minor=row.payout_minor)
        cashout.remove_rule(state.cashout, bet.id)
        _return(state, bet, row.payout_minor - row.previous_minor, at_us)
    for again in fact.reopened:
        bet = by_id[again.bet_id]
        if given.grants:
            promotions.settle(given, bet, None, at_us=at_us)
            granting.settled(state, bet, changes)
        bets.reopen(book, bet)
        _return(state, bet, -again.previous_minor, at_us)
    if fact.last:
        archive_folding.settled(state, fact.market_id, at_us)


def _return(state: State, bet: Bet, returned_minor: int, at_us: int) -> None:
    """A return, or what is taken back of one, counts in the customer's own limits; that of a free bet does not, as its
    stake did not."""
    if bet.stake_kind is StakeKind.FREE_BET:
        return
    purse = _purse(state, bet.customer_id, bet.currency)
    limits.use(purse, at_us=at_us, staked_minor=0, returned_minor=returned_minor)


def _into(room: str, step: Callable[[Any, Any, int], None]) -> Callable[[State, Any, int], None]:
    """A fact that changes one room only."""

    def apply(state: State, fact: AnyFact, at_us: int) -> None:
        step(getattr(state, room), fact, at_us)

    return apply


FOLDS: dict[type[Fact], Callable[[State, Any, int], None]] = {
    **{kind: _into("catalogue", step) for kind, step in catalogue.APPLY.items()},
    **{kind: _into("limits", step) for kind, step in limits.APPLY.items()},
    **exchanging.FOLDS,
    **cash_folding.FOLDS,
    **granting.FOLDS,
    **archive_folding.FOLDS,
    CurrencyOpened: _currency_opened,
    CustomerOpened: _customer_opened,
    WalletOpened: _wallet_opened,
    FundsMoved: _funds_moved,
    BetAccepted: _accepted,
    BetDelayed: _delayed,
    DelayedBetAccepted: _delayed_accepted,
    DelayedBetRefused: _delayed_refused,
    ResultHeard: _result_heard,
    CorrectionLimitSet: _correction_limit_set,
    CorrectionProposed: _correction_proposed,
    ProposalApproved: _proposal_over,
    ProposalRejected: _proposal_over,
    ProposalExpired: _proposal_over,
    PriceOverridden: _price_overridden,
    OverrideEnded: _override_ended,
    SelectionWithdrawn: _selection_withdrawn,
    TicketAccepted: _ticket_accepted,
    TicketDelayed: _ticket_delayed,
    TicketReferred: _ticket_referred,
    TicketOffered: _ticket_offered,
    WaitingTicketAccepted: _waiting_accepted,
    WaitingTicketRefused: _waiting_refused,
    BuilderPriced: _builder_priced,
    ResultRecorded: _result_recorded,
    BetsSettled: _bets_settled,
    ResultRolledBack: _result_rolled_back,
    MarketBetsCancelled: _bets_cancelled,
    MarketBetsRestored: _bets_restored,
}


def _also_above(step: Callable[[State, Any, int], None]) -> Callable[[State, Any, int], None]:
    """A fact of the catalogue or the desk that reaches markets of the exchange, too."""

    def apply(state: State, fact: AnyFact, at_us: int) -> None:
        step(state, fact, at_us)
        fold_above(state.exchange, state.catalogue, fact)

    return apply


FOLDS |= {kind: _also_above(FOLDS[kind]) for kind in ABOVE}
FOLDS |= {kind: cash_folding.waking(FOLDS[kind]) for kind in cash_folding.WAKES}
FOLDS |= {kind: archive_folding.noting(kind, FOLDS[kind]) for kind in archive_folding.NOTES}
