"""All operations of the gateway, in one table."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from overround.edge import betting, catalogue, health, sessions, wallet
from overround.edge.access import Need
from overround.edge.betting import Betting
from overround.edge.builders import Builders
from overround.edge.cash_table import cash_outs
from overround.edge.cashing import Cashing
from overround.edge.catalogue import Catalogue
from overround.edge.controls import Controls
from overround.edge.docs import Docs
from overround.edge.examples import AT, BET, BET_ITEM, KEY, PLACED, WALLETS
from overround.edge.exchange_listing import ExchangeListing
from overround.edge.grant_table import promotions
from overround.edge.grants import Grants
from overround.edge.health import Health
from overround.edge.listing import Listing
from overround.edge.operating import Operating
from overround.edge.operator_table import decided, foreseen, lists, operators
from overround.edge.previews import Previews
from overround.edge.referrals import Referrals
from overround.edge.routes import MAX_BATCH_BYTES, Example, Handler, Route
from overround.edge.sessions import Sessions
from overround.edge.ticket_table import own_tickets, referred
from overround.edge.tickets import Tickets
from overround.edge.wallet import Wallet
from overround.edge.workings import Workings

BET_PROBLEMS: Final = (
    "customer_not_found",
    "wallet_not_found",
    "self_excluded",
    "cooling_off",
    "stake_invalid",
    "price_invalid",
    "market_not_found",
    "market_archived",
    "market_closed",
    "market_suspended",
    "market_changed",
    "selection_not_found",
    "no_price",
    "price_changed",
    "stake_below_minimum",
    "stake_limit",
    "payout_limit",
    "market_liability",
    "house_liability",
    "limit_stake_day",
    "limit_stake_week",
    "limit_stake_month",
    "limit_loss_day",
    "limit_loss_week",
    "limit_loss_month",
    "insufficient_funds",
)


class Rooms(msgspec.Struct, frozen=True, kw_only=True):
    """All handlers."""

    betting: Betting
    cashing: Cashing
    grants: Grants
    wallet: Wallet
    sessions: Sessions
    catalogue: Catalogue
    operating: Operating
    listing: Listing
    exchange_listing: ExchangeListing
    controls: Controls
    previews: Previews
    tickets: Tickets
    builders: Builders
    workings: Workings
    referrals: Referrals
    health: Health
    docs: Docs


def routes(rooms: Rooms) -> list[Route]:
    """The table."""
    return [
        *_house(rooms),
        *_sessions(rooms.sessions),
        *_betting(rooms.betting),
        *cash_outs(rooms.cashing),
        *promotions(rooms.grants),
        *_wallet(rooms.wallet),
        *_catalogue(rooms.catalogue),
        *operators(rooms.operating, rooms.sessions),
        *lists(rooms.listing, rooms.exchange_listing),
        *decided(rooms.controls),
        *foreseen(rooms.previews),
        *own_tickets(rooms.tickets, rooms.builders, rooms.workings),
        *referred(rooms.referrals, rooms.workings),
    ]


def _house(rooms: Rooms) -> Iterator[Route]:
    def row(path: str, name: str, doc: str, handler: Handler, reply: Any, **more: Any) -> Route:
        return Route(
            method="GET", path=path, name=name, doc=doc, tag="house", handler=handler, replies={200: reply}, **more
        )

    own = rooms.health
    ready = ("not_ready",)
    yield row("/health/live", "is_live", "Whether the process lives.", own.is_live, health.HealthBody)
    yield row(
        "/health/ready",
        "is_ready",
        "Whether requests can be served: the live view is built, NATS is connected and a book answers.",
        own.is_ready,
        health.HealthBody,
        problems=ready,
    )
    yield row("/metrics", "metrics", "Numbers for Prometheus.", own.metrics, None, content_type="text/plain")
    yield row("/openapi.json", "openapi", "This API as an OpenAPI 3.1 document.", rooms.docs.openapi, dict)
    yield row("/docs", "docs", "This API as a page.", rooms.docs.page, None, content_type="text/html")


def _sessions(own: Sessions) -> Iterator[Route]:
    yield Route(
        method="POST",
        path="/v1/sessions",
        name="log_in",
        doc="Log in with a username and password. The token is good for 12 hours, or until it is logged out.",
        tag="sessions",
        handler=own.log_in,
        body=sessions.LoginBody,
        replies={201: sessions.SessionBody},
        problems=("credentials_wrong", "locked_out", "too_busy", "unavailable"),
        example=Example(
            path="/v1/sessions",
            body={"username": "alice", "password": "correct horse"},
            reply={"token": "ovr_…", "token_id": 12, "customer_id": 42, "expires_at": AT},
        ),
    )
    yield Route(
        method="DELETE",
        path="/v1/sessions/current",
        name="log_out",
        doc="Revoke the token that this request carries.",
        tag="sessions",
        handler=own.log_out,
        need=Need.SESSION,
        replies={204: None},
        problems=("token_not_found", "unavailable"),
        example=Example(path="/v1/sessions/current"),
    )


def _betting(own: Betting) -> Iterator[Route]:
    yield Route(
        method="POST",
        path="/v1/bets",
        name="place_bet",
        doc="Place a bet. 201 says that it stands and is durable; 202 that it waits for its in-play delay, after which "
        "it is checked again. The same key again gets the same answer.",
        tag="bets",
        handler=own.place,
        need=Need.CUSTOMER,
        keyed=True,
        body=betting.BetBody,
        replies={201: betting.Placed, 202: betting.Delayed},
        problems=BET_PROBLEMS,
        example=Example(path="/v1/bets", body=BET, reply=PLACED),
    )
    yield Route(
        method="POST",
        path="/v1/bets/batch",
        name="place_bets",
        doc="Place up to 200 bets, each with its own key and decided by itself.",
        tag="bets",
        handler=own.place_batch,
        need=Need.CUSTOMER,
        body=betting.BetsBody,
        max_body_bytes=MAX_BATCH_BYTES,
        replies={200: betting.BatchResults},
        example=Example(
            path="/v1/bets/batch",
            body={"bets": [{"key": KEY, **BET}]},
            reply={
                "results": [
                    {
                        "key": KEY,
                        "status": "open",
                        "bet_id": 901,
                        "price_milli": 2_150,
                        "stake_minor": 1_000,
                        "seq": 5_120,
                    }
                ]
            },
        ),
    )
    yield Route(
        method="GET",
        path="/v1/bets/{bet_id:int}",
        name="find_bet",
        doc="One of the customer's own bets, as it is now.",
        tag="bets",
        handler=own.find,
        need=Need.CUSTOMER_READ,
        replies={200: betting.Bet},
        problems=("bet_not_found",),
        example=Example(path="/v1/bets/901", reply=BET_ITEM),
    )
    yield Route(
        method="GET",
        path="/v1/bets/by-key/{key}",
        name="find_bet_by_key",
        doc="What became of a request to place a bet: the bet, or the problem with which it was refused.",
        tag="bets",
        handler=own.find_by_key,
        need=Need.CUSTOMER_READ,
        replies={200: betting.Bet},
        problems=("bet_not_found", "key_invalid", *BET_PROBLEMS),
        example=Example(path=f"/v1/bets/by-key/{KEY}", reply=BET_ITEM),
    )


def _wallet(own: Wallet) -> Iterator[Route]:
    def read(path: str, name: str, doc: str, handler: Handler, reply: Any, **more: Any) -> Route:
        return Route(
            method="GET",
            path=path,
            name=name,
            doc=doc,
            tag="account",
            handler=handler,
            need=Need.CUSTOMER_READ,
            replies={200: reply},
            **more,
        )

    def change(method: str, path: str, name: str, doc: str, handler: Handler, body: Any, **more: Any) -> Route:
        return Route(
            method=method,
            path=path,
            name=name,
            doc=doc,
            tag="account",
            handler=handler,
            need=Need.CUSTOMER,
            keyed=True,
            body=body,
            replies={200: wallet.SeqBody},
            **more,
        )

    table = ("cursor_invalid", "projection_behind", "unavailable")
    yield read(
        "/v1/bets",
        "own_bets",
        "The customer's own bets, newest first.",
        own.bets,
        wallet.BetPage,
        query=wallet.BetsQuery,
        problems=table,
        example=Example(path="/v1/bets?status=open&limit=20"),
    )
    yield read(
        "/v1/balance",
        "balance",
        "The customer's wallets, as they are now.",
        own.balance,
        wallet.BalanceBody,
        problems=("customer_not_found",),
        example=Example(path="/v1/balance", reply=WALLETS),
    )
    yield read(
        "/v1/statement",
        "statement",
        "Every movement of the customer's cash, explained, with the balance after it.",
        own.statement,
        wallet.StatementPage,
        query=wallet.StatementQuery,
        problems=("wallet_not_found", *table),
        example=Example(
            path="/v1/statement?currency=EUR",
            reply={
                "items": [
                    {
                        "seq": 5_120,
                        "at": AT,
                        "amount_minor": -1_000,
                        "reason": "stake",
                        "balance_minor": 9_000,
                        "text": "Stake of bet 901",
                        "bet_id": 901,
                    }
                ],
                "next_cursor": None,
            },
        ),
    )
    yield read(
        "/v1/limits",
        "limits",
        "The customer's own limits, what they leave, and exclusions.",
        own.limits,
        wallet.LimitsBody,
        problems=("customer_not_found",),
        example=Example(path="/v1/limits"),
    )
    yield change(
        "PUT",
        "/v1/limits/{kind}",
        "set_limit",
        "Set or take away a limit: stake_day, stake_week, stake_month, loss_day, loss_week or loss_month. Tighter "
        "holds at once, looser after 24 hours.",
        own.set_limit,
        wallet.LimitBody,
        problems=("wallet_not_found", "limit_invalid"),
        example=Example(
            path="/v1/limits/stake_week", body={"currency": "EUR", "amount_minor": 20_000}, reply={"seq": 5_121}
        ),
    )
    yield change(
        "POST",
        "/v1/cool-off",
        "cool_off",
        "Take no bets from the customer for 1 to 42 days.",
        own.cool_off,
        wallet.DaysBody,
        problems=("customer_not_found", "duration_invalid"),
        example=Example(path="/v1/cool-off", body={"days": 7}, reply={"seq": 5_122}),
    )
    yield change(
        "POST",
        "/v1/self-exclusion",
        "self_exclude",
        "Take no bets from the customer for 180 days to five years. It cannot be made shorter.",
        own.self_exclude,
        wallet.DaysBody,
        problems=("customer_not_found", "duration_invalid"),
        example=Example(path="/v1/self-exclusion", body={"days": 180}, reply={"seq": 5_123}),
    )


def _catalogue(own: Catalogue) -> Iterator[Route]:
    def row(path: str, name: str, doc: str, handler: Handler, reply: Any, **more: Any) -> Route:
        return Route(
            method="GET", path=path, name=name, doc=doc, tag="catalogue", handler=handler, replies={200: reply}, **more
        )

    paged = ("cursor_invalid", "not_ready", "projection_behind")
    yield row(
        "/v1/sports",
        "sports",
        "All sports.",
        own.sports,
        catalogue.SportPage,
        query=catalogue.ListQuery,
        problems=paged,
        example=Example(path="/v1/sports", reply={"items": [{"sport_id": 1, "name": "Football"}], "next_cursor": None}),
    )
    yield row(
        "/v1/competitions",
        "competitions",
        "Competitions, of one sport or all.",
        own.competitions,
        catalogue.CompetitionPage,
        query=catalogue.CompetitionsQuery,
        problems=paged,
        example=Example(path="/v1/competitions?sport_id=1"),
    )
    yield row(
        "/v1/events",
        "events",
        "Events by competition and status, newest first.",
        own.events,
        catalogue.EventPage,
        query=catalogue.EventsQuery,
        problems=paged,
        example=Example(path="/v1/events?status=in_play&limit=20"),
    )
    yield row(
        "/v1/events/{event_id:int}",
        "event",
        "An event with its markets and prices.",
        own.event,
        catalogue.EventWhole,
        query=catalogue.SeqQuery,
        problems=("event_not_found", "not_ready", "projection_behind"),
        example=Example(path="/v1/events/3"),
    )
    yield row(
        "/v1/markets/{market_id:int}",
        "market",
        "A market with its prices, as it is now.",
        own.market,
        catalogue.MarketBody,
        query=catalogue.SeqQuery,
        problems=("market_not_found", "not_ready", "projection_behind"),
        example=Example(
            path="/v1/markets/7",
            reply={
                "market_id": 7,
                "event_id": 3,
                "type": "1x2",
                "title": "Match result",
                "specifiers": {},
                "status": "open",
                "reason": "",
                "version": 2,
                "available": True,
                "in_play": False,
                "delay_ms": 0,
                "terms": {
                    "each_way": None,
                    "starting_prices": False,
                    "best_odds": False,
                    "rule_4": False,
                    "certainty": 2,
                    "moment_delays_ms": {},
                    "rule_set": "",
                },
                "selections": [
                    {"selection_id": 1, "name": "home", "price_milli": 2_150, "withdrawn": False},
                    {"selection_id": 2, "name": "draw", "price_milli": 3_400, "withdrawn": False},
                    {"selection_id": 3, "name": "away", "price_milli": 3_750, "withdrawn": False},
                ],
            },
        ),
    )
    yield row(
        "/v1/markets/{market_id:int}/prices",
        "prices",
        "The prices that a selection has had, newest first.",
        own.prices,
        catalogue.PricePage,
        query=catalogue.PricesQuery,
        problems=(
            "market_not_found",
            "selection_not_found",
            "cursor_invalid",
            "not_ready",
            "projection_behind",
            "unavailable",
        ),
        example=Example(path="/v1/markets/7/prices?selection_id=1"),
    )
