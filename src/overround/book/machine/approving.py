"""Four eyes: a correction that changes much waits until somebody other than who asked for it approves."""

from collections.abc import Sequence

from overround.book import catalogue, ledger, limits
from overround.book.bets import Bet
from overround.book.exchange import ExchangeResultRecorded
from overround.book.machine import exchange_settling
from overround.book.machine.commands import (
    AnyCommand,
)
from overround.book.machine.desk_commands import (
    ApproveProposal,
    RejectProposal,
    SetCorrectionLimit,
)
from overround.book.machine.events import (
    CorrectionLimitSet,
    CorrectionProposed,
    ProposalApproved,
    ProposalExpired,
    ProposalRejected,
)
from overround.book.machine.proposals import MAX_PROPOSALS, PROPOSAL_US, Proposal, ProposalRefusal
from overround.book.machine.state import State
from overround.book.machine.supposing import MOST_BETS, bets_of, is_correction, suppose
from overround.kernel.fact import Fact
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused


def set_correction_limit(state: State, command: SetCorrectionLimit, now_us: int) -> Facts:
    if command.currency not in state.limits.terms:
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    if not limits.is_amount(command.amount_minor):
        return Refused(limits.Refusal.TERMS_INVALID)
    before_minor = state.proposals.limits_minor.get(command.currency, 0)
    return (
        CorrectionLimitSet(currency=command.currency, amount_minor=command.amount_minor, before_minor=before_minor),
    )


def proposal_of(state: State, command: AnyCommand, facts: tuple[Fact, ...], now_us: int) -> Facts:
    """What a command leads to: its facts, or where they correct too much, a proposal of it."""
    corrections = [fact for fact in facts if is_correction(state, fact)]
    if not corrections:
        return facts
    bets = bets_of(state, corrections)
    change_minor = _changes(state, corrections, bets[:MOST_BETS])
    count = len(bets)
    for fact in corrections:
        if isinstance(fact, ExchangeResultRecorded):  # the only one of its command
            market = state.exchange.markets[fact.market_id]
            change_minor = exchange_settling.changes_minor(state, market, fact.result, most=MOST_BETS)
            count = len(market.positions) - 1
    is_whole = count <= MOST_BETS
    if is_whole and not is_much(state, change_minor):
        return facts
    return _proposed(state, command, change_minor=change_minor, bets=count, is_whole=is_whole, now_us=now_us)


def _changes(state: State, facts: Sequence[Fact], bets: Sequence[Bet]) -> dict[str, int]:
    changes: dict[str, int] = {}
    for each in suppose(state, facts, bets):
        if each.change_minor:
            changes[each.bet.currency] = changes.get(each.bet.currency, 0) + abs(each.change_minor)
    return changes


def is_much(state: State, change_minor: dict[str, int]) -> bool:
    """Whether payouts would change by more than a limit of the house."""
    limits_minor = state.proposals.limits_minor
    return any(0 < limits_minor.get(currency, 0) < change for currency, change in change_minor.items())


def _proposed(
    state: State, command: AnyCommand, *, change_minor: dict[str, int], bets: int, is_whole: bool, now_us: int
) -> Facts:
    waiting = state.proposals.waiting.values()
    if any(each.command == command for each in waiting):
        return Refused(ProposalRefusal.ALREADY_PROPOSED)
    if len(waiting) >= MAX_PROPOSALS:
        return Refused(ProposalRefusal.TOO_MANY_PROPOSALS, {"max_proposals": MAX_PROPOSALS})
    return (
        CorrectionProposed(
            proposal_id=state.proposals.made + 1,
            command=command,
            change_minor=change_minor,
            bet_count=bets,
            is_whole=is_whole,
            expires_at_us=now_us + PROPOSAL_US,
        ),
    )


def waiting_proposal(state: State, command: ApproveProposal, actor: int) -> Proposal | Refused:
    """The proposal that `actor` may approve."""
    proposal = state.proposals.waiting.get(command.proposal_id)
    if proposal is None:
        return Refused(ProposalRefusal.PROPOSAL_NOT_FOUND)
    if proposal.actor == actor:
        return Refused(ProposalRefusal.OWN_PROPOSAL)
    return proposal


def approved(proposal: Proposal, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The correction is made as if asked for now, and the proposal is over."""
    return (*facts, ProposalApproved(proposal_id=proposal.id, proposer=proposal.actor))


def reject_proposal(state: State, command: RejectProposal, now_us: int) -> Facts:
    proposal = state.proposals.waiting.get(command.proposal_id)
    if proposal is None:
        return Refused(ProposalRefusal.PROPOSAL_NOT_FOUND)
    if not catalogue.is_name(command.reason):
        return Refused(catalogue.Refusal.NAME_INVALID)
    return (ProposalRejected(proposal_id=proposal.id, proposer=proposal.actor, reason=command.reason),)


def expire(state: State) -> ProposalExpired:
    """Nobody approved the oldest proposal in time."""
    proposal = next(iter(state.proposals.waiting.values()))
    return ProposalExpired(proposal_id=proposal.id, proposer=proposal.actor)
