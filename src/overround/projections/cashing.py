"""How the facts of cash-outs change the tables. Quotes, and what waits or was refused, change none."""

from collections.abc import Callable
from typing import Any, Final

from overround.book.bets import BetStatus
from overround.book.cashout import CashedOut
from overround.projections.changes import COLUMN, Sold
from overround.projections.underway import Folding, post

STAKE: Final = COLUMN["cashed_stake_minor"]
PAID: Final = COLUMN["cashed_paid_minor"]
STATUS: Final = COLUMN["status"]


def _cashed_out(at: Folding, fact: CashedOut) -> None:
    over = BetStatus.CASHED_OUT if not fact.running_minor else None
    bet = at.changes.bets.get(fact.bet_id)
    if bet is None:
        sold = at.changes.cashed.setdefault(fact.bet_id, Sold())
        sold.stake_minor += fact.stake_minor
        sold.paid_minor += fact.amount_minor
        sold.status = over
    else:
        bet[STAKE] = (bet[STAKE] or 0) + fact.stake_minor
        bet[PAID] = (bet[PAID] or 0) + fact.amount_minor
        bet[STATUS] = over or bet[STATUS]
    post(at, fact.transfers, None)
    at.changes.cash_outs.append(
        (
            fact.quote_id,
            fact.bet_id,
            fact.customer_id,
            fact.stake_minor,
            fact.amount_minor,
            fact.running_minor,
            fact.by_rule,
            at.seq,
            at.at_us,
        )
    )


CASH_OUTS: Final[dict[type, Callable[[Folding, Any], None]]] = {CashedOut: _cashed_out}
