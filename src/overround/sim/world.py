"""A world: the whole house, those who use it, what goes wrong, and who watches; from a seed."""

import asyncio
import traceback
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from overround.book.machine import Machine
from overround.sim.archivist import Archivist
from overround.sim.audit import Auditor, Broken
from overround.sim.books import Book
from overround.sim.bus import Network
from overround.sim.chaos import Chaos
from overround.sim.clock import BASES_US, SimClock
from overround.sim.customers import TEMPERS, Customer
from overround.sim.desk import Desk
from overround.sim.exchangers import Steward, Trader
from overround.sim.gateways import Caller, Gateway
from overround.sim.journal import JournalServer
from overround.sim.loop import Stuck, VirtualLoop
from overround.sim.promoters import Promoter
from overround.sim.sellers import Seller
from overround.sim.trace import TAIL_LINES, Trace
from overround.sim.traders import FeedProvider, Operator
from overround.sim.weather import Weather, draw

HEALED_S: Final = 40.0
"""How long things go wrong, in virtual seconds."""

DRAINED_S: Final = HEALED_S + 330.0
"""By when everything must be done, in virtual seconds: a minute and a half for what was under way, and twice the
minutes that a trader, and then the customer, have for a ticket that was referred last: what was given up is asked
again."""

AT_REST_S: Final = 1.0
"""How long the house is left alone before the last look: what it does by itself is done."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a world. `broken` is empty where every invariant held."""

    seed: int
    fingerprint: str
    facts: int
    bets: int
    terms: int
    virtual_s: float
    calm: bool
    counts: dict[str, int]
    broken: str = ""
    tail: tuple[str, ...] = ()


