"""The simulated match day: fixtures kept going second by second, and bettors at the counter, over the HTTP API alone.

It keeps nothing that matters. On its start it looks for its competition's events and goes on with those that are not
over; bettors log in again under the names they had.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import msgspec

from overround.feeds import bettors, matchday, orders, punters
from overround.feeds.builders import Builders
from overround.feeds.client import Door, Problem, Unreachable
from overround.feeds.fixture import Fixture, draw_name, fixture
from overround.feeds.matchday import House, ShownEvent, micros_of
from overround.feeds.replay import football
from overround.feeds.trader import Trader
from overround.host.builders import NO_PRICE, BuilderOffered, BuilderWanted
from overround.kernel.instant import SECOND_US, text

log = logging.getLogger(__name__)

COMPETITION: Final = "Simulated league"
FEED: Final = "simulator"
CURRENCY: Final = "EUR"
FUNDS_MINOR: Final = 1_000_000
"""What a bettor starts with, and gets again when it is gone."""

HEARTBEAT_S: Final = 5.0
REVIEW_S: Final = 10.0
"""How often the list of events is read anew."""

SHEETS_S: Final = 5.0
"""How often the house's field sheets are read, where prices move with them."""

ERROR_PAUSE_S: Final = 1.0
LOGINS_AT_ONCE: Final = 2
"""Each costs the house the hashes of a password, on purpose slow ones."""

LOOK_AT_DESK_S: Final = 2.0
PATIENT_WITH_TRADERS_S: Final = 60.0
UNAUTHORIZED: Final = 401


class MatchDay(msgspec.Struct, frozen=True, kw_only=True):
    """How much is on. `matches` are in play at a time, `ahead` more are offered before their kick-off.

    `seed` decides the matches, `secret` who the bettors are; both must stay the same for a match day to go on.
    """

    seed: int
    secret: bytes
    matches: int = 8
    ahead: int = 3
    match_s: float = 300.0
    first_kick_off_s: float = 15.0
    refresh_s: float = 1.0
    bettors: int = 22
    bets_per_s: float = 10.0
    punters: int = 9
    tickets_per_s: float = 1.5
    house: House = House(feed=FEED)

    @property
    def match_us(self) -> int:
        return round(self.match_s * SECOND_US)

    @property
    def stagger_us(self) -> int:
        """Between two kick-offs, so that about `matches` are in play."""
        return self.match_us // self.matches

    @property
    def has_crowd(self) -> bool:
        """Whether anybody ever comes to bet."""
        return bool((self.bettors and self.bets_per_s) or (self.punters and self.tickets_per_s))


