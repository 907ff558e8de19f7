"""Every operation with parameters of the right shape and any values: an answer or an exception of the API, never a
broken house."""

import json
import random
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import httpx
import pytest
from betfairlightweight.exceptions import APIError
from msgspec import inspect
from tests.edge.betfair.house import FUNDS_MINOR, Market, Trader, kept
from tests.edge.running import PATIENCE_S, Api

from overround.edge.betfair.calls import Operation
from overround.edge.betfair.http import SERVICES
from overround.edge.betfair.operations import Handlers, operations

Make = Callable[..., Any]

ROUNDS = 12
CALLS = 25

STRINGS = (
    "", "x", "1.1", "1.", "1.99999999999999999999999", "-1", "0", "1", "é" * 40, "x" * 300, "\x00", "NaN",
    "2020-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "2020-13-01T00:00:00Z", "GBP", "GB",
)  # fmt: skip
INTS = (0, 1, -1, 2, 5, 100, 1_001, 1_002, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30)
FLOATS = (0, 0.0, -0.0, 1.01, 2, 2.0, 2.02, 3.05, 1_000, 1_000.5, 1e308, -1e308, 1e-300, 0.1 + 0.2, 10**30, 2**53 + 1)


class Anything:
    """Stands for handlers where only the table's names and shapes are asked for."""

    def __getattr__(self, name: str) -> "Anything":
        return self


OPERATIONS = operations(cast(Handlers, Anything()))


class Values:
    """Values by their types, nearly all of the right shape, some of them known to the house."""

    def __init__(self, chance: random.Random, markets: list[Market]) -> None:
        self._chance, self._markets = chance, markets

    def params(self, operation: Operation) -> Any:
        return self.of(inspect.type_info(operation.params), "", 0)

    def of(self, kind: inspect.Type, name: str, depth: int) -> Any:
        if self._chance.random() < 0.02:
            return self._chance.choice([None, [], {}, "x", -1, 1.5, True, [[]], {"a": 1}])
        match kind:
            case inspect.StructType(fields=fields):
                shares = self._chance.choice((0.25, 0.6, 1.0))
                return {
                    field.encode_name: self.of(field.type, field.encode_name, depth + 1)
                    for field in fields
                    if field.required or self._chance.random() < shares
                }
            case inspect.UnionType(types=types):
                return self.of(self._chance.choice(types), name, depth)
            case inspect.EnumType(cls=values):
                return self._chance.choice([each.value for each in values])
            case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
                size = self._chance.choice((0, 1, 1, 2, 3, 7))
                return [self.of(item, name, depth + 1) for _ in range(size)]
            case inspect.SetType(item_type=item) | inspect.FrozenSetType(item_type=item):
                return [self.of(item, name, depth + 1) for _ in range(self._chance.choice((0, 1, 2)))]
            case _:
                return self._plain(kind, name)

    def _plain(self, kind: inspect.Type, name: str) -> Any:
        market = self._chance.choice(self._markets)
        known = {"marketId": market.id, "marketIds": market.id, "selectionId": self._chance.choice(market.selections)}
        if name in known and self._chance.random() < 0.8:
            return known[name]
        match kind:
            case inspect.BoolType():
                return self._chance.choice((True, False))
            case inspect.IntType():
                return self._chance.choice(INTS)
            case inspect.FloatType() | inspect.DecimalType():
                return self._chance.choice(FLOATS)
            case inspect.NoneType():
                return None
            case inspect.LiteralType(values=values):
                return self._chance.choice(values)
            case _:
                return self._chance.choice(STRINGS)


@pytest.fixture
def web(trader: Trader) -> httpx.Client:
    headers = {"X-Authentication": trader.token, "X-Application": trader.live_key}
    return kept(httpx.Client(base_url=trader.house.url, headers=headers, timeout=PATIENCE_S))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_any_parameters_are_answered_in_the_dialect(web: httpx.Client, seed: int, new_market: Make) -> None:
    chance = random.Random(seed)
    values = Values(chance, [new_market(), new_market(is_open=False)])
    for where, service in SERVICES.items():
        known = [operation for operation in OPERATIONS if operation.service is service]
        calls = [
            {
                "jsonrpc": "2.0",
                "method": f"{service}{operation.name}",
                "params": values.params(operation),
                "id": number,
            }
            for number, operation in enumerate(chance.choices(known, k=CALLS))
        ]
        answer = web.post(f"/exchange/{where}/json-rpc/v1", content=json.dumps(calls))
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert isinstance(told, list), told
        assert [each["id"] for each in told] == list(range(CALLS))
        for call, each in zip(calls, told, strict=True):
            assert ("result" in each) != ("error" in each)
            assert "UNEXPECTED" not in str(each), (call, each)
    (funds,) = web.post("/exchange/account/json-rpc/v1", content=FUNDS).json()
    assert funds["result"]["availableToBetBalance"] <= 10_000


