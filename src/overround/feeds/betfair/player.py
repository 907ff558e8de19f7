"""Recordings on a house: each file is played by itself, at its speed, all at once, and its markets kept in step.

Commands go over the bus, many at once: all that a market needs at one moment is planned from what is known before, so
it takes one exchange of messages. What was recorded while the house was answering is put on it together, as a stream
tells a slow reader: nothing is skipped but what stood for a shorter time than an answer takes.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from overround.book.exchange import VoidResult
from overround.book.machine.answers import Answer, Done
from overround.book.machine.commands import Command, MoveFunds, OpenCustomer, RescheduleEvent
from overround.book.machine.exchange_commands import (
    CreateExchangeMarket,
    RecordExchangeResult,
    RescheduleExchangeMarket,
)
from overround.feeds.betfair.abandoned import new_name
from overround.feeds.betfair.making import Counts, Maker, Step
from overround.feeds.betfair.mirror import Key, MarketMirror
from overround.feeds.betfair.recording import Definition, Message, read
from overround.feeds.betfair.scanning import Pace, Scan
from overround.feeds.betfair.staging import (
    EventMoved,
    Lapsed,
    Moved,
    Outline,
    Removed,
    Stage,
    Start,
    Unplayable,
    follow,
    runners_of,
    start_prices,
    terms_of,
)
from overround.feeds.betfair.starting import Starter
from overround.kernel.ids import make_key
from overround.kernel.instant import text
from overround.kernel.refusal import Refused

FUNDS_MINOR: Final = 10**14
"""What each service customer has: a million million. It is the house's clearing account that owes them."""

MAX_AT_ONCE: Final = 4_000
"""Commands of one exchange of messages; a desk holds twice as many."""

TRIES: Final = 4
"""How often a book is put right where bots were in between."""

SPORTS: Final = {
    "1": "Football", "2": "Tennis", "3": "Golf", "4": "Cricket", "6": "Boxing", "7": "Horse Racing",
    "4339": "Greyhound Racing",
}  # fmt: skip


class Book(Protocol):
    """Whoever puts commands to the book: a desk on the bus."""

    def ask_many(
        self, requests: Sequence[tuple[Command, str]], *, actor: int
    ) -> Awaitable[Sequence[Answer | None]]: ...


class Operator(Protocol):
    """Whoever makes what the catalogue needs: an operator's door."""

    async def get(self, path: str) -> Any: ...

    async def post(self, path: str, body: Any) -> Any: ...


class HouseRefused(Exception):
    """The house did not take what a replay cannot go on without, or did not answer; `code` is its own word for why."""

    def __init__(self, what: str, code: str = "") -> None:
        super().__init__(f"{what}: {code}" if code else what)
        self.code = code


class PlayedMarket(msgspec.Struct, kw_only=True):
    """A recorded market on our house. `is_dated` is whether it starts when it was recorded to start; `wanted` are the
    runners that are put on the house, None for all."""

    recorded_id: str
    mirror: MarketMirror
    stage: Stage
    maker: Maker
    starter: Starter
    outline: Outline
    event_id: int
    is_dated: bool
    wanted: dict[Key, None] | None = None

    def has(self, key: Key) -> bool:
        """Whether a runner is put on the house: it is there, not out, and wanted."""
        return self.stage.has(key) and (self.wanted is None or key in self.wanted)


class Tally(msgspec.Struct, kw_only=True):
    """What was played. `coalesced` messages were put on the house together with a later one."""

    messages: int = 0
    changes: int = 0
    exchanges: int = 0
    commands: int = 0
    coalesced: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)


