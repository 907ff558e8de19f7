"""What a stream client has put together from an image and every change after it is what a fresh image shows, and what
listMarketBook says: for every field, any number of ladder levels, conflated or not, through a market's whole life."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.raw import Raw
from tests.edge.betfair.wire import EVERY_FIELD, Line, let_in, markets
from tests.edge.running import Api

Make = Callable[..., Any]

LADDERS = ("atb", "atl", "trd", "spb", "spl")
BESTS = ("batb", "batl", "bdatb", "bdatl")
FIGURES = ("ltp", "tv", "spn", "spf")
REQUESTS = 60


class Cache:
    """A market as a client keeps it: prices by what each is keyed by, figures, the definition."""

    def __init__(self, line: Line, number: int) -> None:
        self.line, self.number = line, number
        self.clear()

    def clear(self) -> None:
        self.definition: Any = None
        self.tv = 0.0
        self.rows: dict[tuple[int, str], Any] = {}

    def hear(self, message: dict[str, Any]) -> None:
        for change in message.get("mc", []):
            if change.get("img"):
                self.clear()
            self.definition = change.get("marketDefinition", self.definition)
            self.tv = change.get("tv", self.tv)
            for runner in change.get("rc", []):
                self._runner(runner)

    def _runner(self, runner: dict[str, Any]) -> None:
        for name in (*LADDERS, *BESTS):
            for *key, size in [(row[0], *row[1:]) for row in runner.get(name, [])]:
                prices = self.rows.setdefault((runner["id"], name), {})
                prices.pop(key[0], None)
                if size:
                    prices[key[0]] = (*key, size)
                if not prices:
                    del self.rows[runner["id"], name]
        for name in FIGURES:
            if name in runner:
                self.rows.pop((runner["id"], name), None)
                if runner[name]:
                    self.rows[runner["id"], name] = runner[name]

    def catch_up(self, version: int, *, is_over: bool) -> None:
        """Read until a definition with at least this version came, and in the end that of a settled market."""
        while self.definition["version"] < version or (is_over and "settledTime" not in self.definition):
            self.hear(self.line.change("mcm"))


def subscribed(line: Line, market: Market, **asked: Any) -> Cache:
    number = line.ask("marketSubscription", **markets(market.id, **asked))
    cache = Cache(line, number)
    cache.hear(line.until(lambda message: message.get("ct") == "SUB_IMAGE" and message["id"] == number))
    return cache


def order(chance: random.Random, market: Market) -> dict[str, Any]:
    """Anything that the market takes, near one price so that much of it meets."""
    runner, side = chance.choice(market.selections), chance.choice(("BACK", "LAY"))
    if chance.random() < 0.15:
        kind = {"liability": chance.choice((10.0, 20.0, 50.0))}
        return {"orderType": "MARKET_ON_CLOSE", "selectionId": runner, "side": side, "marketOnCloseOrder": kind}
    price = chance.choice((2.8, 2.9, 3.0, 3.1, 3.2, 3.3, 3.4))
    keeps = chance.choice(("LAPSE", "PERSIST", "MARKET_ON_CLOSE"))
    return limit(runner, side, price, float(chance.randint(2, 30)), persistenceType=keeps)


def trade(chance: random.Random, market: Market, traders: list[Raw], requests: int, *, at_start: bool) -> None:
    for _ in range(requests):
        raw = chance.choice(traders)
        if chance.random() < 0.3:
            raw.call("cancelOrders", marketId=market.id)
        else:
            orders = [order(chance, market) for _ in range(chance.randint(1, 4))]
            wanted = [each for each in orders if at_start or each["orderType"] == "LIMIT"]
            if wanted:
                asked: dict[str, Any] = {"marketId": market.id, "instructions": wanted, "async": True}
                raw.call("placeOrders", **asked)


SEEN: dict[str, dict[str, Any]] = {
    "everything": {"levels": 10},
    "one level": {"levels": 1, "fields": ["EX_BEST_OFFERS", "EX_BEST_OFFERS_DISP", "EX_MARKET_DEF"]},
    "conflated": {"levels": 3, "conflateMs": 300},
    "no prices": {"fields": ["EX_LTP", "EX_TRADED_VOL", "SP_PROJECTED", "EX_MARKET_DEF"]},
}


@pytest.mark.parametrize("seed", range(2))
def test_changes_add_up_to_the_image(
    trader: Trader, new_trader: Make, new_market: Make, operator: Api, seed: int
) -> None:
    chance = random.Random(seed)
    market = new_market(bsp=True, turn_in_play=True, crossing=True, bet_delay_ms=1_000, passive=True)
    traders = [Raw(new_trader()) for _ in range(3)]
    path = f"/v1/operator/exchange/markets/{market.number}"

    def version() -> int:
        (book,) = traders[0].call("listMarketBook", marketIds=[market.id])["result"]
        return int(book["version"])

    with ExitStack() as stack:
        caches = {
            name: subscribed(stack.enter_context(let_in(trader)), market, **asked) for name, asked in SEEN.items()
        }
        trade(chance, market, traders, REQUESTS, at_start=True)
        check(trader, market, caches, operator, version)
        gone = {"selection_id": market.selections[2], "factor_bp": 1_000}
        operator.made(f"{path}/remove-runner", gone)
        trade(chance, market, traders, REQUESTS // 3, at_start=True)
        check(trader, market, caches, operator, version)
        operator.made(f"{path}/reinstate-runner", {"selection_id": market.selections[2]})
        trade(chance, market, traders, REQUESTS // 3, at_start=True)
        check(trader, market, caches, operator, version)
        operator.made(f"{path}/turn-in-play")
        operator.made(f"{path}/open")
        trade(chance, market, traders, REQUESTS // 3, at_start=False)
        check(trader, market, caches, operator, version)
        operator.made(f"{path}/result", {"result": {"kind": "runners", "winners": [{"runner": 0}]}})
        check(trader, market, caches, operator, version, is_over=True)


def check(
    trader: Trader,
    market: Market,
    caches: dict[str, Cache],
    operator: Api,
    version: Callable[[], int],
    *,
    is_over: bool = False,
) -> None:
    """Whatever each has is what whoever comes now is shown. A last change of the market marks where to look."""
    if not is_over:
        operator.made(f"/v1/operator/exchange/markets/{market.number}/suspend", {"reason": "a look"})
        operator.made(f"/v1/operator/exchange/markets/{market.number}/open")
    last = version()
    with let_in(trader) as line:
        for name, asked in SEEN.items():
            had, fresh = caches[name], subscribed(line, market, **asked)
            for cache in (had, fresh):
                cache.catch_up(last, is_over=is_over)
            assert had.definition == fresh.definition, name
            assert had.rows == fresh.rows, name
            assert had.tv == fresh.tv, name
    agrees_with_the_book(trader, market, caches["everything"])


def agrees_with_the_book(trader: Trader, market: Market, cache: Cache) -> None:
    """The lists show the same prices as the stream."""
    wanted = ["EX_ALL_OFFERS", "EX_TRADED", "SP_TRADED", "SP_AVAILABLE"]
    asked: dict[str, Any] = {"marketIds": [market.id], "priceProjection": {"priceData": wanted}}
    (book,) = Raw(trader).call("listMarketBook", **asked)["result"]
    for runner in book["runners"]:
        found = {
            "atb": runner["ex"]["availableToBack"],
            "atl": runner["ex"]["availableToLay"],
            "trd": runner["ex"]["tradedVolume"],
            "spl": runner["sp"]["backStakeTaken"],
            "spb": runner["sp"]["layLiabilityTaken"],
        }
        for name, rows in found.items():
            streamed = cache.rows.get((runner["selectionId"], name), {})
            assert {row["price"]: (row["price"], row["size"]) for row in rows} == streamed, name
        assert runner.get("lastPriceTraded") == cache.rows.get((runner["selectionId"], "ltp"))
    assert book["totalMatched"] == cache.tv


# ------------------------------------------------------------------ orders


class Orders:
    """A customer's orders on a market as a client keeps them: executable ones, what was matched, also by strategy."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.executable: dict[str, dict[str, Any]] = {}
        self.matched: dict[tuple[int, str, str], dict[float, float]] = {}

    def hear(self, message: dict[str, Any]) -> None:
        for change in message.get("oc", []):
            if change.get("fullImage"):
                self.executable.clear()
                self.matched.clear()
            for runner in change.get("orc", []):
                self._runner(runner)

    def _runner(self, runner: dict[str, Any]) -> None:
        for order in runner.get("uo", []):
            self.executable.pop(order["id"], None)
            if order["status"] == "E":
                self.executable[order["id"]] = order
        for strategy, both in {"": runner, **runner.get("smc", {})}.items():
            for side in ("mb", "ml"):
                for price, size in both.get(side, []):
                    prices = self.matched.setdefault((runner["id"], strategy, side), {})
                    prices.pop(price, None)
                    if size:
                        prices[price] = size
                    if not prices:
                        del self.matched[runner["id"], strategy, side]

    def until(self, wanted: set[str]) -> None:
        """Read until just these orders are executable, and no more is said of any."""
        while set(self.executable) != wanted:
            self.hear(self.line.change("ocm"))