class Simulator:
    """One match day. `operator` is an operator's door; time and chance are arguments."""

    def __init__(self, *, operator: Door, plan: MatchDay, now_us: Callable[[], int], chance: random.Random) -> None:
        self._operator = operator
        self._plan = plan
        self._now_us = now_us
        self._chance = chance
        self._competition_id = 0
        self._events: dict[int, ShownEvent] = {}
        self._fixtures: dict[int, Fixture] = {}
        self._board: list[bettors.Pick] = []
        self._begun = asyncio.Event()
        self._door_step = asyncio.Semaphore(LOGINS_AT_ONCE)
        self._builders = Builders(operator)
        self._losses: dict[int, tuple[int, ...]] = {}
        self.out_of_band = 0
        """Publications that the sanity band stopped."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop. A house that is away for a while is waited for."""
        works = [self._fixtures_go_on, self._heart_beats, self._desk]
        if self._plan.has_crowd:
            works.append(self._crowd)
        tasks = [asyncio.create_task(self._lasting(work)) for work in works]
        tasks.append(asyncio.create_task(_until(stop)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _lasting(self, work: Callable[[], Awaitable[None]]) -> None:
        """Begin again after whatever the house answers: a feed that gives up is a silent one. The work must not end, or
        it would be begun again without a pause."""
        while True:
            try:
                await work()
            except (Problem, Unreachable) as trouble:
                log.warning("the house did not take it, trying again: %s", trouble)
                await asyncio.sleep(ERROR_PAUSE_S)

    # -------------------------------------------------------------- matches

    async def _heart_beats(self) -> None:
        while True:
            await self._operator.post(f"/v1/operator/feeds/{self._plan.house.feed}/heartbeat", {})
            await asyncio.sleep(HEARTBEAT_S)

    async def _fixtures_go_on(self) -> None:
        """Every second: look at each event, ask for what is missing, and arrange new ones."""
        await self._adopt()
        steps = 0
        while True:
            steps += 1
            if steps % max(1, round(REVIEW_S / self._plan.refresh_s)) == 0:
                await self._adopt()
            if self._plan.house.shade is not None and steps % max(1, round(SHEETS_S / self._plan.refresh_s)) == 0:
                await self.read_sheets()
            await self.step()
            await asyncio.sleep(self._plan.refresh_s)

    async def _adopt(self) -> None:
        """The events of our competition that are not over, which is made where there is none."""
        if not self._competition_id:
            self._competition_id = await self._competition()
            self._begun.set()
        for status in ("scheduled", "in_play"):
            listed = await self._operator.each(
                "/v1/events", competition_id=self._competition_id, status=status, limit=100
            )
            for event in listed:
                if event["event_id"] not in self._events:
                    await self._look_at(event["event_id"])

    async def _competition(self) -> int:
        sport_id = await football(self._operator)
        for competition in await self._operator.each("/v1/competitions", sport_id=sport_id):
            if competition["name"] == COMPETITION:
                return int(competition["competition_id"])
        made = await self._operator.post("/v1/operator/competitions", {"sport_id": sport_id, "name": COMPETITION})
        return int(made["competition_id"])

    async def _look_at(self, event_id: int) -> None:
        shown = msgspec.convert(await self._operator.get(f"/v1/events/{event_id}"), type=ShownEvent)
        self._events[event_id] = shown
        if event_id not in self._fixtures:
            self._fixtures[event_id] = fixture(
                seed=self._plan.seed,
                event_id=event_id,
                name=shown.name,
                starts_at_us=micros_of(shown.starts_at),
                match_us=self._plan.match_us,
            )

    async def read_sheets(self) -> None:
        """What the house would lose on each selection of our events, in the bettors' currency."""
        self._losses = {}
        for event_id in list(self._events):
            sheet = await self._operator.get(f"/v1/operator/events/{event_id}/field-sheet")
            self._losses |= matchday.losses_of(sheet, CURRENCY)

    async def step(self) -> None:
        """One second of all matches."""
        for event_id in list(self._events):
            await self._look_at(event_id)
        margins = matchday.margins_of(await self._operator.get("/v1/operator/controls"))
        now_us = self._now_us()
        asked: list[orders.Order] = []
        for event_id, event in list(self._events.items()):
            if event.status == "ended":
                del self._events[event_id], self._fixtures[event_id]
            else:
                asked += matchday.wanted(
                    event,
                    self._fixtures[event_id],
                    house=self._plan.house,
                    now_us=now_us,
                    losses=self._losses,
                    margins=margins,
                )
        self._board = list(self._picks(now_us))
        await self._ask(asked)
        await self._arrange(now_us)

    async def _ask(self, asked: list[orders.Order]) -> None:
        """A refusal is an event that moved meanwhile: the next step sees it."""
        for order in asked:
            if order.get("reason") == matchday.OUT_OF_BAND:
                self.out_of_band += 1
                log.warning("prices of market %d are out of the band, suspended", order["market_id"])
        for order, answer in zip(asked, await self._operator.command(asked), strict=True):
            if answer["status"] == "refused":
                log.info("%s refused: %s", order["command"], answer["code"])

    async def _arrange(self, now_us: int) -> None:
        """Keep `ahead` matches before their kick-off, one kick-off after another."""
        coming = [each.starts_at_us for each in self._fixtures.values() if each.starts_at_us > now_us]
        last_us = max((each.starts_at_us for each in self._fixtures.values()), default=0)
        while len(coming) < self._plan.ahead:
            first_us = now_us + round(self._plan.first_kick_off_s * SECOND_US)
            last_us = max(first_us, last_us + self._plan.stagger_us)
            coming.append(last_us)
            playing = frozenset(event.name for event in self._events.values())
            name = draw_name(self._chance, playing)
            body = {"competition_id": self._competition_id, "name": name, "starts_at": text(last_us)}
            made = await self._operator.post("/v1/operator/events", body)
            await self._look_at(made["event_id"])

    def _picks(self, now_us: int) -> list[bettors.Pick]:
        return [
            bettors.Pick(
                event_id=event.event_id,
                market_id=market.market_id,
                market_version=market.version,
                kind=market.type,
                in_play=event.status == "in_play",
                selection_id=selection.selection_id,
                price_milli=selection.price_milli,
                chance=chance,
            )
            for event_id, event in self._events.items()
            for market in event.markets
            if market.available and market.question
            for selection, chance in zip(
                market.selections, self._fixtures[event_id].chances(market.question, now_us), strict=False
            )
            if selection.price_milli
        ]

    # -------------------------------------------------------------- bet builders

    async def offer_builder(self, wanted: BuilderWanted) -> BuilderOffered:
        """The price of a bet builder on one of our matches, or why there is none. Raises Unreachable."""
        event, fixture = self._events.get(wanted.event_id), self._fixtures.get(wanted.event_id)
        if event is None or fixture is None:
            return BuilderOffered(code=NO_PRICE)
        return await self._builders.offer(wanted, event, fixture, self._now_us())

    # -------------------------------------------------------------- bettors

    async def _crowd(self) -> None:
        """All bettors at once, each at their own pace; who would never bet does not come."""
        people = bettors.crowd(self._plan.bettors if self._plan.bets_per_s else 0)
        pace = sum(temperament.pace for temperament in people)
        async with asyncio.TaskGroup() as group:
            for number, temperament in enumerate(people, 1):
                per_s = self._plan.bets_per_s * temperament.pace / pace
                group.create_task(self._lasting(partial(self._bettor, number, temperament, per_s)))
            writers = punters.crowd(self._plan.punters if self._plan.tickets_per_s else 0)
            slip_pace = sum(punter.pace for punter in writers)
            for number, punter in enumerate(writers, 1):
                per_s = self._plan.tickets_per_s * punter.pace / slip_pace
                group.create_task(self._lasting(partial(self._punter, number, punter, per_s)))

    async def _bettor(self, number: int, temperament: bettors.Temperament, per_s: float) -> None:
        customer_id, door = await self._log_in_in_turn(f"bettor-{number}-{temperament.name}")
        chance = random.Random(f"{self._plan.seed}/{number}/{self._now_us()}")
        while True:
            await asyncio.sleep(chance.expovariate(per_s))
            wish = temperament.wish(self._board, chance)
            if wish is not None:
                await self._place(customer_id, door, wish)

    async def _punter(self, number: int, punter: punters.Punter, per_s: float) -> None:
        customer_id, door = await self._log_in_in_turn(f"punter-{number}-{punter.name}")
        chance = random.Random(f"{self._plan.seed}/slips/{number}/{self._now_us()}")
        while True:
            await asyncio.sleep(chance.expovariate(per_s))
            wish = punter.wish(self._board, chance)
            if wish is not None:
                await self._hand_in(customer_id, door, wish, chance)

    async def _hand_in(self, customer_id: int, door: Door, wish: punters.SlipWish, chance: random.Random) -> None:
        """A ticket like any customer's. Of a trader's offers two in three are taken."""
        placed = await self._asked(customer_id, door, "/v1/tickets", wish.body(CURRENCY))
        if placed is None or placed["status"] != "referred":
            return
        path = f"/v1/tickets/{placed['ticket_id']}"
        for _ in range(round(PATIENT_WITH_TRADERS_S / LOOK_AT_DESK_S)):
            await asyncio.sleep(LOOK_AT_DESK_S)
            status = (await door.get(path))["status"]
            if status == "offered":
                await self._asked(customer_id, door, f"{path}/answer", {"accept": chance.random() < 2 / 3})
            if status != "referred":
                return

    async def _desk(self) -> None:
        """A trader who answers what is referred."""
        trader = Trader(self._operator, self._chance)
        await self._begun.wait()
        await trader.open(self._competition_id, CURRENCY)
        while True:
            await trader.look()
            await asyncio.sleep(LOOK_AT_DESK_S)

    async def _log_in_in_turn(self, name: str) -> tuple[int, Door]:
        """A few at a time: a crowd that asks all at once, and again when it has waited too long, never gets in."""
        async with self._door_step:
            return await self._log_in(name)

    async def _log_in(self, name: str) -> tuple[int, Door]:
        """A session as the customer of that name, who is made where there is none.

        Name and password follow from the plan's secret, so whoever has it finds the same customers again.
        """
        secret = blake2b(name.encode(), key=self._plan.secret[:64], digest_size=24).hexdigest()
        login = {"username": f"{name}-{secret[:6]}", "password": secret[6:]}
        try:
            session = await self._operator.to("").post("/v1/sessions", login)
        except Problem as problem:
            if problem.status != UNAUTHORIZED:
                raise
            made = await self._operator.post("/v1/operator/customers", {"currency": CURRENCY, **login})
            await self._fund(made["customer_id"])
            session = await self._operator.to("").post("/v1/sessions", login)
        return session["customer_id"], self._operator.to(session["token"])

    async def _fund(self, customer_id: int) -> None:
        funds = {"currency": CURRENCY, "amount_minor": FUNDS_MINOR, "note": "simulated deposit"}
        await self._operator.post(f"/v1/operator/customers/{customer_id}/funds", funds)

    async def _place(self, customer_id: int, door: Door, wish: bettors.Wish) -> None:
        """A bet like any customer's; who has no money left deposits again."""
        body = {
            "market_id": wish.pick.market_id,
            "selection_id": wish.pick.selection_id,
            "stake_minor": wish.stake_minor,
            "currency": CURRENCY,
            "price_milli": wish.pick.price_milli,
            "odds_change": wish.odds_change,
            "market_version": wish.market_version,
        }
        await self._asked(customer_id, door, "/v1/bets", body)

    async def _asked(self, customer_id: int, door: Door, path: str, body: Mapping[str, Any]) -> Any:
        """The house's answer, or None where it refused."""
        try:
            return await door.post(path, body)
        except Problem as problem:
            if problem.code == "insufficient_funds":
                await self._fund(customer_id)
            elif problem.status == UNAUTHORIZED:
                raise
            else:
                log.debug("refused: %s", problem)
            return None


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
