"""What a customer asks about themselves: balance, statement, own bets, limits and exclusions."""

from typing import Annotated

import msgspec
from msgspec import Meta

from overround.book.bets import BetStatus
from overround.book.limits import LimitKind
from overround.book.machine import Balances, Done, LimitsNow
from overround.book.machine.commands import Command, CoolOff, GetBalances, GetLimits, SelfExclude, SetLimit
from overround.edge.asking import Asker, unexpected
from overround.edge.problems import Problem
from overround.edge.reading import BetItem, Reading, bet_item
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Currency, Id, Limit, Natural, at_text, at_text_or_none
from overround.kernel.instant import DAY_US
from overround.projections import DEFAULT_PAGE, Line

EXPLAINED = {
    "deposit": "Deposit",
    "withdrawal": "Withdrawal",
    "stake": "Stake of bet {}",
    "stake_returned": "Stake of bet {} returned",
    "stake_lost": "Stake of bet {} lost",
    "winnings": "Winnings of bet {}",
    "rollback_stake_returned": "Correction: returned stake of bet {} taken back",
    "rollback_stake_lost": "Correction: lost stake of bet {} undone",
    "rollback_winnings": "Correction: winnings of bet {} taken back",
    "bonus_released": "A bonus, its wagering done",
    "cash_out": "Cash-out of bet {}",
    "cash_out_gain": "Cash-out of bet {}, beyond its stake",
    "debt_advanced": "Advanced for the correction of bet {}; to be repaid",
    "debt_recovered": "Repayment of an advance",
}


class BalanceItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One wallet in minor units. `available_minor` is cash less what is held; `owed_minor` is what was advanced."""

    currency: str
    account_id: int
    cash_minor: int
    available_minor: int
    held_minor: int
    bonus_minor: int
    owed_minor: int


class BalanceBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A customer's wallets, as they are now."""

    customer_id: int
    wallets: tuple[BalanceItem, ...]
    seq: int


