"""A market with ten thousand selections stands beside normal ones: do bets elsewhere become slower?"""

import asyncio
import gc
import statistics
import time

import msgspec

from bench.apart import apart
from bench.finding import Figure, Finding
from bench.load import Plan, Shot
from bench.spread import interval
from bench.stage import Bench, Failed, Stage
from bench.stand import MARKETS, Stand, load, standing
from bench.wagers import CURRENCY, PRICES_MILLI, Dealer
from overround.book.machine import Machine, request
from overround.book.machine.commands import AnyCommand, CreateEvent, CreateMarket, PlaceBet, ResumeMarket, SetPrices
from overround.kernel.ids import make_key
from overround.kernel.instant import DAY_US

SELECTIONS = 10_000
WIDE_PRICE_MILLI = 50_000
CUSTOMERS = 1_000
ELSEWHERE_RATE, BESIDE_RATE = 1_500, 300
CHANGES_A_SECOND = 10
"""Price changes a second on the market beside, each of as many prices as a normal market has."""


WIDEST = 20.0
"""Per cent: a confidence interval that is wider than this tells nothing."""


class Blocks(msgspec.Struct, frozen=True, kw_only=True):
    """How many pairs of blocks, of how many bets each."""

    pairs: int
    bets: int


class Slowness(msgspec.Struct, frozen=True, kw_only=True):
    """Per cent by which bets elsewhere are slower, pair by pair; how many normal bets one on the wide market costs."""

    slower: list[float]
    itself: float


async def run(stage: Stage) -> Finding:
    stage.tell("the machine alone, in a fresh process", 0.05)
    blocks = Blocks(pairs=stage.scaled(30, 4), bets=stage.scaled(10_000, 500))
    found = await apart(measure, blocks)
    alone, alone_low, alone_high = interval(found.slower)
    pairs = stage.scaled(8, 2)
    shots = await _over_http(stage, pairs)
    p50, p50_low, p50_high = interval([100 * (wide.p50_ms / normal.p50_ms - 1) for normal, wide in shots])
    p99, p99_low, p99_high = interval([100 * (wide.p99_ms / normal.p99_ms - 1) for normal, wide in shots])
    return Finding(
        figures=(
            Figure(
                name="machine: slower elsewhere, at least",
                value=_told(alone_low, alone_high),
                unit="%",
                most=0,
                note=f"mean {alone:+.1f} %, 95 % interval {alone_low:+.1f} to {alone_high:+.1f} %",
            ),
            Figure(name="machine: a bet on the wide market itself", value=found.itself, unit="× a normal bet"),
            Figure(
                name="HTTP: p50 slower elsewhere, at least",
                value=_told(p50_low, p50_high),
                unit="%",
                most=0,
                note=f"mean {p50:+.1f} %, 95 % interval {p50_low:+.1f} to {p50_high:+.1f} %",
            ),
            Figure(
                name="HTTP: p99 slower elsewhere, at least",
                value=_told(p99_low, p99_high),
                unit="%",
                most=0,
                note=f"mean {p99:+.1f} %, 95 % interval {p99_low:+.1f} to {p99_high:+.1f} %",
            ),
        ),
        configuration={
            "wide market": f"type winner, {SELECTIONS:,} selections, each with a price; all of them have bets",
            "verdict": "slower when the whole 95 % interval of the paired differences lies above zero; an interval"
            f" wider than {WIDEST:.0f} points tells nothing",
            "machine": f"{blocks.pairs} pairs of {blocks.bets:,} bets elsewhere, on a machine with and one without the"
            " wide market, taking turns; between the blocks bets and price changes on the wide one",
            "HTTP": f"{pairs} pairs of spans, taking turns: {ELSEWHERE_RATE:,} bets a second elsewhere, and beside them"
            f" {BESIDE_RATE} bets and {CHANGES_A_SECOND} price changes a second on a normal or on the wide market",
        },
    )


def _told(low: float, high: float) -> float | None:
    """What an interval tells: by how much at least it is slower; nothing where the interval is too wide."""
    return low if high - low <= WIDEST else None


