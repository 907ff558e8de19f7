"""Brings a provider's changes to the house, event by event: what is asked for is the difference to what is there."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from overround.feeds import orders, planning, screening
from overround.feeds.bindings import Binding, Bindings
from overround.feeds.changes import Change, Details, EventChanges, Offer, Start, State
from overround.feeds.client import Door, Problem
from overround.feeds.orders import Order
from overround.feeds.planning import House, ShownEvent

log = logging.getLogger(__name__)

MAX_AT_ONCE: Final = 8
"""Events that are brought at a time."""

NEVER_TAKEN: Final = frozenset({400, 404, 409, 413, 422})
"""What the house says of a request that it will not take however often it is asked."""

KEY_OVER: Final = frozenset({"key_expired", "key_reused"})
"""An answer under a former life's key that will never come: too long ago, or the fixture has changed since."""

Describe = Callable[[str], Awaitable[Details | None]]


class Steward:
    """One feed's hand in one house. `counts` says what was asked for, refused, and could not be."""

    def __init__(self, *, operator: Door, bindings: Bindings, describe: Describe, house: House) -> None:
        self.counts: Counter[str] = Counter()
        self._operator, self._bindings, self._describe, self._house = operator, bindings, describe, house
        self._kept_by: dict[int, str] = {}
        self._competitions: dict[tuple[str, str], int] = {}
        self._making = asyncio.Lock()
        self._seq = 0

    async def heard(self, feed: str) -> None:
        """The feed is alive. Raises Problem, Unreachable."""
        await self._operator.post(f"/v1/operator/feeds/{feed}/heartbeat", {})

    async def silence(self, feed: str) -> None:
        """None of the feed's markets takes a bet from now on. Raises Problem, Unreachable."""
        await self._operator.post(f"/v1/operator/feeds/{feed}/silence", {})

    async def bring(self, wanted: Iterable[EventChanges]) -> None:
        """All changes: several events at once, each event's in their order. Raises Problem, Unreachable."""
        by_event: dict[str, list[Change]] = {}
        for each in wanted:
            by_event.setdefault(each.ref, []).extend(each.changes)
        limit = asyncio.Semaphore(MAX_AT_ONCE)

        async def one(ref: str, changes: list[Change]) -> None:
            async with limit:
                await self._event(ref, changes)

        outcomes = await asyncio.gather(*(one(*pair) for pair in by_event.items()), return_exceptions=True)
        for ref, outcome in zip(by_event, outcomes, strict=True):
            if isinstance(outcome, Problem) and outcome.status in NEVER_TAKEN:
                self.counts[f"refused {outcome.code}"] += 1
                log.warning("%s was not taken: %s", ref, outcome)
            elif isinstance(outcome, BaseException):
                raise outcome

    async def _event(self, ref: str, changes: list[Change]) -> None:
        event_id = await self._event_id(ref, makes=any(map(_opens, changes)))
        if not event_id:
            return
        for part in _parts(changes):
            shown = await self._look(event_id)
            sane = self._screened(ref, shown, part)
            made = planning.creations(shown, sane, self._house)
            if made:
                for order, answer in await self._ask(made):
                    self._kept_by[answer.get("id", 0)] = order["feed"]
                shown = await self._look(event_id)
            await self._ask(self._planned(shown, sane))

    def _screened(self, ref: str, shown: ShownEvent, changes: list[Change]) -> list[Change]:
        """No price is published that is out of the sanity band: its market waits."""
        sane = []
        for change, found in screening.screened(shown, changes):
            sane.append(change)
            if isinstance(change, Offer) and not found.is_sane:
                self.counts[f"out of band {found.verdict}"] += 1
                log.warning("%s %s is out of the band: %s", ref, change.question.key, found.reason)
        return sane

    def _planned(self, shown: ShownEvent, changes: Iterable[Change]) -> list[Order]:
        asked: list[Order] = []
        for change in changes:
            wanted, unbrought = planning.plan(shown, change)
            if unbrought is not None:
                self.counts[unbrought] += 1
            if isinstance(change, Offer) and wanted:
                asked += self._handed_over(shown, change)
            asked += wanted
        return asked

    def _handed_over(self, shown: ShownEvent, offer: Offer) -> Iterator[Order]:
        """A market has one feed that keeps it; which one it was before we started, nobody says."""
        market = shown.market(offer.question)
        if market is not None and offer.state is State.OPEN and self._kept_by.get(market.market_id) != offer.feed:
            self._kept_by[market.market_id] = offer.feed
            yield orders.hand_over_market(market.market_id, feed=offer.feed)

    async def _look(self, event_id: int) -> ShownEvent:
        answer = await self._operator.get(f"/v1/events/{event_id}", min_seq=self._seq)
        return msgspec.convert(answer, type=ShownEvent)

    async def _ask(self, asked: list[Order]) -> list[tuple[Order, Any]]:
        """Each order with its answer. A refusal is an event that moved meanwhile, or a result that stands already."""
        answered = list(zip(asked, await self._operator.command(asked), strict=True)) if asked else []
        for order, answer in answered:
            self._seq = max(self._seq, answer.get("seq") or 0)
            if answer["status"] == "refused":
                self.counts[f"refused {order['command']} {answer['code']}"] += 1
                log.info("%s refused: %s", order["command"], answer["code"])
            else:
                self.counts[order["command"]] += 1
        return answered

    # -------------------------------------------------------------- events

    async def _event_id(self, ref: str, *, makes: bool) -> int:
        """The house's own number, 0 where there is none and none is to be made."""
        known = self._bindings.find(ref)
        if known is not None and known.event_id:
            return known.event_id
        if not makes:
            self.counts["no_event"] += 1
            return 0
        details = await self._describe(ref)
        if details is None:
            self.counts["no_fixture"] += 1
            log.warning("nobody says what %s is: not offered", ref)
            return 0
        async with self._making:
            competition_id = await self._competition_id(details)
            return await self._make(ref, details, competition_id, known)

    async def _make(self, ref: str, details: Details, competition_id: int, known: Binding | None) -> int:
        """Under a key that is on disk before the house hears it."""
        body = {
            "competition_id": competition_id,
            "name": details.name[:200],
            "starts_at": orders.starts_at(details.starts_at_us),
        }
        asked = Binding(ref=ref, key=self._operator.key()) if known is None else known
        self._bindings.keep(asked)
        try:
            made = await self._operator.post("/v1/operator/events", body, key=asked.key)
        except Problem as problem:
            if known is None or problem.code not in KEY_OVER:
                raise
            log.warning("an event for %s may be there already, made in another life: %s", ref, problem.code)
            return await self._make(ref, details, competition_id, None)
        self._bindings.keep(msgspec.structs.replace(asked, event_id=made["event_id"]))
        self._seq = max(self._seq, made["seq"])
        self.counts["CreateEvent"] += 1
        return int(made["event_id"])

    async def _competition_id(self, details: Details) -> int:
        """Of that name under the sport of that name, each made where there is none."""
        names = details.sport, details.competition
        if names not in self._competitions:
            sport_id = await self._named("sports", "sport_id", details.sport, {})
            self._competitions[names] = await self._named(
                "competitions", "competition_id", details.competition, {"sport_id": sport_id}
            )
        return self._competitions[names]

    async def _named(self, kind: str, field: str, name: str, within: dict[str, Any]) -> int:
        for item in await self._operator.each(f"/v1/{kind}", limit=200, min_seq=self._seq, **within):
            if item["name"] == name:
                return int(item[field])
        made = await self._operator.post(f"/v1/operator/{kind}", {**within, "name": name[:200]})
        self._seq = max(self._seq, made["seq"])
        return int(made[field])


def _opens(change: Change) -> bool:
    return isinstance(change, Offer) and change.state is State.OPEN


def _parts(changes: list[Change]) -> Iterator[list[Change]]:
    """Runs of changes that one look at the event serves: different markets, or one change of the whole event. Of offers
    that follow each other, all of them open, the last is enough: whoever is behind catches up without old prices."""
    part: dict[object, Change] = {}
    for change in changes:
        question = getattr(change, "question", None)
        key = None if question is None else question.key
        merged = _merged(part.get(key), change)
        if part and merged is None and (key is None or None in part or key in part):
            yield list(part.values())
            part = {}
        part[key] = merged or change
    if part:
        yield list(part.values())


def _merged(before: Change | None, change: Change) -> Change | None:
    """Two changes as one, where they can be."""
    if isinstance(before, Offer) and isinstance(change, Offer) and _opens(before) and _opens(change):
        return msgspec.structs.replace(change, prices_milli={**before.prices_milli, **change.prices_milli})
    if isinstance(change, Start) and isinstance(before, Start):
        return change
    return None
