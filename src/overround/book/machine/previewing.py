"""What a trading desk asks before it acts: what a result would pay, what an event may cost, what waits for approval.

Every question looks at a bounded number of bets or markets and says where to go on, so that it keeps nobody waiting.
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
    Sheet,
    SheetBook,
    SheetLine,
    SheetMarket,
)
from overround.book.machine.approving import is_much
from overround.book.machine.desk_commands import (
    FieldSheet,
    GetProposals,
    PreviewResult,
)
from overround.book.machine.state import State
from overround.book.machine.supposing import MOST_BETS, Supposed, suppose
from overround.book.settlement import ResultRecorded
from overround.kernel.refusal import Refused

LARGEST: Final = 20
"""Bets shown of those that would be paid most."""

SHEET_SELECTIONS: Final = 2_000
"""Selections after which a field sheet goes on with the next question."""


def preview_result(state: State, query: PreviewResult, now_us: int) -> Answer:
    market = state.catalogue.markets.get(query.market_id)
    if market is None:
        return Refused(catalogue.Refusal.MARKET_NOT_FOUND)
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


def field_sheet(state: State, query: FieldSheet, now_us: int) -> Answer:
    event = state.catalogue.events.get(query.event_id)
    if event is None:
        return Refused(catalogue.Refusal.EVENT_NOT_FOUND)
    shown: list[SheetMarket] = []
    selections = 0
    for market_id in event.markets:
        if market_id <= query.after:
            continue
        if selections >= SHEET_SELECTIONS:
            return Sheet(event.id, tuple(shown), shown[-1].market_id, state.seq)
        shown.append(_market(state, market_id))
        selections += len(state.catalogue.markets[market_id].selections)
    return Sheet(event.id, tuple(shown), 0, state.seq)


def _market(state: State, market_id: int) -> SheetMarket:
    kept = [exposures.get(market_id, {}) for exposures in (state.bets.exposures, state.bets.carried)]
    currencies = dict.fromkeys(currency for by_currency in kept for currency in by_currency)
    return SheetMarket(market_id, tuple(_book(state, market_id, currency) for currency in currencies))


def _book(state: State, market_id: int, currency: str) -> SheetBook:
    found = (state.bets.exposures, state.bets.carried)
    books = [book for each in found if (book := each.get(market_id, {}).get(currency)) is not None]
    stakes_minor = sum(book.stakes_minor for book in books)
    payouts: dict[int, int] = {}
    for book in books:
        for selection_id, payout_minor in book.payouts_minor.items():
            payouts[selection_id] = payouts.get(selection_id, 0) + payout_minor
    selections = state.catalogue.markets[market_id].selections
    lines = tuple(
        SheetLine(selection_id, payouts.get(selection_id, 0), payouts.get(selection_id, 0) - stakes_minor)
        for selection_id in selections
    )
    return SheetBook(currency, stakes_minor, max(0, *(line.lost_minor for line in lines)), lines)


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
