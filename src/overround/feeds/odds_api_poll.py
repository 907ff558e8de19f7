"""The Odds API asked again and again, within what the key may ask, for one house.

Every request costs part of a budget that the provider counts (`x-requests-remaining`); `reserve` of it is never spent.
What has not changed since (ETag) is confirmed as it was. While answers come the house hears that the feed is alive;
when none came for `PATIENCE` periods, that it is down.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

import httpx
import msgspec

from overround.feeds import odds_api
from overround.feeds.changes import Change, Details, EventChanges, Offer, State
from overround.feeds.client import Problem, Unreachable
from overround.feeds.lastword import Key, LastWord
from overround.feeds.odds_api import Malformed, OddsEvent, Read
from overround.feeds.pulse import PAUSE_S, Pulse
from overround.feeds.steward import Steward
from overround.kernel.instant import SECOND_US

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 20.0
PATIENCE: Final = 3
LONGEST_PAUSE_S: Final = 900.0
WITHDRAWN: Final = "feed: withdrawn"
UNCHANGED: Final = 304
RESERVE: Final = "the reserve is reached"
SLOWER: Final = frozenset({"429", RESERVE})
MAX_SETTLED: Final = 20_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask for: sports by their keys, the provider's regions and markets, how often, and scores every how many
    rounds. `reserve` requests of the budget are left alone."""

    sports: tuple[str, ...]
    regions: str = "uk,eu"
    markets: str = "h2h,spreads,totals"
    every_s: float = 60.0
    scores_every: int = 5
    reserve: int = 10
    feed: str = "odds-api"
    terms: odds_api.Terms = odds_api.Terms()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: a body (None where nothing changed), or why there is none."""

    body: bytes | None
    unchanged: bool = False
    trouble: str = ""


class Source:
    """The provider's API. The key is in each address, and so no address is ever logged."""

    def __init__(self, base_url: str, *, key: str) -> None:
        self.remaining: int | None = None
        self._key = key
        self._tags: dict[str, str] = {}
        self._http = httpx.AsyncClient(base_url=base_url.rstrip("/"), timeout=TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, path: str, **query: str) -> Asked:
        """Never raises for what a network or a provider may do."""
        tagged = f"{path}?{sorted(query.items())}"
        headers = {"if-none-match": self._tags[tagged]} if tagged in self._tags else {}
        try:
            reply = await self._http.get(path, params={**query, "apiKey": self._key}, headers=headers)
        except httpx.TransportError as error:
            return Asked(body=None, trouble=type(error).__name__)
        left = reply.headers.get("x-requests-remaining", "").partition(".")[0]
        self.remaining = int(left) if left.isdecimal() and left.isascii() and len(left) < 12 else self.remaining
        if reply.status_code == UNCHANGED:
            return Asked(body=None, unchanged=True)
        if not reply.is_success:
            return Asked(body=None, trouble=str(reply.status_code))
        if "etag" in reply.headers:
            self._tags[tagged] = reply.headers["etag"]
        return Asked(body=reply.content)


class _Polled:
    """A sport: what the provider last said of it, what is offered, and whether its feed is trusted."""

    def __init__(self, key: str, feed: str) -> None:
        self.key, self.feed = key, feed
        self.events: tuple[OddsEvent, ...] = ()
        self.offered: dict[str, dict[Key, Offer]] = {}
        self.good_us = 0
        self.trusted = False