class World:
    """Everything is drawn from one seed; each part has a stream of chance of its own."""

    def __init__(
        self,
        seed: int,
        *,
        weather: Weather | None = None,
        machine: type[Machine] = Machine,
        server: type[JournalServer] = JournalServer,
        everything: bool = False,
    ) -> None:
        self.seed = seed
        self.weather = weather or draw(self._chance("weather"))
        self.loop = VirtualLoop(ceiling_s=DRAINED_S)
        self.trace = Trace(self.loop, tail_lines=None if everything else TAIL_LINES)
        self._everything = everything
        self.auditor = Auditor(epochs_checked=self.weather.epochs_checked)
        self.server = server(
            self.loop,
            weather=self.weather.calmed,
            chance=self._chance("journal"),
            trace=self.trace,
            committed=self.auditor.committed,
        )
        self.network = Network(self.loop, weather=self.weather.calmed, chance=self._chance("network"), trace=self.trace)
        self._machine = machine
        self._base_us = self._chance("calendar").choice(BASES_US)
        self._gateways = [
            Gateway(f"gateway-{n}", network=self.network, auditor=self.auditor, trace=self.trace)
            for n in range(1, self.weather.gateways + 1)
        ]

    def _chance(self, name: str) -> Random:
        return Random(f"{self.seed}/{name}")

    def run(self) -> Report:
        """Run it to its end, good or bad."""
        broken = ""
        try:
            self.loop.run(self._main())
        except (Broken, Stuck) as failure:
            broken = f"{type(failure).__name__}: {failure}"
        except Exception:  # noqa: BLE001  whatever else ends a world is what it found
            broken = traceback.format_exc()
        finally:
            self.loop.close()
        return Report(
            seed=self.seed,
            fingerprint=self.trace.fingerprint(),
            facts=self.auditor.seq,
            bets=self.auditor.bets.count,
            terms=len(self.auditor.epochs),
            virtual_s=self.loop.time(),
            calm=self.weather == self.weather.calmed,
            counts=dict(sorted(self.trace.counts.items())),
            broken=broken,
            tail=tuple(self.trace.tail) if broken or self._everything else (),
        )

    async def _main(self) -> None:
        for gateway in self._gateways:
            await gateway.start()
        books = [self._book(number) for number in range(1, self.weather.books + 1)]
        for book in books:
            book.start()
        chaos = Chaos(
            weather=self.weather,
            chance=self._chance("chaos"),
            books=books,
            gateways=self._gateways,
            server=self.server,
            network=self.network,
            auditor=self.auditor,
            trace=self.trace,
        )
        opened: asyncio.Future[None] = self.loop.create_future()
        people = asyncio.create_task(self._people(opened))
        await opened
        chaos.begin()
        await asyncio.sleep(HEALED_S - self.loop.time())
        await chaos.heal()
        customers = await people
        await until(lambda: not self.auditor.unfinished)
        await asyncio.gather(*(customer.reckon() for customer in customers))
        await self._rest()
        self.auditor.close(self.server.rows, self.server.snapshots)

    async def _rest(self) -> None:
        """Until the house is done with what it does by itself: a rule set last may yet wait for its delay."""
        seen = -1
        while seen != self.auditor.seq:
            seen = self.auditor.seq
            await asyncio.sleep(AT_REST_S)
            await until(lambda: not self.auditor.unfinished)

    async def _people(self, opened: "asyncio.Future[None]") -> list[Customer]:
        """Everybody outside, from opening the house, while all is still well, until each has the last answer."""
        chance = self._chance("people")
        operator = Operator(caller=self._caller("operator"), auditor=self.auditor, chance=self._chance("operator"))
        feed = FeedProvider(
            caller=self._caller("feed"),
            auditor=self.auditor,
            chance=self._chance("feed"),
            stalls=self.weather.feed_stalls,
        )
        competition = await operator.open_competition()
        customers = await asyncio.gather(
            *(self._customer(operator, number, temper) for number, temper in enumerate(self._tempers(chance), 1))
        )
        if chance.random() < 0.3:
            await operator.narrow_terms()
        ends_s = [HEALED_S * chance.uniform(0.7, 1) for _ in range(chance.randint(1, 3))]
        desk = Desk(caller=self._caller("desk"), auditor=self.auditor, chance=self._chance("desk"))
        lives = [desk.work(HEALED_S), feed.beat(HEALED_S), feed.move(HEALED_S), operator.look_at_referrals(HEALED_S)]
        promoter = Promoter(caller=self._caller("promoter"), auditor=self.auditor, chance=self._chance("promoter"))
        lives.append(promoter.give(HEALED_S))
        archivist = Archivist(caller=self._caller("archivist"), chance=self._chance("archivist"))
        lives.append(archivist.keep(HEALED_S))
        lives += [operator.play(competition, base_us=self._base_us, until_s=end_s) for end_s in ends_s]
        playing = [asyncio.create_task(life) for life in lives]
        await until(lambda: self.auditor.offer.is_open)
        opened.set_result(None)
        race = asyncio.create_task(self._race(competition))
        await asyncio.gather(*(customer.live(HEALED_S) for customer in customers), *playing, race)
        return list(customers)

    async def _race(self, competition: int) -> None:
        """In every other world the exchange has a race, and some who trade on it."""
        chance = self._chance("race")
        if chance.random() < 0.5:
            return
        steward = Steward(caller=self._caller("steward"), auditor=self.auditor, chance=self._chance("steward"))
        customers = [await steward.open_trader() for _ in range(chance.randint(2, 4))]
        race = await steward.open_race(competition, base_us=self._base_us)
        traders = [
            Trader(
                customer=customer,
                race=race,
                caller=self._caller(f"trader {customer}"),
                auditor=self.auditor,
                chance=self._chance(f"trader {customer}"),
            )
            for customer in customers
        ]
        end_s = HEALED_S * chance.uniform(0.7, 0.9)
        await asyncio.gather(steward.run_race(race, until_s=end_s), *(trader.live(HEALED_S) for trader in traders))

    def _tempers(self, chance: Random) -> list[str]:
        return [chance.choice(list(TEMPERS)) for _ in range(chance.randint(3, 10))]

    async def _customer(self, operator: Operator, number: int, temper: str) -> Customer:
        customer_id, currency = await operator.open_customer()
        manners = TEMPERS[temper]
        seller = Seller(
            customer_id=customer_id,
            caller=self._caller(f"seller-{number}"),
            auditor=self.auditor,
            chance=self._chance(f"seller {number}"),
            think_s=manners.sells_s,
            patience_s=manners.patience_s,
        )
        return Customer(
            customer_id=customer_id,
            currency=currency,
            temper=manners,
            caller=self._caller(f"{temper}-{number}"),
            auditor=self.auditor,
            chance=self._chance(f"customer {number}"),
            seller=seller,
        )

    def _caller(self, name: str) -> Caller:
        chance = self._chance(f"caller {name}")
        return Caller(
            name,
            gateways=self._gateways,
            auditor=self.auditor,
            clock=SimClock(self.loop, base_us=self._base_us, wrong_us=round(chance.uniform(-2, 2) * 1e6)),
            chance=chance,
            trace=self.trace,
        )

    def _book(self, number: int) -> Book:
        wrong_us = round(self._chance(f"clock {number}").uniform(-1, 1) * self.weather.skew_s * 1e6)
        settle_step = self.weather.settle_step
        machine = type("StepwiseMachine", (self._machine,), {"settle_step": settle_step})
        return Book(
            f"book-{number}",
            loop=self.loop,
            server=self.server,
            network=self.network,
            clock=SimClock(self.loop, base_us=self._base_us, wrong_us=wrong_us),
            weather=self.weather,
            machine=machine,
            trace=self.trace,
        )


async def until(true: Callable[[], bool]) -> None:
    """Look ten times a second whether something has come true."""
    while not true():  # noqa: ASYNC110  the auditor knows no events, and time costs nothing here
        await asyncio.sleep(0.1)


def simulate(seed: int, *, everything: bool = False) -> Report:
    """Run the world of this seed. `everything` keeps all that happened for the report, not only the end of it."""
    return World(seed, everything=everything).run()
