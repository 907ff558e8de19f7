"""A racing card of recorded markets, flat out: on a house, in memory, and beside flumine's own simulation of it."""

import contextlib
import logging
import os
import random
import time
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.stage import Bench, Failed, Stage
from bench.stand import OPERATOR, shares, standing
from overround.apps.roles import settle_memory
from overround.book.exposure import Side
from overround.book.machine.answers import OrdersAnswer
from overround.book.machine.exchange_commands import PlaceInstruction
from overround.feeds.betfair.backtest import Bot, Seat, backtest
from overround.feeds.betfair.example import race
from overround.feeds.betfair.making import Counts
from overround.feeds.betfair.player import Player
from overround.feeds.betfair.recording import opened
from overround.feeds.betfair.scanning import Pace, scan
from overround.feeds.client import open_door
from overround.kernel.ladder import CLASSIC

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


ROUNDS = 3
BOT_SIZES = (1, 20, 50)
"""How many orders a bot keeps in each market, in the runs beside flumine's simulation."""

BOT_MINOR = 200
TICKS_BACK = 3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Files, how many orders a bot has in each market, what is put on together, and whether all that is recorded is."""

    files: tuple[str, ...]
    bot: int = 0
    step_ms: int = STEP_MS
    whole: bool = True


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was played, in how long (in memory, and by the peer, processor time), and how many of a bot's orders were
    there and were matched."""

    seconds: float
    changes: int = 0
    orders: int = 0
    bots: int = 0
    bots_matched: int = 0


async def run(stage: Stage) -> Finding:
    files, is_recorded = card(stage.folder, stage.scaled(MARKETS, QUICK_MARKETS))
    scans = [scan(path) for path in files]
    recorded_s = max(seen.last_ms - seen.first_ms for seen in scans) / 1_000
    asked = Asked(files=tuple(map(str, files)))
    stage.tell("in memory", 0.1)
    rounds = stage.scaled(ROUNDS, 1)
    inside = min([await apart(in_memory, asked) for _ in range(rounds)], key=_seconds)
    beside = []
    for number, size in enumerate(BOT_SIZES):
        stage.tell(f"with {size} orders of a bot in each market, in turn with flumine's", 0.2 + 0.13 * number)
        beside.append(await _beside(asked.files, size, rounds))
    stage.tell("on a house", 0.6)
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
            Figure(
                name="the same in memory, a market after the other",
                value=recorded_s / inside.seconds,
                unit="times real time",
                note="by processor time",
            ),
            *beside_flumine(recorded_s, beside),
            Figure(
                name="with every recorded order in the book, in steps, to flumine's with 1 order",
                value=beside[0].peer.seconds / inside.seconds,
                unit="times",
                note="what a house would have in its book, whoever is there",
            ),
        ),
        configuration={
            "card": "recorded: " + ", ".join(CARD) if is_recorded else "made up, as there is no shared/data",
            "step": f"what was recorded within {STEP_MS} ms is put on the house together",
            "beside flumine": f"{rounds} rounds in turn, of each the one that took least processor time",
            "flumine": _flumine(),
            "bot": f"its orders wait {TICKS_BACK} ticks behind the best, spread over the runners",
            "processors": took,
        },
    )


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """The best runs with a bot of one size: the peer's, and ours as fine as its, and in steps."""

    size: int
    peer: Run
    ours: Run
    in_steps: Run


async def _beside(files: tuple[str, ...], size: int, rounds: int) -> Beside:
    asked = {
        "ours": Asked(files=files, bot=size, step_ms=0, whole=False),
        "in_steps": Asked(files=files, bot=size, whole=False),
    }
    runs: dict[str, list[Run]] = {name: [] for name in ("peer", *asked)}
    for _ in range(rounds):
        runs["peer"].append(await apart(simulate, Asked(files=files, bot=size)))
        for name, each in asked.items():
            runs[name].append(await apart(in_memory, each))
    return Beside(size=size, **{name: min(found, key=_seconds) for name, found in runs.items()})


def beside_flumine(recorded_s: float, found: list[Beside]) -> tuple[Figure, ...]:
    """A backtest of the card by either, with a bot that has few orders and with one that has many."""
    figures = []
    for runs in found:
        bots = f"{runs.size} orders of a bot in each market"
        figures += [
            Figure(
                name=f"flumine's simulation, {bots}",
                value=recorded_s / runs.peer.seconds,
                unit="times real time",
                note=f"{runs.peer.bots} orders, {runs.peer.bots_matched} of them matched",
            ),
            Figure(
                name=f"our backtest to flumine's, {bots}",
                value=runs.peer.seconds / runs.ours.seconds,
                unit="times",
                least=1,
                note=f"every message by itself; {runs.ours.bots_matched} matched; it matches by what was traded, "
                "ours with every recorded order of the runners on which the bot has some",
            ),
            Figure(
                name=f"the same in steps of {STEP_MS / 1_000:g} s",
                value=runs.peer.seconds / runs.in_steps.seconds,
                unit="times",
                note=f"{runs.in_steps.bots_matched} matched",
            ),
        ]
    return tuple(figures)


