"""Recorded matches through a running house: priced, bet on, played, settled, and read back, over the HTTP API alone."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

import msgspec

from overround.feeds import orders
from overround.feeds.client import Door, Problem
from overround.feeds.football_csv import Match, Odds
from overround.kernel.instant import day_start_us

CURRENCY: Final = "EUR"
MIN_STAKE_MINOR: Final = 100
MAX_STAKE_MINOR: Final = 5_000
ACTIVE_CHANCE: Final = 1 / 6
"""How often a bettor plays at all at one moment of a match day."""

BET_CHANCE: Final = 6 / 7
"""How often one who plays bets on a given match of that day. Both moments together: about 2 bets in 7 a match."""

SLIP_CHANCE: Final = 1 / 12
"""How often a bettor writes a slip on a match day."""

MOST_LEGS: Final = 5

MAX_AT_ONCE: Final = 16
"""Requests under way at the same time."""

SETTLED_WITHIN_S: Final = 300.0

T = TypeVar("T")
R = TypeVar("R")


class NotSettled(Exception):
    """Bets are still open long after the last result."""


class Bettor(msgspec.Struct, frozen=True, kw_only=True):
    """A customer whom the replay made."""

    customer_id: int
    funds_minor: int
    door: Door


class Taken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet that the house took: what was asked, where in the file it stands, and its id."""

    bet_id: int
    customer_id: int
    match: Match
    kind: str
    side: int
    odds: Odds
    market_id: int
    stake_minor: int
    price_milli: int