FUNDS = b'[{"jsonrpc":"2.0","method":"AccountAPING/v1.0/getAccountFunds","params":{},"id":1}]'


def test_any_bytes_are_answered_in_the_dialect(web: httpx.Client) -> None:
    chance = random.Random(7)
    pieces = [
        b"{",
        b"[",
        b"]",
        b"}",
        b'"method":',
        b'"SportsAPING/v1.0/listEvents"',
        b",",
        b'"id":1',
        b"\xff",
        b"1e999",
        b'"\\ud83d"',
    ]
    for _ in range(100):
        body = b"".join(chance.choices(pieces, k=chance.randint(0, 12)))
        answer = web.post("/exchange/betting/json-rpc/v1", content=body)
        assert answer.status_code == 200, (body, answer.text)
        assert "error" in str(answer.json())
    assert web.post("/exchange/account/json-rpc/v1", content=FUNDS).json()[0]["result"]


# ------------------------------------------------------------------ orders that are nearly right


def instruction(chance: random.Random, market: Market) -> dict[str, Any]:
    """An order that an exchange might take, with something odd about it now and then."""

    def one_of(*usual: Any, odd: tuple[Any, ...]) -> Any:
        return chance.choice(odd) if chance.random() < 0.04 else chance.choice(usual)

    limit = {
        "price": one_of(2.0, 2.02, 3.0, 3.05, 10.0, 1.01, odd=(2.001, 0, -2.0, 1_001, 1.0, None)),
        "size": one_of(2.0, 2.5, 10.01, 100, odd=(0, 0.001, -5, 1e12, 20_000, None)),
        "persistenceType": one_of("LAPSE", "PERSIST", "MARKET_ON_CLOSE", odd=("KEEP", "", None)),
    }
    if chance.random() < 0.2:
        limit |= {"timeInForce": one_of("FILL_OR_KILL", odd=("GTC",)), "minFillSize": one_of(1.0, 2.0, odd=(-1, 1e9))}
    on_close = {"liability": one_of(10, 20.5, odd=(0, -1, 1e12)), "price": one_of(3.0, odd=(2.001,))}
    kinds: dict[str, dict[str, Any]] = {
        "LIMIT": {"limitOrder": limit},
        "LIMIT_ON_CLOSE": {"limitOnCloseOrder": on_close},
        "MARKET_ON_CLOSE": {"marketOnCloseOrder": {"liability": on_close["liability"]}},
    }
    kind = chance.choices(list(kinds), weights=(8, 1, 1))[0]
    return {
        "selectionId": one_of(*market.selections, odd=(0, -1, 9_999_999, "x")),
        "side": one_of("BACK", "LAY", odd=("UP",)),
        "orderType": kind,
        **kinds[one_of(kind, odd=tuple(kinds))],
    }


@pytest.mark.parametrize("seed", range(3))
def test_orders_that_are_nearly_right_are_taken_or_refused_and_the_money_adds_up(
    operator: Api, new_trader: Make, new_market: Make, seed: int
) -> None:
    """Whatever was taken, two traders have between them what they brought when it is settled, less what rounding each
    position down leaves to the house: under a penny of each."""
    market = new_market(base_rate_bp=0, bsp=True, turn_in_play=True)
    clients = [new_trader().client(lightweight=True) for _ in range(2)]
    seen = set().union(
        *(place(clients[number % 2], market, random.Random(100 * seed + number)) for number in range(60))
    )
    assert {"SUCCESS", "FAILURE", "refused"} <= seen
    assert all(re.fullmatch("[A-Z_]*|refused", each) for each in seen), seen
    for step in ("turn-in-play", "open"):
        operator.made(f"/v1/operator/exchange/markets/{market.number}/{step}")
    result = {"result": {"kind": "runners", "winners": [{"runner": seed}]}}
    operator.made(f"/v1/operator/exchange/markets/{market.number}/result", result)
    funds = [settled_funds(client) for client in clients]
    assert 2 * Decimal(FUNDS_MINOR) / 100 - sum(funds) in (0, Decimal("0.01"))
    assert funds[0] != funds[1]


def place(client: Any, market: Market, chance: random.Random) -> set[str]:
    """Everything that the house said of some orders."""
    orders = [instruction(chance, market) for _ in range(chance.choice((1, 1, 2, 3)))]
    try:
        report = client.betting.place_orders(market.id, orders)
    except APIError as refused:
        codes = re.findall("INVALID_INPUT_DATA|DSC-0009|DSC-0018", str(refused))
        return {"refused"} if codes else {str(refused)}
    assert len(report["instructionReports"]) == len(orders)
    return {report["status"], *(each.get("errorCode", "") for each in report["instructionReports"])}


def settled_funds(client: Any) -> Decimal:
    """What somebody has when nothing is at risk any more."""
    due = time.monotonic() + PATIENCE_S
    while (funds := client.account.get_account_funds())["exposure"]:
        assert time.monotonic() < due, "never settled"
        time.sleep(0.05)
    return Decimal(str(funds["availableToBetBalance"]))
