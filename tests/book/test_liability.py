"""What the house stands to lose: the page `docs/rules/liability.md`, and exposure against every way of ending."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.house import House
from tests.book.tables import number, table

from overround.book.bets import BetStatus, Exposure
from overround.book.catalogue import EachWay, Market, MarketTerms, winners
from overround.book.ledger import StakeKind
from overround.book.machine import BetAnswer, Machine, Sheet
from overround.book.machine import commands as c
from overround.book.machine.commands import BetAsked, LegAsked
from overround.book.machine.desk_commands import FieldSheet
from overround.book.machine.grant_commands import GrantFreeBet
from overround.book.machine.snapshot import decode, encode, state_hash
from overround.book.settlement import Finish, Score, Winners
from overround.kernel.instant import HOUR_US
from overround.kernel.level import Level

RUNNERS = ("Ann", "Ben", "Cid", "Dot")
PLACE_PRICES = (2_000, 3_000, 4_000, 5_000)

# ---------------------------------------------------------------- several winners


@pytest.mark.parametrize("row", table("liability.md", "Several winners"), ids=lambda row: row["market"])
def test_how_many_win(row: dict[str, str]) -> None:
    name, _, places = row["market"].replace("`", "").partition(" ")
    specifiers = {"places": int(places)} if places else {}
    market = Market(1, 1, name, specifiers, {}, "", False, 0, 0)
    assert winners(market) == (0 if row["winners"] == "every one" else int(row["winners"]))


def test_places_bet_after_bet() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = house.market("race_place", specifiers={"places": 2}, selections=RUNNERS, prices_milli=PLACE_PRICES)
    for row in table("liability.md", "Several winners", nth=2):
        house.taken(customer, market, int(row["runner"]), stake_minor=number(row["stake"]))
        book = house.machine.state.bets.exposures[market]["EUR"]
        assert book.stakes_minor == number(row["stakes"])
        assert [book.payouts_minor.get(n, 0) for n in range(1, 5)] == [number(row[f"pays {n}"]) for n in range(1, 5)]
        assert (book.lost_minor(1), book.lost_minor(4)) == (number(row["if 1"]), number(row["if 4"]))
        assert book.worst_minor == number(row["worst case"])
        assert house.machine.state.bets.worst_minor(Level.PLATFORM, 0, "EUR") == number(row["worst case"])
    before = house.trading()
    house.do(c.RecordResult(market, Finish(((1,), (3,)))))
    house.wait()
    assert before - house.trading() == 2_100, "the worst case is what the dearest two are paid"


changes = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 50), st.integers(0, 500), st.booleans()), max_size=30)


@given(changes, st.integers(0, 7))
def test_the_largest_payout_is_that_of_the_dearest_winners(changed: list[tuple[int, int, int, bool]], k: int) -> None:
    """Against going through every way in which so many may win."""
    book, taken = Exposure(winners=k), list[tuple[int, int, int]]()
    for selection, stake, paid, leaves in changed:
        if leaves and taken:
            gone = taken.pop(selection % len(taken))
            book.take(gone[0], stake_minor=gone[1], payout_minor=gone[2])
        else:
            taken.append((selection, stake, paid))
            book.add(selection, stake_minor=stake, payout_minor=paid)
        stakes = sum(stake for _, stake, _ in taken)
        pays = {one: sum(paid for each, _, paid in taken if each == one) for one in range(1, 7)}
        ways = list(combinations(pays, min(k or 6, 6)))
        most = max(sum(pays[one] for one in way) for way in ways)
        assert (book.largest_payout_minor, book.worst_minor) == (most, max(0, most - stakes))
        for selection_id in pays:
            with_it = max(sum(pays[one] for one in way) for way in ways if selection_id in way)
            assert book.lost_minor(selection_id) == with_it - stakes


def test_both_double_chances_that_win_are_counted() -> None:
    """Two bets, each within the limit alone: together a home win would cost 900."""
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = house.market("double_chance", prices_milli=(1_500, 1_400, 1_600), liability_minor=800)
    house.taken(customer, market, 1, stake_minor=1_000)
    refused = house.bet(customer, market, 2, stake_minor=1_000)
    assert (refused.code, refused.detail["max_stake_minor"]) == ("market_liability", 751)  # type: ignore[union-attr]
    assert isinstance(house.bet(customer, market, 2, stake_minor=751), BetAnswer)
    asked = tuple(BetAsked((LegAsked(market, n, (1_500, 1_400, 1_600)[n - 1]),), (1,), 100) for n in (1, 3))
    ticket = house.ask(c.PlaceTicket(customer, "EUR", asked), actor=customer)
    assert ticket.code == "market_liability"  # type: ignore[union-attr]


def test_a_market_of_winners_takes_no_more_of_them() -> None:
    house = House()
    market = house.market("winners", specifiers={"places": 2}, selections=RUNNERS, prices_milli=(2_000,) * 4)
    assert house.refusal(c.RecordResult(market, Winners((1, 2, 3)))) == "result_invalid"
    house.do(c.RecordResult(market, Winners((1, 4))))


# ---------------------------------------------------------------- withdrawn selections


def test_withdrawals_of_the_page() -> None:
    house = House()
    customer = house.customer(cash_minor=100_000)
    market = house.market(
        "race_win",
        selections=RUNNERS,
        prices_milli=PLACE_PRICES,
        terms=MarketTerms(rule_4=False),
        liability_minor=10**6,
    )
    for row in table("liability.md", "Withdrawn selections"):
        first, *_, last = row["step"].split()
        if last == "withdrawn":
            house.do(c.WithdrawSelection(market, int(first), 0))
        else:
            house.taken(customer, market, int(last), stake_minor=number(first))
        book = house.machine.state.bets.exposures[market]["EUR"]
        assert book.stakes_minor == number(row["stakes"])
        assert [book.payouts_minor.get(n, 0) for n in range(1, 5)] == [number(row[f"pays {n}"]) for n in range(1, 5)]
        assert (book.lost_minor(1), book.lost_minor(2)) == (number(row["if 1"]), number(row["if 2"]))
        assert book.worst_minor == number(row["worst case"])
        assert house.machine.state.bets.worst_minor(Level.PLATFORM, 0, "EUR") == number(row["worst case"])
    (on_sheet,) = sheet(house, house.machine.state.catalogue.markets[market].event_id).markets[0].books
    assert [line.lost_minor for line in on_sheet.lines] == [1_000, 0, 0, -1_000], "those withdrawn say nothing"
    before = house.trading()
    house.do(c.RecordResult(market, Finish(((1,), (4,)))))
    house.wait()
    assert before - house.trading() == 1_000


def test_a_withdrawn_leg_leaves_its_market_and_the_last_one_the_levels() -> None:
    house = House()
    customer, first, second = house.customer(cash_minor=10_000), race(house), race(house)
    asked = BetAsked((LegAsked(first, 1, 3_000), LegAsked(second, 2, 6_000)), (2,), 200, each_way=True)
    house.ask(c.PlaceTicket(customer, "EUR", (asked,)), actor=customer)
    owed = house.machine.state.bets
    (bet,) = owed.bets.values()
    loss = bet.most_minor - 200
    assert [owed.lost_minor(first, 1, "EUR"), owed.lost_minor(second, 2, "EUR")] == [loss, loss]
    house.do(c.WithdrawSelection(first, 1, 0))
    assert [owed.lost_minor(first, 1, "EUR"), owed.lost_minor(second, 2, "EUR")] == [0, loss]
    assert owed.worst_minor(Level.PLATFORM, 0, "EUR") == loss
    house.do(c.WithdrawSelection(second, 2, 0))
    assert [owed.lost_minor(second, each, "EUR") for each in (1, 2)] == [0, 0]
    assert owed.worst_minor(Level.PLATFORM, 0, "EUR") == 0
    assert state_hash(decode(encode(house.machine.state))) == state_hash(house.machine.state)
    house.do(c.RecordResult(first, Finish(((2,), (3,)))))
    house.do(c.RollbackResult(first))
    house.do(c.RecordResult(second, Finish(((1,), (3,)))))
    house.wait()
    assert (owed.lost_minor(first, 2, "EUR"), owed.worst_minor(Level.PLATFORM, 0, "EUR")) == (0, 0)


def test_what_is_open_on_a_withdrawn_runner_comes_back_with_no_rollback() -> None:
    """Nor does selling such a bet, or its settlement, take away what was no longer counted."""
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house)
    other = house.taken(customer, market, 1, stake_minor=100)
    house.taken(customer, market, 2, stake_minor=1_000)
    house.do(c.WithdrawSelection(market, 2, 0))
    owed = house.machine.state.bets
    assert owed.worst_minor(Level.PLATFORM, 0, "EUR") == 200
    for _ in range(2):
        house.do(c.RecordResult(market, Finish(((1,), (3,)))))
        house.do(c.RollbackResult(market))
        house.wait()
        assert owed.bets[other].status is BetStatus.OPEN
        assert owed.worst_minor(Level.PLATFORM, 0, "EUR") == 200


# ---------------------------------------------------------------- multiples


def test_multiples_bet_after_bet() -> None:
    house = House()
    customer = house.customer(cash_minor=100_000)
    house.terms(market_liability_minor=10**9, house_liability_minor=10**9)
    first_event = house.event()
    second_event = house.do(c.CreateEvent(1, "Leeds – Everton", house.at_us + HOUR_US))
    markets = {"A": house.market(event_id=first_event), "B": house.market(event_id=second_event)}
    catalogue, owed = house.machine.state.catalogue, house.machine.state.bets
    sides = {"home": 1, "away": 3}
    for row in table("liability.md", "Multiples"):
        chosen = [(markets[leg.split()[1]], sides[leg.split()[0]]) for leg in row["on"].split(", ")]
        if len(chosen) == 1:
            house.taken(customer, *chosen[0], stake_minor=number(row["stake"]))
        else:
            legs = tuple(LegAsked(*pair, 2_000 if pair[1] == 1 else 4_000) for pair in chosen)
            asked = BetAsked(legs, (len(legs),), number(row["stake"]))
            house.ask(c.PlaceTicket(customer, "EUR", (asked,)), actor=customer)
        assert list(owed.bets.values())[-1].most_minor == number(row["may pay"])
        first = catalogue.markets[markets["A"]]
        assert owed.exposures[first.id]["EUR"].worst_minor == number(row["A: singles"])
        for name, market in markets.items():
            assert owed.lost_minor(market, 1, "EUR") == number(row[f"{name}: if home wins"])
            event = catalogue.markets[market].event_id
            assert owed.worst_minor(Level.EVENT, event, "EUR") == number(row[f"event {name}"])
        competition = catalogue.events[first.event_id].competition_id
        assert owed.worst_minor(Level.COMPETITION, competition, "EUR") == number(row["competition"])


def test_a_free_bets_stake_pays_for_nothing() -> None:
    """A free bet on home: an away win costs what it costs without, and the house then loses just as much."""
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    house.taken(customer, market, 3, stake_minor=500)
    grant = house.do(GrantFreeBet(customer, "EUR", 1_000, house.at_us + HOUR_US, 0))
    asked = BetAsked((LegAsked(market, 1, 2_000),), (1,), 1_000)
    house.ask(c.PlaceTicket(customer, "EUR", (asked,), stake_kind=StakeKind.FREE_BET, grant_id=grant), actor=customer)
    owed = house.machine.state.bets
    assert (owed.lost_minor(market, 1, "EUR"), owed.lost_minor(market, 3, "EUR")) == (1_000 - 500, 1_500)
    cash = house.cash(customer)
    house.do(c.RecordResult(market, Score(0, 1)))
    house.wait()
    assert house.cash(customer) - cash - 500 == 1_500


# ---------------------------------------------------------------- each-way


def race(house: House, *, limit_minor: int = 0) -> int:
    terms = MarketTerms(each_way=EachWay(1, 5, 3), rule_4=False)
    prices = (3_000, 6_000, 11_000, 21_000)
    return house.market("race_win", selections=RUNNERS, prices_milli=prices, terms=terms, liability_minor=limit_minor)


def each_way(house: House, customer: int, market: int, runner: int, stake_minor: int) -> object:
    price = house.machine.state.catalogue.markets[market].selections[runner].price_milli
    asked = BetAsked((LegAsked(market, runner, price),), (1,), stake_minor, each_way=True)
    return house.ask(c.PlaceTicket(customer, "EUR", (asked,)), actor=customer)


def test_each_way_bet_after_bet() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house)
    owed = house.machine.state.bets
    for row in table("liability.md", "Each-way bets"):
        each_way(house, customer, market, int(row["runner"]), number(row["stake"]))
        wins, places = owed.carried[market]["EUR"], owed.placed[market]["EUR", 3]
        assert wins.stakes_minor == number(row["stakes"])
        assert [wins.payouts_minor.get(n, 0) for n in range(1, 5)] == [number(row[f"win {n}"]) for n in range(1, 5)]
        assert [places.payouts_minor.get(n, 0) for n in range(1, 5)] == [number(row[f"place {n}"]) for n in range(1, 5)]
        assert owed.lost_minor(market, 1, "EUR") == number(row["if 1 wins"])
        assert wins.largest_payout_minor + places.largest_payout_minor - wins.stakes_minor == number(row["worst case"])
    before = house.trading()
    house.do(c.RecordResult(market, Finish(((1,), (4,), (3,), (2,)))))
    assert not owed.placed.get(market)
    house.wait()
    assert before - house.trading() == 2_600


def test_a_placed_outsider_must_fit_the_favourites_win() -> None:
    """The favourite's win costs 2,400; an outsider may win less than the limit, and still not be placed beside it."""
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house, limit_minor=2_500)
    each_way(house, customer, market, 1, 2_000)
    refused = each_way(house, customer, market, 4, 200)
    assert refused.code == "market_liability"  # type: ignore[attr-defined]
    largest = refused.detail["max_stake_minor"]  # type: ignore[attr-defined]
    assert largest == 66, "half of it is paid 5 times if placed: 165, and of 67 it would be 168, a loss of 101"
    each_way(house, customer, market, 4, largest)
    assert len(house.machine.state.bets.bets) == 2


