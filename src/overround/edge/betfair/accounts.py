"""The accounts API: funds, details, statement, currency rates, application keys.

A customer is nobody here: names are not told, and the words that a client's account page would need (points, region)
are constants. Money is of the wallet that was opened first.
"""

from enum import StrEnum
from typing import Any, Final, Protocol

from overround.book.machine import Balances
from overround.book.machine.answers import Balance
from overround.book.machine.commands import GetBalances
from overround.edge.asking import Asker, unexpected
from overround.edge.betfair.bettingparams import TimeRange
from overround.edge.betfair.calls import Ask
from overround.edge.betfair.faults import Code, Fault
from overround.edge.betfair.figures import date, micros, size
from overround.edge.betfair.values import Amount, Count, Name, Params, Shape, StrictParams
from overround.edge.problems import Problem
from overround.edge.reading import Reading
from overround.edge.sessions import Sessions
from overround.identity import AppKeys
from overround.kernel.money import MINOR_DIGITS
from overround.projections import Line

MAX_STATEMENT: Final = 100
"""Items in one answer of the statement, as on Betfair."""

MAX_RECORDS_DEEP: Final = 10_000
MAX_REMEMBERED: Final = 100_000
STATEMENT_PAGE: Final = 200
VERSION: Final = "1.0"


class Wallet(StrEnum):
    UK = "UK"
    AUSTRALIAN = "AUSTRALIAN"


class IncludeItem(StrEnum):
    ALL = "ALL"
    DEPOSITS_WITHDRAWALS = "DEPOSITS_WITHDRAWALS"
    EXCHANGE = "EXCHANGE"
    POKER_ROOM = "POKER_ROOM"


PAYMENTS: Final = ("deposit", "withdrawal")


class NoParams(Params, frozen=True):
    pass


class FundsParams(Params, frozen=True):
    wallet: Wallet | None = None


class StatementParams(Params, frozen=True):
    locale: Name | None = None
    from_record: Count | None = None
    record_count: Count | None = None
    item_date_range: TimeRange | None = None
    include_item: IncludeItem | None = None
    wallet: Wallet | None = None


class RatesParams(Params, frozen=True):
    from_currency: Name | None = None


class AppKeysParams(StrictParams, frozen=True, kw_only=True):
    app_name: Name


class TransferParams(StrictParams, frozen=True, kw_only=True):
    from_: Wallet | None = None
    to: Wallet | None = None
    amount: Amount | None = None


class Funds(Shape, frozen=True, omit_defaults=False):
    """`exposure` is what is held, below zero; an order is taken as long as cash covers it, so that is the limit."""

    available_to_bet_balance: float
    exposure: float
    retained_commission: float
    exposure_limit: float
    discount_rate: float
    points_balance: int
    wallet: str


class Details(Shape, frozen=True, omit_defaults=False):
    currency_code: str
    first_name: str
    last_name: str
    locale_code: str
    region: str
    timezone: str
    discount_rate: float
    points_balance: int
    country_code: str


class Rate(Shape, frozen=True, omit_defaults=False):
    currency_code: str
    rate: float


class Statement(Shape, frozen=True, omit_defaults=False):
    account_statement: list[dict[str, Any]]
    more_available: bool


class Terms(Protocol):
    """What the exchange knows of a customer and of currencies."""

    def discount_bp(self, customer_id: int) -> int: ...

    def rates(self, currency: str) -> dict[str, float]:
        """What one unit of a currency is in each other that has a rate."""

    def expected(self, customer_id: int) -> int:
        """The last sequence that a customer was told of."""


