"""A simulated match from announcement to result, told second by second against a house of a few lines."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.tables import table

from overround.feeds import matchday
from overround.feeds.fixture import Fixture, Goal, draw_name, fixture
from overround.feeds.matchday import House, ShownEvent, ShownMarket, ShownSelection, wanted
from overround.kernel.instant import SECOND_US
from overround.kernel.level import Level
from overround.trading import Kind, Question, Rates, Shade, overround

KICK_OFF_US = 1_790_000_000_000_000
MINUTE_US = 4 * SECOND_US
HOUSE = House(feed="simulator")
MATCH = Fixture(
    starts_at_us=KICK_OFF_US,
    minute_us=MINUTE_US,
    rates=Rates(1.5, 1.1),
    goals=(Goal(20.0, True), Goal(55.5, False), Goal(80.0, True)),
)


class Board:
    """What a house would show of one event after the orders that were asked of it."""

    def __init__(self) -> None:
        self.event = ShownEvent(
            event_id=1,
            name="A v B",
            starts_at="2026-11-23T16:00:00.000Z",
            status="scheduled",
            markets=(),
            competition_id=4,
            sport_id=2,
        )
        self.result: tuple[int, int] | None = None
        self.score: dict[str, Any] = {}
        self.reasons: list[str] = []

    def step(self, now_us: int, match: Fixture = MATCH) -> list[str]:
        orders = wanted(self.event, match, house=HOUSE, now_us=now_us)
        for order in orders:
            getattr(self, order["command"])(order)
        return [order["command"] for order in orders]

    def until(self, minute: float) -> None:
        """Several steps at one instant: until nothing but confirmations is asked for."""
        for _ in range(4):
            self.step(MATCH.at_us(minute))

    def statuses(self) -> set[str]:
        return {market.status for market in self.event.markets}

    def _change(self, market_id: int | None, **changes: Any) -> None:
        markets = tuple(
            msgspec.structs.replace(market, **changes) if market_id in (None, market.market_id) else market
            for market in self.event.markets
        )
        self.event = msgspec.structs.replace(self.event, markets=markets)

    def CreateMarket(self, order: Any) -> None:  # noqa: N802  # named as the command is
        market = ShownMarket(
            market_id=len(self.event.markets) + 1,
            type=order["type"],
            specifiers=order["specifiers"],
            status="suspended",
            reason="new",
            version=1,
            available=False,
            selections=tuple(
                ShownSelection(selection_id=number, price_milli=price)
                for number, price in enumerate(order["prices_milli"], 1)
            ),
        )
        self.event = msgspec.structs.replace(self.event, markets=(*self.event.markets, market))

    def SetPrices(self, order: Any) -> None:  # noqa: N802  # as above
        selections = tuple(ShownSelection(**price) for price in order["prices"])
        self._change(order["market_id"], selections=selections)

    def ResumeMarket(self, order: Any) -> None:  # noqa: N802  # as above
        self._change(order["market_id"], status="open", available=True)

    def SuspendMarket(self, order: Any) -> None:  # noqa: N802  # as above
        self._change(order["market_id"], status="suspended", reason=order["reason"], available=False)

    def CloseMarket(self, order: Any) -> None:  # noqa: N802  # as above
        self._change(order["market_id"], status="closed", available=False)

    def StartEvent(self, _order: Any) -> None:  # noqa: N802  # as above
        self.event = msgspec.structs.replace(self.event, status="in_play")
        self._change(None, status="suspended", reason="turn_in_play", available=False)

    def SuspendEvent(self, order: Any) -> None:  # noqa: N802  # as above
        for market in self.event.markets:
            if market.status == "open":
                self._change(market.market_id, status="suspended", reason=order["reason"], available=False)

    def RecordEventResult(self, order: Any) -> None:  # noqa: N802  # as above
        self.event = msgspec.structs.replace(self.event, status="ended")
        self.score = order["score"]
        self.result = self.score["home"], self.score["away"]


def test_a_match_from_announcement_to_result() -> None:
    board = Board()
    assert board.step(KICK_OFF_US - 60 * SECOND_US) == ["CreateMarket"] * 13
    kinds = [market.type for market in board.event.markets]
    assert kinds[:7] == ["1x2", *["total"] * 3, *["asian_handicap"] * 3]
    assert kinds[7:12] == ["double_chance", "draw_no_bet", "both_teams_to_score", "half_time_result", "correct_score"]
    assert kinds[12] == "next_goal"
    board.until(-10)
    assert board.statuses() == {"open"}

    assert board.step(KICK_OFF_US) == ["StartEvent"]
    assert board.statuses() == {"suspended"}
    board.until(0.5)
    assert board.statuses() == {"open"}

    assert board.step(MATCH.at_us(20.0)) == ["SuspendEvent"]
    assert board.step(MATCH.at_us(20.0) + HOUSE.suspension_us - 1) == []
    home_before = board.event.markets[0].prices_milli[0]
    for _ in range(2):
        board.step(MATCH.at_us(20.0) + HOUSE.suspension_us)
    assert {market.status for market in board.event.markets[:12]} == {"open"}
    assert [market.status for market in board.event.markets[12:]] == ["closed", "open"]  # the first goal, the second
    assert board.event.markets[0].prices_milli[0] < home_before  # home leads and is shorter

    board.until(70)
    over_one_and_a_half = board.event.markets[1]
    assert (over_one_and_a_half.specifiers, over_one_and_a_half.status) == ({"line_quarters": 6}, "closed")

    assert board.step(MATCH.at_us(90)) == ["RecordEventResult"]
    assert board.result == (2, 1)
    assert board.step(MATCH.at_us(91)) == []


def test_after_each_goal_the_next_one_is_asked_for() -> None:
    board = Board()
    board.until(-10)
    board.step(KICK_OFF_US)
    for minute, number in ((10, 1), (30, 2), (60, 3), (85, 4)):
        board.until(minute)
        markets = [market for market in board.event.markets if market.type == "next_goal"]
        assert [market.specifiers["goal_number"] for market in markets] == list(range(1, number + 1))
        assert [market.status for market in markets] == ["closed"] * (number - 1) + ["open"]
    board.until(90)
    assert board.score["half_time"] == {"home": 1, "away": 0}
    assert [goal["side"] for goal in board.score["goals"]] == ["home", "away", "home"]


def test_what_can_no_longer_come_has_no_price() -> None:
    board = Board()
    board.until(-10)
    board.step(KICK_OFF_US)
    board.until(70)  # 1-1
    correct_score = next(market for market in board.event.markets if market.type == "correct_score")
    names = next(question.names for question in MATCH.questions(KICK_OFF_US) if question.names)
    priced = {name for name, price in zip(names, correct_score.prices_milli, strict=True) if price}
    assert "1-1" in priced
    assert "any_other" in priced
    assert not {name for name in priced if name.startswith("0-") or name.endswith("-0")}
    at_half_time = next(market for market in board.event.markets if market.type == "half_time_result")
    assert at_half_time.status == "closed"


class FatFinger(Fixture, frozen=True):
    """Between two minutes the feed's decimal point is in the wrong place."""

    def prices_milli(self, question: Question, now_us: int, **more: Any) -> tuple[int, ...] | None:
        prices = super().prices_milli(question, now_us, **more)
        if prices is None or question.kind != "1x2" or not 30 < self.minute(now_us) < 40:
            return prices
        return (prices[0] * 10, *prices[1:])


