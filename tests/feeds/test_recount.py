"""The recount's own arithmetic, as a table that a bookmaker could read, and against the house's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.book.settlement.rules import by_margin, payout
from overround.book.tickets import Leg, Outcome, Slip, settled
from overround.book.tickets import payout as house_payout
from overround.feeds.recount import Claim, SlipClaim, recount, recount_slips

ROWS = "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG,H,D,A,O,U,line,X,Y\n"


def claim(**changes: object) -> Claim:
    fields: dict[str, object] = {
        "bet_id": 1,
        "customer_id": 7,
        "line": 2,
        "kind": "1x2",
        "side": 0,
        "price_column": "H",
        "line_column": "",
        "stake_minor": 1_000,
        "price_milli": 1_950,
        "outcome": "",
        "payout_minor": 0,
    }
    return Claim(**(fields | changes))  # type: ignore[arg-type]  # a story gives what differs


def paid(folder: Path, row: str, **changes: object) -> tuple[str, int]:
    """What the recount makes of a bet, read from the differences to a claim that is wrong in both."""
    file = folder / "season.csv"
    file.write_text(ROWS + row)
    counted = recount(file, [claim(outcome="?", payout_minor=-1, **changes)])
    said = {difference.what: difference.file for difference in counted.differences}
    assert counted.paid_minor == {7: int(said["payout"])}
    return said["outcome"], int(said["payout"])


@pytest.mark.parametrize(
    ("score", "line", "side", "outcome", "payout_minor"),
    [
        # home gives three quarters of a goal; 10.00 at 1.95
        ("2,0", "-0.75", 0, "won", 1_950),
        ("1,0", "-0.75", 0, "half_won", 1_475),
        ("1,1", "-0.75", 0, "lost", 0),
        ("1,0", "-0.75", 1, "half_lost", 500),
        ("1,1", "-0.75", 1, "won", 1_950),
        # a quarter
        ("1,1", "-0.25", 0, "half_lost", 500),
        ("1,1", "-0.25", 1, "half_won", 1_475),
        # nothing, and a whole goal
        ("1,1", "0", 0, "void", 1_000),
        ("2,1", "-1", 0, "void", 1_000),
        ("2,1", "-1", 1, "void", 1_000),
        ("3,1", "-1", 0, "won", 1_950),
        # home gets half a goal
        ("1,1", "0.5", 0, "won", 1_950),
        ("1,1", "0.5", 1, "lost", 0),
    ],
)
def test_handicaps(tmp_path: Path, score: str, line: str, side: int, outcome: str, payout_minor: int) -> None:
    row = f"E0,01/01/2020,A,B,{score},,,,,,{line},1.95,1.95\n"
    found = paid(tmp_path, row, kind="asian_handicap", side=side, price_column="XY"[side], line_column="line")
    assert found == (outcome, payout_minor)


@pytest.mark.parametrize(
    ("score", "kind", "side", "column", "expected"),
    [
        ("2,1", "1x2", 0, "H", ("won", 1_950)),
        ("2,1", "1x2", 1, "D", ("lost", 0)),
        ("1,1", "1x2", 1, "D", ("won", 3_400)),
        ("0,1", "1x2", 2, "A", ("won", 4_125)),
        ("2,1", "total", 0, "O", ("won", 1_900)),
        ("1,1", "total", 0, "O", ("lost", 0)),
        ("1,1", "total", 1, "U", ("won", 2_015)),
    ],
)
def test_result_and_goals(
    tmp_path: Path, score: str, kind: str, side: int, column: str, expected: tuple[str, int]
) -> None:
    row = f"E0,01/01/2020,A,B,{score},1.95,3.4,4.125,1.9,2.015\n"
    assert paid(tmp_path, row, kind=kind, side=side, price_column=column) == expected


def test_half_a_penny_goes_to_the_even_one(tmp_path: Path) -> None:
    row = "E0,01/01/2020,A,B,1,0,2.5,,\n"
    assert paid(tmp_path, row, stake_minor=1) == ("won", 2)
    assert paid(tmp_path, row, stake_minor=3) == ("won", 8)


def test_a_penny_too_much_a_wrong_outcome_and_a_wrong_price_are_found(tmp_path: Path) -> None:
    file = tmp_path / "season.csv"
    file.write_text(ROWS + "E0,01/01/2020,A,B,1,0,1.95,,\n")
    assert recount(file, [claim(outcome="won", payout_minor=1_950)]).differences == ()
    for wrong, what in (
        (claim(outcome="won", payout_minor=1_951), "payout"),
        (claim(outcome="half_won", payout_minor=1_950), "outcome"),
        (claim(outcome="won", payout_minor=1_950, price_milli=1_951), "price"),
    ):
        assert [difference.what for difference in recount(file, [wrong]).differences] == [what]


@given(
    home=st.integers(0, 9),
    away=st.integers(0, 9),
    line_quarters=st.integers(-16, 16),
    side=st.integers(0, 1),
    stake_minor=st.integers(1, 10**9),
    price_milli=st.integers(1_001, 10_000_000),
)
def test_the_house_settles_alike(
    tmp_path_factory: pytest.TempPathFactory,
    home: int,
    away: int,
    line_quarters: int,
    side: int,
    stake_minor: int,
    price_milli: int,
) -> None:
    """The plain twin and the house's rule, which share no code, agree on every line."""
    margin = 4 * (home - away) + line_quarters
    outcome = by_margin(margin if side == 0 else -margin)
    due = payout(outcome, stake_minor=stake_minor, price_milli=price_milli)
    price = f"{price_milli // 1000}.{price_milli % 1000:03d}"
    file = tmp_path_factory.getbasetemp() / "lines.csv"
    file.write_text(f"{ROWS}E0,01/01/2020,A,B,{home},{away},,,,,,{line_quarters / 4},{price},{price}\n")
    bet = claim(
        kind="asian_handicap",
        side=side,
        price_column="X",
        line_column="line",
        stake_minor=stake_minor,
        price_milli=price_milli,
        outcome=outcome.value,
        payout_minor=due,
    )
    assert recount(file, [bet]).differences == ()


