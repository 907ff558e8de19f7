"""A provider of the Unified Odds Feed shape, and one house: what arrives is read, judged, mapped and brought.

One worker takes messages in the order in which they came. What concerns events goes to the steward in batches, and is
there before a life sign or the end of a recovery that came after it counts. Beside it a clock: a producer that went
silent is distrusted within a second, whatever the worker does.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

import msgspec

from overround.feeds.changes import Details, EventChanges, Reschedule
from overround.feeds.client import Problem, Unreachable
from overround.feeds.lastword import LastWord
from overround.feeds.pulse import PAUSE_S, Pulse
from overround.feeds.steward import Steward
from overround.feeds.uof import routing
from overround.feeds.uof.acting import Actor
from overround.feeds.uof.api import Provider
from overround.feeds.uof.mapping import ROWS, agreeing, mapping
from overround.feeds.uof.messages import EventMessage, FeedMessage, FixtureChange, Message
from overround.feeds.uof.ordering import Sieve
from overround.feeds.uof.parsing import Malformed, parse
from overround.feeds.uof.producer import SILENCE_US, Action, Distrust, Producer, Recover, Trust
from overround.kernel.instant import SECOND_US

log = logging.getLogger(__name__)

INBOX: Final = 1_000
"""Messages that wait, at most; then their sender waits."""

BATCH: Final = 200
TICK_S: Final = 0.5
REPORT_S: Final = 60.0


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Which producers are heard (others are counted and passed over), and what their feeds are called in the house.
    `node` is ours where the provider's messages name one."""

    producers: tuple[int, ...] = (1, 3)
    feed: str = "uof"
    silence_us: int = SILENCE_US
    node: int = 0


