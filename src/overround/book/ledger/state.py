"""Every balance of the house, and how facts change them."""

import msgspec

from overround.book.ledger.events import CurrencyOpened, CustomerOpened, ExchangeAccountOpened, WalletOpened
from overround.book.ledger.types import Account, AccountKind, HouseAccounts, Transfer, Wallet


class LedgerBroken(Exception):
    """A fact would break an invariant of the ledger: the process stops and the journal is looked at."""


class LedgerState(msgspec.Struct):
    """`accounts` is the truth; `wallets` (by customer and currency) and `house` (by currency) point into it."""

    accounts: dict[int, Account] = {}
    wallets: dict[tuple[int, str], Wallet] = {}
    house: dict[str, HouseAccounts] = {}
    customers: int = 0

    def next_account_id(self) -> int:
        return len(self.accounts) + 1


def open_currency(state: LedgerState, fact: CurrencyOpened) -> None:
    state.house[fact.currency] = HouseAccounts(
        open_stakes=_open(state, fact.open_stakes, 0, AccountKind.OPEN_STAKES, fact.currency),
        trading=_open(state, fact.trading, 0, AccountKind.TRADING, fact.currency),
        clearing=_open(state, fact.clearing, 0, AccountKind.CLEARING, fact.currency),
    )


def open_exchange(state: LedgerState, fact: ExchangeAccountOpened) -> None:
    account = _open(state, fact.exchange, 0, AccountKind.EXCHANGE, fact.currency)
    state.house[fact.currency] = msgspec.structs.replace(state.house[fact.currency], exchange=account)


def open_customer(state: LedgerState, fact: CustomerOpened) -> None:
    state.customers = fact.customer_id


def open_wallet(state: LedgerState, fact: WalletOpened) -> None:
    owner, currency = fact.customer_id, fact.currency
    state.wallets[owner, currency] = Wallet(
        cash=_open(state, fact.cash, owner, AccountKind.CASH, currency),
        bonus=_open(state, fact.bonus, owner, AccountKind.BONUS, currency),
        debt=_open(state, fact.debt, owner, AccountKind.DEBT, currency),
    )


def _open(state: LedgerState, id: int, owner: int, kind: AccountKind, currency: str) -> Account:
    account = state.accounts[id] = Account(id=id, owner=owner, kind=kind, currency=currency)
    return account


def post(state: LedgerState, transfers: tuple[Transfer, ...]) -> None:
    """Move the money. Raises LedgerBroken rather than let a customer's cash or bonus go below zero."""
    accounts = state.accounts
    for transfer in transfers:
        debit, credit = accounts[transfer.debit], accounts[transfer.credit]
        debit.balance_minor -= transfer.amount_minor
        credit.balance_minor += transfer.amount_minor
        if debit.balance_minor < debit.held_minor and debit.kind in SOLVENT:
            raise LedgerBroken(f"account {debit.id} would be at {debit.balance_minor}")


SOLVENT = frozenset({AccountKind.CASH, AccountKind.BONUS})


def hold(state: LedgerState, *, account_id: int, amount_minor: int) -> None:
    """Set money aside (above zero) or let it go (below zero)."""
    account = state.accounts[account_id]
    account.held_minor += amount_minor
    if not 0 <= account.held_minor <= account.balance_minor:
        raise LedgerBroken(f"account {account.id} would hold {account.held_minor} of {account.balance_minor}")


def sums_minor(state: LedgerState) -> dict[str, int]:
    """The sum over all accounts of each currency. Every one is zero, always."""
    sums: dict[str, int] = {}
    for account in state.accounts.values():
        sums[account.currency] = sums.get(account.currency, 0) + account.balance_minor
    return sums
