"""The operator's commands for the exchange, as rows like those of `operations`."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from overround.book.exchange import (
    Betting,
    ExchangeResult,
    MarketTerms,
    Minimums,
    NumberResult,
    RunnersResult,
    RunnerTerms,
    Share,
    VoidResult,
)
from overround.book.machine import exchange_commands as commands
from overround.book.machine.command import Command
from overround.edge.bodies import Body, Fields, ReasonBody, StartsBody
from overround.edge.operations import Operation
from overround.edge.values import Currency, Id, Moment, Natural, Text, Whole
from overround.kernel.ladder import Ladder, LadderKind

TAG: Final = "exchange"
MILLI_US: Final = 1_000
EXCHANGE_MARKET: Final = {"market_id": 7}
STATUS: Final = ("invalid_market_id", "market_archived", "market_status")


class RunnerBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A runner by the number that it has everywhere; `factor_bp` is how likely it is thought, in basis points."""

    selection_id: Id
    name: Text
    handicap_quarters: Whole = 0
    factor_bp: Natural = 0


class LadderBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """`low`, `high` and `step`, in thousandths, are of line_range alone."""

    kind: LadderKind = LadderKind.CLASSIC
    low: Whole = 0
    high: Whole = 0
    step: Natural = 0


class ExchangeMarketAsked(Body, frozen=True, kw_only=True):
    """A market of the exchange, inactive at birth. What is left out is as in a match odds market that does not turn in
    play; `starts_at` is the event's."""

    event_id: Id
    name: Text
    runners: Annotated[tuple[RunnerBody, ...], Meta(min_length=1, max_length=200)]
    market_type: Text = "MATCH_ODDS"
    betting: Betting = Betting.ODDS
    currency: Currency = "GBP"
    number_of_winners: Natural = 1
    each_way_divisor: Natural = 0
    ladder: LadderBody = LadderBody()
    bsp: bool = False
    turn_in_play: bool = False
    persistence: bool = True
    crossing: bool = False
    bet_delay_ms: Natural = 0
    passive: bool = False
    base_rate_bp: Natural = 500
    discount_allowed: bool = True
    starts_at: Moment | UnsetType = UNSET
    runners_voidable: bool = False
    regulators: Annotated[tuple[Text, ...], Meta(max_length=10)] = ()
    venue: Text = ""
    race_type: Text = ""
    country: Text = "GB"
    timezone: Text = "Europe/London"
    line_unit: Text = ""


class BetDelayBody(Body, frozen=True):
    """With `passive`, only orders that would match at once wait."""

    bet_delay_ms: Natural
    passive: bool = False


class RunnerRemovedBody(Body, frozen=True):
    """`factor_bp` is by how much the prices of the others are reduced, in basis points."""

    selection_id: Id
    factor_bp: Natural
    handicap_quarters: Whole = 0


class RunnerBackBody(Body, frozen=True):
    selection_id: Id
    handicap_quarters: Whole = 0


class ShareBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A runner by its place in the market, from 0; in a dead heat it has `places` of what `tied` runners share."""

    runner: Natural
    places: Natural = 1
    tied: Natural = 1


class RunnersBody(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag_field="kind", tag="runners"
):
    """Winners; each-way also all that are placed, winners too."""

    winners: Annotated[tuple[ShareBody, ...], Meta(max_length=200)]
    placed: Annotated[tuple[ShareBody, ...], Meta(max_length=200)] = ()


class NumberBody(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag_field="kind", tag="number"
):
    """Home goals less away goals; of a line, the number in thousandths."""

    number: Whole


class VoidBody(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag_field="kind", tag="void"
):
    """Every match is off."""

    note: Text


class ExchangeResultBody(Body, frozen=True):
    result: RunnersBody | NumberBody | VoidBody


class RateBody(Body, frozen=True):
    """`minor` of the currency are worth `book_minor` of GBP."""

    minor: Id
    book_minor: Id


class MinimumsBody(Body, frozen=True):
    """The smallest orders, in minor units; a smaller size is taken where its payout is `payout_minor`."""

    size_minor: Natural = 100
    payout_minor: Natural = 1_000
    sp_back_minor: Natural = 100
    sp_lay_minor: Natural = 1_000


class DiscountBody(Body, frozen=True):
    """How much less commission the customer pays, in basis points of it."""

    discount_bp: Natural


def create(fields: Fields) -> Command:
    event_id, runners, ladder = fields.pop("event_id"), fields.pop("runners"), fields.pop("ladder")
    terms = MarketTerms(
        winners=fields.pop("number_of_winners"),
        ladder=Ladder(ladder.kind, ladder.low, ladder.high, ladder.step),
        bet_delay_us=fields.pop("bet_delay_ms") * MILLI_US,
        **fields,
    )
    made = tuple(RunnerTerms(each.selection_id, each.name, each.handicap_quarters, each.factor_bp) for each in runners)
    return commands.CreateExchangeMarket(event_id, terms, made)


def change_delay(fields: Fields) -> Command:
    return commands.ChangeBetDelay(fields["market_id"], fields["bet_delay_ms"] * MILLI_US, fields["passive"])


def record(fields: Fields) -> Command:
    return commands.RecordExchangeResult(fields["market_id"], _result(fields["result"]))


def _result(body: RunnersBody | NumberBody | VoidBody) -> ExchangeResult:
    match body:
        case RunnersBody():
            return RunnersResult(_shares(body.winners), _shares(body.placed))
        case NumberBody():
            return NumberResult(body.number)
        case VoidBody():
            return VoidResult(body.note)


def _shares(bodies: tuple[ShareBody, ...]) -> tuple[Share, ...]:
    return tuple(Share(each.runner, each.places, each.tied) for each in bodies)


def set_minimums(fields: Fields) -> Command:
    return commands.SetMinimums(fields.pop("currency"), Minimums(**fields))


def _market(path: str, command: type[Command], doc: str, **more: Any) -> Operation:
    """A row about one market."""
    return Operation(
        method="POST",
        path=f"exchange/markets/{{market_id:int}}/{path}",
        command=command,
        shows="market_id",
        tag=TAG,
        doc=doc,
        in_path=EXCHANGE_MARKET,
        **more,
    )


EXCHANGE: Final = (
    Operation(
        method="POST",
        path="exchange/markets",
        command=commands.CreateExchangeMarket,
        body=ExchangeMarketAsked,
        build=create,
        shows="market_id",
        tag=TAG,
        doc="Make an exchange market of an event. It takes no orders until it is opened.",
        problems=(
            "event_not_found",
            "event_archived",
            "exchange_full",
            "exchange_terms_invalid",
            "runners_invalid",
            "currency_unknown",
        ),
        example={
            "event_id": 3,
            "name": "Match Odds",
            "turn_in_play": True,
            "bet_delay_ms": 5_000,
            "runners": [{"selection_id": 1, "name": "Ayr"}, {"selection_id": 2, "name": "Dundee"}],
        },
    ),
    _market("open", commands.OpenExchangeMarket, "Take orders, from now on or again.", problems=STATUS),
    _market(
        "suspend",
        commands.SuspendExchangeMarket,
        "Take no orders for now. What waits for its in-play delay lapses.",
        body=ReasonBody,
        problems=(*STATUS, "name_invalid"),
        example={"reason": "goal"},
    ),
    _market(
        "turn-in-play",
        commands.TurnInPlay,
        "The off: suspended, the starting price is made, what does not persist lapses. Open it again.",
        problems=(*STATUS, "not_in_play_market"),
    ),
    _market(
        "reconcile-start",
        commands.ReconcileStart,
        "The off of a market that does not turn in play: suspended, and the starting price is made.",
        problems=(*STATUS, "market_not_open_for_bsp_betting"),
    ),
    _market(
        "bet-delay",
        commands.ChangeBetDelay,
        "Another in-play delay; what waits for the old one lapses.",
        body=BetDelayBody,
        build=change_delay,
        problems=(*STATUS, "delay_invalid"),
        example={"bet_delay_ms": 8_000},
    ),
    _market(
        "reschedule",
        commands.RescheduleExchangeMarket,
        "Move the start of a market that is not closed; `starts_at_us` of 0 is whenever its event starts.",
        body=StartsBody,
        problems=(*STATUS, "starts_at_invalid"),
        example={"starts_at": "2026-11-29T15:00:00Z"},
    ),
    _market(
        "remove-runner",
        commands.RemoveRunner,
        "A runner is out: its bets are void, and the prices of the others are reduced.",
        body=RunnerRemovedBody,
        problems=(*STATUS, "invalid_runner", "runner_removed", "factor_invalid"),
        example={"selection_id": 2, "factor_bp": 1_250},
    ),
    _market(
        "reinstate-runner",
        commands.ReinstateRunner,
        "A runner that was removed is back. Its bets stay void, and the prices of the others reduced.",
        body=RunnerBackBody,
        problems=(*STATUS, "invalid_runner", "runner_not_removed"),
        example={"selection_id": 2},
    ),
    _market(
        "result",
        commands.RecordExchangeResult,
        "A market's result, or its correction: it closes and is settled.",
        body=ExchangeResultBody,
        build=record,
        problems=(*STATUS, "result_invalid", "result_unchanged"),
        example={"result": {"kind": "runners", "winners": [{"runner": 0}]}},
    ),
    Operation(
        method="PUT",
        path="exchange/rates/{currency}",
        command=commands.SetCurrencyRate,
        body=RateBody,
        tag=TAG,
        doc="What a currency is worth; positions opened from now on have it.",
        problems=("rate_invalid", "currency_unknown"),
        example={"minor": 117, "book_minor": 100},
        in_path={"currency": "EUR"},
    ),
    Operation(
        method="PUT",
        path="exchange/minimums/{currency}",
        command=commands.SetMinimums,
        body=MinimumsBody,
        build=set_minimums,
        tag=TAG,
        doc="The smallest orders of a currency.",
        problems=("minimums_invalid", "currency_unknown"),
        example={"size_minor": 200},
        in_path={"currency": "EUR"},
    ),
    Operation(
        method="PUT",
        path="customers/{customer_id:int}/exchange-discount",
        command=commands.SetDiscount,
        body=DiscountBody,
        shows="customer_id",
        tag=TAG,
        doc="A customer's discount on commission.",
        problems=("customer_not_found", "discount_invalid"),
        example={"discount_bp": 2_000},
        in_path={"customer_id": 42},
    ),
)
"""Beside what customers do in the dialect."""