class Adapter:
    """`take` is given what arrives, `lost` is told of a connection's end; `run` does the rest until it is cancelled."""

    def __init__(self, *, steward: Steward, provider: Provider, terms: Terms, now_us: Callable[[], int]) -> None:
        self.counts: Counter[str] = Counter()
        self._steward, self._provider, self._now_us = steward, provider, now_us
        self._terms = terms
        # Numbers of recoveries rise over restarts, so that a former life's snapshot_complete is no answer to ours.
        first = now_us() // SECOND_US
        self.producers = {
            product: Producer(product, request_id=first, silence_us=terms.silence_us) for product in terms.producers
        }
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(INBOX)
        self._actor = Actor(mapping(), feed=terms.feed)
        self._sieve = Sieve(groups_of=mapping().groups)
        self._last = LastWord()
        self._asking: set[asyncio.Task[None]] = set()
        self._bringing = asyncio.Lock()
        self._pulses = {product: self._pulse(producer) for product, producer in self.producers.items()}

    def _pulse(self, producer: Producer) -> Pulse:
        return Pulse(
            steward=self._steward,
            feed=self._actor.feed_of(producer.product),
            trusted=lambda: producer.is_up,
            say_again=partial(self._say_again, producer.product),
            now_us=self._now_us,
        )

    async def take(self, key: str, body: bytes) -> None:
        """A message with its routing key ("" for none); waits while too many do. What is for another node is none of
        ours."""
        routed = routing.parse(key) if key else None
        if key and routed is None:
            self.counts["routing key unknown"] += 1
        if routed is not None and routed.node not in ("", str(self._terms.node)):
            self.counts["for another node"] += 1
            return
        await self._inbox.put(body)

    async def settled(self) -> None:
        """Until the house has everything that was taken."""
        await self._inbox.join()

    async def lost(self) -> None:
        """The connection ended: whatever was said since is unknown, of every producer."""
        for producer in self.producers.values():
            await self._do(producer.disconnected(now_us=self._now_us()))

    async def run(self) -> None:
        """Until cancelled. It begins by telling the house that none of its feeds is to be trusted yet."""
        await self._agree()
        for product in self.producers:
            await self._insist(partial(self._steward.silence, self._actor.feed_of(product)))
        async with asyncio.TaskGroup() as group:
            for work in (self._work, self._clock, self._reports, *(pulse.run for pulse in self._pulses.values())):
                group.create_task(work())

    async def _agree(self) -> None:
        """Leave out rows that the provider's own descriptions contradict."""
        told = await self._provider.descriptions()
        if told is None:
            return
        rows = agreeing(ROWS, told)
        for row in sorted({row.id for row in ROWS} - {row.id for row in rows}):
            log.warning("market %d is not offered: the provider describes it otherwise", row)
        self._actor = Actor(mapping(rows), feed=self._terms.feed)

    # -------------------------------------------------------------- messages

    async def _work(self) -> None:
        while True:
            bodies = [await self._inbox.get()]
            while len(bodies) < BATCH and not self._inbox.empty():
                bodies.append(self._inbox.get_nowait())
            await self.handle(bodies)
            for _ in bodies:
                self._inbox.task_done()

    async def handle(self, bodies: Iterable[bytes]) -> None:
        """Messages in their order. Those about events are brought together, up to the next that is about a producer."""
        waiting: list[EventChanges] = []
        for body in bodies:
            message = self._read(body)
            if message is None:
                continue
            if isinstance(message, EventMessage):
                waiting += self._judged(message)
                if isinstance(message, FixtureChange) and not message.start_ms:
                    waiting += await self._moved(message.event)
            else:
                await self._bring(waiting)
                waiting = []
                await self._do(self.producers[message.product].receive(message, now_us=self._now_us()))
        await self._bring(waiting)

    def _read(self, body: bytes) -> FeedMessage | None:
        message = parse(body)
        if isinstance(message, Malformed):
            self.counts[f"malformed {message.fault}"] += 1
            log.warning("a message is malformed: %s, %s", message.fault, message.detail)
            return None
        if not isinstance(message, Message):
            self.counts["a document among messages"] += 1
            return None
        self.counts[type(message).__name__] += 1
        if message.product not in self.producers:
            self.counts[f"producer {message.product} is not heard"] += 1
            return None
        return message

    def _judged(self, message: EventMessage) -> list[EventChanges]:
        sifted = self._sieve.sift(message)
        for each in sifted.dropped:
            self.counts[f"dropped {each.judgement}"] += 1
        acted = self._actor.act(sifted)
        if acted is None:
            return []
        for left_out in acted.left_out:
            self.counts[f"left out {left_out}"] += 1
        self._last.note(acted.ref, acted.changes)
        return [EventChanges(ref=acted.ref, changes=acted.changes)] if acted.changes else []

    async def _moved(self, event: str) -> list[EventChanges]:
        """A change of a fixture that does not say what changed: the start is read anew."""
        fixture = await self._provider.fixture(event)
        if fixture is None:
            return []
        return [EventChanges(ref=event, changes=(Reschedule(starts_at_us=fixture.starts_at_us),))]

    async def _bring(self, waiting: list[EventChanges]) -> None:
        """Not given up: what a house that is away did not take is brought again, for no later message says it."""
        if waiting:
            async with self._bringing:
                await self._insist(partial(self._steward.bring, waiting))

    # -------------------------------------------------------------- producers

    async def _clock(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for producer in self.producers.values():
                await self._do(producer.tick(now_us=self._now_us()))

    async def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Recover():
                    log.info("recovery %d of producer %d asked for", action.request_id, action.product)
                    self._last.begin(self._actor.feed_of(action.product))
                    self._in_background(action)
                case Distrust(product=product, reason=reason):
                    log.warning("producer %d is not trusted: %s", product, reason)
                    await self._pulses[product].silence()
                case Trust():
                    log.info("producer %d is up", action.product)
                    await self._trust(action)

    def _in_background(self, request: Recover) -> None:
        task = asyncio.create_task(self._recover(request))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _recover(self, request: Recover) -> None:
        if not await self._provider.recover(request):
            producer = self.producers[request.product]
            await self._do(producer.refused(request.request_id, now_us=self._now_us()))

    async def _trust(self, trust: Trust) -> None:
        """First that the feed is back, then its last word on each of its markets."""
        if trust.everything_told:
            self._last.forget_older(self._actor.feed_of(trust.product))
        if await self._pulses[trust.product].revive():
            await self._say_again(trust.product)

    async def _say_again(self, product: int) -> None:
        async with self._bringing:
            words = self._last.words(self._actor.feed_of(product))
            await self._insist(partial(self._steward.bring, list(words)))

    # -------------------------------------------------------------- the house

    async def _insist(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Again until the house has taken it."""
        while True:
            try:
                await ask()
                return
            except (Problem, Unreachable) as trouble:
                log.warning("the house did not take it, trying again: %s", trouble)
                await asyncio.sleep(PAUSE_S)

    async def _reports(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            log.info("since the start: %s", self.summary())

    def summary(self) -> str:
        """Everything counted, most frequent first."""
        every = self.counts + self._steward.counts
        return ", ".join(f"{count} {name}" for name, count in every.most_common())


async def describe(provider: Provider, ref: str) -> Details | None:
    """A fixture as the house's event."""
    fixture = await provider.fixture(ref)
    if fixture is None:
        return None
    competition = " ".join(filter(None, (fixture.category, fixture.tournament)))
    return Details(
        ref=fixture.event,
        sport=SPORTS.get(fixture.sport, fixture.sport) or "Other",
        competition=competition or "Other",
        name=fixture.name,
        starts_at_us=fixture.starts_at_us,
    )


SPORTS: Final = {"Soccer": "Football"}
"""The provider's word for a sport where the house has another."""