class Player:
    """One replay onto one house. `operator` makes what the catalogue needs, over HTTP; all else goes to `desk`. `name`
    is of it alone, and of its competitions. With `sparing`, a runner is put on the house only once it is wanted."""

    def __init__(
        self,
        *,
        desk: Book,
        operator: Operator,
        actor: int,
        now_us: Callable[[], int],
        chance: random.Random,
        pace: Pace,
        currency: str = "EUR",
        crossing: bool = True,
        on_progress: Callable[[int], None] = lambda _messages: None,
        on_sample: Callable[[Sequence[PlayedMarket]], Awaitable[None]] | None = None,
        samples: int = 0,
        on_step: Callable[[Sequence[PlayedMarket]], Awaitable[None]] | None = None,
        sparing: bool = False,
    ) -> None:
        self._desk, self._operator, self._actor = desk, operator, actor
        self._now_us, self._chance, self._pace, self._crossing = now_us, chance, pace, crossing
        self._on_progress, self._on_sample, self._samples = on_progress, on_sample, samples
        self._currency, self._on_step, self._sparing = currency, on_step, sparing
        self.at_ms = 0
        """When what was played last was recorded."""

        self.name = new_name(chance)
        self.tally = Tally()
        self.markets: dict[tuple[Path, str], PlayedMarket] = {}
        self._maker = self._taker = 0
        self._opens: dict[int, str] = {}
        """When each of our events opens, as recorded."""

    async def prepare(self, scans: Sequence[Scan]) -> None:
        """The service customers, events and markets, before anything is played. Raises HouseRefused, Problem,
        Unreachable."""
        self._maker, self._taker = await self._service_customer(), await self._service_customer()
        competitions: dict[str, int] = {}
        events: dict[str, int] = {}
        began_us = self._now_us()
        for seen in scans:
            for market_id, outline in seen.outlines.items():
                try:
                    await self._make(seen, market_id, outline, competitions, events, began_us)
                except Unplayable as why:
                    seen.left_out[market_id] = str(why)

    async def _service_customer(self) -> int:
        customer_id = await self._done(OpenCustomer(self._currency))
        await self._done(MoveFunds(customer_id, self._currency, FUNDS_MINOR, "market maker of a replay"))
        return customer_id

    async def _make(
        self,
        seen: Scan,
        market_id: str,
        outline: Outline,
        competitions: dict[str, int],
        events: dict[str, int],
        began_us: int,
    ) -> None:
        first = outline.first
        begin_ms = seen.begin_ms(self._pace)
        starts_at_us = self._pace.when_us(first.market_time, at_ms=begin_ms, now_us=began_us)
        terms = terms_of(
            outline,
            starts_at_us=starts_at_us,
            currency=self._currency,
            delay_by=self._pace.delay_by,
            crossing=self._crossing,
        )
        runners = runners_of(outline)
        sport = SPORTS.get(first.event_type_id, "Special Bets")
        if sport not in competitions:
            competitions[sport] = await self._competition(sport)
        event = first.event_id or market_id
        if event not in events:
            opens = first.open_date or first.market_time
            opens_at_us = self._pace.when_us(opens, at_ms=begin_ms, now_us=began_us)
            asked = {
                "competition_id": competitions[sport],
                "name": first.event_name or first.venue or f"Event {event}",
                "starts_at": text(opens_at_us),
            }
            events[event] = int((await self._operator.post("/v1/operator/events", asked))["event_id"])
            self._opens[events[event]] = opens
        try:
            number = await self._done(CreateExchangeMarket(events[event], terms, runners))
        except HouseRefused as why:
            raise Unplayable(why.code or str(why)) from None
        who: dict[str, Any] = {
            "market_id": number,
            "maker": self._maker,
            "taker": self._taker,
            "currency": self._currency,
            "prices": terms.ladder,
        }
        places = {(runner.selection_id, runner.handicap_quarters): place for place, runner in enumerate(runners)}
        self.markets[seen.path, market_id] = PlayedMarket(
            recorded_id=market_id,
            mirror=MarketMirror(market_id),
            stage=Stage(number, terms.bsp, terms.turn_in_play, places, first.market_time, first.open_date),
            maker=Maker(**who, trades_told=outline.trades_told),
            starter=Starter(**who),
            outline=outline,
            event_id=events[event],
            is_dated=not self._pace.speed,
            wanted={} if self._sparing else None,
        )

    async def _competition(self, sport: str) -> int:
        for known in (await self._operator.get("/v1/sports"))["items"]:
            if known["name"] == sport:
                sport_id = known["sport_id"]
                break
        else:
            sport_id = (await self._operator.post("/v1/operator/sports", {"name": sport}))["sport_id"]
        asked = {"sport_id": sport_id, "name": self.name}
        return int((await self._operator.post("/v1/operator/competitions", asked))["competition_id"])

    # -------------------------------------------------------------- one file

    async def play(self, scans: Sequence[Scan]) -> None:
        """All files at once, each from its beginning. Raises HouseRefused, RecordingRefused."""
        try:
            async with asyncio.TaskGroup() as group:
                for seen in scans:
                    group.create_task(self._play_file(seen))
        except ExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _play_file(self, seen: Scan) -> None:
        reel = _Reel(seen, seen.begin_ms(self._pace))
        loop = asyncio.get_running_loop()
        began = loop.time()
        speed, step_ms = self._pace.speed, self._pace.step_ms
        every = max(1, seen.messages // self._samples) if self._samples else 0
        markets = {market.recorded_id: market for market in self._of(seen)}
        dirty: dict[str, PlayedMarket] = {}
        taken, sampled = 0, 0
        while reel.message is not None:
            until_ms = reel.message.pt + step_ms
            if speed:
                await asyncio.sleep(max(0.0, began + (reel.message.pt - reel.begin_ms) / 1_000 / speed - loop.time()))
                until_ms = max(until_ms, reel.begin_ms + int((loop.time() - began) * 1_000 * speed))
            before = taken
            for message in reel.up_to(max(until_ms, reel.begin_ms - 1)):
                self.at_ms = message.pt
                await self._take(markets, message, dirty, is_shown=message.pt >= reel.begin_ms)
                taken += 1
            stepped = list(dirty.values())
            await self._sync(dirty)
            if self._on_step is not None:
                await self._on_step(stepped)
            self.tally.messages += taken - before
            self.tally.coalesced += taken - before - 1
            self._on_progress(taken - before)
            if self._on_sample is not None and every and taken // every > sampled:
                sampled = taken // every
                await self._on_sample(self._of(seen))

    async def want(self, market: PlayedMarket, keys: Iterable[Key]) -> None:
        """From now on these runners are put on the house too, as the recording has them now."""
        wanted, mirror = market.wanted, market.mirror
        fresh = [key for key in keys if key in mirror.runners and wanted is not None and key not in wanted]
        if wanted is None or not fresh:
            return
        for key in fresh:
            wanted[key] = mirror.changed[key] = None
            market.maker.begin(key, mirror.runners[key])
        await self._sync({market.recorded_id: market})

    def want_only(self, market: PlayedMarket, keys: Container[Key]) -> None:
        """Other runners are not put on the house any more: nobody is left there who could meet what is."""
        if market.wanted is not None:
            market.wanted = {key: None for key in market.wanted if key in keys}

    async def abandon(self, why: str) -> list[PlayedMarket]:
        """Void the markets that have no result yet, since nothing would ever settle them. Which they were. Raises
        HouseRefused."""
        left = [market for market in self.markets.values() if market.stage.status != "CLOSED"]
        for market in left:
            market.stage.status = "CLOSED"
        commands = [RecordExchangeResult(market.stage.market_id, VoidResult(why)) for market in left]
        for start in range(0, len(commands), MAX_AT_ONCE):
            for answer in await self._ask(commands[start : start + MAX_AT_ONCE]):
                self._note(answer)
        return left

    def _of(self, seen: Scan) -> list[PlayedMarket]:
        return [market for (path, _), market in self.markets.items() if path == seen.path]

    async def _take(
        self, markets: dict[str, PlayedMarket], message: Message, dirty: dict[str, PlayedMarket], *, is_shown: bool
    ) -> None:
        """One message. A new definition is followed at once, after what was before it."""
        for change in message.mc:
            market = markets.get(change.id)
            if market is None:
                continue
            self.tally.changes += len(change.rc)
            if change.definition is not None:
                if is_shown:
                    await self._sync(dirty)
                    await self._follow(market, change.definition, message.pt)
                market.mirror.definition = change.definition
            elif is_shown and market.stage.status == "INACTIVE" and market.mirror.definition is not None:
                await self._follow(market, market.mirror.definition, message.pt)
            market.mirror.apply(change)
            if is_shown:
                dirty[change.id] = market

    async def _sync(self, dirty: dict[str, PlayedMarket], *, tries: int = TRIES) -> None:
        """Put what changed on the house. A market that is not open keeps its changes for later. Runners of which
        something was refused are said again, whole."""
        steps: list[tuple[Maker | Starter, Step]] = []
        markets = list(dirty.values())
        dirty.clear()
        for market in markets:
            if market.stage.status == "CLOSED":
                continue
            mirror, is_open = market.mirror, market.stage.is_open
            stage, has = market.stage, market.has
            planned = market.maker.plan(
                ((key, mirror.runners[key], touched) for key, touched in mirror.changed.items() if has(key)),
                is_open=is_open,
            )
            steps += ((market.maker, step) for step in planned)
            market.maker.in_doubt.clear()
            if is_open:
                if stage.bsp and not stage.reconciled:
                    there = [(key, mirror.runners[key]) for key in mirror.changed if stage.has(key)]
                    market.starter.hold(runner for runner in there if not has(runner[0]))
                    planned = market.starter.plan(runner for runner in there if has(runner[0]))
                    steps += ((market.starter, step) for step in planned)
                mirror.changed.clear()
        await self._send(steps, is_last=tries == 1)
        again = {market.recorded_id: market for market in markets if market.maker.in_doubt}
        for market in again.values():
            market.mirror.changed.update(market.maker.in_doubt)
        if again and tries > 1:
            await self._sync(again, tries=tries - 1)

    async def _send(self, steps: list[tuple[Maker | Starter, Step]], *, is_last: bool = True) -> None:
        """What is refused counts as such if it is not tried again."""
        for start in range(0, len(steps), MAX_AT_ONCE):
            part = steps[start : start + MAX_AT_ONCE]
            answers = await self._ask([step.command for _, step in part])
            for (owner, step), answer in zip(part, answers, strict=True):
                if not isinstance(answer, Refused):
                    if isinstance(owner, Starter):
                        owner.heard(step)
                    continue
                owner.refused(step)
                if is_last:
                    self._note(answer)

    async def _follow(self, market: PlayedMarket, definition: Definition, at_ms: int) -> None:
        """Our market lives on as the recorded one."""
        if definition.betting_type == "LINE":
            market.stage.last_milli = max((runner.last_milli for runner in market.mirror.runners.values()), default=0)
        for cue in follow(market.stage, definition, delay_by=self._pace.delay_by):
            match cue:
                case Start():
                    prices = start_prices(market.outline, market.stage)
                    steps = market.starter.start((key, price) for key, price in prices if market.has(key))
                    await self._send([(market.starter, step) for step in steps])
                    market.maker.lapsed()
                case Moved() | EventMoved():
                    await self._move(market, cue, at_ms)
                case Removed(key=key, reduces=reduces):
                    market.maker.lost(key)
                    market.starter.lost(key)
                    if reduces:
                        market.maker.lays_lapsed()
                        _touch(market)
                case Lapsed():
                    market.maker.lapsed()
                    _touch(market)
                case _:
                    for answer in await self._ask([cue]):
                        self._note(answer)
        if market.stage.is_open:
            _touch(market)
            await self._sync({market.recorded_id: market})

    async def _move(self, market: PlayedMarket, cue: Moved | EventMoved, at_ms: int) -> None:
        """Another start, of the market or of its event; an event is moved once for all of its markets."""
        starts_at_us = self._pace.when_us(cue.starts, at_ms=at_ms, now_us=self._now_us())
        command: Command = RescheduleExchangeMarket(market.stage.market_id, starts_at_us)
        if isinstance(cue, EventMoved):
            if self._opens[market.event_id] == cue.starts:
                return
            self._opens[market.event_id] = cue.starts
            command = RescheduleEvent(market.event_id, starts_at_us)
        for answer in await self._ask([command]):
            self._note(answer)

    # -------------------------------------------------------------- the house

    async def _done(self, command: Command) -> int:
        answer = (await self._ask([command]))[0]
        if not isinstance(answer, Done):
            raise HouseRefused(type(command).__name__, str(getattr(answer, "code", answer)))
        return answer.id

    async def _ask(self, commands: Sequence[Command]) -> list[Answer]:
        if not commands:
            return []
        at_us = self._now_us()
        keyed = [(command, make_key(at_us=at_us, chance=self._chance.getrandbits(74))) for command in commands]
        answers = await self._desk.ask_many(keyed, actor=self._actor)
        self.tally.exchanges += 1
        self.tally.commands += len(commands)
        told = [answer for answer in answers if answer is not None]
        if len(told) < len(commands):
            raise HouseRefused("the house did not answer in time; what became of the last orders is unknown")
        return told

    def _note(self, answer: Any) -> None:
        if isinstance(answer, Refused):
            reason = answer.detail.get("reason")
            self.tally.refused[f"{answer.code}: {reason}" if reason else str(answer.code)] += 1

    @property
    def counts(self) -> Counts:
        """Of all markets together."""
        total = Counts()
        for market in self.markets.values():
            for name in Counts.__struct_fields__:
                setattr(total, name, getattr(total, name) + getattr(market.maker.counts, name))
        return total


class _Reel:
    """A file's messages, one at hand."""

    def __init__(self, seen: Scan, begin_ms: int) -> None:
        self.begin_ms = begin_ms
        self._messages: Iterator[Message] = read(seen.path)
        self.message: Message | None = None
        self.next()

    def next(self) -> None:
        self.message = next(self._messages, None)

    def up_to(self, until_ms: int) -> Iterator[Message]:
        """What was published until then."""
        while self.message is not None and self.message.pt <= until_ms:
            yield self.message
            self.next()


def _touch(market: PlayedMarket) -> None:
    """All runners are to be looked at."""
    touched: dict[Key, None] = dict.fromkeys(market.mirror.runners)
    market.mirror.changed.update(touched)