def _flumine() -> str:
    """Which one, and whether with its optional faster JSON."""
    json = "orjson" if find_spec("orjson") else "the standard library's JSON"
    return f"{version('flumine')} with {json}, no logging"


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
    return Run(seconds=seconds, changes=player.tally.changes, orders=_orders(player.counts))


def _orders(counts: Counts) -> int:
    return counts.placed + counts.cancelled + counts.trades


def _seconds(run: Run) -> float:
    return run.seconds


def _now_us() -> int:
    return time.time_ns() // 1_000


# ---------------------------------------------------------------- in memory


def in_memory(asked: Asked) -> Run:
    """Each file by itself, as the peer plays them."""
    settle_memory()
    began = time.process_time()
    played = [
        backtest(Path(path), _bot(asked.bot), step_ms=asked.step_ms, crossing=False, whole=asked.whole)
        for path in asked.files
    ]
    seconds = time.process_time() - began
    refused = [report.tally.refused for report in played if report.tally.refused]
    if refused:
        raise Failed(f"refused: {refused}")
    orders = [order for report in played for seat in report.seats for order in seat.orders]
    return Run(
        seconds=seconds,
        changes=sum(report.tally.changes for report in played),
        orders=sum(_orders(report.counts) for report in played),
        bots=len(orders),
        bots_matched=sum(order.matched_minor > 0 for order in orders),
    )


def _bot(size: int) -> Bot:
    """It places behind the best of every runner, once there are prices."""

    async def place(seat: Seat) -> None:
        if seat.orders or not size or not seat.is_open:
            return
        runners = [(key, runner) for key, runner in seat.runners.items() if runner.atl]
        if not runners:
            return
        asked = []
        for number in range(size):
            (selection_id, handicap), runner = runners[number % len(runners)]
            price = CLASSIC[min(len(CLASSIC) - 1, CLASSIC.index(min(runner.atl)) + TICKS_BACK)]
            asked.append(PlaceInstruction(selection_id, Side.BACK, price, BOT_MINOR, handicap_quarters=handicap))
        answer = await seat.place(*asked)
        if not isinstance(answer, OrdersAnswer):
            raise Failed(f"the bot's orders: {answer}")

    return place


# ---------------------------------------------------------------- the peer


def simulate(asked: Asked) -> Run:
    """flumine's own simulation of the same files, with a strategy that looks at every book and places the same orders
    once in each market."""
    from flumine import BaseStrategy, FlumineSimulation, clients
    from flumine.order.ordertype import LimitOrder
    from flumine.order.trade import Trade
    from flumine.streams.betfairhistoricalstream import BetfairHistoricalStream

    class Looks(BaseStrategy):  # type: ignore[misc]  # it ships no types
        def check_market_book(self, _market: Any, book: Any) -> bool:
            return bool(book.status == "OPEN")

        def process_market_book(self, market: Any, book: Any) -> None:
            runners = [runner for runner in book.runners if runner.status == "ACTIVE" and runner.ex.available_to_lay]
            if not runners or market.blotter.strategy_orders(self):
                return
            for number in range(asked.bot):
                runner = runners[number % len(runners)]
                best = round(runner.ex.available_to_lay[0]["price"] * 1_000)
                price = CLASSIC[min(len(CLASSIC) - 1, CLASSIC.index(best) + TICKS_BACK)] / 1_000
                trade = Trade(market.market_id, runner.selection_id, runner.handicap, self)
                kind = LimitOrder(price, BOT_MINOR / 100)
                market.place_order(trade.create_order("BACK", kind))

    logging.disable(logging.CRITICAL)
    limits = {"max_order_exposure": 1e9, "max_selection_exposure": 1e9, "max_live_trade_count": 1_000}
    settle_memory()
    bots = matched = 0
    began = time.process_time()
    for path in asked.files:  # the files have the same market id, so each is a simulation of its own
        simulation = FlumineSimulation(clients.SimulatedClient())
        simulation.add_strategy(Looks(streams=[BetfairHistoricalStream(path)], **limits))
        with contextlib.suppress(SystemExit):
            simulation.run()
        orders = [order for market in simulation.markets for order in market.blotter]
        bots, matched = bots + len(orders), matched + sum(order.size_matched > 0 for order in orders)
    return Run(seconds=time.process_time() - began, bots=bots, bots_matched=matched)


BENCH = Bench(
    name="betfair_replay",
    title="A racing card of recorded markets replayed flat out.",
    leaves_out=("bots", "stream clients", "unpacking the files"),
    within_s=600,
    run=run,
)
