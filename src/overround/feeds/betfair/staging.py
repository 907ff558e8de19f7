"""How a market of ours follows the life of a recorded one: the terms it is made with, and at each new definition the
commands that turn it in play, suspend it, take runners out and back in, and settle it. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from overround.book.exchange import (
    MAX_CROSSING_RUNNERS,
    MAX_RUNNERS,
    Betting,
    ExchangeResult,
    MarketTerms,
    NumberResult,
    RunnersResult,
    RunnerTerms,
    Share,
    VoidResult,
    reduces,
)
from overround.book.exposure import asian_state
from overround.book.machine.command import Command
from overround.book.machine.exchange_commands import (
    ChangeBetDelay,
    OpenExchangeMarket,
    ReconcileStart,
    RecordExchangeResult,
    ReinstateRunner,
    RemoveRunner,
    SuspendExchangeMarket,
    TurnInPlay,
)
from overround.feeds.betfair.mirror import Key, key_of, milli, milli_or_none
from overround.feeds.betfair.recording import Definition, RunnerNamed
from overround.kernel.instant import SECOND_US
from overround.kernel.ladder import Ladder, LadderKind

MAX_FACTOR_BP: Final = 9_999
MOST_GOALS: Final = 30
MAX_DELAY_S: Final = 12
REASON: Final = "recorded"
BETTING: Final = {
    "ODDS": Betting.ODDS,
    "ASIAN_HANDICAP_DOUBLE_LINE": Betting.ASIAN,
    "ASIAN_HANDICAP_SINGLE_LINE": Betting.SINGLE,
    "LINE": Betting.LINE,
}
EVEN: Final = 2
"""The state of a handicap bet that gets its stake back; more is won."""


class Unplayable(Exception):
    """A market that our exchange has no kind for; the message says which."""


class Outline(msgspec.Struct):
    """What the whole of a recording says of a market, gathered before it is played: what a market must be made with
    is not all known at its beginning."""

    first: Definition
    runners: dict[Key, RunnerNamed]
    goes_in_play: bool = False
    reconciled: bool = False
    crosses: bool = False
    bet_delay_s: int = 0
    trades_told: bool = False
    starts: str = ""
    """When it started, by what was last said before it did."""

    prices: dict[Key, int] = {}

    def see(self, definition: Definition) -> None:
        """One more definition, in the recording's order."""
        for runner in definition.runners:
            key = key_of(runner.id, runner.hc)
            self.runners.setdefault(key, runner)
            if price := milli_or_none(runner.bsp):
                self.prices[key] = price
        if not definition.in_play:
            self.starts = definition.market_time
        self.reconciled |= definition.bsp_reconciled
        self.crosses |= definition.cross_matching
        if definition.in_play and not self.goes_in_play:
            self.goes_in_play, self.bet_delay_s = True, definition.bet_delay


def outline(definitions: Iterable[Definition]) -> Outline:
    """All definitions of one market. There must be one at least."""
    made: Outline | None = None
    for definition in definitions:
        made = made or Outline(definition, {})
        made.see(definition)
    assert made is not None
    return made


def terms_of(seen: Outline, *, currency: str, starts_at_us: int, delay_by: float, crossing: bool) -> MarketTerms:
    """What our market is made with. In-play delays are divided by `delay_by`. Raises Unplayable."""
    first = seen.first
    betting = BETTING.get(first.betting_type)
    if betting is None:
        raise Unplayable(f"betting type {first.betting_type}")
    if len(seen.runners) > MAX_RUNNERS:
        raise Unplayable(f"more than {MAX_RUNNERS} runners")
    is_odds = betting is Betting.ODDS and not first.each_way_divisor
    return MarketTerms(
        name=first.name or first.market_type or "Market",
        market_type=first.market_type or "UNDIFFERENTIATED",
        betting=betting,
        currency=currency,
        winners=0 if betting is Betting.SINGLE else first.number_of_winners,
        each_way_divisor=round(first.each_way_divisor or 0),
        ladder=_ladder(first),
        bsp=first.bsp_market and is_odds,
        turn_in_play=seen.goes_in_play or (first.turn_in_play_enabled and not seen.reconciled),
        persistence=first.persistence_enabled,
        crossing=(
            crossing
            and seen.crosses
            and is_odds
            and first.number_of_winners == 1
            and len(seen.runners) <= MAX_CROSSING_RUNNERS
        ),
        bet_delay_us=delay_us(seen.bet_delay_s, by=delay_by),
        base_rate_bp=round(first.market_base_rate * 100),
        discount_allowed=first.discount_allowed,
        starts_at_us=starts_at_us,
        runners_voidable=first.runners_voidable,
        regulators=first.regulators[:10],
        venue=first.venue,
        race_type=first.race_type,
        country=first.country_code or "GB",
        timezone=first.timezone or "Europe/London",
    )


