"""Recordings on a running house: what clients see, what is recorded of it and read again, and a strategy's profit."""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import betfairlightweight
import betfairutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from betfairlightweight import StreamListener
from flumine import BaseStrategy, FlumineSimulation, clients
from flumine.order.ordertype import LimitOrder
from flumine.order.trade import Trade
from flumine.streams.betfairhistoricalstream import BetfairHistoricalStream
from tests.edge.betfair.house import FUNDS_MINOR, PASSWORD, Trader, close_all, kept, new_trader
from tests.edge.running import Api, Running
from tests.feeds.betfair.playing import beside, example, studio
from tests.feeds.betfair.words import STREAMS

from overround.apps.connect import BETFAIRLIGHTWEIGHT, LOG_IN
from overround.feeds.betfair.comparing import Agreement
from overround.feeds.betfair.mirror import milli, minor
from overround.feeds.betfair.player import PlayedMarket
from overround.feeds.betfair.scanning import Pace, scan

pytestmark = [
    pytest.mark.engines,
    pytest.mark.xdist_group("house"),
    pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated:DeprecationWarning"),
]

RECORDING = STREAMS / "betcode-flumine__1.197931750.gz"
STRATEGY = Path(__file__).resolve().parents[3] / "docs" / "examples" / "flumine_strategy.py"


@pytest.fixture
def trader(house: Running) -> Any:
    api = Api(house, house.operator)
    try:
        yield new_trader(house, api, has_login=True)
    finally:
        close_all()
        api.close()


def agreed(fields: dict[str, Agreement]) -> dict[str, float]:
    return {name: entry.agreed / entry.compared for name, entry in fields.items()}


class Watcher:
    """betfairlightweight, unmodified, with the stream of one market."""

    def __init__(self, trader: Trader, market_id: str) -> None:
        self.listener = StreamListener(max_latency=None)
        self._stream = kept(_Stopped(trader.client().streaming.create_stream(listener=self.listener))).stream
        self._stream.subscribe_to_markets(
            market_filter=betfairlightweight.filters.streaming_market_filter(market_ids=[market_id]),
            market_data_filter=betfairlightweight.filters.streaming_market_data_filter(
                fields=["EX_ALL_OFFERS", "EX_TRADED", "EX_LTP", "EX_MARKET_DEF", "SP_TRADED"]
            ),
        )
        self._market_id = market_id

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(betfairlightweight.exceptions.SocketError):  # it is stopped while it reads
            self._stream.start()

    async def until(self, fits: Callable[[Any], bool]) -> Any:
        """The first book that is as wanted, within half a minute."""
        books: Any = None
        for _ in range(600):
            books = self.listener.snap(market_ids=[self._market_id])
            if books and fits(books[0]):
                return books[0]
            await asyncio.sleep(0.05)
        raise AssertionError(f"never came: {books}")


class _Stopped:
    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def close(self) -> None:
        self.stream.stop()


def is_as_recorded(market: PlayedMarket, book: Any) -> bool:
    """Ladders, trades and last prices of every runner."""
    definition = market.mirror.definition
    assert definition is not None
    if (book.status, book.inplay) != (definition.status, definition.in_play):
        return False
    for runner in book.runners:
        mirror = market.mirror.runners[runner.selection_id, 0]
        waits = seen(runner.sp.back_stake_taken), seen(runner.sp.lay_liability_taken)
        if not definition.bsp_reconciled and waits != (mirror.spl, mirror.spb):
            return False
        back, lay = mirror.offers()
        if definition.status == "OPEN" and (seen(runner.ex.available_to_back), seen(runner.ex.available_to_lay)) != (
            back,
            lay,
        ):
            return False
    return True


def seen(levels: Any) -> dict[int, int]:
    return {milli(level["price"]): minor(level["size"]) for level in levels}


async def test_a_made_up_race_is_seen_as_it_was_recorded(house: Running, trader: Trader, tmp_path: Path) -> None:
    """By listMarketBook and by betfairlightweight's stream, at ten instants and at the end."""
    found = scan(example(tmp_path / "race", seconds=60))
    async with studio(house) as open_studio:
        watching = await open_studio.observer()
        watchers: list[Watcher] = []
        looks = 0

        async def look(markets: Any) -> None:
            nonlocal looks
            await watching.look(markets)
            await watchers[0].until(lambda book: is_as_recorded(markets[0], book))
            looks += 1

        player = open_studio.player(on_sample=look, samples=10)
        await player.prepare([found])
        (market,) = player.markets.values()
        watchers.append(Watcher(trader, f"1.{market.stage.market_id}"))
        watchers[0].start()
        await player.play([found])
        await watching.look_at_all([market])
        closed = await watchers[0].until(lambda book: book.status == "CLOSED")
    assert agreed(watching.fields) == dict.fromkeys(watching.fields, 1.0)
    assert {"SP backs", "SP lays", "BSP", "start"} <= set(watching.fields)
    assert (looks, player.tally.refused) == (10, {})
    winner = next(runner.id for runner in market.mirror.definition.runners if runner.status == "WINNER")  # type: ignore[union-attr]
    assert [runner.selection_id for runner in closed.runners if runner.status == "WINNER"] == [winner]


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no recorded streams in {STREAMS}")
async def test_a_recorded_race_is_seen_as_it_was_recorded(house: Running) -> None:
    found = scan(RECORDING)
    async with studio(house) as open_studio:
        watching = await open_studio.observer()
        player = open_studio.player(on_sample=watching.look, samples=6, pace=Pace(speed=0.0, step_ms=2_000))
        await player.prepare([found])
        await player.play([found])
        await watching.look_at_all(list(player.markets.values()))
    assert player.tally.refused == {}
    assert all(not entry.reasons.get("not explained") for entry in watching.fields.values()), watching.fields
    exact = {
        "status",
        "in play",
        "runner status",
        "best 3 to back",
        "best 3 to lay",
        "all to back",
        "all to lay",
        "BSP",
    }
    assert {name: share for name, share in agreed(watching.fields).items() if name in exact} == dict.fromkeys(
        exact, 1.0
    )


