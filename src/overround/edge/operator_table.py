"""The operations for operators and feeds, beside those of `table`."""

from collections.abc import Iterator
from typing import Any

from overround.book.machine import CORRECTIONS
from overround.edge import controls, exchange_listing, listing, operating, previews, sessions, wallet
from overround.edge.access import Need
from overround.edge.bodies import MarketResultBody
from overround.edge.catalogue import SeqQuery
from overround.edge.controls import Controls
from overround.edge.desk import ALL_OPERATIONS
from overround.edge.examples import KEY, WALLETS
from overround.edge.exchange_listing import ExchangeListing
from overround.edge.listing import Listing
from overround.edge.operating import Operating
from overround.edge.previews import Previews
from overround.edge.routes import MAX_BATCH_BYTES, Example, Handler, Route
from overround.edge.sessions import Sessions


def operators(own: Operating, issuing: Sessions) -> Iterator[Route]:
    """What operators and feeds do."""
    yield Route(
        method="POST",
        path="/v1/operator/customers",
        name="open_customer",
        doc="Open a customer with a wallet and, where a username and password are given, a login.",
        tag="operator: customers",
        handler=own.open_customer,
        need=Need.OPERATOR,
        keyed=True,
        body=operating.CustomerAsked,
        replies={201: operating.CustomerMade},
        problems=(
            "currency_unknown",
            "username_taken",
            "username_invalid",
            "password_invalid",
            "login_exists",
            "locked_out",
            "too_busy",
            "unavailable",
        ),
        example=Example(
            path="/v1/operator/customers",
            body={"currency": "EUR", "username": "alice", "password": "correct horse"},
            reply={"customer_id": 42, "account_id": 4, "seq": 5_000},
        ),
    )
    token_problems = ("scopes_invalid", "name_invalid", "too_many_tokens", "unavailable")
    for path, name, doc, handler, body, actor in (
        (
            "/v1/operator/customers/{customer_id:int}/tokens",
            "issue_customer_token",
            "Issue a token that speaks for a customer.",
            issuing.issue_for_customer,
            sessions.TokenAsked,
            42,
        ),
        (
            "/v1/operator/tokens",
            "issue_token",
            "Issue a token for an operator or a feed: one more, or one that is there.",
            issuing.issue_for_operator,
            sessions.OperatorTokenAsked,
            -3,
        ),
    ):
        yield Route(
            method="POST",
            path=path,
            name=name,
            doc=doc,
            tag="operator: tokens",
            handler=handler,
            need=Need.OPERATOR,
            body=body,
            replies={201: sessions.TokenBody},
            problems=token_problems,
            example=Example(
                path=path.replace("{customer_id:int}", "42"),
                body={"name": "odds feed"},
                reply={"token": "ovr_…", "token_id": 13, "actor": actor},
            ),
        )
    yield Route(
        method="DELETE",
        path="/v1/operator/tokens/{token_id:int}",
        name="revoke_token",
        doc="Revoke a token. Every gateway forgets it at once.",
        tag="operator: tokens",
        handler=issuing.revoke,
        need=Need.OPERATOR,
        replies={204: None},
        problems=("token_not_found", "unavailable"),
        example=Example(path="/v1/operator/tokens/13"),
    )
    for operation in ALL_OPERATIONS:
        created = operation.method == "POST" and "{" not in operation.path
        path = "/v1/operator/" + operation.path
        filled = path
        for name, value in operation.in_path.items():
            filled = filled.replace(f"{{{name}:int}}", str(value)).replace(f"{{{name}}}", str(value))
        yield Route(
            method=operation.method,
            path=path,
            name=_snake(operation.command.__name__),
            doc=operation.doc,
            tag=f"operator: {operation.tag}",
            handler=own.handler(operation),
            need=Need.OPERATOR,
            keyed=True,
            body=operation.body,
            body_optional=not operation.example,
            replies={
                201 if created else 200: operating.DoneBody,
                **({202: operating.ProposedBody} if operation.command in CORRECTIONS else {}),
            },
            problems=operation.problems,
            example=Example(path=filled, body=operation.example or None),
        )
    yield Route(
        method="POST",
        path="/v1/operator/commands",
        name="commands",
        doc="Up to 200 commands in one request, for feeds: each as its own address takes it, with the path's "
        "parameters, `command` and `key` in the body.",
        tag="operator: house",
        handler=own.commands,
        need=Need.OPERATOR,
        body=operating.CommandsBody,
        max_body_bytes=MAX_BATCH_BYTES,
        replies={200: operating.CommandResults},
        example=Example(
            path="/v1/operator/commands",
            body={
                "commands": [
                    {
                        "command": "SetPrices",
                        "key": KEY,
                        "market_id": 7,
                        "prices": [{"selection_id": 1, "price_milli": 2_200}],
                    }
                ]
            },
            reply={"results": [{"key": KEY, "status": "done", "id": 7, "seq": 5_130}]},
        ),
    )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def lists(own: Listing, exchange: ExchangeListing) -> Iterator[Route]:
    """What operators look at."""

    def row(path: str, name: str, doc: str, handler: Handler, reply: Any, **more: Any) -> Route:
        return Route(
            method="GET",
            path=f"/v1/operator/{path}",
            name=name,
            doc=doc,
            tag="operator: lists",
            handler=handler,
            need=Need.OPERATOR_READ,
            replies={200: reply},
            **more,
        )

    paged = ("cursor_invalid", "projection_behind", "unavailable")
    for path, name, doc, handler, reply, query in (
        ("customers", "customers", "All customers.", own.customers, listing.CustomerPage, listing.CustomersQuery),
        ("bets", "bets", "All bets.", own.bets, wallet.BetPage, listing.AllBetsQuery),
        (
            "transfers",
            "transfers",
            "All movements of money.",
            own.transfers,
            listing.TransferPage,
            listing.TransfersQuery,
        ),
        (
            "refusals",
            "refusals",
            "Requests that were refused.",
            own.refusals,
            listing.RefusalPage,
            listing.RefusalsQuery,
        ),
        ("markets", "markets", "All markets.", own.markets, listing.MarketPage, listing.MarketsQuery),
        (
            "exchange/orders",
            "exchange_orders",
            "Every order there ever was on the exchange.",
            exchange.orders,
            exchange_listing.OrderPage,
            exchange_listing.ExchangeQuery,
        ),
        (
            "exchange/trades",
            "exchange_trades",
            "Every match on the exchange.",
            exchange.trades,
            exchange_listing.TradePage,
            exchange_listing.ExchangeQuery,
        ),
    ):
        yield row(
            path,
            f"all_{name}",
            doc,
            handler,
            reply,
            query=query,
            problems=paged,
            example=Example(path=f"/v1/operator/{path}?limit=20"),
        )
    yield row(
        "customers/{customer_id:int}/balance",
        "customer_balance",
        "A customer's wallets, as they are now.",
        own.balance,
        wallet.BalanceBody,
        problems=("customer_not_found",),
        example=Example(path="/v1/operator/customers/42/balance", reply=WALLETS),
    )