def delay_us(seconds: int, *, by: float) -> int:
    return int(min(seconds, MAX_DELAY_S) * SECOND_US / by)


def _ladder(definition: Definition) -> Ladder:
    if definition.betting_type == "LINE":
        units = (definition.line_min_unit, definition.line_max_unit, definition.line_interval)
        return Ladder(LadderKind.LINE_RANGE, *(milli(unit or 0.0) for unit in units))
    return Ladder(LadderKind.FINEST if definition.price_ladder_definition.type == "FINEST" else LadderKind.CLASSIC)


def runners_of(seen: Outline) -> tuple[RunnerTerms, ...]:
    """Every runner that the recording ever names, in the order of its first definition."""
    return tuple(
        RunnerTerms(key[0], runner.name or f"Runner {key[0]}", key[1], _factor_bp(runner))
        for key, runner in _ordered(seen)
    )


def _ordered(seen: Outline) -> list[tuple[Key, RunnerNamed]]:
    """Handicap markets want home and away of one line side by side."""
    if seen.first.betting_type != "ASIAN_HANDICAP_DOUBLE_LINE":
        return list(seen.runners.items())
    first = next(iter(seen.runners))[0]
    homes = sorted(key for key in seen.runners if key[0] == first)
    pairs = [(key, other) for key in homes for other in seen.runners if other[0] != first and other[1] == -key[1]]
    if len(pairs) * 2 != len(seen.runners):
        raise Unplayable("handicaps that are not opposite")
    return [(key, seen.runners[key]) for pair in pairs for key in pair]


def _factor_bp(runner: RunnerNamed) -> int:
    return min(round((runner.adjustment_factor or 0) * 100), MAX_FACTOR_BP)


# ---------------------------------------------------------------- life


class Stage(msgspec.Struct):
    """Where our market stands. `removed` are runners that are out, `starts` and `opens` when the market starts and its
    event opens, as the recording writes it; `last_milli` is the last line that was traded, on a line market."""

    market_id: int
    bsp: bool
    turn_in_play: bool
    places: Mapping[Key, int]
    starts: str = ""
    opens: str = ""
    status: str = "INACTIVE"
    in_play: bool = False
    reconciled: bool = False
    bet_delay_s: int = 0
    removed: dict[Key, None] = {}
    last_milli: int = 0
    result: ExchangeResult | None = None

    @property
    def is_open(self) -> bool:
        return self.status == "OPEN"

    def has(self, key: Key) -> bool:
        """Whether a runner is there, and not out."""
        return key in self.places and key not in self.removed


class Start(msgspec.Struct, frozen=True):
    """The maker is to make the starting price now; the market is open."""


class Removed(msgspec.Struct, frozen=True):
    """What was there of a runner is gone; with `reduces`, lays of all others too."""

    key: Key
    reduces: bool


class Lapsed(msgspec.Struct, frozen=True):
    """Nothing of the maker's is left."""


class Moved(msgspec.Struct, frozen=True):
    """The market starts at another time, as the recording writes it."""

    starts: str


class EventMoved(msgspec.Struct, frozen=True):
    """Its event does."""

    starts: str


Cue = Command | Start | Removed | Lapsed | Moved | EventMoved


def follow(stage: Stage, definition: Definition, *, delay_by: float) -> Iterator[Cue]:
    """What happens to our market now that the recorded one is as this definition says. The stage is kept up to date as
    the cues are taken."""
    if stage.status == "CLOSED":
        yield from _correction(stage, definition)
        return
    yield from _moves(stage, definition)
    yield from _removals(stage, definition)
    if definition.in_play and not stage.in_play and stage.turn_in_play:
        yield from _off(stage, TurnInPlay(stage.market_id))
        stage.in_play = True
    elif definition.bsp_reconciled and stage.bsp and not stage.reconciled and not stage.turn_in_play:
        yield from _off(stage, ReconcileStart(stage.market_id))
    if stage.in_play and definition.bet_delay and definition.bet_delay != stage.bet_delay_s:
        if stage.bet_delay_s:
            yield ChangeBetDelay(stage.market_id, delay_us(definition.bet_delay, by=delay_by))
        stage.bet_delay_s = definition.bet_delay
    yield from _status(stage, definition)


