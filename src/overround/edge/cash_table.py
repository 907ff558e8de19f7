"""The operations of cashing out."""

from collections.abc import Iterator
from typing import Any, Final

from overround.edge import cashing, wallet
from overround.edge.access import Need
from overround.edge.cashing import Cashing
from overround.edge.examples import AT
from overround.edge.routes import Example, Handler, Route

WORTH: Final = (
    "bet_not_found",
    "bet_archived",
    "portion_invalid",
    "bet_not_open",
    "cash_out_under_way",
    "cash_out_unavailable",
)
TAKING: Final = ("quote_not_found", "quote_expired", "bet_archived", *WORTH[3:], "cash_out_changed")
QUOTED: Final = {"quote_id": 77, "bet_id": 901, "stake_minor": 1_000, "amount_minor": 1_266, "seq": 5_180}


def cash_outs(own: Cashing) -> Iterator[Route]:
    """What a customer may do about bets that run."""

    def change(method: str, path: str, name: str, doc: str, handler: Handler, **more: Any) -> Route:
        return Route(
            method=method,
            path=path,
            name=name,
            doc=doc,
            tag="cash-out",
            handler=handler,
            need=Need.CUSTOMER,
            keyed=True,
            **more,
        )

    yield Route(
        method="GET",
        path="/v1/bets/{bet_id:int}/cash-out",
        name="cash_out_value",
        doc="What a bet, or a portion of it, would be cashed out for now, with its standing rule. Nothing is promised.",
        tag="cash-out",
        handler=own.value,
        need=Need.CUSTOMER_READ,
        query=cashing.ValueQuery,
        replies={200: cashing.Value},
        problems=(
            "bet_not_found",
            "bet_archived",
        ),
        example=Example(path="/v1/bets/901/cash-out?portion_bps=5000"),
    )
    yield change(
        "POST",
        "/v1/bets/{bet_id:int}/cash-out-quotes",
        "quote_cash_out",
        "A quote for a bet or a portion of it. It holds ten seconds, and an earlier one for the bet is void.",
        own.quote,
        body=cashing.QuoteBody,
        body_optional=True,
        replies={201: cashing.Quoted},
        problems=(*WORTH, "too_many_quotes"),
        example=Example(
            path="/v1/bets/901/cash-out-quotes",
            body={"portion_bps": 10_000},
            reply={**QUOTED, "portion_bps": 10_000, "expires_at": AT},
        ),
    )
    yield change(
        "POST",
        "/v1/cash-outs",
        "take_cash_out",
        "Take a quote. 201 says that it was paid; 202 that it waits for its in-play delay, after which it is checked "
        "again. What was quoted is paid, or nothing.",
        own.take,
        body=cashing.TakeBody,
        replies={201: cashing.CashedOutBody, 202: cashing.CashOutWaits},
        problems=TAKING,
        example=Example(path="/v1/cash-outs", body={"quote_id": 77}, reply={**QUOTED, "running_minor": 0}),
    )
    yield change(
        "PUT",
        "/v1/bets/{bet_id:int}/cash-out-rule",
        "set_cash_out_rule",
        "Cash a bet, or a portion of it, out by itself as soon as that pays so much, also when nobody is logged in.",
        own.set_rule,
        body=cashing.RuleBody,
        replies={200: wallet.SeqBody},
        problems=(
            "bet_not_found",
            "bet_archived",
            "portion_invalid",
            "amount_invalid",
            "bet_not_open",
            "cash_out_unavailable",
            "too_many_cash_out_rules",
        ),
        example=Example(
            path="/v1/bets/901/cash-out-rule",
            body={"at_least_minor": 1_500, "portion_bps": 5_000},
            reply={"seq": 5_190},
        ),
    )
    yield change(
        "DELETE",
        "/v1/bets/{bet_id:int}/cash-out-rule",
        "remove_cash_out_rule",
        "Take a bet's standing rule back.",
        own.remove_rule,
        replies={200: wallet.SeqBody},
        problems=("bet_not_found", "bet_archived", "cash_out_rule_not_found"),
        example=Example(path="/v1/bets/901/cash-out-rule", reply={"seq": 5_191}),
    )
