"""How a request becomes facts and an answer. Reads the state, changes nothing."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from overround.book import catalogue
from overround.book.catalogue import FeedSilenced
from overround.book.machine import (
    approving,
    archiving,
    asking,
    banking,
    betting,
    cash_folding,
    cash_rules,
    cashing,
    controlling,
    correcting,
    exchanging,
    granting,
    memory,
    offering,
    previewing,
    referring,
    settling,
    sheeting,
    showing,
    ticketing,
)
from overround.book.machine.answers import Answer
from overround.book.machine.commands import (
    AcceptReferral,
    AddSelections,
    AnswerOffer,
    AnyCommand,
    CancelMarketBets,
    ChangeMarket,
    CloseMarket,
    Command,
    CoolOff,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    DeclineReferral,
    EndEvent,
    FeedHeartbeat,
    FindBet,
    FindTicket,
    GetBalances,
    GetLimits,
    GetWorking,
    HandOverMarket,
    MoveFunds,
    OfferReferral,
    OpenCustomer,
    OpenWallet,
    PlaceBet,
    PlaceTicket,
    PreviewTicket,
    PriceBuilder,
    RecordEventResult,
    RecordResult,
    Request,
    RescheduleEvent,
    RestoreMarketBets,
    ResumeEvent,
    ResumeMarket,
    RollbackResult,
    SelfExclude,
    SetCap,
    SetHouseTerms,
    SetLimit,
    SetMoment,
    SetPlayerTerms,
    SetPrices,
    SilenceFeed,
    StartEvent,
    SuspendEvent,
    SuspendMarket,
    SweepPastPost,
    WithdrawSelection,
)
from overround.book.machine.desk_commands import (
    ApproveCompetition,
    ApproveProposal,
    BlockPlayer,
    FieldSheet,
    GetProposals,
    LiftOverride,
    OverridePrice,
    PreviewResult,
    RejectProposal,
    RequireApproval,
    ResumeLevel,
    SetArchiveAfter,
    SetCorrectionLimit,
    SetMargin,
    SuspendLevel,
    UnblockPlayer,
)
from overround.book.machine.events import RequestDone, RequestRefused
from overround.book.machine.exchange_commands import RecordExchangeResult
from overround.book.machine.memory import KeyRefusal
from overround.book.machine.state import State
from overround.book.settlement import SETTLE_STEP
from overround.kernel.fact import Cause, Fact
from overround.kernel.ids import InvalidKey
from overround.kernel.refusal import Refused

DECIDE: dict[type[Command], Callable[[State, Any, int], tuple[Fact, ...] | Refused]] = {
    PlaceTicket: ticketing.place,
    AcceptReferral: referring.accept_referral,
    DeclineReferral: referring.decline_referral,
    OfferReferral: referring.offer_referral,
    AnswerOffer: referring.answer_offer,
    PriceBuilder: referring.price_builder,
    OpenCustomer: banking.open_customer,
    OpenWallet: banking.open_wallet,
    MoveFunds: banking.move_funds,
    SetLimit: banking.set_limit,
    CoolOff: banking.cool_off,
    SelfExclude: banking.self_exclude,
    SetPlayerTerms: banking.set_player_terms,
    SetHouseTerms: banking.set_house_terms,
    SetCap: banking.set_cap,
    CreateSport: offering.create_sport,
    CreateCompetition: offering.create_competition,
    CreateEvent: offering.create_event,
    RescheduleEvent: offering.reschedule_event,
    StartEvent: offering.start_event,
    EndEvent: offering.end_event,
    SetMoment: offering.set_moment,
    CreateMarket: offering.create_market,
    ChangeMarket: offering.change_market,
    AddSelections: offering.add_selections,
    WithdrawSelection: offering.withdraw_selection,
    SetPrices: offering.set_prices,
    SuspendMarket: offering.suspend_market,
    ResumeMarket: offering.resume_market,
    CloseMarket: offering.close_market,
    SuspendEvent: offering.suspend_event,
    ResumeEvent: offering.resume_event,
    RecordResult: offering.record_result,
    RecordEventResult: offering.record_event_result,
    RollbackResult: correcting.roll_back,
    CancelMarketBets: correcting.cancel_bets,
    RestoreMarketBets: correcting.restore_bets,
    SweepPastPost: correcting.sweep_past_post,
    FeedHeartbeat: offering.feed_heartbeat,
    SilenceFeed: offering.silence_feed,
    HandOverMarket: offering.hand_over_market,
    SuspendLevel: controlling.suspend_level,
    ResumeLevel: controlling.resume_level,
    OverridePrice: controlling.override_price,
    LiftOverride: controlling.lift_override,
    SetMargin: controlling.set_margin,
    ApproveCompetition: controlling.approve_competition,
    RequireApproval: controlling.require_approval,
    BlockPlayer: controlling.block_player,
    UnblockPlayer: controlling.unblock_player,
    SetCorrectionLimit: approving.set_correction_limit,
    SetArchiveAfter: archiving.set_after,
    RejectProposal: approving.reject_proposal,
    **exchanging.DECIDE,
    **cash_folding.DECIDE,
    **granting.DECIDE,
}

CORRECTIONS: Final = frozenset(
    {
        RecordResult,
        RecordEventResult,
        RollbackResult,
        CancelMarketBets,
        RestoreMarketBets,
        SweepPastPost,
        RecordExchangeResult,
    }
)
"""Commands that may correct what was decided, and so may need a second operator."""

ASK: dict[type[Command], Callable[[State, Any, int], Answer]] = {
    GetBalances: asking.get_balances,
    GetLimits: asking.get_limits,
    FindBet: asking.find_bet,
    PreviewTicket: showing.preview,
    FindTicket: showing.find_ticket,
    GetWorking: showing.working,
    PreviewResult: previewing.preview_result,
    FieldSheet: sheeting.field_sheet,
    GetProposals: previewing.get_proposals,
    **cash_folding.ASK,
    **granting.ASK,
}


def decide(state: State, request: Request, now_us: int) -> tuple[Fact, ...] | Answer:
    """The facts that a request leads to (the last carries its cause, and so its answer), or an answer at once: to a
    query, to a key seen before, or to a key that cannot be used."""
    command = request.command
    if type(command) in ASK:
        return ASK[type(command)](state, command, now_us)
    try:
        scoped = memory.scope(request.actor, request.key)
    except InvalidKey:
        return Refused(KeyRefusal.KEY_INVALID)
    entry = state.memory.entries.get(scoped)
    if entry is not None:
        return memory.first_answer(entry) if entry.content == request.content else Refused(KeyRefusal.KEY_REUSED)
    aged = memory.age_refusal(scoped, now_us=now_us)
    if aged is not None:
        return Refused(aged)
    return _decide_new(state, request, now_us)


def _decide_new(state: State, request: Request, now_us: int) -> tuple[Fact, ...]:
    command = request.command
    cause = Cause(request.actor, request.key, request.content)
    if type(command) is PlaceBet:
        placed = betting.place(state, command, now_us, cause)
        return (_refused(placed, request, cause),) if isinstance(placed, Refused) else (placed,)
    facts = _facts(state, command, request.actor, now_us)
    if isinstance(facts, Refused):
        return (_refused(facts, request, cause),)
    if not facts:
        return (RequestDone(cause=cause, id=0),)
    return (*facts[:-1], msgspec.structs.replace(facts[-1], cause=cause))


def _facts(state: State, command: AnyCommand, actor: int, now_us: int) -> tuple[Fact, ...] | Refused:
    """What a command leads to. What somebody proposed is decided anew when somebody else approves it."""
    if type(command) is ApproveProposal:
        proposal = approving.waiting_proposal(state, command, actor)
        if isinstance(proposal, Refused):
            return proposal
        facts = DECIDE[type(proposal.command)](state, proposal.command, now_us)
        return facts if isinstance(facts, Refused) else approving.approved(proposal, facts)
    facts = DECIDE[type(command)](state, command, now_us)
    if type(command) in CORRECTIONS and state.proposals.is_asked_for and not isinstance(facts, Refused):
        return approving.proposal_of(state, command, facts, now_us)
    return facts


def _refused(refused: Refused, request: Request, cause: Cause) -> RequestRefused:
    return RequestRefused(cause=cause, command=request.command, code=str(refused.code), detail=refused.detail)


def next_due_us(state: State) -> int | None:
    """When `decide_due` next has something to do; the past when it has now, None when it may never."""
    at_once = state.settlement.settling or state.exchange.settling or state.cashout.scans or granting.is_due(state)
    if at_once:
        return 0
    dues_us = timer_due_us(state), archiving.due_us(state)
    return min((due_us for due_us in dues_us if due_us is not None), default=None)


def timer_due_us(state: State) -> int | None:
    """When the next delay or override is over or the next feed falls silent; None when none does."""
    silences = (
        feed.seen_at_us + catalogue.FEED_SILENCE_US for feed in state.catalogue.feeds.values() if not feed.silent
    )
    delays = tuple(waits[0][0] for waits in (state.delays, state.cashout.due) if waits)
    overrides = (state.overrides[0][0],) if state.overrides else ()
    dues_us = exchanging.due_us(state), state.proposals.next_due_us(), granting.due_us(state)
    others = [due_us for due_us in dues_us if due_us is not None]
    return min((*silences, *delays, *overrides, *others), default=None)


def decide_due(state: State, now_us: int, *, settle_step: int = SETTLE_STEP) -> tuple[Fact, ...]:
    """One step of what is due without anybody asking: overrides and delays that are over, feeds that fell silent,
    bonuses that end, then settlement, then the standing rules of cash-outs, and at last what leaves memory."""
    if state.overrides and state.overrides[0][0] <= now_us:
        return (controlling.end_override(state),)
    if (expires_us := state.proposals.next_due_us()) is not None and expires_us <= now_us:
        return (approving.expire(state),)
    if state.delays and state.delays[0][0] <= now_us:
        bet = state.bets.bets[state.delays[0][1]]
        if bet.slip is not None:
            return (ticketing.decide_waiting(state, bet, now_us),)
        return (betting.decide_delayed(state, bet.id, now_us),)
    if state.cashout.due and state.cashout.due[0][0] <= now_us:
        return (cashing.decide_waiting(state, state.cashout.due[0][1], now_us),)
    silent = [feed for feed in state.catalogue.feeds.values() if catalogue.is_silent(feed, now_us=now_us)]
    if silent:
        return tuple(FeedSilenced(feed=feed.name) for feed in silent)
    over = exchanging.decide_due(state, now_us) or granting.decide_due(state, now_us)
    if over:
        return over
    settled = exchanging.settle_next(state, step=settle_step)
    if settled and (state.seq % 2 or not state.settlement.settling):
        return settled  # in turn with the sportsbook's, so that neither keeps the other waiting
    for settling_now in state.settlement.settling.values():
        return (settling.settle_next(state, settling_now, step=settle_step),)
    if settled:
        return settled
    return cash_rules.see_next(state, now_us) if state.cashout.scans else archiving.decide_due(state, now_us)
