"""Placing bets, one or many, and finding one: asked of the book itself, so always as it is now."""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from overround.book.bets import BetStatus, OddsChange, Outcome, TicketBet
from overround.book.ledger import StakeKind
from overround.book.machine import Answer, BetAnswer, BetFound
from overround.book.machine.commands import FindBet, PlaceBet
from overround.edge.asking import Asker, is_archived, unexpected
from overround.edge.problems import refusal
from overround.edge.routes import Call, Reply
from overround.edge.slips import SlipShown, slip_shown
from overround.edge.values import AtText, Currency, Id, KeyText, Natural, Whole, at_text, at_text_or_none
from overround.kernel.refusal import Refused

if TYPE_CHECKING:
    from overround.edge.archived import Archived

MAX_BETS_PER_BATCH: Final = 200


class BetBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A bet: a stake on a selection at a price that was seen. `market_version` of 0 asks for no version."""

    market_id: Id
    selection_id: Id
    stake_minor: Whole
    currency: Currency
    price_milli: Whole
    odds_change: OddsChange = OddsChange.NONE
    market_version: Natural = 0


class KeyedBet(BetBody, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A bet of a batch, with its own key."""

    key: KeyText


class BetsBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Up to 200 bets, each decided by itself."""

    bets: Annotated[tuple[KeyedBet, ...], Meta(min_length=1, max_length=MAX_BETS_PER_BATCH)]


class Placed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet that stands. `price_milli` is the price really taken."""

    bet_id: int
    status: BetStatus
    stake_minor: int
    price_milli: int
    placed_at: AtText
    seq: int


class Delayed(Placed, frozen=True, kw_only=True, gc=False):
    """A bet that waits for its in-play delay; it is checked again, whole, at `decide_at`."""

    decide_at: AtText


class BatchResult(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One bet's fate: `open` or `delayed` with its numbers, or `refused` with the code of a problem. `unknown` (code
    `outcome_unknown`) asks to be sent again with the same key."""

    key: str
    status: str
    bet_id: int | None = None
    price_milli: int | None = None
    stake_minor: int | None = None
    decide_at: str | None = None
    seq: int | None = None
    code: str | None = None
    detail: dict[str, int | str] | None = None


class BatchResults(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """In the order of the request."""

    results: list[BatchResult]


class Bet(msgspec.Struct, frozen=True, kw_only=True):
    """A bet as it is. `payout_minor` includes the stake returned.

    A plain single names its selection itself. A bet of a ticket has 0 there, and `slip`; `stake_kind` says whose money
    it is. What was cashed out is the part of the stake that is gone and what was paid for it.
    """

    bet_id: int
    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    placed_at: AtText
    status: BetStatus
    outcome: Outcome | None
    payout_minor: int
    seq: int
    ticket_id: int | None = None
    stake_kind: StakeKind = StakeKind.CASH
    decide_at: str | None = None
    cashed_stake_minor: int = 0
    cashed_paid_minor: int = 0
    slip: SlipShown | None = None


class Betting:
    """The handlers."""

    def __init__(self, asker: Asker, archived: "Archived") -> None:
        self._asker, self._archived = asker, archived

    async def place(self, call: Call) -> Reply:
        body = call.body
        command = PlaceBet(
            call.customer_id,
            body.market_id,
            body.selection_id,
            body.currency,
            body.stake_minor,
            body.price_milli,
            body.odds_change,
            body.market_version,
        )
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if type(answer) is not BetAnswer:
            raise unexpected(answer)
        return _placed(answer)

    async def place_batch(self, call: Call) -> Reply:
        customer_id = call.customer_id
        commands = [
            (
                PlaceBet(
                    customer_id,
                    bet.market_id,
                    bet.selection_id,
                    bet.currency,
                    bet.stake_minor,
                    bet.price_milli,
                    bet.odds_change,
                    bet.market_version,
                ),
                bet.key,
            )
            for bet in call.body.bets
        ]
        answers = await self._asker.ask_many(commands, actor=call.actor)
        results = [_result(key, answer) for (_, key), answer in zip(commands, answers, strict=True)]
        return Reply(200, BatchResults(results=results))

    async def find(self, call: Call) -> Reply:
        return await self._find(FindBet(call.customer_id, bet_id=call.number("bet_id")))

    async def find_by_key(self, call: Call) -> Reply:
        return await self._find(FindBet(call.customer_id, key=call.text("key")))

    async def _find(self, query: FindBet) -> Reply:
        """What left the book is in the tables."""
        answer = await self._asker.ask(query, actor=query.customer_id)
        if is_archived(answer):
            return Reply(200, await self._archived.bet(query.customer_id, query.bet_id, query.key))
        if not isinstance(answer, BetFound):
            raise unexpected(answer)
        return Reply(200, bet_of(answer))


def _placed(answer: BetAnswer) -> Reply:
    if answer.status is BetStatus.DELAYED:
        delayed = Delayed(
            bet_id=answer.bet_id,
            status=answer.status,
            stake_minor=answer.stake_minor,
            price_milli=answer.price_milli,
            placed_at=at_text(answer.placed_at_us),
            decide_at=at_text(answer.decide_at_us),
            seq=answer.seq,
        )
        return Reply(202, delayed)
    placed = Placed(
        bet_id=answer.bet_id,
        status=answer.status,
        stake_minor=answer.stake_minor,
        price_milli=answer.price_milli,
        placed_at=at_text(answer.placed_at_us),
        seq=answer.seq,
    )
    return Reply(201, placed)


def _result(key: str, answer: Answer | None) -> BatchResult:
    if type(answer) is BetAnswer:
        return BatchResult(
            key=key,
            status=answer.status.value,
            bet_id=answer.bet_id,
            price_milli=answer.price_milli,
            stake_minor=answer.stake_minor,
            decide_at=at_text_or_none(answer.decide_at_us),
            seq=answer.seq,
        )
    if isinstance(answer, Refused):
        return BatchResult(key=key, status="refused", code=refusal(answer).code, detail=answer.detail or None)
    return BatchResult(key=key, status="unknown", code="outcome_unknown")


def bet_of(found: BetFound) -> Bet:
    return Bet(
        bet_id=found.bet_id,
        customer_id=found.customer_id,
        market_id=found.market_id,
        selection_id=found.selection_id,
        currency=found.currency,
        stake_minor=found.stake_minor,
        price_milli=found.price_milli,
        placed_at=at_text(found.placed_at_us),
        status=found.status,
        outcome=found.outcome,
        payout_minor=found.payout_minor,
        seq=found.seq,
        ticket_id=found.ticket.id if found.ticket is not None else None,
        stake_kind=found.ticket.stake_kind if found.ticket is not None else StakeKind.CASH,
        decide_at=at_text_or_none(found.decide_at_us),
        cashed_stake_minor=found.cashed.stake_minor if found.cashed is not None else 0,
        cashed_paid_minor=found.cashed.paid_minor if found.cashed is not None else 0,
        slip=slip_shown(TicketBet(found.bet_id, found.slip, found.potential_minor)) if found.slip is not None else None,
    )
