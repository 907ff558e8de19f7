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
from overround.book.exposure import Side
from overround.book.machine import Machine, request
from overround.book.machine.answers import Answer, Done, OrdersAnswer
from overround.book.machine.commands import (
    Command,
    CreateCompetition,
    CreateEvent,
    CreateSport,
    MoveFunds,
    OpenCustomer,
)
from overround.book.machine.exchange_commands import OpenExchangeMarket, PlaceInstruction, PlaceOrders
from overround.feeds.betfair.example import race
from overround.feeds.betfair.player import Player
from overround.feeds.betfair.recording import opened
from overround.feeds.betfair.scanning import Pace, scan
from overround.feeds.client import open_door
from overround.kernel.ids import make_key
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
FUNDS_MINOR = 10**10
TICKS_BACK = 3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Files, and how many orders a bot has in each market."""

    files: tuple[str, ...]
    bot: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What was played, in how long, and how many of a bot's orders were there and were matched."""

    seconds: float
    messages: int = 0
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
    inside = await apart(in_memory, asked)
    peers, ours = [], []
    rounds = stage.scaled(ROUNDS, 1)
    for number, size in enumerate(BOT_SIZES):
        stage.tell(f"with {size} orders of a bot in each market, in turn with flumine's", 0.2 + 0.13 * number)
        beside = Asked(files=asked.files, bot=size)
        found = [(await apart(simulate, beside), await apart(in_memory, beside)) for _ in range(rounds)]
        peers.append(min((peer for peer, _ in found), key=_seconds))
        ours.append(min((own for _, own in found), key=_seconds))
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
            Figure(name="the same in memory, one core", value=recorded_s / inside.seconds, unit="times real time"),
            *beside_flumine(recorded_s, peers, ours),
        ),
        configuration={
            "card": "recorded: " + ", ".join(CARD) if is_recorded else "made up, as there is no shared/data",
            "step": f"what was recorded within {STEP_MS} ms is put on the house together",
            "beside flumine": f"{rounds} rounds in turn, the fastest of each counts",
            "bot": f"its orders wait {TICKS_BACK} ticks behind the best, spread over the runners",
            "processors": took,
        },
    )


def beside_flumine(recorded_s: float, peers: list[Run], ours: list[Run]) -> tuple[Figure, ...]:
    """The whole replay by either, with a bot that has few orders and with one that has many."""
    figures = []
    for size, peer, own in zip(BOT_SIZES, peers, ours, strict=True):
        figures += [
            Figure(
                name=f"flumine's simulation, {size} orders of a bot in each market",
                value=recorded_s / peer.seconds,
                unit="times real time",
                note=f"{peer.bots} orders, {peer.bots_matched} of them matched",
            ),
            Figure(
                name=f"ours in memory to flumine's, {size} orders of a bot in each market",
                value=peer.seconds / own.seconds,
                unit="times",
                note=f"it matches the bot's alone, ours every order of the book; {own.bots_matched} matched here",
            ),
        ]
    return tuple(figures)


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


def _seconds(run: Run) -> float:
    return run.seconds


def _now_us() -> int:
    return time.time_ns() // 1_000


# ---------------------------------------------------------------- in memory


class Inside:
    """The machine itself where a house would be: no bus, no journal; and a bot that places once in each market."""

    def __init__(self, bot_orders: int = 0) -> None:
        self._machine = Machine()
        self._number = 0
        self._bot, self._bot_orders = 0, bot_orders
        self._waits: dict[int, bool] = {}
        """Markets that opened, and whether the bot has yet to place in them."""

    async def ask_many(self, requests: Sequence[tuple[Command, str]], *, actor: int) -> list[Answer | None]:
        answers: list[Answer | None] = [self._ask(command, key, actor) for command, key in requests]
        if self._bot_orders:
            self._let_bot_place([command for command, _ in requests])
        self._machine.advance(_now_us())
        self._machine.forgo()
        return answers

    def _let_bot_place(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, OpenExchangeMarket):
                self._waits.setdefault(command.market_id, True)
        for market_id in [number for number, waits in self._waits.items() if waits]:
            self._waits[market_id] = not self._place(market_id)

    def _place(self, market_id: int) -> bool:
        """Place behind the best of every runner, once there are prices."""
        book = self._machine.state.exchange.orders.books[market_id]
        runners = [number for number in book.active if book.runners[number].backs.keys]
        if not runners:
            return False
        names = {place: name for name, place in book.places.items()}
        asked = []
        for number in range(self._bot_orders):
            runner = runners[number % len(runners)]
            selection_id, handicap = names[runner]
            best = -book.runners[runner].backs.keys[-1]
            price = CLASSIC[min(len(CLASSIC) - 1, CLASSIC.index(best) + TICKS_BACK)]
            asked.append(PlaceInstruction(selection_id, Side.BACK, price, BOT_MINOR, handicap_quarters=handicap))
        if not self._bot:
            self._bot = self._done(OpenCustomer("GBP"))
            self._done(MoveFunds(self._bot, "GBP", FUNDS_MINOR, "a bot"))
        self._number += 1
        key = make_key(at_us=_now_us(), chance=self._number)
        answer = self._ask(PlaceOrders(self._bot, market_id, "GBP", tuple(asked)), key, OPERATOR)
        if not isinstance(answer, OrdersAnswer):
            raise Failed(f"the bot's orders: {answer}")
        return True

    @property
    def bots(self) -> tuple[int, int]:
        """Orders of the bot, and how many of them were matched, in part at least."""
        orders = [o for o in self._machine.state.exchange.orders.by_id.values() if self._bot == o.customer_id]
        return len(orders), sum(order.matched_minor > 0 for order in orders)

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
    inside = Inside(asked.bot)
    player = _player(inside, inside)
    scans = [scan(Path(path)) for path in asked.files]
    await player.prepare(scans)
    began = time.perf_counter()
    await player.play(scans)
    found = _run_of(player, time.perf_counter() - began)
    bots, matched = inside.bots
    return msgspec.structs.replace(found, bots=bots, bots_matched=matched)


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
    bots = matched = 0
    began = time.perf_counter()
    for path in asked.files:  # the files have the same market id, so each is a simulation of its own
        simulation = FlumineSimulation(clients.SimulatedClient())
        simulation.add_strategy(Looks(streams=[BetfairHistoricalStream(path)], **limits))
        with contextlib.suppress(SystemExit):
            simulation.run()
        orders = [order for market in simulation.markets for order in market.blotter]
        bots, matched = bots + len(orders), matched + sum(order.size_matched > 0 for order in orders)
    return Run(seconds=time.perf_counter() - began, bots=bots, bots_matched=matched)


BENCH = Bench(
    name="betfair_replay",
    title="A racing card of recorded markets replayed flat out.",
    leaves_out=("bots", "stream clients", "unpacking the files"),
    within_s=420,
    run=run,
)