def test_each_way_comes_back_with_a_rollback_and_from_a_snapshot() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house)
    each_way(house, customer, market, 2, 200)
    state = house.machine.state
    before = state.bets.lost_minor(market, 2, "EUR")
    house.do(c.RecordResult(market, Finish(((2,), (1,), (3,)))))
    house.wait()
    house.do(c.RollbackResult(market))
    house.wait()
    assert state.bets.bets[1].status is BetStatus.OPEN
    assert state.bets.lost_minor(market, 2, "EUR") == before == 600 + 200 - 200
    assert state_hash(decode(encode(state))) == state_hash(state)


def test_scores_of_a_market_that_pays_both() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    market = house.market("double_chance", prices_milli=(1_500, 1_400, 1_600))
    for selection in (1, 2, 3):
        house.taken(customer, market, selection, stake_minor=1_000)
    worst = house.machine.state.bets.exposures[market]["EUR"].worst_minor
    before = house.trading()
    house.do(c.RecordResult(market, Score(1, 1)))
    house.wait()
    assert (worst, before - house.trading()) == (100, 100)


# ---------------------------------------------------------------- the field sheet


def sheet(house: House, event: int) -> Sheet:
    found = house.ask(FieldSheet(event))
    assert isinstance(found, Sheet), found
    return found