def test_a_palpable_error_is_not_published_and_its_market_waits() -> None:
    match = FatFinger(starts_at_us=KICK_OFF_US, minute_us=MINUTE_US, rates=Rates(1.5, 1.1), goals=())
    board = Board()
    for minute in (-10.0, -10.0, 0.0, 5.0, 5.0, 29.0):
        board.step(match.at_us(minute), match)
    before = board.event.markets[0].prices_milli
    assert board.step(match.at_us(31.0), match).count("SuspendMarket") == 1
    assert (board.event.markets[0].status, board.event.markets[0].reason) == ("suspended", "price_band")
    assert board.event.markets[0].prices_milli == before
    assert "SuspendMarket" not in board.step(match.at_us(35.0), match)
    assert {market.status for market in board.event.markets[1:]} == {"open"}
    board.step(match.at_us(41.0), match)
    assert board.event.markets[0].status == "open"


def test_one_sided_money_moves_the_price_where_that_is_wanted() -> None:
    board = Board()
    board.until(-10)
    first, rest = board.event.markets[0], board.event.markets[1:]
    sheet = {
        "markets": [
            {"market_id": first.market_id, "books": [{"currency": "EUR", "lines": lines(80_000, -90_000, -90_000)}]},
            {"market_id": rest[0].market_id, "books": [{"currency": "GBP", "lines": lines(80_000, -90_000)}]},
        ]
    }
    losses = matchday.losses_of(sheet, "EUR")
    at_us = MATCH.at_us(-10)
    as_before = wanted(board.event, MATCH, house=HOUSE, now_us=at_us, losses=losses)
    moves = msgspec.structs.replace(HOUSE, shade=Shade())
    moved = wanted(board.event, MATCH, house=moves, now_us=at_us, losses=losses)
    (order,) = [order for order in moved if order not in as_before]
    assert (order["command"], order["market_id"]) == ("SetPrices", first.market_id)
    home, draw, away = (each["price_milli"] for each in order["prices"])
    assert home < first.prices_milli[0]
    assert draw > first.prices_milli[1]
    assert away > first.prices_milli[2]
    assert wanted(board.event, MATCH, house=moves, now_us=at_us) == as_before, "nothing is known of what it would lose"


