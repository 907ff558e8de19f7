"""What protects a customer: the tables of docs/rules/limits.md, and a model that counts every stake again."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.book.house import NOON_US, House
from tests.book.plain import windows
from tests.book.tables import number, table

from overround.book import limits
from overround.book.limits import NO_LIMIT, Limit, LimitKind, Player, Purse, Usage
from overround.book.limits.rules import window_starts_us
from overround.book.machine import Answer, LimitsNow
from overround.book.machine import commands as c
from overround.book.settlement import Score
from overround.kernel.instant import DAY_US, HOUR_US
from overround.kernel.money import MAX_MONEY_MINOR
from overround.kernel.refusal import Refused


def instant_us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize("at", ["2026-11-23T16:00", "2027-01-01T00:00"])
def test_windows(at: str) -> None:
    rows = window_table(at)
    assert window_starts_us(instant_us(at)) == tuple(instant_us(row["starts"]) for row in rows)


def window_table(at: str) -> list[dict[str, str]]:
    """The page has two tables under one heading; each says in its first column which instant it is about."""
    heading = "The customer's own limits" if at.startswith("2026") else "At a turn of the year"
    rows = table("limits.md", heading)
    assert f"window of {at}" in rows[0]
    return rows


@given(st.integers(0, 4_000_000_000_000_000))
def test_windows_are_those_of_the_calendar(at_us: int) -> None:
    starts = [datetime.fromtimestamp(start // 1_000_000, UTC) for start in window_starts_us(at_us)]
    assert tuple(starts) == windows(at_us)


def rooms(house: House, customer: int) -> dict[LimitKind, int | None]:
    answer = house.ask(c.GetLimits(customer))
    assert isinstance(answer, LimitsNow)
    return {row.limit: row.room_minor for row in answer.limits}


def test_the_use_of_a_window() -> None:
    house = House()
    customer = house.customer(cash_minor=20_000)
    won, lost = house.market(), house.market()
    house.do(c.SetLimit(customer, "EUR", LimitKind.STAKE_DAY, 5_000))
    house.do(c.SetLimit(customer, "EUR", LimitKind.LOSS_DAY, 3_000))
    steps: dict[str, Callable[[], Answer | int | None]] = {
        "nothing yet": lambda: None,
        "bet 1,000": lambda: house.taken(customer, won, 1, stake_minor=1_000),
        "it wins 2,000": lambda: house.do(c.RecordResult(won, Score(1, 0))),
        "bet 2,500": lambda: house.taken(customer, lost, 1, stake_minor=2_500),
        "it loses": lambda: house.do(c.RecordResult(lost, Score(0, 1))),
        "midnight": lambda: house.wait(12 * HOUR_US),
    }
    other = house.market()
    for row in table("limits.md", "Use of a window"):
        steps[row["what happens"]]()
        house.wait()
        found = rooms(house, customer)
        assert found[LimitKind.STAKE_DAY] == number(row["room for stakes"])
        assert found[LimitKind.LOSS_DAY] == number(row["room for loss"])
        most = number(row["largest stake"])
        answer = house.bet(customer, other, stake_minor=most + 1)
        assert isinstance(answer, Refused)
        assert answer.detail == {"max_stake_minor": most}


def test_winnings_taken_back_are_a_loss_of_that_day() -> None:
    house = House()
    customer = house.customer(cash_minor=20_000)
    market = house.market()
    house.do(c.SetLimit(customer, "EUR", LimitKind.LOSS_DAY, 3_000))
    house.taken(customer, market, stake_minor=1_000)
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    house.wait(DAY_US)
    assert rooms(house, customer)[LimitKind.LOSS_DAY] == 3_000
    house.do(c.RecordResult(market, Score(0, 1)))
    house.wait()
    assert rooms(house, customer)[LimitKind.LOSS_DAY] == 1_000
    purse = house.machine.state.limits.players[customer].purses["EUR"]
    assert (purse.day.returned_minor, purse.week.returned_minor) == (-2_000, 0)


def amount(cell: str) -> int | None:
    return None if cell == "none" else number(cell)


def test_tightening_and_loosening() -> None:
    for row_count in range(1, 7):
        house = House()
        customer = house.customer()
        rows = table("limits.md", "Tightening and loosening")[:row_count]
        for row in rows:
            house.wait(NOON_US + number(row["hour"]) * HOUR_US - house.at_us)
            house.do(c.SetLimit(customer, "EUR", LimitKind.STAKE_WEEK, amount(row["asks for"])))
            assert now(house, customer) == amount(row["holds at once"])
        house.wait(DAY_US - 1)
        assert now(house, customer) == amount(rows[-1]["holds at once"])
        house.wait(1)
        assert now(house, customer) == amount(rows[-1]["holds 24 hours later"])


def now(house: House, customer: int) -> int | None:
    answer = house.ask(c.GetLimits(customer))
    assert isinstance(answer, LimitsNow)
    return answer.limits[0].amount_minor


@pytest.mark.parametrize(
    "row", table("limits.md", "Cool-off and self-exclusion"), ids=lambda row: row["kind"] + " " + row["days"]
)
def test_how_long_one_may_be_shut_out(row: dict[str, str]) -> None:
    house = House()
    customer, duration_us = house.customer(), number(row["days"]) * DAY_US
    command = c.CoolOff(customer, duration_us) if row["kind"] == "cool-off" else c.SelfExclude(customer, duration_us)
    answer = house.ask(command)
    assert (answer.code if isinstance(answer, Refused) else "done") == row["answer"]


@pytest.mark.parametrize(("command", "code"), [(c.CoolOff, "cooling_off"), (c.SelfExclude, "self_excluded")])
def test_an_exclusion_never_gets_shorter(command: type[c.CoolOff] | type[c.SelfExclude], code: str) -> None:
    house = House()
    shortest_us = DAY_US if command is c.CoolOff else 180 * DAY_US
    customer, market = house.customer(cash_minor=1_000), house.market()
    house.do(command(customer, shortest_us + 2 * DAY_US))
    house.do(command(customer, shortest_us))
    house.wait(shortest_us + 2 * DAY_US - 1)
    assert house.refusal(c.PlaceBet(customer, market, 1, "EUR", 100, 2_000)) == code
    house.do(c.MoveFunds(customer, "EUR", -100, "withdrawal"))
    house.wait(1)
    house.taken(customer, market, stake_minor=100)


def test_open_bets_of_the_excluded_are_paid() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    house.taken(customer, market)
    house.do(c.SelfExclude(customer, 180 * DAY_US))
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    assert house.cash(customer) == 2_000


@pytest.mark.parametrize("minor", [-1, MAX_MONEY_MINOR + 1, NO_LIMIT])
def test_amounts_that_are_no_limit(minor: int) -> None:
    house = House()
    answer = house.ask(c.SetLimit(house.customer(), "EUR", LimitKind.LOSS_DAY, minor))
    assert answer == Refused("limit_invalid")


def test_a_limit_of_zero_takes_no_stake() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    house.do(c.SetLimit(customer, "EUR", LimitKind.STAKE_MONTH, 0))
    assert house.bet(customer, market) == Refused("limit_stake_month", {"max_stake_minor": 0})


class PurseModel(RuleBasedStateMachine):
    """One purse over many days. The model keeps every movement and every request and counts again each time."""

    @initialize(at_us=st.integers(NOON_US, NOON_US + 60 * DAY_US))
    def begin(self, at_us: int) -> None:
        self.purse = Purse(limits={}, day=Usage(), week=Usage(), month=Usage())
        self.at_us = at_us
        self.stakes: list[tuple[int, int]] = []
        self.returns: list[tuple[int, int]] = []
        self.asked: dict[LimitKind, list[tuple[int, int]]] = {}

    @rule(us=st.sampled_from((1, HOUR_US, 9 * HOUR_US, DAY_US, 8 * DAY_US)))
    def time_passes(self, us: int) -> None:
        self.at_us += us

    @rule(minor=st.integers(1, 1_000))
    def stake(self, minor: int) -> None:
        limits.use(self.purse, at_us=self.at_us, staked_minor=minor, returned_minor=0)
        self.stakes.append((self.at_us, minor))

    @rule(minor=st.integers(-1_000, 1_000))
    def returned(self, minor: int) -> None:
        limits.use(self.purse, at_us=self.at_us, staked_minor=0, returned_minor=minor)
        self.returns.append((self.at_us, minor))

    @rule(which=st.integers(0, 5))
    def a_waiting_bet_is_refused(self, which: int) -> None:
        if which < len(self.stakes):
            placed_at_us, minor = self.stakes.pop(-1 - which)
            limits.give_back(self.purse, placed_at_us=placed_at_us, stake_minor=minor)

    @rule(kind=st.sampled_from(LimitKind), minor=st.sampled_from((0, 500, 800, 2_000, NO_LIMIT)))
    def set_limit(self, kind: LimitKind, minor: int) -> None:
        current = self.purse.limits.get(kind)
        holds = self.holds(kind)
        effective_at_us = limits.effective_at_us(current, amount_minor=minor, now_us=self.at_us)
        assert effective_at_us == self.at_us + (0 if minor <= holds else DAY_US)
        if effective_at_us == self.at_us:
            self.purse.limits[kind] = Limit(minor)
            self.asked[kind] = [(self.at_us, minor)]
        else:
            self.purse.limits[kind] = Limit(holds, minor, effective_at_us)
            self.asked[kind] = [(self.at_us, holds), (effective_at_us, minor)]

    def holds(self, kind: LimitKind) -> int:
        return [NO_LIMIT, *(minor for at_us, minor in self.asked.get(kind, ()) if at_us <= self.at_us)][-1]

    @invariant()
    def rooms_are_what_counting_again_says(self) -> None:
        starts = windows(self.at_us)
        rooms: list[int] = []
        for kind, limit in self.purse.limits.items():
            window = ("day", "week", "month").index(kind.value.split("_")[1])
            used = sum(minor for at_us, minor in self.stakes if windows(at_us)[window] == starts[window])
            if kind.value.startswith("loss"):
                used -= sum(minor for at_us, minor in self.returns if windows(at_us)[window] == starts[window])
            else:
                assert used >= 0
            room = self.holds(kind) - used
            assert limits.room_minor(self.purse, kind, limit, now_us=self.at_us) == room
            rooms += [room] if self.holds(kind) != NO_LIMIT else []
        found = limits.stake_room(self.purse, now_us=self.at_us)
        assert (found[1] if found else None) == min(rooms, default=None)


TestPurseModel = PurseModel.TestCase


def test_a_player_is_shut_out_by_the_longer_word() -> None:
    player = Player(id=1, cooling_until_us=20, excluded_until_us=10)
    said = [limits.shut_out(player, now_us=at_us) for at_us in (9, 10, 19, 20)]
    assert said == ["self_excluded", "cooling_off", "cooling_off", None]