def test_final_scores_of_the_page() -> None:
    house = House()
    customer, event = house.customer(cash_minor=10_000), house.event()
    house.taken(customer, house.market(event_id=event), 1, stake_minor=1_000)
    total = house.market("total", event_id=event, specifiers={"line_quarters": 9}, prices_milli=(1_900, 1_900))
    house.taken(customer, total, 1, stake_minor=1_000)
    names, prices = ("0-0", "2-1", "any_other"), (9_000, 9_000, 2_000)
    house.taken(
        customer,
        house.market("correct_score", event_id=event, selections=names, prices_milli=prices),
        2,
        stake_minor=100,
    )
    by_score = {f"{each.home}–{each.away}": each.lost_minor for each in sheet(house, event).scores}
    assert len(by_score) == 36
    for row in table("liability.md", "The field sheet"):
        assert sum(number(row[name]) for name in ("match result", "total", "correct score")) == by_score[row["score"]]
        assert by_score[row["score"]] == number(row["house loses"])


FOOTBALL: tuple[tuple[str, dict[str, int], tuple[str, ...], int], ...] = (
    ("1x2", {}, (), 3),
    ("double_chance", {}, (), 3),
    ("draw_no_bet", {}, (), 2),
    ("total", {"line_quarters": 10}, (), 2),
    ("total", {"line_quarters": 8}, (), 2),
    ("asian_handicap", {"line_quarters": -3}, (), 2),
    ("away_total", {"line_quarters": 5}, (), 2),
    ("both_teams_to_score", {}, (), 2),
    ("odd_even", {}, (), 2),
    ("correct_score", {}, ("1-0", "0-0", "2-2", "any_other"), 4),
    ("first_goalscorer", {}, ("Kane", "Saka"), 2),
)


