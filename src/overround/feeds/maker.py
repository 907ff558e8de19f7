"""Exchange markets beside the simulated match day: a match odds market for a few of its matches, a maker who keeps
prices in it and a punter who takes some of them, both through the dialect like any program.

It keeps nothing that matters: on its start it looks for the markets that there are, cancels what it had in them and
offers anew.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

import msgspec

from overround.feeds.client import Door, Problem, Unreachable
from overround.feeds.fixture import Fixture, fixture
from overround.feeds.matchday import micros_of
from overround.feeds.quotes import Quote, quotes
from overround.feeds.simulator import COMPETITION, CURRENCY, ERROR_PAUSE_S, UNAUTHORIZED, MatchDay
from overround.trading import FULL_TIME_MINUTES, MATCH_RESULT

log = logging.getLogger(__name__)

MARKET: Final = "Match Odds"
MARKETS: Final = 3
"""Matches with an exchange market at a time."""

FUNDS_MINOR: Final = 100_000_000
STEP_S: Final = 2.0
TAKES: Final = 0.5
"""How likely the punter takes something in a step."""

BET_DELAY_MS: Final = 2_000
OPEN: Final = "OPEN"


class Traded(msgspec.Struct):
    """A market of ours, and what was last offered in it."""

    number: int
    event_id: int
    selections: tuple[int, ...]
    fixture: Fixture
    offered: tuple[Quote, ...] = ()

    @property
    def id(self) -> str:
        return f"1.{self.number}"

    def chances(self, now_us: int) -> tuple[float, ...]:
        """Home, away, draw: the order of the runners."""
        home, draw, away = self.fixture.chances(MATCH_RESULT, now_us)
        return home, away, draw


class Exchange:
    """The markets, and the two who trade in them. `operator` is an operator's door."""

    def __init__(
        self,
        *,
        operator: Door,
        plan: MatchDay,
        now_us: Callable[[], int],
        chance: random.Random,
        step_s: float = STEP_S,
    ) -> None:
        self._operator, self._plan, self._now_us, self._chance = operator, plan, now_us, chance
        self._step_s = step_s
        self._markets: dict[int, Traded] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop. A house that is away for a while is waited for."""
        while not stop.is_set():
            try:
                maker, punter = [await self._trader(name) for name in ("maker", "punter")]
                while not stop.is_set():
                    await self.step(maker, punter)
                    await _passed(stop, self._step_s)
            except (Problem, Unreachable) as trouble:
                log.warning("the exchange did not take it, trying again: %s", trouble)
                self._markets.clear()
                await _passed(stop, ERROR_PAUSE_S)

    async def _trader(self, name: str) -> Door:
        """A door to the dialect for a customer of that name, who is made where there is none."""
        secret = blake2b(name.encode(), key=self._plan.secret[:64], digest_size=24).hexdigest()
        login = {"username": f"{name}-{secret[:6]}", "password": secret[6:]}
        anyone = self._operator.to("")
        try:
            session = await anyone.post("/v1/sessions", login)
        except Problem as problem:
            if problem.status != UNAUTHORIZED:
                raise
            made = await self._operator.post("/v1/operator/customers", {"currency": CURRENCY, **login})
            funds = {"currency": CURRENCY, "amount_minor": FUNDS_MINOR, "note": "simulated deposit"}
            await self._operator.post(f"/v1/operator/customers/{made['customer_id']}/funds", funds)
            session = await anyone.post("/v1/sessions", login)
        bare = self._operator.trading(session["token"], app_key="")
        apps = await bare.call("account", "getDeveloperAppKeys")
        app = apps[0] if apps else await bare.call("account", "createDeveloperAppKeys", appName=name)
        live = next(version for version in app["appVersions"] if not version["delayData"])
        return self._operator.trading(session["token"], app_key=live["applicationKey"])

    async def step(self, maker: Door, punter: Door) -> None:
        """One look at every market, and at the matches that may have one."""
        await self._arrange(maker)
        for market in list(self._markets.values()):
            (book,) = await maker.call("betting", "listMarketBook", marketIds=[market.id])
            if book["status"] == "CLOSED" or await self._lives(market, book):
                del self._markets[market.event_id]
            elif book["status"] == OPEN:
                await self._offer(maker, market)
                await self._take(punter, market)

    # Markets.

    async def _arrange(self, maker: Door) -> None:
        """Make markets for the matches that begin next, after those were found that there are."""
        if not self._markets:
            await self._find(maker)
        if len(self._markets) < MARKETS:
            unmade = [event for event in await self._events() if event["event_id"] not in self._markets]
            for event in unmade[: MARKETS - len(self._markets)]:
                await self._create(event)

    async def _find(self, maker: Door) -> None:
        """The markets that are not closed, also those of matches that ended while nobody looked."""
        projection = ["COMPETITION", "EVENT", "RUNNER_DESCRIPTION"]
        found = await maker.call(
            "betting", "listMarketCatalogue", filter={}, maxResults=1_000, marketProjection=projection
        )
        for market in found:
            if market["competition"]["name"] == COMPETITION and market["marketName"] == MARKET:
                event = await self._operator.get(f"/v1/events/{market['event']['id']}")
                selections = tuple(runner["selectionId"] for runner in market["runners"])
                self._know(event, int(market["marketId"].partition(".")[2]), selections)

    async def _events(self) -> list[Any]:
        """The match day's events that are yet to come, first kick-off first."""
        found = []
        for sport in await self._operator.each("/v1/sports"):
            for competition in await self._operator.each("/v1/competitions", sport_id=sport["sport_id"]):
                if competition["name"] == COMPETITION:
                    listed = {"competition_id": competition["competition_id"], "status": "scheduled", "limit": 100}
                    found += await self._operator.each("/v1/events", **listed)
        return sorted(found, key=lambda event: event["starts_at"])

    async def _create(self, event: Any) -> None:
        home, away = event["name"].split(" v ")
        selections = tuple(10 * event["event_id"] + place for place in (1, 2, 3))
        named = zip(selections, (home, away, "The Draw"), strict=True)
        body = {
            "event_id": event["event_id"],
            "name": MARKET,
            "currency": CURRENCY,
            "turn_in_play": True,
            "bet_delay_ms": BET_DELAY_MS,
            "runners": [{"selection_id": number, "name": name} for number, name in named],
        }
        made = await self._operator.post("/v1/operator/exchange/markets", body)
        await self._operate(made["market_id"], "open")
        self._know(event, made["market_id"], selections)

    def _know(self, event: Any, number: int, selections: tuple[int, ...]) -> None:
        if event["event_id"] not in self._markets:
            match = fixture(
                seed=self._plan.seed,
                event_id=event["event_id"],
                name=event["name"],
                starts_at_us=micros_of(event["starts_at"]),
                match_us=self._plan.match_us,
            )
            self._markets[event["event_id"]] = Traded(number, event["event_id"], selections, match)

    async def _operate(self, number: int, what: str, body: Any = None) -> None:
        """An operator's step, which a market that moved meanwhile may refuse."""
        try:
            await self._operator.post(f"/v1/operator/exchange/markets/{number}/{what}", body or {})
        except Problem as problem:
            log.info("%s of market %d refused: %s", what, number, problem.code)

    async def _lives(self, market: Traded, book: Any) -> bool:
        """The market follows its match. Whether it is over."""
        now_us = self._now_us()
        minute = market.fixture.minute(now_us)
        if minute >= FULL_TIME_MINUTES:
            await self._operate(market.number, "result", _result(*market.fixture.score(now_us)))
            return True
        if minute >= 0 and not book["inplay"]:
            await self._operate(market.number, "turn-in-play")
            await self._operate(market.number, "open")
        elif market.fixture.scored_within(now_us, self._plan.house.suspension_us):
            if book["status"] == OPEN:
                await self._operate(market.number, "suspend", {"reason": "goal"})
        elif book["status"] == "SUSPENDED":
            await self._operate(market.number, "open")
        return False

    # Orders.

    async def _offer(self, maker: Door, market: Traded) -> None:
        """Offer anew where the fair price moved, or something was taken."""
        fresh = quotes(market.chances(self._now_us()))
        standing = await maker.call("betting", "listCurrentOrders", marketIds=[market.id], orderProjection="EXECUTABLE")
        if fresh == market.offered and len(standing["currentOrders"]) >= len(fresh) - 1:
            return
        await maker.call("betting", "cancelOrders", marketId=market.id, customerRef=self._ref())
        market.offered = fresh
        if fresh:
            orders = [_order(market, *quote) for quote in fresh]
            await self._place(maker, market, orders)

    async def _take(self, punter: Door, market: Traded) -> None:
        """Somebody now and then backs or lays what is offered."""
        if not market.offered or self._chance.random() > TAKES:
            return
        quote = self._chance.choice(market.offered)
        side = "BACK" if quote.side == "LAY" else "LAY"
        size = float(self._chance.randint(2, 20))
        order = _order(market, quote.runner, side, quote.price_milli, size)
        order["limitOrder"]["timeInForce"] = "FILL_OR_KILL"
        await self._place(punter, market, [order])

    async def _place(self, trader: Door, market: Traded, orders: list[Any]) -> None:
        report = await trader.call(
            "betting",
            "placeOrders",
            marketId=market.id,
            instructions=orders,
            customerRef=self._ref(),
            **{"async": True},
        )
        if report["status"] != "SUCCESS":
            log.info("orders on %s refused: %s", market.id, report.get("errorCode"))
            market.offered = ()

    def _ref(self) -> str:
        """A request's own reference, so that one that is sent again is placed once."""
        return f"{self._chance.getrandbits(100):x}"


async def _passed(stop: asyncio.Event, seconds: float) -> None:
    """So much time, or less when told to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _order(market: Traded, runner: int, side: str, price_milli: int, size: float) -> dict[str, Any]:
    limit = {"price": price_milli / 1_000, "size": size, "persistenceType": "LAPSE"}
    return {"selectionId": market.selections[runner], "side": side, "orderType": "LIMIT", "limitOrder": limit}


def _result(home: int, away: int) -> dict[str, Any]:
    """Home, away, draw: the order of the runners."""
    winner = 2 if home == away else 0 if home > away else 1
    return {"result": {"kind": "runners", "winners": [{"runner": winner}]}}
