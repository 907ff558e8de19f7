"""The ledger owns every balance. Nothing else in the house may say how much anyone has.

Invariants: per currency all balances sum to zero; a customer's cash and bonus never go below zero nor below
what is held on them; money moves only by the transfers of a `Posting`.
"""

from overround.book.ledger.events import (
    CurrencyOpened,
    CustomerOpened,
    ExchangeAccountOpened,
    FundsMoved,
    Posting,
    WalletOpened,
)
from overround.book.ledger.rules import (
    Refusal,
    cash_out,
    exchange_resettle,
    expire_bonus,
    grant_bonus,
    move,
    move_refusal,
    recover,
    release_bonus,
    resettle,
    residue,
    settle,
    stake,
)
from overround.book.ledger.state import (
    LedgerBroken,
    LedgerState,
    hold,
    open_currency,
    open_customer,
    open_exchange,
    open_wallet,
    post,
    sums_minor,
)
from overround.book.ledger.types import Account, AccountKind, HouseAccounts, Reason, StakeKind, Transfer, Wallet

__all__ = [
    "Account",
    "AccountKind",
    "CurrencyOpened",
    "CustomerOpened",
    "ExchangeAccountOpened",
    "FundsMoved",
    "HouseAccounts",
    "LedgerBroken",
    "LedgerState",
    "Posting",
    "Reason",
    "Refusal",
    "StakeKind",
    "Transfer",
    "Wallet",
    "WalletOpened",
    "cash_out",
    "exchange_resettle",
    "expire_bonus",
    "grant_bonus",
    "hold",
    "move",
    "move_refusal",
    "open_currency",
    "open_customer",
    "open_exchange",
    "open_wallet",
    "post",
    "recover",
    "release_bonus",
    "resettle",
    "residue",
    "settle",
    "stake",
    "sums_minor",
]