@pytest.mark.parametrize("row", table("controls.md", "Margins"), ids=lambda row: " ".join(row.values()))
def test_the_narrowest_level_with_a_margin_makes_the_prices(row: dict[str, str]) -> None:
    board = Board()
    board.until(-10)
    first = board.event.markets[0]
    at_us = MATCH.at_us(-10)
    ids = {"platform": 0, "sport": 2, "competition": 4, "event": 1, "market": first.market_id}
    margins = {(Level(name), id): int(row[name]) for name, id in ids.items() if row[name] != "–"}
    asked = wanted(board.event, MATCH, house=HOUSE, now_us=at_us, margins=margins)
    told = {each["market_id"]: [price["price_milli"] for price in each["prices"]] for each in asked if "prices" in each}
    prices = told.get(first.market_id, first.prices_milli)
    said = row["margin of the market"]
    least = 0.055 if said == "–" else int(said) / 10_000
    assert least <= overround(prices) < least + 0.03, "rounding to the steps of prices may add to it, and takes nothing"
    if row["from"] != "market":
        assert (len(told) > 5) == (said != "–"), "a margin above them all moves most of them"


def test_a_market_is_born_with_the_margin_of_its_event() -> None:
    at_us = MATCH.at_us(-10)
    born = wanted(Board().event, MATCH, house=HOUSE, now_us=at_us, margins={(Level.EVENT, 1): 1_500})
    assert [order["command"] for order in born] == ["CreateMarket"] * len(MATCH.questions(at_us))
    winners = [2 if order["type"] == Kind.DOUBLE_CHANCE else 1 for order in born]
    sums = [(overround(order["prices_milli"]) + 1) / each for order, each in zip(born, winners, strict=True)]
    assert all(1.15 <= whole < 1.2 for whole in sums), sums


def test_the_largest_margin_that_the_feed_puts_in() -> None:
    """At 100 % a market of two selections has no prices, and the power method would leave them fair."""
    board = Board()
    board.until(-10)
    at_us = MATCH.at_us(-10)
    most, more = (
        wanted(board.event, MATCH, house=HOUSE, now_us=at_us, margins={(Level.PLATFORM, 0): margin_bps})
        for margin_bps in (4_500, 10_000)
    )
    assert most == more
    assert [order["command"] for order in most] == ["SetPrices"] * len(board.event.markets)
    for market, order in zip(board.event.markets, most, strict=True):
        winners = 2 if market.type == Kind.DOUBLE_CHANCE else 1
        whole = (overround([each["price_milli"] for each in order["prices"]]) + 1) / winners
        assert 1.45 <= whole < 1.55, (market.type, whole)


def lines(*losses: int) -> list[dict[str, int]]:
    return [{"selection_id": number, "lost_minor": lost} for number, lost in enumerate(losses, 1)]


def test_whoever_comes_back_late_goes_on_where_the_match_is_by_now() -> None:
    board = Board()
    board.until(-10)
    away = Board()
    away.event = board.event
    assert away.step(MATCH.at_us(200)) == ["RecordEventResult"]
    assert away.result == (2, 1)


def test_an_operators_suspension_stays() -> None:
    board = Board()
    board.until(-10)
    board._change(1, status="suspended", reason="team news", available=False)
    board.until(-5)
    assert board.event.markets[0].status == "suspended"
    assert {market.status for market in board.event.markets[1:]} == {"open"}


def test_after_a_silence_every_market_is_spoken_of() -> None:
    board = Board()
    board.until(-10)
    board._change(None, available=False)
    assert board.step(MATCH.at_us(-10)).count("SetPrices") == 13


def test_every_market_is_confirmed_within_ten_seconds() -> None:
    board = Board()
    board.until(-10)
    seen: set[int] = set()
    for second in range(10):
        now_us = MATCH.at_us(-10) + second * SECOND_US
        for order in wanted(board.event, MATCH, house=HOUSE, now_us=now_us):
            seen.add(order["market_id"])
    assert seen == {market.market_id for market in board.event.markets}


@given(seed=st.integers(0, 2**63), event_id=st.integers(1, 10**6), second=st.integers(-60, 400))
def test_a_seed_is_a_match_and_its_prices_are_prices(seed: int, event_id: int, second: int) -> None:
    def made() -> Fixture:
        return fixture(
            seed=seed,
            event_id=event_id,
            name="A v B",
            starts_at_us=KICK_OFF_US,
            match_us=300 * SECOND_US,
        )

    match = made()
    assert match == made()
    assert all(0 <= goal.minute < 90 for goal in match.goals)
    now_us = KICK_OFF_US + second * SECOND_US
    questions = match.questions(now_us)
    assert len(set(questions)) == 13
    for question in questions:
        prices = match.prices_milli(question, now_us)
        assert prices is None or (any(prices) and all(price == 0 or 1_010 <= price <= 1_000_000 for price in prices))
        assert prices is None or matchday.out_of_band(prices, match, question, now_us) is None
    handicaps = [question.line_quarters for question in questions if question.kind == "asian_handicap"]
    assert sorted(line % 4 for line in handicaps if line is not None) in ([0, 1, 2], [0, 2, 3])


def test_instants_as_the_api_writes_them() -> None:
    assert matchday.micros_of("2026-11-23T16:00:00.250Z") == 1_795_449_600_250_000


def test_no_team_plays_twice_at_a_time() -> None:
    chance = random.Random(7)
    playing: list[str] = []
    for _ in range(11):
        playing.append(draw_name(chance, frozenset(playing)))
    teams = [team for name in playing for team in name.split(" v ")]
    assert len(set(teams)) == 22