def hearing(line: Line, **asked: Any) -> Orders:
    number = line.ask("orderSubscription", orderFilter={"partitionMatchedByStrategyRef": True, **asked})
    orders = Orders(line)
    orders.hear(line.until(lambda message: message.get("ct") == "SUB_IMAGE" and message["id"] == number))
    return orders


@pytest.mark.parametrize("seed", range(2))
def test_changes_of_orders_add_up_to_their_image(
    trader: Trader, new_trader: Make, new_market: Make, operator: Api, seed: int
) -> None:
    """Placed, matched, replaced, cancelled, reduced and voided with a runner, lapsed at the off."""
    chance = random.Random(seed)
    market = new_market(bsp=True, turn_in_play=True)
    own, others = Raw(trader), [Raw(new_trader()) for _ in range(2)]
    path = f"/v1/operator/exchange/markets/{market.number}"
    with let_in(trader) as line:
        heard = hearing(line)
        for step in ("remove-runner", "turn-in-play", "open"):
            for strategy in ("one", "two", ""):
                orders = [order(chance, market) for _ in range(4)]
                asked: dict[str, Any] = {"marketId": market.id, "instructions": orders, "customerStrategyRef": strategy}
                own.call("placeOrders", **asked)
                trade(chance, market, others, REQUESTS // 10, at_start=True)
                replace_one(chance, market, own)
            same_as_now(trader, own, market, heard)
            gone = {"selection_id": market.selections[2], "factor_bp": 2_000} if step == "remove-runner" else None
            operator.made(f"{path}/{step}", gone)
        same_as_now(trader, own, market, heard)


def replace_one(chance: random.Random, market: Market, own: Raw) -> None:
    standing = own.call("listCurrentOrders", marketIds=[market.id], orderProjection="EXECUTABLE")["result"]
    limits = [row["betId"] for row in standing["currentOrders"] if row["orderType"] == "LIMIT"]
    if limits:
        edits = [{"betId": chance.choice(limits), "newPrice": chance.choice((2.8, 3.0, 3.2))}]
        own.call("replaceOrders", marketId=market.id, instructions=edits)


def same_as_now(trader: Trader, own: Raw, market: Market, heard: Orders) -> None:
    """The changes add up to what a fresh subscription shows, and to what listCurrentOrders says. An order that nobody
    wants goes before, so that the list waits for everything that was done until now."""
    own.call("placeOrders", marketId=market.id, instructions=[limit(market.selections[0], "BACK", 1000.0, 2.0)])
    rows = own.call("listCurrentOrders", marketIds=[market.id])["result"]["currentOrders"]
    executable = {row["betId"]: row for row in rows if row["status"] == "EXECUTABLE"}
    heard.until(set(executable))
    with let_in(trader) as line:
        fresh = hearing(line)
        fresh.until(set(executable))
        heard.line.ask("heartbeat")
        while (message := heard.line.read())["op"] != "status":  # whatever is still on its way comes before this
            heard.hear(message)
        assert heard.executable == fresh.executable
        assert heard.matched == fresh.matched
    for bet_id, row in executable.items():
        told = heard.executable[bet_id]
        assert (told["sr"], told["sm"], told["p"]) == (
            row["sizeRemaining"],
            row["sizeMatched"],
            row["priceSize"]["price"],
        )
    assert round(sum(row["sizeMatched"] for row in rows), 2) == round(
        sum(sum(prices.values()) for (_, strategy, _), prices in heard.matched.items() if not strategy), 2
    )


def test_every_field_is_looked_at() -> None:
    assert {"EX_LTP", "SP_PROJECTED", "EX_BEST_OFFERS_DISP"} <= set(EVERY_FIELD)
