"""What settled bets do to the grants of customers: the wagering of a bonus that runs, and free bets given back."""

from typing import Any, Final

import msgspec

from overround.book.bets import BetStatus, Outcome
from overround.book.ledger import StakeKind
from overround.book.promotions import RESTORED_US
from overround.book.settlement import BetsSettled
from overround.projections.changes import GrantRow, LegKey, Row, Wager
from overround.projections.tables import BET, BET_LEG
from overround.projections.underway import Folding

LEG_PRICE: Final = BET_LEG.columns.index("price_milli")


def grants_settled(at: Folding, fact: BetsSettled) -> None:
    """Bets are about to come to an outcome, or to run again: what each was before tells what changes."""
    if at.known.grants:
        for row in fact.bets:
            _settled(at, row.bet_id, row.outcome)
        for again in fact.reopened:
            _settled(at, again.bet_id, None)


def _settled(at: Folding, bet_id: int, outcome: Outcome | None) -> None:
    wager = _wager(at, bet_id)
    if wager is None:
        return
    token = at.known.grants.get(wager.grant_id) if wager.stake_kind == StakeKind.FREE_BET else None
    if token is not None and outcome is Outcome.VOID and wager.outcome != Outcome.VOID:
        token.expires_at_us = max(token.expires_at_us, at.at_us + RESTORED_US)
        at.changes.grants.add(token.id)
    bonus = at.known.bonuses.get((wager.customer_id, wager.currency))
    if bonus is not None and _counts(bonus, wager):
        counted = wager.status == BetStatus.SETTLED and wager.outcome != Outcome.VOID
        counts = outcome is not None and outcome is not Outcome.VOID
        bonus.wagered_minor += (counts - counted) * wager.running_minor
        at.changes.grants.add(bonus.id)


def _counts(bonus: GrantRow, wager: Wager) -> bool:
    """Whether a bet counts towards a bonus, once it is settled and not void."""
    since_us = max(wager.placed_at_us, wager.decide_at_us)
    is_own = wager.stake_kind != StakeKind.FREE_BET
    return is_own and since_us >= bonus.granted_at_us and wager.price_milli >= bonus.min_price_milli


def _wager(at: Folding, bet_id: int) -> Wager | None:
    """A bet as it is now, by its row and what this batch did to it before."""
    changes = at.changes
    row = changes.bets.get(bet_id)
    if row is not None:
        return _of_row(row, changes.legs)
    wager = at.known.wagers.get(bet_id)
    if wager is None:
        return None
    price_milli = _lowest(changes.repriced, bet_id)
    made = msgspec.structs.replace(wager)
    decided, sold, settled = changes.decided.get(bet_id), changes.cashed.get(bet_id), changes.settled.get(bet_id)
    if decided is not None:
        made.price_milli = decided.price_milli or made.price_milli
        made.running_minor = decided.stake_minor or made.running_minor
        made.decide_at_us = decided.decide_at_us or made.decide_at_us
    if sold is not None:
        made.running_minor -= sold.stake_minor
    if settled is not None:
        made.status, made.outcome = settled[:2]
    if price_milli is not None:
        made.price_milli = price_milli
    return made


def _of_row(row: list[Any], legs: dict[LegKey, Row]) -> Wager:
    shown = dict(zip(BET.columns, row, strict=True))
    lowest = _lowest(legs, shown["id"])
    return Wager(
        customer_id=shown["customer_id"],
        currency=shown["currency"],
        stake_kind=shown["stake_kind"] or StakeKind.CASH,
        grant_id=shown["grant_id"] or 0,
        placed_at_us=shown["placed_at_us"],
        decide_at_us=shown["decide_at_us"],
        running_minor=shown["stake_minor"] - (shown["cashed_stake_minor"] or 0),
        status=shown["status"],
        outcome=shown["outcome"],
        price_milli=shown["price_milli"] if lowest is None else lowest,
    )


def _lowest(legs: dict[LegKey, Row], bet_id: int) -> int | None:
    """The lowest price of a bet's legs, where they are among these."""
    prices: list[Any] = []
    while leg := legs.get((bet_id, len(prices) + 1, 0)) or legs.get((bet_id, len(prices) + 1, 1)):
        prices.append(leg[LEG_PRICE])
    return min(prices, default=None)
