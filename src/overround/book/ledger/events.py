"""What the ledger tells the rest of the house."""

from overround.book.ledger.types import Transfer
from overround.kernel.fact import Fact


class Posting(Fact, frozen=True, kw_only=True):
    """A fact that moves money. Whatever its kind, these transfers are the whole of its effect on balances."""

    transfers: tuple[Transfer, ...] = ()


class CurrencyOpened(Fact, frozen=True, kw_only=True, tag="currency_opened"):
    """The house takes a currency: its own accounts, by id."""

    currency: str
    open_stakes: int
    trading: int
    clearing: int


class CustomerOpened(Fact, frozen=True, kw_only=True, tag="customer_opened"):
    """A customer exists. Only the id is known here; who it is stays in `identity`."""

    customer_id: int


class WalletOpened(Fact, frozen=True, kw_only=True, tag="wallet_opened"):
    """A customer has accounts in a currency, by id."""

    customer_id: int
    currency: str
    cash: int
    bonus: int
    debt: int


class FundsMoved(Posting, frozen=True, kw_only=True, tag="funds_moved"):
    """Money came in from, or went out to, a provider. `note` says why, with no personal data."""

    customer_id: int
    currency: str
    amount_minor: int
    note: str


class ExchangeAccountOpened(Fact, frozen=True, kw_only=True, tag="exchange_account_opened"):
    """The house's account through which settlements of exchange markets go, in one currency, by id."""

    currency: str
    exchange: int