def _moves(stage: Stage, definition: Definition) -> Iterator[Cue]:
    """A market of several days starts anew each day."""
    if definition.open_date and definition.open_date != stage.opens:
        if stage.opens:
            yield EventMoved(definition.open_date)
        stage.opens = definition.open_date
    if definition.market_time and definition.market_time != stage.starts:
        if stage.starts:
            yield Moved(definition.market_time)
        stage.starts = definition.market_time


def _off(stage: Stage, command: Command) -> Iterator[Cue]:
    """The start: the market is open for the moment in which the starting price is made, and suspended after it."""
    if stage.bsp and not stage.reconciled:
        if not stage.is_open:
            yield OpenExchangeMarket(stage.market_id)
        yield Start()
        stage.reconciled = True
    yield command
    yield Lapsed()
    stage.status = "SUSPENDED"


def _removals(stage: Stage, definition: Definition) -> Iterator[Cue]:
    for runner in definition.runners:
        key = key_of(runner.id, runner.hc)
        if runner.status == "REMOVED" and key not in stage.removed and key in stage.places:
            stage.removed[key] = None
            factor_bp = _factor_bp(runner)
            yield RemoveRunner(stage.market_id, key[0], factor_bp, key[1])
            yield Removed(key, reduces(factor_bp))
        elif runner.status != "REMOVED" and key in stage.removed:
            del stage.removed[key]
            yield ReinstateRunner(stage.market_id, key[0], key[1])


def _status(stage: Stage, definition: Definition) -> Iterator[Cue]:
    if definition.status == stage.status:
        return
    if definition.status == "SUSPENDED":
        yield SuspendExchangeMarket(stage.market_id, REASON)
    elif definition.status == "OPEN":
        yield OpenExchangeMarket(stage.market_id)
    elif definition.status == "CLOSED":
        stage.result = result_of(stage, definition)
        yield RecordExchangeResult(stage.market_id, stage.result)
        yield Lapsed()
    stage.status = definition.status


def _correction(stage: Stage, definition: Definition) -> Iterator[Cue]:
    """A closed market is told once more, with another result."""
    if definition.status == "CLOSED" and stage.result != (result := result_of(stage, definition)):
        stage.result = result
        yield RecordExchangeResult(stage.market_id, result)


# ---------------------------------------------------------------- results


def result_of(stage: Stage, definition: Definition) -> ExchangeResult:
    """What the runners of a closed definition come to. Where more won than there are places, they shared them; where
    nobody won, the market was void. The number of a line market is in no definition: the last line stands for it."""
    if definition.betting_type == "LINE":
        return NumberResult(stage.last_milli) if stage.last_milli else VoidResult("no line was traded")
    if definition.betting_type == "ASIAN_HANDICAP_DOUBLE_LINE":
        return _goals(definition)
    won = _with_status(stage, definition, "WINNER")
    placed = sorted({*won, *_with_status(stage, definition, "PLACED")})
    winners = definition.number_of_winners if definition.betting_type == "ODDS" else 0  # or each by itself
    if not won and winners:
        return VoidResult("no winner was recorded")
    if definition.each_way_divisor:
        return RunnersResult(_shares(won, 1), _shares(placed, winners))
    active = len(definition.runners) - sum(runner.status == "REMOVED" for runner in definition.runners)
    wanted = min(winners, active) or len(won)
    if len(won) < wanted:
        return VoidResult("fewer winners were recorded than there are places")
    return RunnersResult(_shares(won, wanted))


def _with_status(stage: Stage, definition: Definition, status: str) -> list[int]:
    keys = (key_of(runner.id, runner.hc) for runner in definition.runners if runner.status == status)
    return sorted(stage.places[key] for key in keys if key in stage.places)


def _shares(places: list[int], wanted: int) -> tuple[Share, ...]:
    if len(places) <= wanted:
        return tuple(Share(place) for place in places)
    return tuple(Share(place, wanted, len(places)) for place in places)


def _goals(definition: Definition) -> ExchangeResult:
    """The difference in goals under which just the recorded runners won."""
    home = definition.runners[0].id if definition.runners else 0
    lines = [
        (int(runner.id != home), key_of(runner.id, runner.hc)[1], runner.status == "WINNER")
        for runner in definition.runners
    ]
    for goals in range(-MOST_GOALS, MOST_GOALS + 1):
        if all((asian_state(side, line, goals) > EVEN) == won for side, line, won in lines):
            return NumberResult(goals)
    return VoidResult("no number of goals makes just these winners")


def start_prices(seen: Outline, stage: Stage) -> list[tuple[Key, int]]:
    """The recorded starting prices of the runners that are there."""
    return [(key, price) for key, price in seen.prices.items() if key in stage.places and key not in stage.removed]