class StatementItem(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A movement of a customer's cash, explained, with the balance after it. Above zero came in, below went out."""

    seq: int
    at: AtText
    amount_minor: int
    reason: str
    balance_minor: int
    text: str
    bet_id: int | None = None
    note: str | None = None


class StatementPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[StatementItem]
    next_cursor: str | None


class BetPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Newest first. `next_cursor` leads to what is older, null at the end."""

    items: list[BetItem]
    next_cursor: str | None


class StatementQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `currency`, the wallet that was opened first."""

    currency: Currency | None = None
    cursor: str | None = None
    limit: Limit = DEFAULT_PAGE
    min_seq: Natural = 0


class BetsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    status: BetStatus | None = None
    market_id: Id | None = None
    cursor: str | None = None
    limit: Limit = DEFAULT_PAGE
    min_seq: Natural = 0


class LimitItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit as it holds now; `room_minor` is what it leaves. A looser one waits until `pending_at`."""

    currency: str
    kind: LimitKind
    amount_minor: int | None
    room_minor: int | None
    pending_minor: int | None
    pending_at: str | None


class LimitsBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    customer_id: int
    cooling_until: str | None
    excluded_until: str | None
    limits: list[LimitItem]
    seq: int


class LimitBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """null takes the limit away. Tighter holds at once, looser after 24 hours."""

    currency: Currency
    amount_minor: Natural | None


class DaysBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    days: Annotated[int, Meta(ge=1, le=10_000)]


class SeqBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Done; `seq` is the fact that says so."""

    seq: int


class Wallet:
    """The handlers."""

    def __init__(self, asker: Asker, reading: Reading) -> None:
        self._asker, self._reading = asker, reading

    async def balance(self, call: Call) -> Reply:
        return Reply(200, await self.balance_of(call.customer_id))

    async def balance_of(self, customer_id: int) -> BalanceBody:
        answer = await self._asker.ask(GetBalances(customer_id), actor=customer_id)
        if not isinstance(answer, Balances):
            raise unexpected(answer)
        return balance_body(answer)

    async def bets(self, call: Call) -> Reply:
        query = call.query
        page = await self._reading.ask(
            lambda reads: reads.bets(
                customer_id=call.customer_id,
                status=query.status,
                market_id=query.market_id,
                cursor=query.cursor,
                limit=query.limit,
            ),
            min_seq=query.min_seq,
        )
        return Reply(200, BetPage(items=[bet_item(row) for row in page.rows], next_cursor=page.next))

    async def statement(self, call: Call) -> Reply:
        query = call.query
        account_id = await self._cash_account(call.customer_id, query.currency, query.min_seq)
        page = await self._reading.ask(
            lambda reads: reads.statement(account_id, cursor=query.cursor, limit=query.limit)
        )
        return Reply(200, StatementPage(items=[_line(row) for row in page.rows], next_cursor=page.next))

    async def _cash_account(self, customer_id: int, currency: str | None, min_seq: int) -> int:
        accounts = await self._reading.ask(lambda reads: reads.accounts(customer_id), min_seq=min_seq)
        for account in accounts:
            if account.kind == "cash" and currency in (None, account.currency):
                return account.id
        raise Problem("wallet_not_found")

    async def limits(self, call: Call) -> Reply:
        customer_id = call.customer_id
        answer = await self._asker.ask(GetLimits(customer_id), actor=customer_id)
        if not isinstance(answer, LimitsNow):
            raise unexpected(answer)
        return Reply(200, limits_body(answer))

    async def set_limit(self, call: Call) -> Reply:
        try:
            kind = LimitKind(call.text("kind"))
        except ValueError:
            raise Problem("limit_invalid", "kinds: " + ", ".join(LimitKind)) from None
        body = call.body
        return await self._done(SetLimit(call.customer_id, body.currency, kind, body.amount_minor), call)

    async def cool_off(self, call: Call) -> Reply:
        return await self._done(CoolOff(call.customer_id, call.body.days * DAY_US), call)

    async def self_exclude(self, call: Call) -> Reply:
        return await self._done(SelfExclude(call.customer_id, call.body.days * DAY_US), call)

    async def _done(self, command: Command, call: Call) -> Reply:
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        return Reply(200, SeqBody(seq=answer.seq))


def balance_body(answer: Balances) -> BalanceBody:
    wallets = tuple(
        BalanceItem(
            currency=wallet.currency,
            account_id=wallet.account_id,
            cash_minor=wallet.cash_minor,
            available_minor=wallet.available_minor,
            held_minor=wallet.held_minor,
            bonus_minor=wallet.bonus_minor,
            owed_minor=wallet.owed_minor,
        )
        for wallet in answer.wallets
    )
    return BalanceBody(customer_id=answer.customer_id, wallets=wallets, seq=answer.seq)


def limits_body(answer: LimitsNow) -> LimitsBody:
    rows = [
        LimitItem(
            currency=row.currency,
            kind=row.limit,
            amount_minor=row.amount_minor,
            room_minor=row.room_minor,
            pending_minor=row.pending_minor,
            pending_at=at_text_or_none(row.pending_at_us),
        )
        for row in answer.limits
    ]
    return LimitsBody(
        customer_id=answer.customer_id,
        cooling_until=at_text_or_none(answer.cooling_until_us),
        excluded_until=at_text_or_none(answer.excluded_until_us),
        limits=rows,
        seq=answer.seq,
    )


def _line(row: Line) -> StatementItem:
    return StatementItem(
        seq=row.seq,
        at=at_text(row.at_us),
        amount_minor=row.amount_minor,
        reason=row.reason,
        balance_minor=row.balance_minor,
        text=EXPLAINED.get(row.reason, row.reason).format(row.bet_id),
        bet_id=row.bet_id or None,
        note=row.note,
    )