class BackFirst(BaseStrategy):  # type: ignore[misc]  # it ships no types
    """Backs the first runner once, at what is there."""

    def add(self, _flumine: Any) -> None:
        self.books = 0

    def check_market_book(self, _market: Any, book: Any) -> bool:
        return bool(book.status == "OPEN")

    def process_market_book(self, market: Any, book: Any) -> None:
        self.books += 1
        runner = book.runners[0]
        if not market.blotter.strategy_orders(self) and runner.ex.available_to_back:
            trade = Trade(market.market_id, runner.selection_id, 0, self)
            market.place_order(trade.create_order("BACK", LimitOrder(1.01, 2.0)))


@pytest.mark.parametrize("name", ["race", "race.bz2"])
async def test_what_is_recorded_is_read_by_everybody(house: Running, trader: Trader, tmp_path: Path, name: str) -> None:
    """betfairlightweight's historical reader, betfairutil, flumine's simulation, and a replay."""
    found = scan(example(tmp_path / "played", seconds=30))
    path = tmp_path / name
    async with studio(house) as open_studio:
        player = open_studio.player(pace=Pace(speed=20.0))
        await player.prepare([found])
        (market,) = player.markets.values()
        market_id = f"1.{market.stage.market_id}"
        recorder = await open_studio.recorder([market_id], path)
        await beside(recorder, player.play([found]))
    assert recorder.written.markets == {market_id: "CLOSED"}
    again = scan(path)
    assert (again.messages, list(again.outlines)) == (recorder.written.messages, [market_id])
    last = betfairutil.read_prices_file(str(path), lightweight=False)[-1]
    assert (last.status, last.market_definition.name) == ("CLOSED", "6f Hcap")
    if name.endswith("bz2"):
        return
    listener = StreamListener(max_latency=None)
    historical = trader.client().streaming.create_historical_generator_stream(str(path), listener)
    books = [books[0] for books in historical.get_generator()()]
    told = [status for status, _ in groupby(book.status for book in books)]
    assert told[:2] == ["INACTIVE", "OPEN"]  # what lasts less than 50 ms is not told, as of any stream
    assert told[-1] == "CLOSED"
    simulated = FlumineSimulation(clients.SimulatedClient())
    strategy = BackFirst(streams=[BetfairHistoricalStream(str(path))], max_selection_exposure=100)
    simulated.add_strategy(strategy)
    simulated.run()
    (order,) = simulated.markets.markets[market_id].blotter
    assert strategy.books
    assert order.size_matched == 2.0


async def test_the_strategy_of_the_documentation_makes_or_loses_money(
    house: Running, trader: Trader, tmp_path: Path
) -> None:
    """docs/examples/flumine_strategy.py as it stands, in a process of its own, waits for the next race, and plays it
    twenty times as fast."""
    found = scan(example(tmp_path / "race", seconds=80))
    (tmp_path / "house.py").write_text(
        (BETFAIRLIGHTWEIGHT + LOG_IN).format(
            username=trader.username,
            password=PASSWORD,
            app_key=trader.live_key,
            http=house.url,
            stream_host="127.0.0.1",
            stream_port=house.settings.stream_port,
        )
    )
    async with studio(house) as open_studio:
        player = open_studio.player(pace=Pace(speed=20.0))
        bot = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, str(STRATEGY)],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert bot.stdout is not None
            assert float(await asyncio.to_thread(bot.stdout.readline)) == FUNDS_MINOR / 100  # it has logged in
            await player.prepare([found])
            await player.play([found])
            said, _ = await asyncio.to_thread(bot.communicate, timeout=60)
        finally:
            bot.kill()
    assert bot.returncode == 0
    assert re.search(r"^\d+ bets, profit -?\d+\.\d\d, commission \d+\.\d\d$", said, re.MULTILINE), said
