"""What a client of Betfair's API sees of a replayed market, beside what the recording says: field by field.

An observer of its own asks `listMarketBook` at sampled instants, while the file stands still. A gateway hears of a
commit a moment after the player does, so a difference is looked at again before it counts.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx
import msgspec

from overround.book.auction import LOWEST_MILLI
from overround.feeds.betfair.making import BOTH_SIDES
from overround.feeds.betfair.mirror import Key, Ladder, RunnerMirror, key_of, milli, milli_or_none, minor
from overround.feeds.betfair.player import PlayedMarket
from overround.feeds.client import Door

MARKETS_A_CALL: Final = 4
"""Full depth, traded ladders and starting prices weigh 42 of the 200 that a request may."""

MARKETS_A_SAMPLE: Final = 24
TRIES: Final = 5
PAUSE_S: Final = 0.08
BEST: Final = 3
KEPT_EXAMPLES: Final = 2
"""Of each reason."""

NO_WINNER: Final = frozenset({"ASIAN_HANDICAP_DOUBLE_LINE", "LINE"})
"""Betting of which more can come than a win or a loss."""

CLOSED_STATUSES: Final = frozenset({"WINNER", "LOSER", "PLACED"})

ONCE_A_MINUTE: Final = "recorded once a minute, and moved since"
PROJECTION: Final = {"priceData": ["EX_ALL_OFFERS", "EX_TRADED", "SP_AVAILABLE", "SP_TRADED"]}


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One field once: what the recording says and what the client sees. `why` is known of some differences."""

    field: str
    recorded: Any
    seen: Any
    why: str = ""

    @property
    def agrees(self) -> bool:
        return bool(self.recorded == self.seen)


class Agreement(msgspec.Struct):
    """A field over all samples: how often it agreed, and why it did not."""

    compared: int = 0
    agreed: int = 0
    reasons: dict[str, int] = {}
    examples: list[str] = []


