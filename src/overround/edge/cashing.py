"""Cashing bets out: what one is worth, a quote, its taking, and the standing rule of a bet."""

from typing import Annotated

import msgspec
from msgspec import Meta

from overround.book.machine import CashOutAnswer, CashOutValue, Done, QuoteAnswer
from overround.book.machine.cash_commands import (
    QuoteCashOut,
    RemoveCashOutRule,
    SetCashOutRule,
    TakeCashOut,
    ValueCashOut,
)
from overround.edge.asking import Asker, unexpected
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Id, at_text, at_text_or_none
from overround.edge.wallet import SeqBody

Portion = Annotated[int, Meta(ge=1, le=10_000, description="Of what runs of the bet, in hundredths of a per cent")]


class QuoteBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """How much of a bet: all of it, or a portion."""

    portion_bps: Portion = 10_000


class TakeBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    quote_id: Id


class RuleBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Cash a portion out by itself as soon as that pays `at_least_minor`."""

    at_least_minor: Id
    portion_bps: Portion = 10_000


class ValueQuery(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    portion_bps: Portion = 10_000


class Quoted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`stake_minor` of the bet may be cashed out for `amount_minor` until `expires_at`."""

    quote_id: int
    bet_id: int
    portion_bps: int
    stake_minor: int
    amount_minor: int
    expires_at: AtText
    seq: int


class CashedOutBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It was paid. `running_minor` of the stake runs on; at 0 the bet is over."""

    quote_id: int
    bet_id: int
    stake_minor: int
    amount_minor: int
    running_minor: int
    seq: int


class CashOutWaits(CashedOutBody, frozen=True, kw_only=True, gc=False):
    """It is checked again, whole, at `decide_at`; nothing has moved."""

    decide_at: AtText


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet's standing rule."""

    at_least_minor: int
    portion_bps: int


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What it would pay now; nothing is promised. Where it cannot be had `amount_minor` is 0, and `code` (with `why`)
    says what is in the way. `decide_at` is when what waits is decided."""

    bet_id: int
    running_minor: int
    stake_minor: int
    amount_minor: int
    code: str | None
    why: str | None
    rule: Standing | None
    decide_at: AtText | None
    seq: int


class Cashing:
    """The handlers."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def value(self, call: Call) -> Reply:
        query = ValueCashOut(call.customer_id, call.number("bet_id"), call.query.portion_bps)
        answer = await self._asker.ask(query, actor=call.customer_id)
        if not isinstance(answer, CashOutValue):
            raise unexpected(answer)
        why = answer.detail.get("why")
        body = Value(
            bet_id=answer.bet_id,
            running_minor=answer.running_minor,
            stake_minor=answer.stake_minor,
            amount_minor=answer.amount_minor,
            code=answer.code or None,
            why=str(why) if why is not None else None,
            rule=Standing(at_least_minor=answer.at_least_minor, portion_bps=answer.portion_bps)
            if answer.at_least_minor
            else None,
            decide_at=at_text_or_none(answer.decide_at_us),
            seq=answer.seq,
        )
        return Reply(200, body)

    async def quote(self, call: Call) -> Reply:
        portion_bps = call.body.portion_bps if call.body is not None else QuoteBody().portion_bps
        command = QuoteCashOut(call.customer_id, call.number("bet_id"), portion_bps)
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if not isinstance(answer, QuoteAnswer):
            raise unexpected(answer)
        body = Quoted(
            quote_id=answer.quote_id,
            bet_id=answer.bet_id,
            portion_bps=answer.portion_bps,
            stake_minor=answer.stake_minor,
            amount_minor=answer.amount_minor,
            expires_at=at_text(answer.expires_at_us),
            seq=answer.seq,
        )
        return Reply(201, body)

    async def take(self, call: Call) -> Reply:
        command = TakeCashOut(call.customer_id, call.body.quote_id)
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if not isinstance(answer, CashOutAnswer):
            raise unexpected(answer)
        told = {name: getattr(answer, name) for name in CashedOutBody.__struct_fields__}
        if answer.decide_at_us:
            return Reply(202, CashOutWaits(**told, decide_at=at_text(answer.decide_at_us)))
        return Reply(201, CashedOutBody(**told))

    async def set_rule(self, call: Call) -> Reply:
        body = call.body
        command = SetCashOutRule(call.customer_id, call.number("bet_id"), body.at_least_minor, body.portion_bps)
        return await self._done(call, command)

    async def remove_rule(self, call: Call) -> Reply:
        return await self._done(call, RemoveCashOutRule(call.customer_id, call.number("bet_id")))

    async def _done(self, call: Call, command: SetCashOutRule | RemoveCashOutRule) -> Reply:
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        return Reply(200, SeqBody(seq=answer.seq))
