"""The Odds API's JSON read exactly: medians of bookmakers, lines, what is left out, results, and any bytes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.feeds import odds_api
from overround.feeds.changes import Offer, Question, SettleScore, Start
from overround.feeds.odds_api import LeftOut, Malformed, OddsEvent, Read, ScoredEvent, Terms, median

NOW_US = int(datetime(2026, 11, 27, 12, 0, tzinfo=UTC).timestamp()) * 1_000_000
UPDATED = "2026-11-27T11:58:00Z"
HOME, AWAY = "Arsenal", "Chelsea"


def market(key: str, *outcomes: tuple[Any, ...], updated: str = UPDATED) -> dict[str, Any]:
    """(name, price) or (name, price, point)."""
    fields = ("name", "price", "point")
    return {
        "key": key,
        "last_update": updated,
        "outcomes": [dict(zip(fields, each, strict=False)) for each in outcomes],
    }


def h2h(home: Any, draw: Any, away: Any, **more: str) -> dict[str, Any]:
    return market("h2h", (HOME, home), (AWAY, away), ("Draw", draw), **more)


def event(*bookmakers: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {
        "id": "e912304de2b2ce35b473ce2ecd3d1502",
        "sport_key": "soccer_epl",
        "sport_title": "EPL",
        "commence_time": "2026-11-28T15:00:00Z",
        "home_team": HOME,
        "away_team": AWAY,
        "bookmakers": [{"key": f"book{number}", "markets": markets} for number, markets in enumerate(bookmakers)],
        **changes,
    }


def read(*bookmakers: list[dict[str, Any]], terms: Terms | None = None, **changes: Any) -> Read:
    (parsed,) = events(json.dumps([event(*bookmakers, **changes)]).encode())
    return odds_api.offers(parsed, feed="odds", terms=terms or Terms(bookmakers=1), now_us=NOW_US)


def events(body: bytes) -> tuple[OddsEvent, ...]:
    found = odds_api.read_odds(body)
    assert not isinstance(found, Malformed), found
    return found


def offered(read: Read) -> dict[Any, dict[str, int]]:
    return {change.question.key: change.prices_milli for change in read.changes if isinstance(change, Offer)}


def test_the_price_is_the_median_of_the_bookmakers() -> None:
    books = ([h2h(2.1, 3.4, 3.6)], [h2h(2.05, 3.5, 3.75)], [h2h(2.2, 3.3, 3.5)], [h2h(2.15, 3.45, 3.55)])
    told = read(*books)
    assert offered(told) == {("1x2", ()): {"home": 2_100, "draw": 3_400, "away": 3_550}}
    assert told.details is not None
    assert (told.details.name, told.details.sport, told.details.competition) == ("Arsenal – Chelsea", "Football", "EPL")
    assert [median(each) for each in ([3], [3, 5], [5, 1, 3])] == [3, 3, 3]


def test_prices_never_pass_through_a_float() -> None:
    body = json.dumps([event([h2h(2, 3, 4)])]).replace('"price": 2}', '"price": 2.0009999999999999}').encode()
    told = odds_api.offers(events(body)[0], feed="odds", terms=Terms(bookmakers=1), now_us=NOW_US)
    assert offered(told)["1x2", ()]["home"] == 2_001
    half_even = json.dumps([event([h2h(2, 3, 4)])]).replace('"price": 2}', '"price": 2.0005}').encode()
    told = odds_api.offers(events(half_even)[0], feed="odds", terms=Terms(bookmakers=1), now_us=NOW_US)
    assert offered(told)["1x2", ()]["home"] == 2_000


def test_lines_are_the_home_sides() -> None:
    spreads = market("spreads", (HOME, 1.91, -0.75), (AWAY, 1.93, 0.75))
    totals = market("totals", ("Over", 1.87, 2.5), ("Under", 1.95, 2.5), ("Over", 2.4, 3.5), ("Under", 1.5, 3.5))
    assert offered(read([spreads, totals])) == {
        ("asian_handicap", (("line_quarters", -3),)): {"home": 1_910, "away": 1_930},
        ("total", (("line_quarters", 10),)): {"over": 1_870, "under": 1_950},
        ("total", (("line_quarters", 14),)): {"over": 2_400, "under": 1_500},
    }


def test_each_line_has_its_own_bookmakers() -> None:
    two, three = (
        market("totals", ("Over", 1.9, 2.5), ("Under", 1.9, 2.5)),
        market("totals", ("Over", 3, 3.5), ("Under", 1.4, 3.5)),
    )
    told = read([two], [two], [three], terms=Terms(bookmakers=2))
    assert list(offered(told)) == [("total", (("line_quarters", 10),))]
    assert told.left_out == (LeftOut.FEW_BOOKMAKERS,)


@pytest.mark.parametrize(
    ("books", "why"),
    [
        ([market("h2h_lay", (HOME, 2.0), (AWAY, 2.0))], LeftOut.MARKET_UNKNOWN),
        ([h2h(2.1, 3.4, 3.6, updated="2026-11-27T11:40:00Z")], LeftOut.STALE),
        ([market("h2h", (HOME, 2.1), (AWAY, 1.8))], LeftOut.OUTCOMES),
        ([market("h2h", (HOME, 2.1), ("Somebody", 3.0), ("Draw", 3.0))], LeftOut.OUTCOMES),
        ([h2h(0, 3.4, 3.6)], LeftOut.OUTCOMES),
        ([h2h(-2, 3.4, 3.6)], LeftOut.OUTCOMES),
        ([h2h("NaN", 3.4, 3.6)], LeftOut.OUTCOMES),
        ([h2h(1e300, 3.4, 3.6)], LeftOut.OUTCOMES),
        ([market("totals", ("Over", 1.9, 2.3), ("Under", 1.9, 2.3))], LeftOut.OUTCOMES),
        ([market("totals", ("Over", 1.9), ("Under", 1.9))], LeftOut.OUTCOMES),
        ([market("spreads", (HOME, 1.9, -1), (AWAY, 1.9, -1))], LeftOut.OUTCOMES),
        ([h2h(4.0, 4.0, 4.0)], LeftOut.UNDERROUND),
    ],
)
def test_what_is_not_offered_says_why(books: list[dict[str, Any]], why: LeftOut) -> None:
    told = read(books)
    assert (told.changes, told.left_out) == ((), (why,))


def test_a_match_that_has_begun_starts_and_is_offered_only_where_that_is_wanted() -> None:
    begun: dict[str, Any] = {"commence_time": "2026-11-27T11:30:00Z"}
    told = read([h2h(2.1, 3.4, 3.6)], **begun)
    assert (told.changes, told.left_out) == ((Start(),), (LeftOut.STARTED,))
    told = read([h2h(2.1, 3.4, 3.6)], terms=Terms(bookmakers=1, in_play=True), **begun)
    assert [type(each) for each in told.changes] == [Start, Offer]


def test_a_sport_that_is_not_ours_and_an_outright_are_left_out() -> None:
    assert read([], sport_key="politics_us").left_out == (LeftOut.NO_TEAMS,)
    assert read([], home_team=None, away_team=None).left_out == (LeftOut.NO_TEAMS,)


def test_other_sports_have_their_own_types() -> None:
    books = [market("h2h", (HOME, 1.8), (AWAY, 2.05)), market("totals", ("Over", 1.9, 220.5), ("Under", 1.9, 220.5))]
    told = read(books, sport_key="basketball_nba")
    assert list(offered(told)) == [("moneyline", ()), ("total_points", (("line_quarters", 882),))]
    assert list(offered(read(books[:1], sport_key="tennis_atp"))) == [("match_winner", ())]


def scored(completed: bool, scores: Any) -> Read:
    body = {**event(), "completed": completed, "scores": scores}
    found = odds_api.read_scores(json.dumps([body]).encode())
    assert not isinstance(found, Malformed)
    (one,) = found
    assert isinstance(one, ScoredEvent)
    return odds_api.results(one)


def test_a_result_is_one_once_the_match_is_completed() -> None:
    both = [{"name": AWAY, "score": "1"}, {"name": HOME, "score": "3"}]
    assert scored(True, both).changes == (SettleScore(home=3, away=1),)
    assert scored(False, both).changes == ()


@pytest.mark.parametrize(
    "scores",
    [
        None,
        [],
        [{"name": HOME, "score": "1"}],
        [{"name": HOME, "score": "1"}, {"name": HOME, "score": "2"}],
        [{"name": HOME, "score": "1"}, {"name": AWAY, "score": "-2"}],
        [{"name": HOME, "score": "²"}, {"name": AWAY, "score": "2"}],
    ],
)
def test_a_result_that_is_not_clear_settles_nothing(scores: Any) -> None:
    told = scored(True, scores)
    assert (told.changes, told.left_out) == ((), (LeftOut.SCORE_UNCLEAR,))


def test_unknown_fields_are_passed_over_and_missing_ones_refused() -> None:
    assert events(json.dumps([{**event([h2h(2, 3, 4)]), "new": {"a": [1]}}]).encode())
    for body in (
        b"",
        b"{}",
        b'{"message":"quota"}',
        b"[{}]",
        b"[" * 100_000,
        b"\xff",
        json.dumps([{"id": 5}]).encode(),
    ):
        assert isinstance(odds_api.read_odds(body), Malformed)
        assert isinstance(odds_api.read_scores(body), Malformed)
        assert isinstance(odds_api.read_sports(body), Malformed)


anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@given(st.data())
def test_no_answer_raises(data: st.DataObject) -> None:
    """An event of the right shape with any value in any place."""
    whole: Any = event([h2h(2.1, 3.4, 3.6), market("totals", ("Over", 1.9, 2.5), ("Under", 1.9, 2.5))])
    place, steps = whole, data.draw(st.integers(0, 5))
    for _ in range(steps):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key]:
            place[key] = data.draw(anything)
            break
        place = place[key]
    found = odds_api.read_odds(json.dumps([whole]).encode())
    for each in () if isinstance(found, Malformed) else found:
        odds_api.offers(each, feed="odds", terms=Terms(bookmakers=1), now_us=NOW_US)
    assert Question(type="1x2").key == ("1x2", ())
