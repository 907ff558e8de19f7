"""A racing card of recorded markets, flat out: on a house, in memory, and beside flumine's own simulation of it."""

import asyncio
import contextlib
import logging
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Failed, Stage
from bench.stand import OPERATOR, shares, standing
from overround.book.machine import Machine, request
from overround.book.machine.answers import Answer, Done
from overround.book.machine.commands import Command, CreateCompetition, CreateEvent, CreateSport
from overround.feeds.betfair.example import race
from overround.feeds.betfair.player import Pace, Player, scan
from overround.feeds.betfair.recording import opened
from overround.feeds.client import open_door
from overround.kernel.ids import make_key

MARKETS = 20
QUICK_MARKETS = 4
STEP_MS = 1_000
EXAMPLE_S = 1_800
SHARED = Path(os.environ.get("OVERROUND_SHARED_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
CARD = (
    "limx0-betfair_parser__1.185781277.bz2",
    "betcode-flumine__1.197931750.gz",
    "betcode-flumine__1.197931751.gz",
)
"""A horse race of 29 minutes and both markets of a greyhound race of five, over and over."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    files: tuple[str, ...]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was played, in how long."""

    seconds: float
    messages: int = 0
    changes: int = 0
    orders: int = 0


async def run(stage: Stage) -> Finding:
    files, is_recorded = card(stage.folder, stage.scaled(MARKETS, QUICK_MARKETS))
    scans = [scan(path) for path in files]
    recorded_s = max(seen.last_ms - seen.first_ms for seen in scans) / 1_000
    asked = Asked(files=tuple(map(str, files)))
    stage.tell("flumine's simulation", 0.1)
    peer = await apart(simulate, asked)
    stage.tell("in memory", 0.3)
    inside = await apart(in_memory, asked)
    stage.tell("on a house", 0.5)
    on_house, took = await _on_house(stage, files)
    if on_house.changes != inside.changes:
        raise Failed(f"{on_house.changes} changes were played on the house, {inside.changes} in memory")
    return Finding(
        figures=(
            Figure(
                name=f"{len(files)} markets flat out, on a house",
                value=recorded_s / on_house.seconds,
                unit="times real time",
                least=50,
                note=f"{recorded_s:,.0f} s in {on_house.seconds:,.1f} s",
            ),
            Figure(name="changes of runners", value=on_house.changes / on_house.seconds, unit="changes/s"),
            Figure(
                name="orders placed and cancelled for them",
                value=on_house.orders / on_house.seconds,
                unit="orders/s",
                note=f"{on_house.orders:,}, durable, with holds",
            ),
            Figure(name="the same in memory, one core", value=recorded_s / inside.seconds, unit="times real time"),
            Figure(name="flumine's simulation of it", value=recorded_s / peer.seconds, unit="times real time"),
            Figure(
                name="ours in memory to flumine's",
                value=peer.seconds / inside.seconds,
                unit="times",
                note="it reads the recording and matches a bot's own orders alone; ours keeps every order of the book",
            ),
        ),
        configuration={
            "card": "recorded: " + ", ".join(CARD) if is_recorded else "made up, as there is no shared/data",
            "step": f"what was recorded within {STEP_MS} ms is put on the house together",
            "processors": took,
        },
    )


def card(folder: Path, markets: int) -> tuple[list[Path], bool]:
    """As many files as markets, plain, so that nobody's time goes into unpacking."""
    sources = [SHARED / "betfair_stream" / name for name in CARD]
    is_recorded = all(path.exists() for path in sources)
    made = []
    for number in range(markets):
        path = folder / f"card-{number:02}"
        if is_recorded:
            with opened(sources[number % len(sources)]) as file:
                path.write_bytes(file.read())
        else:
            path.write_bytes(b"".join(race(seed=number, seconds=EXAMPLE_S, starts_at_ms=1_800_000_000_000)))
        made.append(path)
    return made, is_recorded


async def _on_house(stage: Stage, files: Sequence[Path]) -> tuple[Run, str]:
    async with standing(stage, customers=1, markets=1) as stand:
        operator = open_door(
            stand.endpoints.http,
            token=stand.endpoints.operator_token,
            now_us=_now_us,
            chance=random.Random(1),
        )
        async with operator:
            player = _player(stand.desk, operator)
            scans = [scan(path) for path in files]
            await player.prepare(scans)
            spent, began = stand.cpu_s(), time.perf_counter()
            await player.play(scans)
            seconds = time.perf_counter() - began
            return _run_of(player, seconds), shares(spent, stand.cpu_s(), seconds)
    raise AssertionError


def _player(desk: Any, operator: Any) -> Player:
    return Player(
        desk=desk,
        operator=operator,
        actor=OPERATOR,
        now_us=_now_us,
        chance=random.Random(1),
        pace=Pace(speed=0.0, step_ms=STEP_MS),
        currency="GBP",
    )


def _run_of(player: Player, seconds: float) -> Run:
    if player.tally.refused:
        raise Failed(f"refused: {dict(player.tally.refused)}")
    counts, tally = player.counts, player.tally
    orders = counts.placed + counts.cancelled + counts.trades
    return Run(seconds=seconds, messages=tally.messages, changes=tally.changes, orders=orders)


def _now_us() -> int:
    return time.time_ns() // 1_000


# ---------------------------------------------------------------- in memory


class Inside:
    """The machine itself where a house would be: no bus, no journal."""

    def __init__(self) -> None:
        self._machine = Machine()
        self._number = 0

    async def ask_many(self, requests: Sequence[tuple[Command, str]], *, actor: int) -> list[Answer | None]:
        answers: list[Answer | None] = [self._ask(command, key, actor) for command, key in requests]
        self._machine.advance(_now_us())
        self._machine.drain()
        return answers

    async def get(self, path: str) -> Any:  # noqa: ARG002  # there is nothing yet, whatever is asked for
        return {"items": []}

    async def post(self, path: str, body: Any) -> Any:
        match path.rpartition("/")[2]:
            case "sports":
                return {"sport_id": self._done(CreateSport(body["name"]))}
            case "competitions":
                return {"competition_id": self._done(CreateCompetition(body["sport_id"], body["name"]))}
            case _:
                return {"event_id": self._done(CreateEvent(body["competition_id"], body["name"], _now_us()))}

    def _done(self, command: Command) -> int:
        self._number += 1
        answer = self._ask(command, make_key(at_us=_now_us(), chance=self._number), OPERATOR)
        assert isinstance(answer, Done), answer
        return answer.id

    def _ask(self, command: Command, key: str, actor: int) -> Answer:
        asked = request(actor=actor, key=key, command=command)  # type: ignore[arg-type]  # every command is one
        answer: Answer = self._machine.execute(asked, _now_us())
        return answer


def in_memory(asked: Asked) -> Run:
    return asyncio.run(_in_memory(asked))


async def _in_memory(asked: Asked) -> Run:
    inside = Inside()
    player = _player(inside, inside)
    scans = [scan(Path(path)) for path in asked.files]
    await player.prepare(scans)
    began = time.perf_counter()
    await player.play(scans)
    return _run_of(player, time.perf_counter() - began)


# ---------------------------------------------------------------- the peer


def simulate(asked: Asked) -> Run:
    """flumine's own simulation of the same files, with a strategy that looks at every book and keeps an order in each
    market."""
    from flumine import BaseStrategy, FlumineSimulation, clients
    from flumine.order.ordertype import LimitOrder
    from flumine.order.trade import Trade
    from flumine.streams.betfairhistoricalstream import BetfairHistoricalStream

    class Looks(BaseStrategy):  # type: ignore[misc]  # it ships no types
        def check_market_book(self, _market: Any, book: Any) -> bool:
            return bool(book.status == "OPEN")

        def process_market_book(self, market: Any, book: Any) -> None:
            runner = book.runners[0]
            if not market.blotter.strategy_orders(self):
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                market.place_order(trade.create_order("BACK", LimitOrder(1000, 2.0)))

    logging.disable(logging.CRITICAL)
    began = time.perf_counter()
    for path in asked.files:  # the files have the same market id, so each is a simulation of its own
        simulation = FlumineSimulation(clients.SimulatedClient())
        simulation.add_strategy(Looks(streams=[BetfairHistoricalStream(path)], max_order_exposure=10_000))
        with contextlib.suppress(SystemExit):
            simulation.run()
    return Run(seconds=time.perf_counter() - began)


BENCH = Bench(
    name="betfair_replay",
    title="A racing card of recorded markets replayed flat out.",
    leaves_out=("bots", "stream clients", "unpacking the files"),
    within_s=300,
    run=run,
)
