"""What a trading desk asks before it acts: what a result would pay, what waits for approval.

Every question looks at a bounded number of bets and says where to go on, so that it keeps nobody waiting.
"""

import heapq
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from overround.book import catalogue, settlement
from overround.book.bets import Bet
from overround.book.catalogue import MarketAction
from overround.book.machine.answers import (
    Answer,
    PreviewBet,
    PreviewSum,
    ProposalNow,
    ProposalsNow,
    ResultPreview,
)
from overround.book.machine.approving import is_much
from overround.book.machine.desk_commands import GetProposals, PreviewResult
from overround.book.machine.finding import market_of
from overround.book.machine.state import State
from overround.book.machine.supposing import MOST_BETS, Supposed, suppose
from overround.book.settlement import ResultRecorded
from overround.kernel.refusal import Refused

LARGEST: Final = 20
"""Bets shown of those that would be paid most."""


def preview_result(state: State, query: PreviewResult, now_us: int) -> Answer:
    market = market_of(state, query.market_id)
    if isinstance(market, Refused):
        return market
    if not catalogue.may(market, MarketAction.RESULT):
        return Refused(catalogue.Refusal.MARKET_STATUS, {"status": market.status.value})
    if not settlement.fits(market, query.result):
        return Refused(settlement.Refusal.RESULT_INVALID)
    fact = ResultRecorded(market_id=market.id, revision=market.revision + 1, result=query.result)
    bets = state.bets.by_market.get(market.id, [])
    done = max(0, query.done)
    supposed = list(suppose(state, (fact,), bets[done : done + MOST_BETS]))
    sums = _sums(supposed)
    is_correction = market.id in state.settlement.results
    return ResultPreview(
        market_id=market.id,
        is_correction=is_correction,
        bets=len(bets),
        done=done,
        looked_at=len(bets[done : done + MOST_BETS]),
        sums=sums,
        winners=_largest(supposed),
        needs_approval=is_correction and _needs_approval(state, supposed, len(bets)),
        seq=state.seq,
    )


def _needs_approval(state: State, supposed: Sequence[Supposed], bets: int) -> bool:
    if not state.proposals.is_asked_for:
        return False
    changes: dict[str, int] = {}
    for each in supposed:
        changes[each.bet.currency] = changes.get(each.bet.currency, 0) + abs(each.change_minor)
    return bets > MOST_BETS or is_much(state, changes)


def _sums(supposed: Sequence[Supposed]) -> tuple[PreviewSum, ...]:
    by_currency: dict[str, list[Supposed]] = {}
    for each in supposed:
        by_currency.setdefault(each.bet.currency, []).append(each)
    return tuple(_sum(currency, own) for currency, own in by_currency.items())


def _sum(currency: str, own: Sequence[Supposed]) -> PreviewSum:
    decided = [each for each in own if each.payout_minor is not None]
    payouts_minor = sum(each.payout_minor or 0 for each in decided)
    return PreviewSum(
        currency=currency,
        bets=len(own),
        stakes_minor=sum(each.bet.running_minor for each in own),
        payouts_minor=payouts_minor,
        previous_minor=sum(each.bet.payout_minor for each in own),
        house_minor=sum(each.bet.running_minor for each in decided) - payouts_minor,
        debts_minor=sum(each.debt_minor for each in own),
    )


def _largest(supposed: Sequence[Supposed]) -> tuple[PreviewBet, ...]:
    winners = [each for each in supposed if each.payout_minor]
    return tuple(_bet(each.bet, each.payout_minor or 0) for each in heapq.nlargest(LARGEST, winners, key=_payout))


def _payout(each: Supposed) -> int:
    return each.payout_minor or 0


def _bet(bet: Bet, payout_minor: int) -> PreviewBet:
    return PreviewBet(bet.id, bet.customer_id, bet.currency, bet.running_minor, payout_minor, bet.payout_minor)


def get_proposals(state: State, query: GetProposals, now_us: int) -> Answer:
    waiting = tuple(
        ProposalNow(
            proposal_id=each.id,
            actor=each.actor,
            command=type(each.command).__name__,
            about=_about(each.command),
            change_minor=each.change_minor,
            bets=each.bets,
            is_whole=each.is_whole,
            proposed_at_us=each.proposed_at_us,
            expires_at_us=each.expires_at_us,
        )
        for each in state.proposals.waiting.values()
    )
    return ProposalsNow(waiting, state.proposals.limits_minor, state.seq)


def _about(command: msgspec.Struct) -> dict[str, int | str]:
    """A command's fields, those that are not plain as JSON."""
    fields: dict[str, Any] = msgspec.structs.asdict(command)
    return {
        name: value if isinstance(value, int | str) else msgspec.json.encode(value).decode()
        for name, value in fields.items()
    }