class Accounts:
    """The handlers."""

    def __init__(self, asker: Asker, reading: Reading, sessions: Sessions, terms: Terms) -> None:
        self._asker, self._reading, self._sessions, self._terms = asker, reading, sessions, terms
        self._currencies: dict[int, str] = {}

    async def wallet(self, customer_id: int) -> Balance:
        """The wallet opened first. Raises Problem: customer_not_found, overloaded, outcome_unknown."""
        return (await self._balances(customer_id)).wallets[0]

    async def _balances(self, customer_id: int) -> Balances:
        answer = await self._asker.ask(GetBalances(customer_id), actor=customer_id)
        if not isinstance(answer, Balances):
            raise unexpected(answer)
        if not answer.wallets:
            raise Problem("wallet_not_found")
        return answer

    async def currency_of(self, customer_id: int) -> str:
        """The currency of that wallet; it never changes, so it is asked once. Raises Problem as `wallet` does."""
        known = self._currencies.get(customer_id)
        if known is None:
            known = (await self.wallet(customer_id)).currency
            if len(self._currencies) >= MAX_REMEMBERED:
                del self._currencies[next(iter(self._currencies))]
            self._currencies[customer_id] = known
        return known

    async def funds(self, ask: Ask) -> Funds:
        wallet = await self.wallet(ask.customer_id)
        digits = MINOR_DIGITS[wallet.currency]
        return Funds(
            available_to_bet_balance=size(wallet.available_minor, digits),
            exposure=size(-wallet.held_minor, digits),
            retained_commission=0.0,
            exposure_limit=size(-wallet.cash_minor, digits),
            discount_rate=self._terms.discount_bp(ask.customer_id) / 100,
            points_balance=0,
            wallet=Wallet.UK.value,
        )

    async def details(self, ask: Ask) -> Details:
        wallet = await self.wallet(ask.customer_id)
        return Details(
            currency_code=wallet.currency,
            first_name="",
            last_name="",
            locale_code="en",
            region="GBR",
            timezone="GMT",
            discount_rate=self._terms.discount_bp(ask.customer_id) / 100,
            points_balance=0,
            country_code="GB",
        )

    async def statement(self, ask: Ask) -> Statement:
        asked: StatementParams = ask.params
        first, count = asked.from_record or 0, min(asked.record_count or MAX_STATEMENT, MAX_STATEMENT)
        if first > MAX_RECORDS_DEEP:
            raise Fault(Code.INVALID_INPUT_DATA, f"fromRecord is at most {MAX_RECORDS_DEEP}")
        balances = await self._balances(ask.customer_id)
        wallet, told = balances.wallets[0], max(balances.seq, self._terms.expected(ask.customer_id))
        lines = await self._lines(wallet.account_id, asked, first + count + 1, min_seq=told)
        digits = MINOR_DIGITS[wallet.currency]
        return Statement(
            account_statement=[_item(line, digits) for line in lines[first : first + count]],
            more_available=len(lines) > first + count,
        )

    async def _lines(self, account_id: int, asked: StatementParams, wanted: int, *, min_seq: int) -> list[Line]:
        """The newest lines that were asked for, at least `wanted` where there are as many."""
        kept: list[Line] = []
        cursor: str | None = None
        for _ in range(2 * MAX_RECORDS_DEEP // STATEMENT_PAGE):
            page = await self._reading.ask(
                lambda reads, cursor=cursor: reads.statement(account_id, cursor=cursor, limit=STATEMENT_PAGE),  # type: ignore[misc]  # bound now
                min_seq=min_seq,
            )
            kept += [line for line in page.rows if _is_asked(line, asked)]
            cursor = page.next
            if cursor is None or len(kept) >= wanted:
                break
        return kept

    async def rates(self, ask: Ask) -> list[Rate]:
        currency = ask.params.from_currency or "GBP"
        return [Rate(currency_code=code, rate=rate) for code, rate in sorted(self._terms.rates(currency).items())]

    async def app_keys(self, ask: Ask) -> list[dict[str, Any]]:
        keys = await self._sessions.app_keys(ask.customer_id)
        return [_app(keys)] if keys is not None else []

    async def make_app_keys(self, ask: Ask) -> dict[str, Any]:
        if await self._sessions.app_keys(ask.customer_id) is not None:
            raise Fault(Code.APP_KEY_CREATION_FAILED, "a customer has one pair of keys, and this one has it")
        try:
            return _app(await self._sessions.make_app_keys(ask.customer_id, ask.params.app_name))
        except Problem as problem:
            if problem.code != "name_invalid":
                raise
            raise Fault(Code.INVALID_INPUT_DATA, "appName is 1 to 100 printable characters") from None

    async def transfer(self, ask: Ask) -> None:  # noqa: ARG002  # as every handler
        raise Fault(Code.WALLET_TRANSFER_ERROR, "there is one wallet here, for the sportsbook and the exchange")


def _is_asked(line: Line, asked: StatementParams) -> bool:
    wanted, between = asked.include_item or IncludeItem.ALL, asked.item_date_range
    is_payment = line.reason in PAYMENTS
    if wanted is IncludeItem.POKER_ROOM or (
        wanted is not IncludeItem.ALL and is_payment != (wanted == "DEPOSITS_WITHDRAWALS")
    ):
        return False
    if between is None:
        return True
    after = between.from_ is None or line.at_us >= micros(between.from_)
    return after and (between.to is None or line.at_us <= micros(between.to))


def _item(line: Line, digits: int) -> dict[str, Any]:
    """A line of the statement. `legacyData` is there because clients read it; most of it says nothing."""
    is_payment = line.reason in PAYMENTS
    outcome = "RESULT_NOT_APPLICABLE" if is_payment else "RESULT_WON" if line.amount_minor > 0 else "RESULT_LOST"
    return {
        "refId": str(line.bet_id or line.seq),
        "itemDate": date(line.at_us),
        "amount": size(line.amount_minor, digits),
        "balance": size(line.balance_minor, digits),
        "itemClass": "UNKNOWN",
        "itemClassData": {"unknownStatementItem": line.note or line.reason},
        "legacyData": {
            "avgPrice": 0.0,
            "betSize": 0.0,
            "betType": "",
            "betCategoryType": "NONE" if is_payment else "E",
            "commissionRate": "0",
            "eventId": 0,
            "eventTypeId": 0,
            "fullMarketName": line.note or line.reason,
            "grossBetAmount": 0.0,
            "marketName": line.reason,
            "marketType": "NOT_APPLICABLE",
            "placedDate": date(line.at_us),
            "selectionId": 0,
            "startDate": date(line.at_us),
            "transactionType": "ACCOUNT_CREDIT" if line.amount_minor > 0 else "ACCOUNT_DEBIT",
            "transactionId": line.seq,
            "winLose": outcome,
        },
    }


def _app(keys: AppKeys) -> dict[str, Any]:
    versions = [(keys.live, False, 1), (keys.delayed, True, 2)]
    return {
        "appName": keys.name,
        "appId": keys.customer_id,
        "appVersions": [
            {
                "owner": str(keys.customer_id),
                "versionId": 2 * keys.customer_id + number,
                "version": VERSION if not is_delayed else f"{VERSION}-DELAY",
                "applicationKey": key,
                "delayData": is_delayed,
                "subscriptionRequired": False,
                "ownerManaged": False,
                "active": True,
            }
            for key, is_delayed, number in versions
        ],
    }
