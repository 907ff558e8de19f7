"""A bot against a recording in memory: what is spared changes nothing, and a run is the same each time."""

import random
from pathlib import Path

import pytest
from tests.feeds.betfair.words import ROOT, STREAMS

from overround.book.exposure import Side
from overround.book.machine.answers import OrdersAnswer
from overround.book.machine.exchange_commands import CancelInstruction, PlaceInstruction
from overround.book.matching import OrderStatus, OrderType, Persistence
from overround.feeds.betfair.backtest import Report, Seat, backtest
from overround.feeds.betfair.example import race
from overround.feeds.betfair.mirror import Key, RunnerMirror
from overround.kernel.instant import SECOND_US
from overround.kernel.ladder import CLASSIC

STARTS_AT_MS = 1_800_000_000_000
RACE_S = 240


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "race"
    path.write_bytes(b"".join(race(seed=7, seconds=RACE_S, starts_at_ms=STARTS_AT_MS)))
    return path


class Gambler:
    """Places, cancels and waits by chance, on any runner, near what is on offer."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    async def __call__(self, seat: Seat) -> None:
        chance = self._chance
        if not seat.is_open or chance.random() < 0.8:
            return
        if seat.orders and chance.random() < 0.3:
            await seat.cancel(CancelInstruction(chance.choice(seat.orders).id))
            return
        await seat.place(*(self._order(key, runner) for key, runner in self._some(seat)))

    def _some(self, seat: Seat) -> list[tuple[Key, RunnerMirror]]:
        return self._chance.sample(sorted(seat.runners.items(), key=lambda item: item[0]), self._chance.randint(1, 3))

    def _order(self, key: Key, runner: RunnerMirror) -> PlaceInstruction:
        chance = self._chance
        side, at = chance.choice(list(Side)), min(runner.atl, default=3_000)
        price = CLASSIC[max(0, min(len(CLASSIC) - 1, CLASSIC.index(at) + chance.randint(-4, 4)))]
        if chance.random() < 0.1:
            start = {"type": OrderType.MARKET_ON_CLOSE, "liability_minor": chance.randint(1_000, 5_000)}
            return PlaceInstruction(key[0], side, 0, 0, handicap_quarters=key[1], **start)  # type: ignore[arg-type]
        kept = chance.choice(list(Persistence))
        return PlaceInstruction(key[0], side, price, chance.randint(200, 9_000), kept, handicap_quarters=key[1])


def outcome(report: Report) -> list[tuple[object, ...]]:
    """All that a bot has to show for it. Numbers of orders count the maker's too, so they are left out."""
    return [
        (
            order.runner, order.side, order.price_milli, order.size_minor, order.matched_minor, order.matched_value,
            order.lapsed_minor, order.cancelled_minor, order.status, order.profit_minor, order.matched_at_us,
        )
        for seat in report.seats
        for order in seat.orders
    ]  # fmt: skip


@pytest.mark.parametrize("crossing", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_runners_that_nobody_is_on_make_no_difference(recording: Path, seed: int, crossing: bool) -> None:
    spared = backtest(recording, Gambler(seed), crossing=crossing)
    whole = backtest(recording, Gambler(seed), crossing=crossing, whole=True)
    assert outcome(spared) == outcome(whole)
    assert [seat.position and seat.position.net_minor for seat in spared.seats] == [
        seat.position and seat.position.net_minor for seat in whole.seats
    ]
    assert not spared.tally.refused
    assert any(order.matched_minor for seat in spared.seats for order in seat.orders)
    assert spared.counts.placed < whole.counts.placed


@pytest.mark.parametrize("name", ["limx0-betfair_parser__1.205822330.bz2", "betcode-flumine__1.197931751.gz"])
def test_nor_do_they_in_a_real_recording(name: str) -> None:
    if not (STREAMS / name).exists():
        pytest.skip("there is no recorded data beside this checkout")
    spared = backtest(STREAMS / name, Gambler(3), step_ms=1_000)
    whole = backtest(STREAMS / name, Gambler(3), step_ms=1_000, whole=True)
    assert outcome(spared) == outcome(whole)


def test_a_run_is_the_same_each_time(recording: Path) -> None:
    assert outcome(backtest(recording, Gambler(1))) == outcome(backtest(recording, Gambler(1)))


def test_an_order_in_play_waits_as_long_as_was_recorded(recording: Path) -> None:
    seen: list[tuple[int, OrderStatus]] = []

    async def late(seat: Seat) -> None:
        if seat.in_play and seat.is_open and not seat.orders:
            key, runner = next((key, runner) for key, runner in seat.runners.items() if runner.atb)
            answer = await seat.place(PlaceInstruction(key[0], Side.BACK, max(runner.atb), 200))
            assert isinstance(answer, OrdersAnswer)
        seen.extend((seat.at_ms * 1_000 - order.placed_at_us, order.status) for order in seat.orders)

    backtest(recording, late)
    waited = [passed_us for passed_us, status in seen if status is OrderStatus.PENDING]
    came = [passed_us for passed_us, status in seen if status is not OrderStatus.PENDING]
    assert max(waited) < SECOND_US <= min(came), "the made-up race has a delay of a second"


def test_the_example_of_the_page(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = (ROOT / "docs" / "sandbox.md").read_text().partition("```python\n")[2].partition("```")[0]
    exec(written.replace("race.bz2", str(recording)), {"__name__": "example"})  # noqa: S102  # it is what the page says
    market, matched, net = capsys.readouterr().out.split()
    assert (market, float(matched)) == ("1.999000001", 2.0)
    assert float(net) in (-2.0, *(price / 500 - 2 for price in CLASSIC))


def test_whoever_places_nothing_has_nothing_put_in_the_book(recording: Path) -> None:
    async def idle(seat: Seat) -> None:
        assert not seat.orders

    report = backtest(recording, idle)
    assert (report.counts.placed, report.counts.trades) == (0, 0)
    assert report.tally.messages
    assert [seat.position for seat in report.seats] == [None]
