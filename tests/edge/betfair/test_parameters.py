"""Everything that an unmodified client can send with an operation is known here: nothing is left alone unnoticed."""

import inspect
from typing import Any, cast

import betfair_parser.spec.betting as betting_spec
import msgspec
import pytest
from betfair_parser.spec import accounts, heartbeat, race_status
from betfair_parser.spec.common import Request
from betfairlightweight.endpoints.account import Account
from betfairlightweight.endpoints.betting import Betting
from betfairlightweight.endpoints.scores import Scores
from betfairlightweight.utils import to_camel_case
from msgspec import inspect as shapes

from overround.edge.betfair.calls import Operation
from overround.edge.betfair.faults import Service
from overround.edge.betfair.operations import Handlers, operations


class Anything:
    """Stands for handlers where only the table's names and shapes are asked for."""

    def __getattr__(self, name: str) -> "Anything":
        return self


OPERATIONS: dict[tuple[Service, str], Operation] = {
    (operation.service, operation.name): operation for operation in operations(cast(Handlers, Anything()))
}
NOT_SENT = {"self", "session", "lightweight"}
NOT_OURS = {"transfer_funds"}
"""It raises before it sends anything."""

LIGHTWEIGHT = [
    (service, name)
    for service, endpoint in ((Service.BETTING, Betting), (Service.ACCOUNT, Account), (Service.SCORES, Scores))
    for name, method in vars(endpoint).items()
    if inspect.isfunction(method) and not name.startswith("_") and name not in NOT_OURS
]
ENDPOINTS = {Service.BETTING: Betting, Service.ACCOUNT: Account, Service.SCORES: Scores}


def fields_of(kind: type) -> dict[str, shapes.Field]:
    info = shapes.type_info(kind)
    assert isinstance(info, shapes.StructType)
    return {field.encode_name: field for field in info.fields}


@pytest.mark.parametrize(("service", "name"), LIGHTWEIGHT)
def test_betfairlightweights_methods(service: Service, name: str) -> None:
    operation = OPERATIONS[service, to_camel_case(name)]
    sent = set(inspect.signature(getattr(ENDPOINTS[service], name)).parameters) - NOT_SENT
    assert {to_camel_case(each.rstrip("_")) for each in sent} <= set(fields_of(operation.params))


def method_of(kind: type[Request]) -> str:
    return str(kind.__struct_config__.tag)


PARSER = [
    kind
    for module in (betting_spec, accounts, heartbeat, race_status)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Request) and kind is not Request and "/v1.0/" in method_of(kind)
]


@pytest.mark.parametrize("kind", PARSER, ids=lambda kind: kind.__name__)
def test_betfair_parsers_requests(kind: Any) -> None:
    service, name = next((each, method_of(kind)[len(each) :]) for each in Service if method_of(kind).startswith(each))
    if (service, name) not in OPERATIONS:
        assert name in NOT_SERVED, name
        return
    theirs = msgspec.inspect.type_info(kind)
    assert isinstance(theirs, shapes.StructType)
    (params,) = (field.type for field in theirs.fields if field.encode_name == "params")
    compare(params, shapes.type_info(OPERATIONS[service, name].params), name)


NOT_SERVED = {
    "getVendorClientId", "getApplicationSubscriptionToken", "activateApplicationSubscription",
    "cancelApplicationSubscription", "updateApplicationSubscription", "listApplicationSubscriptionTokens",
    "listAccountSubscriptionTokens", "getApplicationSubscriptionHistory", "listAuthorizedWebApps",
    "createAuthorizationCode", "revokeAuthorizationCode", "token", "getVendorDetails", "isAccountSubscribedToWebApp",
    "getAffiliateRelation", "listExchangeOnMarketRates",
}  # fmt: skip
"""Operations for vendors of programs, of whom there are none here."""


GIVEN_UP = {"MARKET_AT_THE_CLOSE"}
"""The name that an order type had before Betfair's present API."""


def compare(theirs: shapes.Type, ours: shapes.Type, place: str) -> None:
    """Every member of theirs is one of ours, as deep as both go."""
    theirs, ours = bare(theirs), bare(ours)
    if isinstance(theirs, shapes.StructType):
        assert isinstance(ours, shapes.StructType), place
        known = {field.encode_name: field for field in ours.fields}
        for field in theirs.fields:
            assert field.encode_name in known, f"{place}.{field.encode_name}"
            compare(field.type, known[field.encode_name].type, f"{place}.{field.encode_name}")
    elif isinstance(theirs, shapes.EnumType) and isinstance(ours, shapes.EnumType):
        assert {each.value for each in theirs.cls} - GIVEN_UP <= {each.value for each in ours.cls}, place


def bare(kind: shapes.Type) -> shapes.Type:
    """What a list has, or what there may be instead of nothing."""
    match kind:
        case shapes.UnionType(types=types):
            some = [each for each in types if not isinstance(each, shapes.NoneType)]
            structs = [each for each in some if isinstance(bare(each), shapes.StructType)]
            return bare((structs or some)[0])
        case shapes.ListType() | shapes.VarTupleType() | shapes.SetType() | shapes.FrozenSetType():
            return bare(kind.item_type)
        case shapes.Metadata():
            return bare(kind.type)
        case _:
            return kind