def decided(own: Controls) -> Iterator[Route]:
    """What the trading desk decided."""
    for path, name, doc, handler, reply, query, problems in (
        (
            "controls",
            "controls",
            "What is suspended, which margins are set, and whether competitions need approval.",
            own.controls,
            controls.ControlsBody,
            SeqQuery,
            ("not_ready", "projection_behind"),
        ),
        (
            "markets/{market_id:int}/controls",
            "market_controls",
            "A market with every level that it lies in: suspensions, the margin that holds, prices set by hand.",
            own.market,
            controls.MarketControls,
            SeqQuery,
            ("not_ready", "projection_behind", "market_not_found"),
        ),
        (
            "actions",
            "actions",
            "What operators decided, each with what was before and after.",
            own.actions,
            controls.ActionPage,
            controls.ActionsQuery,
            ("cursor_invalid", "projection_behind", "unavailable"),
        ),
    ):
        yield Route(
            method="GET",
            path=f"/v1/operator/{path}",
            name=name,
            doc=doc,
            tag="operator: desk",
            handler=handler,
            need=Need.OPERATOR_READ,
            query=query,
            replies={200: reply},
            problems=problems,
            example=Example(path="/v1/operator/" + path.replace("{market_id:int}", "7")),
        )


def foreseen(own: Previews) -> Iterator[Route]:
    """What the trading desk looks at before it decides."""
    yield Route(
        method="POST",
        path="/v1/operator/markets/{market_id:int}/preview",
        name="preview_result",
        doc="What a result would pay, and for a correction what it would change. Nothing is recorded.",
        tag="operator: desk",
        handler=own.result,
        need=Need.OPERATOR_READ,
        body=MarketResultBody,
        replies={200: previews.PreviewBody},
        problems=("market_not_found", "market_archived", "market_status", "result_invalid"),
        example=Example(path="/v1/operator/markets/7/preview", body={"score": {"home": 2, "away": 1}}),
    )
    yield Route(
        method="GET",
        path="/v1/operator/events/{event_id:int}/field-sheet",
        name="field_sheet",
        doc="What the house wins and loses on each selection of some of an event's markets, and at each final score.",
        tag="operator: desk",
        handler=own.field_sheet,
        need=Need.OPERATOR_READ,
        query=previews.SheetQuery,
        replies={200: previews.SheetBody},
        problems=("event_not_found", "event_archived", "not_ready", "projection_behind"),
        example=Example(path="/v1/operator/events/3/field-sheet"),
    )
    yield Route(
        method="GET",
        path="/v1/operator/proposals",
        name="proposals",
        doc="Corrections that wait for a second operator.",
        tag="operator: desk",
        handler=own.proposals,
        need=Need.OPERATOR_READ,
        replies={200: previews.ProposalsBody},
        example=Example(path="/v1/operator/proposals"),
    )