class Observer:
    """A customer who only looks."""

    def __init__(self, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._http, self._headers = http, headers
        self.fields: dict[str, Agreement] = {}
        self.samples = 0
        self._from = 0

    async def look(self, markets: Sequence[PlayedMarket]) -> None:
        """Compare these markets as they stand: all of them, or as many as a sample has, in turn."""
        shown = [market for market in markets if market.stage.status != "INACTIVE" and market.mirror.definition]
        if len(shown) > MARKETS_A_SAMPLE:
            start = self._from % len(shown)
            self._from += MARKETS_A_SAMPLE
            shown = (shown + shown)[start : start + MARKETS_A_SAMPLE]
        await self._look(shown)

    async def look_at_all(self, markets: Sequence[PlayedMarket]) -> None:
        await self._look([market for market in markets if market.mirror.definition])

    async def _look(self, markets: Sequence[PlayedMarket]) -> None:
        for start in range(0, len(markets), MARKETS_A_CALL):
            part = markets[start : start + MARKETS_A_CALL]
            found: list[Seen] = []
            for attempt in range(TRIES):
                books = await self._books(part)
                found = [row for market in part for row in compare(market, books.get(market.stage.market_id))]
                if all(row.agrees or (row.why and attempt) for row in found):
                    break
                await asyncio.sleep(PAUSE_S * (attempt + 1))
            self.samples += len(part)
            for row in found:
                self._count(row)

    async def _books(self, markets: Sequence[PlayedMarket]) -> dict[int, Any]:
        """By number, each with its start, where that is as recorded and the market is not over."""
        ids = [f"1.{market.stage.market_id}" for market in markets]
        found = await self._asked("listMarketBook", marketIds=ids, priceProjection=PROJECTION)
        books = {int(book["marketId"].partition(".")[2]): book for book in found}
        if any(market.is_dated for market in markets):
            listed = {"filter": {"marketIds": ids}, "maxResults": len(ids), "marketProjection": ["MARKET_START_TIME"]}
            for row in await self._asked("listMarketCatalogue", **listed):
                books[int(row["marketId"].partition(".")[2])]["marketStartTime"] = row["marketStartTime"]
        return books

    async def _asked(self, operation: str, **params: Any) -> Any:
        asked = {"method": f"SportsAPING/v1.0/{operation}", "params": params, "id": 1}
        reply = await self._http.post("/exchange/betting/json-rpc/v1", json=asked, headers=self._headers)
        return reply.raise_for_status().json()["result"]

    def _count(self, row: Seen) -> None:
        entry = self.fields.setdefault(row.field, Agreement())
        entry.compared += 1
        if row.agrees:
            entry.agreed += 1
            return
        why = row.why or "not explained"
        entry.reasons[why] = entry.reasons.get(why, 0) + 1
        if entry.reasons[why] <= KEPT_EXAMPLES:
            entry.examples.append(f"{why}: recorded {row.recorded}, seen {row.seen}"[:400])


async def observer(operator: Door, http: httpx.AsyncClient) -> Observer:
    """A customer who looks, made for the purpose."""
    session, app_key = await credentials(operator, http)
    return Observer(http, {"X-Authentication": session, "X-Application": app_key})


async def credentials(operator: Door, http: httpx.AsyncClient) -> tuple[str, str]:
    """The session and the live application key of a new customer."""
    customer_id = (await operator.post("/v1/operator/customers", {"currency": "GBP"}))["customer_id"]
    token = (await operator.post(f"/v1/operator/customers/{customer_id}/tokens", {"name": "observer"}))["token"]
    asked = {"method": "AccountAPING/v1.0/createDeveloperAppKeys", "params": {"appName": "observer"}, "id": 1}
    reply = await http.post("/exchange/account/json-rpc/v1", json=asked, headers={"X-Authentication": token})
    versions = reply.raise_for_status().json()["result"]["appVersions"]
    return token, next(version["applicationKey"] for version in versions if not version["delayData"])


# ---------------------------------------------------------------- what is compared


def compare(market: PlayedMarket, book: Any) -> Iterator[Seen]:
    """Every field that the recording has."""
    definition = market.mirror.definition
    assert definition is not None
    if book is None:
        yield Seen("market", market.recorded_id, None)
        return
    yield Seen("status", definition.status, book["status"])
    yield Seen("in play", definition.in_play, book["inplay"], _why_not_in_play(market))
    if market.is_dated and "marketStartTime" in book:
        yield Seen("start", definition.market_time, book["marketStartTime"])
    if market.stage.bsp:
        yield Seen("BSP reconciled", definition.bsp_reconciled, book["bspReconciled"], _why_reconciled(market))
    runners = {key_of(row["selectionId"], row["handicap"]): row for row in book["runners"]}
    for named in definition.runners:
        key = key_of(named.id, named.hc)
        row = runners.get(key)
        if row is None:
            yield Seen("runner", key, None)
            continue
        why = _why_status(market, key, named.status)
        yield Seen("runner status", _status(named.status), _status(row["status"]), why)
        if price := milli_or_none(named.bsp):
            seen = row.get("sp", {}).get("actualSP")
            yield Seen("BSP", price, milli(seen) if seen is not None else None)
        mirror = market.mirror.runners.get(key)
        if mirror is not None and key not in market.stage.removed:
            yield from _prices(market, mirror, row)


def _status(status: str) -> str:
    """A hidden runner is one that nobody may see; ours are seen."""
    return "ACTIVE" if status == "HIDDEN" else status


def _why_not_in_play(market: PlayedMarket) -> str:
    definition = market.mirror.definition
    if market.stage.in_play and definition is not None and not definition.in_play:
        return "the recording went back to before the off"
    return ""


def _why_reconciled(market: PlayedMarket) -> str:
    return "ours is reconciled at the off, in one step" if market.stage.reconciled else ""


def _why_status(market: PlayedMarket, key: Key, recorded: str) -> str:
    if key in market.stage.removed:
        return "the last runner that was left"
    if recorded in CLOSED_STATUSES and market.stage.status != "CLOSED":
        return "decided before the market closed"
    betting_type = market.outline.first.betting_type
    if market.stage.status == "CLOSED" and recorded in CLOSED_STATUSES and betting_type in NO_WINNER:
        return "a stake back or a half is no winner"
    return ""


def _prices(market: PlayedMarket, mirror: RunnerMirror, row: Any) -> Iterator[Seen]:
    exchange = row.get("ex", {})
    definition = market.mirror.definition
    if definition is not None and definition.status == "OPEN" and mirror.seen & {"atb", "atl", "batb", "batl"}:
        back, lay = mirror.offers()
        raw_back = mirror.atb or dict(mirror.batb.values())
        crossed = len(back) != len(raw_back)
        for name, ladder, member in (("back", back, "availableToBack"), ("lay", lay, "availableToLay")):
            seen = {milli(level["price"]): minor(level["size"]) for level in exchange.get(member, ())}
            why = "offers that cross in the recording" if crossed else ""
            best = sorted(ladder, reverse=name == "back")[:BEST]
            best_seen = sorted(seen, reverse=name == "back")[:BEST]
            yield Seen(f"best {BEST} to {name}", _levels(ladder, best), _levels(seen, best_seen), why)
            yield Seen(f"all to {name}", ladder, seen, why)
    if market.stage.bsp and not market.stage.reconciled and definition is not None and not definition.bsp_reconciled:
        yield from _at_start(market, mirror, row.get("sp", {}))
    if "ltp" in mirror.seen and mirror.last_milli:
        last = row.get("lastPriceTraded")
        seen_last = milli(last) if last else None
        yield Seen("last price traded", mirror.last_milli, seen_last, _why_last(market, mirror, seen_last))
    if "trd" in mirror.seen:
        traded = {milli(level["price"]): minor(level["size"]) for level in exchange.get("tradedVolume", ())}
        halved = {price: size // BOTH_SIDES * BOTH_SIDES for price, size in mirror.traded.items() if size > 1}
        yield Seen("traded at each price", halved, traded, _why_traded(market, halved, traded))
    elif "tv" in mirror.seen:
        seen_tv = minor(row["totalMatched"])
        yield Seen("traded volume", mirror.tv_minor // BOTH_SIDES * BOTH_SIDES, seen_tv)


def _at_start(market: PlayedMarket, mirror: RunnerMirror, start: Any) -> Iterator[Seen]:
    """What waits for the starting price, and what that would be by now."""
    for name, side, ladder, member in (
        ("spb", "lays", mirror.spb, "layLiabilityTaken"),
        ("spl", "backs", mirror.spl, "backStakeTaken"),
    ):
        if name in mirror.seen:
            seen = {milli(level["price"]): minor(level["size"]) for level in start.get(member, ())}
            yield Seen(f"SP {side}", ladder, seen, _why_at_start(market, ladder, seen))
    for name, price, member in (("near", mirror.near_milli, "nearPrice"), ("far", mirror.far_milli, "farPrice")):
        if f"sp{name[0]}" in mirror.seen:
            seen_price = start.get(member)
            recorded = price if price >= LOWEST_MILLI else 0  # it says 1.0 where one side has nobody
            yield Seen(f"{name} price", recorded, milli(seen_price) if seen_price else 0, _why_projected(mirror, start))


def _why_projected(mirror: RunnerMirror, start: Any) -> str:
    if not mirror.is_as_told:
        return ONCE_A_MINUTE
    waiting = {milli(level["price"]): minor(level["size"]) for level in start.get("backStakeTaken", ())}
    return "what the recording took back stays here" if waiting != mirror.spl else ""


def _why_at_start(market: PlayedMarket, recorded: Ladder, seen: Ladder) -> str:
    if not market.stage.is_open:
        return "told while the market was not open"
    if any(not market.maker.has(price) for price in recorded):
        return "a price off the ladder, as starting prices are"
    if any(size > recorded.get(price, 0) for price, size in seen.items()):
        return "what the recording took back stays here"
    return ""


def _levels(ladder: Ladder, prices: list[int]) -> list[tuple[int, int]]:
    return [(price, ladder[price]) for price in prices]


def _why_last(market: PlayedMarket, mirror: RunnerMirror, seen: int | None) -> str:
    if not market.maker.has(mirror.last_milli):
        return "a price off the ladder, as starting prices are"
    if not market.stage.is_open:
        return "told while the market was not open"
    if seen and not market.maker.has(seen):
        return "reduced here for a runner that was removed"
    if "trd" in mirror.seen and mirror.last_milli not in mirror.traded:
        return "a last price at which the recording has no volume"
    return "a last price whose volume was told with another" if "trd" in mirror.seen else ""


def _why_traded(market: PlayedMarket, recorded: Ladder, seen: Ladder) -> str:
    if not market.stage.is_open:
        return "told while the market was not open"
    if market.stage.reconciled:
        return "volume at the starting price is ours"
    if any(not market.maker.has(price) for price in recorded):
        return "a price off the ladder, as starting prices are"
    if any(size > recorded.get(price, 0) for price, size in seen.items()):
        return "volume that the recording took back"
    return ""


def summary(fields: dict[str, Agreement]) -> dict[str, dict[str, Any]]:
    """For the report, in the order in which fields were first seen."""
    return {
        name: {
            "compared": entry.compared,
            "agreed": entry.agreed,
            "reasons": dict(Counter(entry.reasons).most_common()),
            "examples": entry.examples,
        }
        for name, entry in fields.items()
    }
