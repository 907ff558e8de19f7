"""Settling a market step by step: the next of its bets, what they come to now, and the money that moves for them.

A bet comes to what the results and cancellations of the moment say, whatever came before; so a correction, a result
taken back and a late cancellation are one and the same pass over the market's bets.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from overround.book import ledger, settlement, tickets
from overround.book.bets import Bet, BetStatus
from overround.book.catalogue import EachWay, Market
from overround.book.ledger import StakeKind, Transfer
from overround.book.machine.state import State
from overround.book.settlement import SETTLE_STEP, BetsSettled, ReopenedBet, Result, SettledBet, Settling
from overround.book.tickets import Leg, LegResult, Outcome, Slip

VOID: Final = tickets.settled(Outcome.VOID)
LOST: Final = tickets.settled(Outcome.LOST)
WON: Final = tickets.settled(Outcome.WON)

Due = tuple[Outcome, int, tuple[int, ...]]
"""What a bet comes to: its outcome, its payout in minor units, and the factor of the leg on the market being
settled."""


def settle_next(state: State, settling: Settling, *, step: int = SETTLE_STEP) -> BetsSettled:
    """The next step: up to `step` bets in the order accepted."""
    bets = state.bets.by_market.get(settling.market_id, [])
    ahead = bets[settling.done : settling.done + step]
    results, funds = Results(state, settling.market_id), Funds(state)
    settled: list[SettledBet] = []
    reopened: list[ReopenedBet] = []
    transfers: list[Transfer] = []
    factors: dict[int, tuple[int, ...]] = {}
    for bet in ahead:
        if bet.status is BetStatus.CASHED_OUT:
            continue
        due = results.due(bet)
        if due is None:
            if bet.status is BetStatus.SETTLED:
                reopened.append(ReopenedBet(bet.id, bet.customer_id, bet.payout_minor))
                transfers += funds.transfers(bet, None)
        elif bet.slip is None or bet.outcome is not due[0] or bet.payout_minor != due[1]:
            outcome, payout_minor, factor = due
            settled.append(SettledBet(bet.id, bet.customer_id, outcome, payout_minor, bet.payout_minor))
            if factor:
                factors[bet.id] = factor
            transfers += funds.transfers(bet, payout_minor)
    return BetsSettled(
        market_id=settling.market_id,
        revision=settling.revision,
        bets=tuple(settled),
        last=settling.done + len(ahead) >= len(bets),
        transfers=tuple(transfers),
        reopened=tuple(reopened),
        factors=factors,
        seen=0 if len(settled) == len(ahead) else len(ahead),
    )


class Results:
    """What is known of the legs of bets now. Made for one step: what many bets share is worked out once.

    `results` and `markets` may stand for those of the state, to see what would be if they were so.
    """

    def __init__(
        self,
        state: State,
        market_id: int = 0,
        *,
        results: Mapping[int, Result | None] | None = None,
        markets: Mapping[int, Market] | None = None,
    ) -> None:
        self._markets = state.catalogue.markets if markets is None else markets
        self._results: Mapping[int, Result | None] = state.settlement.results if results is None else results
        self._market_id = market_id
        self._plain: dict[tuple[int, int, EachWay | None], LegResult] = {}

    def due(self, bet: Bet) -> Due | None:
        """What a bet comes to now; None while that is open."""
        if bet.slip is None:
            return self._due_single(bet)
        results = [self.of_leg(leg, bet.struck_at_us) for leg in bet.slip.legs]
        slip = bet.slip
        if bet.cashed is not None:
            slip = msgspec.structs.replace(slip, stake_minor=bet.running_minor)
        payout_minor = decided_minor(slip, results)
        if payout_minor is None:
            return None
        outcome = _outcome(payout_minor, results)
        if bet.stake_kind is StakeKind.FREE_BET:
            payout_minor = max(0, payout_minor - slip.stake_minor)
        return outcome, payout_minor, self._factor(slip, results)

    def _due_single(self, bet: Bet) -> Due | None:
        result = self.of_selection(bet.market_id, bet.selection_id, None, bet.struck_at_us)
        if result is None:
            return None
        outcome, stake_minor = result.win.outcome, bet.running_minor
        if result.win.tied == 1 and not result.deduction_pence:
            return outcome, settlement.payout(outcome, stake_minor=stake_minor, price_milli=bet.price_milli), ()
        slip = Slip((Leg(bet.selection_id, 0, bet.price_milli),), (1,), stake_minor)
        return outcome, tickets.payout(slip, (result,)).payout_minor, self._factor(slip, (result,))

    def of_leg(self, leg: Leg, struck_at_us: int) -> LegResult | None:
        """What is known of a leg struck at an instant; None while it is open.

        A bet builder has lost with the first of its parts and has won with all of them. Where all are decided and one
        is neither, it is void, as its price was for all of them; if that one is void and the builder had a price
        without it, it has won at that.
        """
        if not leg.parts:
            return self.of_selection(leg.market_id, leg.selection_id, leg.each_way, struck_at_us)
        parts = [self.of_selection(*part, None, struck_at_us) for part in leg.parts]
        outcomes = [part.win.outcome for part in parts if part is not None]
        if Outcome.LOST in outcomes:
            return LOST
        if len(outcomes) < len(parts):
            return None
        others = [place for place, outcome in enumerate(outcomes) if outcome is not Outcome.WON]
        if not others:
            return WON
        if len(others) > 1 or outcomes[others[0]] is not Outcome.VOID or not leg.without_milli:
            return VOID
        return _priced_again(leg, without=others[0])

    def of_selection(
        self, market_id: int, selection_id: int, terms: EachWay | None, struck_at_us: int
    ) -> LegResult | None:
        """What is known of a selection; void where bets struck then were cancelled, or where it was withdrawn."""
        market = self._markets[market_id]
        if market.cancelled and market.cancels(struck_at_us):
            return VOID
        key = market_id, selection_id, terms
        found = self._plain.get(key)
        if found is not None:
            return found
        result = self._results.get(market_id)
        if result is None:
            return VOID if market.selections[selection_id].withdrawn_at_us else None
        made = settlement.leg_result(market, selection_id, result, terms=terms, taken_at_us=struck_at_us)
        if not market.withdrawals:
            self._plain[key] = made
        return made

    def _factor(self, slip: Slip, results: Sequence[LegResult | None]) -> tuple[int, ...]:
        """What the leg on the market that is being settled multiplies a line by."""
        for leg, result in zip(slip.legs, results, strict=True):
            if result is not None and (len(slip.legs) == 1 or _is_on(leg, self._market_id)):
                made = tickets.working(leg, result)
                return (*made.win, *(made.place or ()))
        return ()


def _priced_again(leg: Leg, *, without: int) -> LegResult:
    """A bet builder that has won without its void part: at the price of the others, and never above that taken."""
    again_milli = min(leg.without_milli[without], leg.price_milli)
    return LegResult(WON.win, WON.place, again_milli=again_milli) if again_milli else VOID


def _is_on(leg: Leg, market_id: int) -> bool:
    return any(market == market_id for market, _ in leg.selections)


def decided_minor(slip: Slip, results: Sequence[LegResult | None]) -> int | None:
    """What a bet pays, once nothing that is open can change it; None before.

    A bet of one line is decided by its first lost leg, or by its last; a system when its least and most agree.
    """
    known = [result for result in results if result is not None]
    if len(known) == len(results):
        return tickets.payout(slip, known).payout_minor
    if len(slip.folds) == 1 and slip.folds[0] == len(slip.legs):
        return 0 if any(_is_lost(result) for result in known) else None
    if not known:
        return None
    least_minor, most_minor = tickets.bounds(slip, results)
    return least_minor if least_minor == most_minor else None


def _is_lost(result: LegResult) -> bool:
    """Whether a leg pays nothing in either part."""
    return result.win.outcome is Outcome.LOST and result.place.outcome is Outcome.LOST


def _outcome(payout_minor: int, results: Sequence[LegResult | None]) -> Outcome:
    """What became of a bet of several legs or lines: void if all legs are, lost if it pays nothing."""
    if all(result is not None and result.win.outcome is Outcome.VOID for result in results):
        return Outcome.VOID
    return Outcome.WON if payout_minor else Outcome.LOST


class Funds:
    """What customers have while one step is being decided: its earlier transfers count for its later ones."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._moved: dict[int, int] = {}

    def transfers(self, bet: Bet, payout_minor: int | None) -> tuple[Transfer, ...]:
        """What moves when a bet comes to a payout, or (None) opens again."""
        made = self._decide(bet, payout_minor)
        moved = self._moved
        for transfer in made:
            moved[transfer.debit] = moved.get(transfer.debit, 0) - transfer.amount_minor
            moved[transfer.credit] = moved.get(transfer.credit, 0) + transfer.amount_minor
        return made

    def _decide(self, bet: Bet, payout_minor: int | None) -> tuple[Transfer, ...]:
        wallet = self._state.ledger.wallets[bet.customer_id, bet.currency]
        house, kind = self._state.ledger.house[bet.currency], bet.stake_kind
        owed_minor = -wallet.debt.balance_minor - self._moved.get(wallet.debt.id, 0)
        stake_minor = bet.running_minor
        if bet.status is not BetStatus.SETTLED:
            if payout_minor is None:
                return ()
            paid = ledger.settle(
                wallet, house, stake_minor=stake_minor, payout_minor=payout_minor, ref=bet.id, kind=kind
            )
            if not owed_minor:
                return paid
            return paid + ledger.recover(
                wallet, credited_minor=payout_minor, owed_minor=owed_minor, ref=bet.id, kind=kind
            )
        if bet.payout_minor == payout_minor:
            return ()
        account = wallet.account(kind)
        return ledger.resettle(
            wallet,
            house,
            stake_minor=stake_minor,
            old_payout_minor=bet.payout_minor,
            payout_minor=payout_minor,
            spendable_minor=account.available_minor + self._moved.get(account.id, 0),
            owed_minor=owed_minor,
            ref=bet.id,
            kind=kind,
        )