@pytest.mark.parametrize("seed", range(3))
def test_each_final_score_is_what_settling_it_would_cost(seed: int) -> None:
    """A copy of the house for each score, in which the event ends so and everything is settled."""
    chance = random.Random(seed)
    house = House(audited=False)
    customer, event = house.customer(cash_minor=10**9), house.event()
    on_quarters = 0
    for name, specifiers, own, count in FOOTBALL:
        prices = tuple(chance.randrange(1_500, 9_000) for _ in range(count))
        market = house.market(name, event_id=event, specifiers=specifiers, selections=own, prices_milli=prices)
        bets = 0 if name == "first_goalscorer" else chance.randrange(4)
        on_quarters += bets * (specifiers.get("line_quarters", 0) % 2)
        for _ in range(bets):
            house.taken(customer, market, chance.randint(1, count), stake_minor=chance.randrange(100, 9_000))
    state = house.machine.state
    before, kept = house.trading(), encode(state)
    told = {(each.home, each.away): each for each in sheet(house, event).scores}
    assert list(told) == [(home, away) for home in range(6) for away in range(6)]
    for (home, away), each in told.items():
        copy = House(Machine(decode(kept)), at_us=house.at_us, audited=False)
        copy.ask(c.RecordEventResult(event, Score(home, away)), key=house.key())
        copy.wait()
        assert abs(each.lost_minor - (before - copy.trading())) <= on_quarters / 2
        assert each.others_minor == 0