class SlipTaken(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet of several legs that the house took: each as if it were a bet of its own, and the folds of its lines."""

    bet_id: int
    customer_id: int
    legs: tuple[Taken, ...]
    folds: tuple[int, ...]
    stake_minor: int


class Settled(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A bet as the API reports it at the end."""

    bet_id: int
    market_id: int
    selection_id: int
    stake_minor: int
    price_milli: int
    status: str
    outcome: str | None
    payout_minor: int


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did and what the house says of it. Balances and bets are by customer."""

    taken: tuple[Taken, ...]
    slips: tuple[SlipTaken, ...]
    refused: dict[str, int]
    bettors: tuple[Bettor, ...]
    bets: dict[int, tuple[Settled, ...]]
    cash_minor: dict[int, int]
    placing_s: float
    seconds: float

    @property
    def everything(self) -> tuple[Taken | SlipTaken, ...]:
        """Every bet that was taken."""
        return (*self.taken, *self.slips)


class _Open(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market that takes bets now."""

    market_id: int
    match: Match
    kind: str
    odds: Odds


class Replay:
    """One replay into one house. `operator` is an operator's door; all chance comes from `chance`.

    `speed` 0 is flat out, otherwise by how much faster than the calendar the match days pass. `on_progress` hears
    (matches, bets) that were added.
    """

    def __init__(
        self,
        *,
        operator: Door,
        chance: random.Random,
        speed: float = 0.0,
        on_progress: Callable[[int, int], None] = lambda _matches, _bets: None,
    ) -> None:
        self._operator = operator
        self._chance = chance
        self._speed = speed
        self._on_progress = on_progress
        self._taken: list[Taken] = []
        self._slips: list[SlipTaken] = []
        self._refused: Counter[str] = Counter()
        self._placing_s = 0.0

    async def play(self, matches: Sequence[Match], *, bettors: int) -> Played:
        """All matches, in the order of their days. Raises Problem, Unreachable, NotSettled."""
        began = _seconds()
        ordered = sorted(matches, key=lambda match: match.starts_at_us)
        people = await self._people(bettors, funds_minor=max(1_000_000, 2 * MAX_STAKE_MINOR * len(ordered)))
        competitions = await self._competitions(ordered)
        first_us = ordered[0].starts_at_us
        playing = _seconds()
        for day_us, day in groupby(ordered, key=lambda match: day_start_us(match.starts_at_us)):
            if self._speed:
                due = playing + max(0, day_us - first_us) / 1_000_000 / self._speed
                await asyncio.sleep(max(0.0, due - _seconds()))
            await self._day(list(day), people, competitions)
        bets, cash = await self._read_back(people)
        return Played(
            taken=tuple(self._taken),
            slips=tuple(self._slips),
            refused=dict(self._refused),
            bettors=tuple(people),
            bets=bets,
            cash_minor=cash,
            placing_s=self._placing_s,
            seconds=_seconds() - began,
        )

    # -------------------------------------------------------------- before

    async def _people(self, number: int, *, funds_minor: int) -> list[Bettor]:
        async def person(_: int) -> Bettor:
            made = await self._operator.post("/v1/operator/customers", {"currency": CURRENCY})
            customer_id = made["customer_id"]
            path = f"/v1/operator/customers/{customer_id}"
            funds = {"currency": CURRENCY, "amount_minor": funds_minor, "note": "replay"}
            await self._operator.post(f"{path}/funds", funds)
            token = (await self._operator.post(f"{path}/tokens", {"name": "replay"}))["token"]
            return Bettor(customer_id=customer_id, funds_minor=funds_minor, door=self._operator.to(token))

        return await each(range(number), person)

    async def _competitions(self, matches: Iterable[Match]) -> dict[str, int]:
        """A competition for each division, under the sport of football."""
        sport_id = await football(self._operator)
        made = {}
        for division in sorted({match.division for match in matches}):
            body = {"sport_id": sport_id, "name": f"{division} (replay)"}
            made[division] = (await self._operator.post("/v1/operator/competitions", body))["competition_id"]
        return made

    # -------------------------------------------------------------- a match day

    async def _day(self, matches: list[Match], people: list[Bettor], competitions: dict[str, int]) -> None:
        """Opening prices and bets, closing prices and bets, kick-off, result."""
        created = await self._command(
            orders.create_event(
                competition_id=competitions[match.division],
                name=match.name,
                starts_at_us=match.starts_at_us,
            )
            for match in matches
        )
        events = [answer["id"] for answer in created]
        opening = await self._open(
            [
                (event_id, match, offer.kind, offer.opening)
                for event_id, match in zip(events, matches, strict=True)
                for offer in match.offers
                if offer.opening is not None
            ]
        )
        await self._bet(opening, people)
        await self._write_slips(opening, people)
        closing = await self._close(dict(zip(events, matches, strict=True)), opening)
        await self._bet(closing, people)
        await self._command(map(orders.start_event, events))
        await self._command(
            orders.record_event_result(event_id, home=match.home_goals, away=match.away_goals)
            for event_id, match in zip(events, matches, strict=True)
        )
        self._on_progress(len(matches), 0)

    async def _open(self, wanted: list[tuple[int, Match, str, Odds]]) -> list[_Open]:
        """New markets at these odds, taking bets."""
        created = await self._command(
            orders.create_market(
                event_id=event_id,
                kind=kind,
                line_quarters=None if kind == "1x2" else odds.line_quarters,
                prices_milli=odds.prices_milli,
            )
            for event_id, _, kind, odds in wanted
        )
        markets = [answer["id"] for answer in created]
        await self._command(map(orders.resume_market, markets))
        return [
            _Open(market_id=market_id, match=match, kind=kind, odds=odds)
            for market_id, (_, match, kind, odds) in zip(markets, wanted, strict=True)
        ]

    async def _close(self, events: dict[int, Match], opening: list[_Open]) -> list[_Open]:
        """The closing odds: the same market where its line is the same, else a second one beside the first.

        A market without closing odds keeps its opening odds.
        """
        before = {(id(market.match), market.kind): market for market in opening}
        kept: list[_Open] = []
        fresh: list[tuple[int, Match, str, Odds]] = []
        changes: list[orders.Order] = []
        for event_id, match in events.items():
            for offer in match.offers:
                market, odds = before.get((id(match), offer.kind)), offer.closing
                if market is not None and odds is None:
                    kept.append(market)
                elif market is not None and odds is not None and odds.line_quarters == market.odds.line_quarters:
                    changes.append(orders.set_prices(market_id=market.market_id, prices_milli=odds.prices_milli))
                    kept.append(msgspec.structs.replace(market, odds=odds))
                elif odds is not None:
                    changes += [] if market is None else [orders.close_market(market.market_id)]
                    fresh.append((event_id, match, offer.kind, odds))
        await self._command(changes)
        return kept + await self._open(fresh)

    async def _command(self, wanted: Iterable[orders.Order]) -> list[Any]:
        """Commands that must all succeed."""
        answers = await self._operator.command(list(wanted))
        for answer in answers:
            if answer["status"] == "refused":
                raise CommandRefused(str(answer))
        return answers

    # -------------------------------------------------------------- bets

    async def _bet(self, markets: list[_Open], people: list[Bettor]) -> None:
        began = _seconds()
        by_match: dict[int, list[_Open]] = {}
        for market in markets:
            by_match.setdefault(id(market.match), []).append(market)
        matches = list(by_match.values())
        slips = [(person, self._slip(matches)) for person in people if self._chance.random() < ACTIVE_CHANCE]
        await each([slip for slip in slips if slip[1]], self._place)
        self._placing_s += _seconds() - began

    def _slip(self, by_match: list[list[_Open]]) -> list[tuple[_Open, int, int]]:
        """(market, side, stake in minor units): one bet on each of some matches, all of it by chance."""
        slip = []
        for markets in by_match:
            if self._chance.random() < BET_CHANCE:
                market = self._chance.choice(markets)
                side = self._chance.randrange(len(market.odds.prices_milli))
                slip.append((market, side, self._chance.randint(MIN_STAKE_MINOR, MAX_STAKE_MINOR)))
        return slip

    async def _place(self, slip: tuple[Bettor, list[tuple[_Open, int, int]]]) -> None:
        person, bets = slip
        results = await person.door.place(
            [
                {
                    "key": person.door.key(),
                    "market_id": market.market_id,
                    "selection_id": side + 1,
                    "stake_minor": stake_minor,
                    "currency": CURRENCY,
                    "price_milli": market.odds.prices_milli[side],
                }
                for market, side, stake_minor in bets
            ]
        )
        for result, (market, side, stake_minor) in zip(results, bets, strict=True):
            if result["status"] == "refused":
                self._refused[result["code"]] += 1
            else:
                self._taken.append(_taken(result, person.customer_id, market, side, stake_minor))
        self._on_progress(0, len(bets))

    async def _write_slips(self, markets: list[_Open], people: list[Bettor]) -> None:
        """Some write one slip on several matches of the day: one line of all, or every line of two and more."""
        by_match: dict[int, list[_Open]] = {}
        for market in markets:
            by_match.setdefault(id(market.match), []).append(market)
        most = min(MOST_LEGS, len(by_match))
        if most < 2:
            return
        writers = [person for person in people if self._chance.random() < SLIP_CHANCE]
        began = _seconds()
        await each([(person, self._picked(list(by_match.values()), most)) for person in writers], self._hand_in)
        self._placing_s += _seconds() - began

    def _picked(self, by_match: list[list[_Open]], most: int) -> tuple[list[tuple[_Open, int]], tuple[int, ...], int]:
        """Markets with a side of each, folds, and a stake in minor units, all of it by chance."""
        legs = []
        for markets in self._chance.sample(by_match, self._chance.randint(2, most)):
            market = self._chance.choice(markets)
            legs.append((market, self._chance.randrange(len(market.odds.prices_milli))))
        whole = self._chance.random() < 1 / 2
        folds = (len(legs),) if whole else tuple(range(2, len(legs) + 1))
        return legs, folds, self._chance.randint(MIN_STAKE_MINOR, MAX_STAKE_MINOR)

    async def _hand_in(self, slip: tuple[Bettor, tuple[list[tuple[_Open, int]], tuple[int, ...], int]]) -> None:
        person, (picks, folds, stake_minor) = slip
        legs = [
            {
                "market_id": market.market_id,
                "selection_id": side + 1,
                "price_milli": market.odds.prices_milli[side],
            }
            for market, side in picks
        ]
        bet = {"legs": legs, "folds": folds, "stake_minor": stake_minor}
        try:
            placed = await person.door.post("/v1/tickets", {"currency": CURRENCY, "bets": [bet]})
        except Problem as refused:
            self._refused[refused.code] += 1
            return
        (shown,) = placed["bets"]
        taken = tuple(
            msgspec.structs.replace(_taken(shown, person.customer_id, market, side, 0), price_milli=leg["price_milli"])
            for leg, (market, side) in zip(shown["legs"], picks, strict=True)
        )
        self._slips.append(
            SlipTaken(
                bet_id=shown["bet_id"],
                customer_id=person.customer_id,
                legs=taken,
                folds=folds,
                stake_minor=stake_minor,
            )
        )
        self._on_progress(0, 1)

    # -------------------------------------------------------------- after

    async def _read_back(self, people: list[Bettor]) -> tuple[dict[int, tuple[Settled, ...]], dict[int, int]]:
        """Every customer's bets, once none is open, and cash."""
        deadline = _seconds() + SETTLED_WITHIN_S

        async def one(person: Bettor) -> tuple[tuple[Settled, ...], int]:
            while True:
                seq = (await person.door.get("/v1/balance"))["seq"]
                items = await person.door.each("/v1/bets", limit=200, min_seq=seq)
                bets = msgspec.convert(items, type=tuple[Settled, ...])
                if all(bet.status == "settled" for bet in bets):
                    # Asked again, for the last of them may have been settled since the first answer.
                    wallets = (await person.door.get("/v1/balance"))["wallets"]
                    return bets, wallets[0]["cash_minor"]
                if _seconds() > deadline:
                    raise NotSettled(f"customer {person.customer_id}")
                await asyncio.sleep(0.2)

        read = await each(people, one)
        bets = {person.customer_id: bets for person, (bets, _) in zip(people, read, strict=True)}
        cash = {person.customer_id: cash for person, (_, cash) in zip(people, read, strict=True)}
        return bets, cash


class CommandRefused(Exception):
    """The house refused something that a replay cannot go on without."""


async def football(operator: Door) -> int:
    """The id of the sport of that name, made where there is none."""
    for sport in (await operator.get("/v1/sports"))["items"]:
        if sport["name"] == "Football":
            return int(sport["sport_id"])
    return int((await operator.post("/v1/operator/sports", {"name": "Football"}))["sport_id"])


async def each(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """The work for every item, `MAX_AT_ONCE` at a time, in the items' order. The first error ends all of it."""
    waiting = list(items)
    results: dict[int, R] = {}
    numbers = iter(range(len(waiting)))

    async def worker() -> None:
        for number in numbers:
            results[number] = await work(waiting[number])

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(MAX_AT_ONCE, len(waiting))):
                group.create_task(worker())
    except ExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None
    return [results[number] for number in range(len(waiting))]


def _taken(result: Any, customer_id: int, market: _Open, side: int, stake_minor: int) -> Taken:
    return Taken(
        bet_id=result["bet_id"],
        customer_id=customer_id,
        match=market.match,
        kind=market.kind,
        side=side,
        odds=market.odds,
        market_id=market.market_id,
        stake_minor=stake_minor,
        price_milli=market.odds.prices_milli[side],
    )


def _seconds() -> float:
    return asyncio.get_running_loop().time()