LEGS = st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from(("-0.75", "-0.25", "0", "-1", "0.5", "")))


@given(st.lists(LEGS, min_size=2, max_size=4), st.integers(100, 99_999), st.booleans())
def test_slips_are_worked_out_as_the_house_does(
    tmp_path_factory: pytest.TempPathFactory, legs: list[tuple[int, int, str]], stake_minor: int, whole: bool
) -> None:
    """Every line once more from the file, against the sum that the house makes without making the lines."""
    file = tmp_path_factory.mktemp("slips") / "season.csv"
    rows = (f"E0,01/01/2020,A,B,{home},{away},1.95,3.4,4,,,{line},1.95,1.95\n" for home, away, line in legs)
    file.write_text(ROWS + "".join(rows))
    folds = (len(legs),) if whole else tuple(range(2, len(legs) + 1))
    claims, results = [], []
    for number, (home, away, line) in enumerate(legs, 2):
        kind = "asian_handicap" if line else "1x2"
        claims.append((file, claim(line=number, kind=kind, line_column="line", price_column="X" if line else "H")))
        outcome = by_margin(4 * (home - away) + round(4 * float(line))) if line else won(home > away)
        results.append(settled(outcome))
    slip = Slip(tuple(Leg(1, event, 1_950) for event in range(1, len(legs) + 1)), folds, stake_minor)
    paid_minor = house_payout(slip, results).payout_minor
    asked = SlipClaim(
        bet_id=1, customer_id=7, legs=tuple(claims), folds=folds, stake_minor=stake_minor, outcome="?", payout_minor=0
    )
    counted = recount_slips([asked])
    assert counted.paid_minor == {7: paid_minor}


def won(is_so: bool) -> Outcome:
    return Outcome.WON if is_so else Outcome.LOST
