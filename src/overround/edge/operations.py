"""The operator's commands, each one row: an address, a body, and the book's command that they become.

The same rows make `POST /v1/operator/commands`, where the path's parameters stand in the body, beside `command` and
`key`.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import UNSET

from overround.book.machine.commands import (
    AddSelections,
    ChangeMarket,
    CloseMarket,
    Command,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    EndEvent,
    FeedHeartbeat,
    HandOverMarket,
    MoveFunds,
    OpenWallet,
    RecordEventResult,
    RecordResult,
    RescheduleEvent,
    ResumeEvent,
    ResumeMarket,
    SetHouseTerms,
    SetMoment,
    SetPlayerTerms,
    SetPrices,
    SilenceFeed,
    StartEvent,
    SuspendEvent,
    SuspendMarket,
    WithdrawSelection,
)
from overround.edge.bodies import (
    BECOMES,
    ONE_OF,
    Body,
    CompetitionAsked,
    EventAsked,
    EventResultBody,
    FeedBody,
    Fields,
    FundsBody,
    HouseTermsBody,
    MarketAsked,
    MarketResultBody,
    MarketTermsBody,
    MomentBody,
    Nothing,
    PlayerTermsBody,
    PricesBody,
    ReasonBody,
    SelectionsBody,
    SportAsked,
    StartsBody,
    WalletBody,
    WithdrawalBody,
    as_it_is,
    house_terms,
)
from overround.edge.problems import Problem


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `shows` is the name under which the reply has the id of what was made or changed; "" for none."""

    method: str
    path: str
    command: type[Command]
    doc: str
    tag: str
    body: type[Body] = Nothing
    shows: str = ""
    build: Callable[[Fields], Command] | None = None
    problems: tuple[str, ...] = ()
    example: Fields = {}
    in_path: Fields = {}

    def asked(self, body: Body, path: Fields) -> Command:
        """The command for a body and the path's parameters. Raises Problem: body_invalid."""
        fields = dict(path)
        for name in body.__struct_fields__:
            value = getattr(body, name)
            if value is UNSET:
                continue
            becomes, convert = BECOMES.get(name, (name, as_it_is))
            if becomes in fields and becomes in ONE_OF:
                raise Problem("body_invalid", f"only one of {ONE_OF[becomes]}")
            fields[becomes] = convert(value)
        for name in self.command.__struct_fields__:
            if name in ONE_OF and name not in fields:
                raise Problem("body_invalid", f"one of {ONE_OF[name]} is needed")
        return self.build(fields) if self.build is not None else self.command(**fields)