class Poller:
    """`describe` is what the steward asks about events; `run` polls until it is cancelled. `heard` is told every answer
    that has a body. A sport's feed is `<feed>-<sport>`: one that fails does not take the others along. `as_of_us` is
    the instant as of which odds are read, where it is another than now."""

    def __init__(
        self, *, source: Source, plan: Plan, now_us: Callable[[], int], as_of_us: Callable[[], int] | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.heard: Callable[[str, bytes], None] = lambda _path, _body: None
        self._source, self._plan, self._now_us = source, plan, now_us
        self._as_of_us = as_of_us or now_us
        self._sports = {key: _Polled(key, f"{plan.feed}-{key}") for key in plan.sports}
        self._details: dict[str, Details] = {}
        self._settled: dict[str, tuple[Change, ...]] = {}
        self._last = LastWord()
        self._bringing = asyncio.Lock()
        self._pulses: dict[str, Pulse] = {}

    async def describe(self, ref: str) -> Details | None:
        return self._details.get(ref)

    def serve(self, steward: Steward) -> None:
        """The house that is kept."""
        self._steward = steward
        self._pulses = {sport.key: self._pulse(sport) for sport in self._sports.values()}

    def _pulse(self, sport: _Polled) -> Pulse:
        return Pulse(
            steward=self._steward,
            feed=sport.feed,
            trusted=lambda: sport.trusted,
            say_again=partial(self._say_again, sport),
            now_us=self._now_us,
        )

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keep())
            group.create_task(self._rounds())

    async def keep(self) -> None:
        """The feeds' life signs alone, until cancelled. None is trusted at first."""
        for sport in self._sports.values():
            if not sport.trusted:
                await self._pulses[sport.key].silence()
        async with asyncio.TaskGroup() as group:
            for pulse in self._pulses.values():
                group.create_task(pulse.run())

    async def _rounds(self) -> None:
        number, pause_s = 0, self._plan.every_s
        while True:
            slower = await self.round(scores=number % self._plan.scores_every == 0)
            number += 1
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s) if slower else self._plan.every_s
            await asyncio.sleep(pause_s)

    async def round(self, *, scores: bool) -> bool:
        """All sports once. Whether the provider wants fewer requests."""
        slower = False
        for sport in self._sports.values():
            asked = await self._ask(
                f"/v4/sports/{sport.key}/odds",
                regions=self._plan.regions,
                markets=self._plan.markets,
                oddsFormat="decimal",
            )
            slower |= asked.trouble in SLOWER
            await self._judge(sport, good=await self._take_odds(sport, asked))
            if scores:
                await self._take_scores(sport, await self._ask(f"/v4/sports/{sport.key}/scores", daysFrom="1"))
        log.info("a round is done, %s requests are left: %s", self._source.remaining, self.summary())
        return slower

    async def _ask(self, path: str, **query: str) -> Asked:
        """Unless the budget is down to its reserve; the list of sports, which costs nothing, says when it is new."""
        if self._is_spent():
            await self._source.ask("/v4/sports")
            if self._is_spent():
                return Asked(body=None, trouble=RESERVE)
        return await self._source.ask(path, **query, dateFormat="iso")

    def _is_spent(self) -> bool:
        left = self._source.remaining
        return left is not None and left <= self._plan.reserve

    async def _judge(self, sport: _Polled, *, good: bool) -> None:
        """Whether the sport's feed is to be trusted, by how long ago an answer was good."""
        now_us = self._now_us()
        if good:
            sport.good_us = now_us
            if not sport.trusted:
                sport.trusted = True
                if await self._pulses[sport.key].revive():
                    await self._say_again(sport)
        elif sport.trusted and now_us - sport.good_us > PATIENCE * self._plan.every_s * SECOND_US:
            sport.trusted = False
            log.warning("no odds of %s for too long: its markets are suspended", sport.key)
            await self._pulses[sport.key].silence()

    # -------------------------------------------------------------- answers

    async def _take_odds(self, sport: _Polled, asked: Asked) -> bool:
        """Whether the answer is one. What did not change is looked at again all the same: matches begin, quotes age."""
        if asked.body is not None:
            self.heard(f"/v4/sports/{sport.key}/odds", asked.body)
            events = odds_api.read_odds(asked.body)
            if isinstance(events, Malformed):
                self.counts["malformed"] += 1
                log.warning("odds of %s are malformed: %s", sport.key, events.detail)
                return False
            sport.events = events
        elif not asked.unchanged:
            self.counts[f"trouble {asked.trouble}"] += 1
            log.warning("no odds of %s: %s", sport.key, asked.trouble)
            return False
        await self._bring(self._changes(sport))
        return True

    def _changes(self, sport: _Polled) -> list[EventChanges]:
        """Markets that were offered and are not any more are suspended."""
        offered: dict[str, dict[Key, Offer]] = {}
        found: dict[str, list[Change]] = {}
        for event in sport.events:
            read = odds_api.offers(event, feed=sport.feed, terms=self._plan.terms, now_us=self._as_of_us())
            self._count(read)
            if read.details is not None:
                self._details[event.id] = read.details
                found[event.id] = list(read.changes)
                offered[event.id] = {each.question.key: each for each in read.changes if isinstance(each, Offer)}
        for ref, before in sport.offered.items():
            gone = [offer for key, offer in before.items() if key not in offered.get(ref, {})]
            found.setdefault(ref, []).extend(map(_withdrawn, gone))
        sport.offered = offered
        return [EventChanges(ref=ref, changes=tuple(changes)) for ref, changes in found.items() if changes]

    async def _take_scores(self, sport: _Polled, asked: Asked) -> None:
        """A result that was brought already is not brought again."""
        if asked.body is None:
            return
        self.heard(f"/v4/sports/{sport.key}/scores", asked.body)
        events = odds_api.read_scores(asked.body)
        if isinstance(events, Malformed):
            self.counts["malformed"] += 1
            log.warning("scores of %s are malformed: %s", sport.key, events.detail)
            return
        results = {event.id: odds_api.results(event) for event in events}
        for read in results.values():
            self._count(read)
        new = {
            ref: read.changes
            for ref, read in results.items()
            if read.changes and self._settled.get(ref) != read.changes
        }
        await self._bring([EventChanges(ref=ref, changes=changes) for ref, changes in new.items()])
        self._settled |= new
        for ref in list(self._settled)[:-MAX_SETTLED]:
            del self._settled[ref]

    def _count(self, read: Read) -> None:
        for left_out in read.left_out:
            self.counts[f"left out {left_out}"] += 1

    async def take(self, path: str, body: bytes) -> None:
        """An answer that was recorded. One about a sport that is not polled is counted and passed over."""
        key, _, kind = path.rstrip("/").removeprefix("/v4/sports/").partition("/")
        sport = self._sports.get(key)
        if sport is None or kind not in ("odds", "scores"):
            self.counts["an answer to something else"] += 1
        elif kind == "odds":
            await self._judge(sport, good=await self._take_odds(sport, Asked(body=body)))
        else:
            await self._take_scores(sport, Asked(body=body))

    def summary(self) -> str:
        """Everything counted, most frequent first."""
        every = self.counts + self._steward.counts
        return ", ".join(f"{count} {name}" for name, count in every.most_common())

    # -------------------------------------------------------------- the house

    async def _bring(self, waiting: list[EventChanges]) -> None:
        for each in waiting:
            self._last.note(each.ref, each.changes)
        async with self._bringing:
            await self._insist(waiting)

    async def _say_again(self, sport: _Polled) -> None:
        async with self._bringing:
            await self._insist(list(self._last.words(sport.feed)))

    async def _insist(self, waiting: list[EventChanges]) -> None:
        while waiting:
            try:
                await self._steward.bring(waiting)
                return
            except (Problem, Unreachable) as trouble:
                log.warning("the house did not take it, trying again: %s", trouble)
                await asyncio.sleep(PAUSE_S)


def _withdrawn(offer: Offer) -> Offer:
    return msgspec.structs.replace(offer, prices_milli={}, state=State.SUSPENDED, reason=WITHDRAWN)
