"""What a ledger is made of: accounts, transfers between two of them, and the accounts that belong together."""

from enum import StrEnum
from typing import Final

import msgspec


class AccountKind(StrEnum):
    """What an account is for. The first three belong to a customer, the others to the house."""

    CASH = "cash"
    BONUS = "bonus"
    DEBT = "debt"
    OPEN_STAKES = "open_stakes"
    TRADING = "trading"
    CLEARING = "clearing"
    EXCHANGE = "exchange"


class Reason(StrEnum):
    """Why money moved: every line of a statement carries one."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    STAKE = "stake"
    STAKE_RETURNED = "stake_returned"
    STAKE_LOST = "stake_lost"
    BONUS_GRANTED = "bonus_granted"
    BONUS_RELEASED = "bonus_released"
    BONUS_EXPIRED = "bonus_expired"
    CASH_OUT = "cash_out"
    CASH_OUT_GAIN = "cash_out_gain"
    CASH_OUT_LOSS = "cash_out_loss"
    FREE_STAKE = "free_stake"
    FREE_STAKE_SPENT = "free_stake_spent"
    WINNINGS = "winnings"
    ROLLBACK_STAKE_RETURNED = "rollback_stake_returned"
    ROLLBACK_STAKE_LOST = "rollback_stake_lost"
    ROLLBACK_WINNINGS = "rollback_winnings"
    ROLLBACK_FREE_STAKE_SPENT = "rollback_free_stake_spent"
    DEBT_ADVANCED = "debt_advanced"
    DEBT_RECOVERED = "debt_recovered"
    EXCHANGE_LOSS = "exchange_loss"
    EXCHANGE_WINNINGS = "exchange_winnings"
    COMMISSION = "commission"
    ROLLBACK_EXCHANGE_LOSS = "rollback_exchange_loss"
    ROLLBACK_EXCHANGE_WINNINGS = "rollback_exchange_winnings"
    ROLLBACK_COMMISSION = "rollback_commission"
    EXCHANGE_RESIDUE = "exchange_residue"


class StakeKind(StrEnum):
    """Whose money a stake is: the customer's cash, a free bet (the house's, and not returned), or the customer's bonus,
    to which what it wins goes back."""

    CASH = "cash"
    FREE_BET = "free_bet"
    BONUS = "bonus"


BONUS: Final = StakeKind.BONUS


class Account(msgspec.Struct, array_like=True, gc=False):
    """One balance. `held_minor` is set aside for a decision under way and cannot be spent."""

    id: int
    owner: int
    kind: AccountKind
    currency: str
    balance_minor: int = 0
    held_minor: int = 0

    @property
    def available_minor(self) -> int:
        return self.balance_minor - self.held_minor


class Transfer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`amount_minor` (above zero) leaves `debit` and reaches `credit`. `ref` is the bet it is about, or 0."""

    debit: int
    credit: int
    amount_minor: int
    reason: Reason
    ref: int = 0


class Wallet(msgspec.Struct, frozen=True, gc=False):
    """A customer's accounts of one currency. Bonus money is kept apart; debt is what the customer owes, below zero."""

    cash: Account
    bonus: Account
    debt: Account

    def account(self, kind: StakeKind) -> Account:
        """Where a bet of this kind pays, and whence its stake comes unless the house gives it."""
        return self.bonus if kind is BONUS else self.cash


class HouseAccounts(msgspec.Struct, frozen=True, gc=False):
    """The house's accounts of one currency.

    `open_stakes` holds the stakes of undecided bets, `trading` is the house's profit, and `clearing` mirrors
    the money that providers hold for us: it is below zero by what customers have put in. Through `exchange` go the
    settlements of exchange markets; it is there once the currency has one, and at zero between settlements.
    """

    open_stakes: Account
    trading: Account
    clearing: Account
    exchange: Account | None = None
