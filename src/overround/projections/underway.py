"""A batch of facts under way through the fold, and what several folds do alike."""

from typing import Final

import msgspec

from overround.book.catalogue import Market
from overround.book.ledger import Account, AccountKind, Transfer
from overround.kernel.fact import Cause, Fact
from overround.projections.actions import action
from overround.projections.changes import Changes, Known

NOBODY: Final = Cause(0, "00000000-0000-0000-0000-000000000000", 0)


class Folding(msgspec.Struct):
    """A batch under way: what is known, what changed, and the place and instant of the fact in hand."""

    known: Known
    changes: Changes
    seq: int = 0
    at_us: int = 0


def act(at: Folding, fact: Fact) -> None:
    """Somebody's decision about the house."""
    at.changes.actions.append(action(fact, seq=at.seq, at_us=at.at_us))


def market_changed(at: Folding, market: Market, before: int) -> None:
    """A market is another one where its version rose."""
    at.changes.markets.add(market.id)
    if market.version != before:
        at.changes.statuses.append((market.id, at.seq, at.at_us, market.status, market.reason, market.version))


def post(at: Folding, transfers: tuple[Transfer, ...], note: str | None) -> None:
    """Move money, a row a transfer."""
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


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