def measure(blocks: Blocks) -> Slowness:
    """Bets elsewhere, with and without a wide market beside them."""
    normal, wide = Dealer(Machine()), Dealer(Machine())
    for dealer in (normal, wide):
        dealer.open_house(customers=CUSTOMERS, markets=MARKETS)
    for command in _wide_market(event_id=MARKETS + 1, market_id=MARKETS + 1, now_us=wide.at_us):
        wide.ask(command)
    for selection in range(1, SELECTIONS + 1):
        wide.ask(_wide_bet(MARKETS + 1, selection), actor=1)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    slower, itself = [], []
    for number in range(blocks.pairs):
        first, second = (normal, wide) if number % 2 else (wide, normal)
        took = {id(first): _elsewhere(first, blocks.bets), id(second): _elsewhere(second, blocks.bets)}
        slower.append(100 * (took[id(wide)] / took[id(normal)] - 1))
        itself.append(_on_it(wide, blocks.bets // 10) / took[id(normal)])
    return Slowness(slower=slower, itself=statistics.median(itself))


def _wide_market(*, event_id: int, market_id: int, now_us: int) -> tuple[AnyCommand, ...]:
    return (
        CreateEvent(1, "Who scores first", now_us + DAY_US),
        CreateMarket(
            event_id,
            "winner",
            selections=tuple(f"Player {n}" for n in range(SELECTIONS)),
            prices_milli=(WIDE_PRICE_MILLI,) * SELECTIONS,
        ),
        ResumeMarket(market_id),
    )


def _wide_bet(market_id: int, selection: int) -> PlaceBet:
    return PlaceBet(1, market_id, selection, CURRENCY, 500, WIDE_PRICE_MILLI)


def _elsewhere(dealer: Dealer, bets: int) -> float:
    """Seconds a bet on the normal markets."""
    requests = list(dealer.bets(bets, customers=CUSTOMERS, markets=MARKETS))
    machine, at_us = dealer.machine, dealer.at_us
    began = time.perf_counter()
    for each in requests:
        machine.execute(each, at_us)
    took_s = time.perf_counter() - began
    machine.drain()
    return took_s / bets


def _on_it(dealer: Dealer, bets: int) -> float:
    """Seconds a bet on the wide market; then some of its prices change."""
    market_id = MARKETS + 1
    requests = [
        request(
            actor=1,
            key=make_key(at_us=dealer.at_us, chance=time.perf_counter_ns() << 10),
            command=_wide_bet(market_id, n % SELECTIONS + 1),
        )
        for n in range(bets)
    ]
    began = time.perf_counter()
    for each in requests:
        dealer.machine.execute(each, dealer.at_us)
    took_s = time.perf_counter() - began
    dealer.ask(SetPrices(market_id, tuple((n, WIDE_PRICE_MILLI) for n in range(1, 101))))
    dealer.machine.drain()
    return took_s / bets


async def _over_http(stage: Stage, pairs: int) -> list[tuple[Shot, Shot]]:
    """Pairs of spans: beside a normal market, and beside the wide one."""
    seconds = stage.scaled(6, 1)
    async with standing(stage) as stand:
        wide = MARKETS + 1
        for command in _wide_market(event_id=wide, market_id=wide, now_us=time.time_ns() // 1_000):
            await stand.ask(command)
        await _span(stand, wide, seconds)
        shots = []
        for number in range(pairs):
            stage.tell(f"over HTTP, pair {number + 1} of {pairs}", 0.2 + 0.8 * number / pairs)
            order = (MARKETS, wide) if number % 2 else (wide, MARKETS)
            found = {market: await _span(stand, market, seconds) for market in order}
            shots.append((found[MARKETS], found[wide]))
    return shots


async def _span(stand: Stand, beside: int, seconds: int) -> Shot:
    """Bets elsewhere, while bets and price changes go to the market beside."""
    prices = PRICES_MILLI if beside <= MARKETS else (WIDE_PRICE_MILLI,) * SELECTIONS
    changing = asyncio.create_task(_change_prices(stand, beside, prices[:3], seconds + 1))
    elsewhere, own = await asyncio.gather(
        load(_plan(stand, tuple(range(1, MARKETS)), PRICES_MILLI, seconds, ELSEWHERE_RATE)),
        load(_plan(stand, (beside,), prices, seconds, BESIDE_RATE)),
    )
    await changing
    for shot in (elsewhere, own):
        if shot.codes or shot.unanswered:
            raise Failed(f"{shot.unanswered} bets were not answered, refused were {shot.codes}")
    return elsewhere


def _plan(stand: Stand, markets: tuple[int, ...], prices_milli: tuple[int, ...], seconds: int, rate: int) -> Plan:
    return Plan(
        port=stand.port,
        tokens=stand.tokens,
        markets=markets,
        prices_milli=prices_milli,
        seconds=seconds,
        rate=rate,
        connections=64,
    )


async def _change_prices(stand: Stand, market_id: int, prices_milli: tuple[int, ...], seconds: int) -> None:
    """The prices are set as they are, so that no bet is refused; the fact is the same."""
    began = time.monotonic()
    for number in range(seconds * CHANGES_A_SECOND):
        await asyncio.sleep(began + number / CHANGES_A_SECOND - time.monotonic())
        await stand.ask(SetPrices(market_id, tuple((n + 1, price) for n, price in enumerate(prices_milli))))


BENCH = Bench(
    name="wide-market",
    title="A market with ten thousand selections beside normal ones.",
    leaves_out=("streams of the wide market's prices", "changing all ten thousand prices at once"),
    within_s=300,
    run=run,
)