MARKET: Final = {"market_id": 7}
EVENT: Final = {"event_id": 3}
CUSTOMER: Final = {"customer_id": 42}
RESULT: Final = ("result_invalid", "certainty_invalid", "result_unchanged")

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="customers/{customer_id:int}/wallets",
        command=OpenWallet,
        body=WalletBody,
        shows="customer_id",
        tag="customers",
        doc="Open a wallet in one more currency.",
        problems=("currency_unknown", "customer_not_found", "wallet_exists"),
        example={"currency": "GBP"},
        in_path=CUSTOMER,
    ),
    Operation(
        method="POST",
        path="customers/{customer_id:int}/funds",
        command=MoveFunds,
        body=FundsBody,
        shows="customer_id",
        tag="customers",
        doc="Credit or debit a customer's cash, with a reason.",
        problems=("wallet_not_found", "amount_invalid", "insufficient_funds", "note_invalid"),
        example={"currency": "EUR", "amount_minor": 10_000, "note": "bank transfer 118"},
        in_path=CUSTOMER,
    ),
    Operation(
        method="PUT",
        path="customers/{customer_id:int}/terms",
        command=SetPlayerTerms,
        body=PlayerTermsBody,
        shows="customer_id",
        tag="customers",
        doc="Limit one customer's stakes and payouts.",
        problems=("wallet_not_found", "terms_invalid"),
        example={"currency": "EUR", "max_stake_minor": 5_000, "max_payout_minor": 100_000},
        in_path=CUSTOMER,
    ),
    Operation(
        method="PUT",
        path="terms/{currency}",
        command=SetHouseTerms,
        body=HouseTermsBody,
        build=house_terms,
        tag="house",
        doc="Set what the house takes in a currency. Fields left out go back to their defaults.",
        problems=("currency_unknown", "terms_invalid"),
        example={"min_stake_minor": 10, "max_stake_minor": 1_000_000},
        in_path={"currency": "EUR"},
    ),
    Operation(
        method="POST",
        path="sports",
        command=CreateSport,
        body=SportAsked,
        shows="sport_id",
        tag="catalogue",
        doc="Create a sport.",
        problems=("name_invalid",),
        example={"name": "Football"},
    ),
    Operation(
        method="POST",
        path="competitions",
        command=CreateCompetition,
        body=CompetitionAsked,
        shows="competition_id",
        tag="catalogue",
        doc="Create a competition of a sport.",
        problems=("name_invalid", "sport_not_found"),
        example={"sport_id": 1, "name": "Premier League"},
    ),
    Operation(
        method="POST",
        path="events",
        command=CreateEvent,
        body=EventAsked,
        shows="event_id",
        tag="catalogue",
        doc="Create an event of a competition.",
        problems=("name_invalid", "competition_not_found", "starts_at_invalid"),
        example={"competition_id": 1, "name": "Ayr – Dundee", "starts_at": "2026-11-28T15:00:00Z"},
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/reschedule",
        command=RescheduleEvent,
        body=StartsBody,
        shows="event_id",
        tag="events",
        doc="Move an event that has not begun.",
        problems=("event_not_found", "event_status", "starts_at_invalid"),
        example={"starts_at": "2026-11-29T15:00:00Z"},
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/start",
        command=StartEvent,
        shows="event_id",
        tag="events",
        doc="The off. Markets that are not offered in play close; the others are suspended until resumed.",
        problems=("event_not_found", "event_status"),
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/end",
        command=EndEvent,
        shows="event_id",
        tag="events",
        doc="Full time: every market that is still open closes.",
        problems=("event_not_found", "event_status"),
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/suspend",
        command=SuspendEvent,
        body=ReasonBody,
        shows="event_id",
        tag="events",
        doc="Suspend every open market of an event.",
        problems=("event_not_found", "name_invalid"),
        example={"reason": "goal"},
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/resume",
        command=ResumeEvent,
        shows="event_id",
        tag="events",
        doc="Resume every suspended market of an event.",
        problems=("event_not_found",),
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/moment",
        command=SetMoment,
        body=MomentBody,
        shows="event_id",
        tag="events",
        doc="Say what a game is at: markets may have another in-play delay for it.",
        problems=("event_not_found", "event_status"),
        example={"moment": "danger"},
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="events/{event_id:int}/result",
        command=RecordEventResult,
        body=EventResultBody,
        shows="event_id",
        tag="events",
        doc="One result for every market of an event whose rule reads it; the event ends and its bets are settled. "
        "A second result corrects the first.",
        problems=("event_not_found", *RESULT),
        example={"score": {"home": 2, "away": 1}},
        in_path=EVENT,
    ),
    Operation(
        method="POST",
        path="markets",
        command=CreateMarket,
        body=MarketAsked,
        shows="market_id",
        tag="catalogue",
        doc="Create a market of an event. It takes bets once it is resumed.",
        problems=(
            "event_not_found",
            "event_status",
            "too_many_markets",
            "market_type_unknown",
            "specifiers_invalid",
            "selections_invalid",
            "price_invalid",
            "delay_invalid",
            "liability_invalid",
            "market_terms_invalid",
            "feed_invalid",
        ),
        example={"event_id": 3, "type": "1x2", "prices_milli": [2_100, 3_400, 3_750]},
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/prices",
        command=SetPrices,
        body=PricesBody,
        shows="market_id",
        tag="markets",
        doc="Set prices of some selections.",
        problems=("market_not_found", "market_status", "selection_not_found", "selection_withdrawn", "price_invalid"),
        example={"prices": [{"selection_id": 1, "price_milli": 2_150}]},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/suspend",
        command=SuspendMarket,
        body=ReasonBody,
        shows="market_id",
        tag="markets",
        doc="Suspend a market.",
        problems=("market_not_found", "market_status", "name_invalid"),
        example={"reason": "team news"},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/resume",
        command=ResumeMarket,
        shows="market_id",
        tag="markets",
        doc="Open a market, or confirm that its prices stand.",
        problems=("market_not_found", "market_status"),
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/close",
        command=CloseMarket,
        shows="market_id",
        tag="markets",
        doc="Close a market for good.",
        problems=("market_not_found", "market_status"),
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/change",
        command=ChangeMarket,
        body=MarketTermsBody,
        shows="market_id",
        tag="markets",
        doc="Change a market's in-play delay, its liability limit and its terms.",
        problems=("market_not_found", "delay_invalid", "liability_invalid", "market_terms_invalid"),
        example={"delay_ms": 5_000, "liability_minor": 0},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/selections",
        command=AddSelections,
        body=SelectionsBody,
        shows="market_id",
        tag="markets",
        doc="Add selections to a market whose type brings its own; their ids follow.",
        problems=("market_not_found", "market_status", "selections_invalid", "price_invalid"),
        example={"selections": ["3-7"], "prices_milli": [21_000]},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/withdraw",
        command=WithdrawSelection,
        body=WithdrawalBody,
        shows="market_id",
        tag="markets",
        doc="A runner is out: bets on it are void, the market is suspended, and where Rule 4 holds, bets struck before "
        "bear its deduction.",
        problems=("market_not_found", "market_status", "selection_not_found", "selection_withdrawn", "price_invalid"),
        example={"selection_id": 4, "price_milli": 4_000},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/result",
        command=RecordResult,
        body=MarketResultBody,
        shows="market_id",
        tag="markets",
        doc="A market's result: its bets are settled. A second result corrects the first.",
        problems=("market_not_found", "market_status", *RESULT),
        example={"winners": [4]},
        in_path=MARKET,
    ),
    Operation(
        method="POST",
        path="feeds/{feed}/heartbeat",
        command=FeedHeartbeat,
        tag="house",
        doc="A feed says that it is alive. One that is silent for 20 seconds has its markets suspended.",
        problems=("feed_invalid",),
        in_path={"feed": "odds-one"},
    ),
    Operation(
        method="POST",
        path="feeds/{feed}/silence",
        command=SilenceFeed,
        tag="house",
        doc="A feed is known to be down: its markets take no bets, at once, until it is heard and has spoken of each.",
        problems=("feed_invalid",),
        in_path={"feed": "odds-one"},
    ),
    Operation(
        method="POST",
        path="markets/{market_id:int}/feed",
        command=HandOverMarket,
        body=FeedBody,
        shows="market_id",
        tag="markets",
        doc="Another feed keeps the market from now on.",
        problems=("market_not_found", "feed_invalid"),
        example={"feed": "odds-two"},
        in_path=MARKET,
    ),
)