def test_a_sheet_has_other_bets_levels_and_both_winners() -> None:
    house = House()
    customer, event = house.customer(cash_minor=10_000), house.event()
    market = house.market("double_chance", event_id=event, prices_milli=(1_500, 1_400, 1_600))
    other = house.market()
    house.taken(customer, market, 1, stake_minor=1_000)
    legs = LegAsked(market, 2, 1_400), LegAsked(other, 1, 2_000)
    house.ask(c.PlaceTicket(customer, "EUR", (BetAsked(legs, (2,), 100),)), actor=customer)
    found = sheet(house, event)
    (book,) = found.markets[0].books
    assert (book.stakes_minor, book.worst_minor) == (1_100, 1_500 + 280 - 1_100)
    assert [(line.payout_minor, line.others_minor, line.lost_minor) for line in book.lines] == [
        (1_500, 0, 680),
        (280, 280, 680),
        (0, 0, 400),
    ]
    assert {(each.level, each.worst_minor) for each in found.levels} == {
        (Level.EVENT, 680),
        (Level.COMPETITION, 680),
        (Level.SPORT, 680),
        (Level.PLATFORM, 680),
    }
    by_score = {(each.home, each.away): (each.lost_minor, each.others_minor) for each in found.scores}
    assert (by_score[1, 0], by_score[1, 1], by_score[0, 1]) == ((500, 180), (500, -100), (-1_000, 180))


def test_an_each_way_race_on_a_sheet() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house)
    for row in table("liability.md", "Each-way bets"):
        each_way(house, customer, market, int(row["runner"]), number(row["stake"]))
    event = house.machine.state.catalogue.markets[market].event_id
    (book,) = sheet(house, event).markets[0].books
    assert (book.stakes_minor, book.worst_minor) == (2_600, 2_600)
    assert (book.lines[0].lost_minor, book.lines[1].lost_minor) == (2_600, 600 + 200 + 1_400 + 500 - 2_600)
    assert sheet(house, event).scores == ()
