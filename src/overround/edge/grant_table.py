"""The lists of promotions. What operators give are rows of `grants`."""

from collections.abc import Iterator

from overround.edge import grants
from overround.edge.access import Need
from overround.edge.grants import Grants
from overround.edge.routes import Example, Route


def promotions(own: Grants) -> Iterator[Route]:
    """What a customer was given, as the customer and as an operator sees it."""
    yield Route(
        method="GET",
        path="/v1/grants",
        name="own_grants",
        doc="The customer's free bets, boosts and bonuses, newest first.",
        tag="promotions",
        handler=own.own,
        need=Need.CUSTOMER_READ,
        replies={200: grants.GrantList},
        problems=("customer_not_found",),
        example=Example(path="/v1/grants"),
    )
    yield Route(
        method="GET",
        path="/v1/operator/customers/{customer_id:int}/grants",
        name="grants_of",
        doc="What a customer was given, newest first.",
        tag="operator: promotions",
        handler=own.of_customer,
        need=Need.OPERATOR_READ,
        replies={200: grants.GrantList},
        problems=("customer_not_found",),
        example=Example(path="/v1/operator/customers/42/grants"),
    )
    yield Route(
        method="GET",
        path="/v1/operator/grants",
        name="grants",
        doc="Everything that customers were given, by whom, and what became of it, newest first.",
        tag="operator: promotions",
        handler=own.every,
        need=Need.OPERATOR_READ,
        query=grants.GivenQuery,
        replies={200: grants.GivenPage},
        problems=("cursor_invalid", "projection_behind", "unavailable"),
        example=Example(path="/v1/operator/grants"),
    )
