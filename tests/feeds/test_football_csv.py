"""Season files as they come: real ones with their quirks, damaged ones, and any bytes at all."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overround.feeds.football_csv import BOOKMAKERS, Fault, FileRefused, Match, Odds, read
from overround.kernel.instant import text

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("OVERROUND_SHARED_DATA") or ROOT.parent / "shared" / "data")
SEASONS = SHARED / "football" / "odds_mit"

HEADER = (
    "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,B365H,B365D,B365A,PSH,PSD,PSA,B365>2.5,B365<2.5,P>2.5,P<2.5,"
    "AHh,B365AHH,B365AHA,B365CH,B365CD,B365CA,B365C>2.5,B365C<2.5,AHCh,B365CAHH,B365CAHA"
)
OPENING = "1.14,10,19,1.15,9.59,18.05,1.4,3,1.4,3.11,-2.25,1.96,1.94"
CLOSING = "1.14,9.5,21,1.3,3.5,-2.25,1.91,1.99"
TEAMS = "E0,09/08/2019,20:00,Liverpool,Norwich,4,1"


def season(*rows: str) -> bytes:
    return "\r\n".join((HEADER, *rows)).encode()


def only(data: bytes, bookmaker: str = "B365") -> tuple[Match, dict[str, int]]:
    found = read(data, bookmaker=bookmaker)
    assert len(found.matches) == 1
    return found.matches[0], found.notes


def kinds(match: Match) -> dict[str, tuple[Odds | None, Odds | None]]:
    return {offer.kind: (offer.opening, offer.closing) for offer in match.offers}


def test_a_row_is_a_match_with_what_was_offered() -> None:
    match, notes = only(season(f"{TEAMS},{OPENING},{CLOSING}"))
    assert (match.name, match.home_goals, match.away_goals) == ("Liverpool v Norwich", 4, 1)
    assert text(match.starts_at_us) == "2019-08-09T20:00:00.000Z"
    result, goals, handicap = kinds(match).values()
    assert result[0] == Odds(prices_milli=(1_140, 10_000, 19_000), columns=("B365H", "B365D", "B365A"))
    assert goals[1] == Odds(prices_milli=(1_300, 3_500), columns=("B365C>2.5", "B365C<2.5"), line_quarters=10)
    assert handicap[0] == Odds(
        prices_milli=(1_960, 1_940), columns=("B365AHH", "B365AHA"), line_quarters=-9, line_column="AHh"
    )
    assert notes == {}


def test_who_has_no_odds_is_replaced_and_counted() -> None:
    match, notes = only(season(f"{TEAMS},{OPENING},{CLOSING}"), bookmaker="PS")
    opening, closing = kinds(match)["1x2"]
    assert opening is not None
    assert closing is not None
    assert opening.columns == ("PSH", "PSD", "PSA")
    assert closing.columns == ("B365CH", "B365CD", "B365CA")
    assert notes["1x2: no closing odds of PS, B365's taken"] == 1


@pytest.mark.parametrize("gap", ["", "0", "1", "abc", "-2", "1e3", "nan", "99999999", "٣"])
def test_odds_that_are_none_leave_a_gap(gap: str) -> None:
    match, notes = only(season(f"{TEAMS},{OPENING.replace('1.96', gap)},{CLOSING}"))
    opening, closing = kinds(match)["asian_handicap"]
    assert opening is None
    assert closing is not None
    assert notes == {"asian_handicap: no opening odds": 1}


@pytest.mark.parametrize("line", ["", "x", "-0.3", "0.255", "--1", "100", "."])
def test_a_line_that_is_none_leaves_a_gap(line: str) -> None:
    match, _ = only(season(f"{TEAMS},{OPENING.replace('-2.25', line)},{CLOSING}"))
    assert kinds(match)["asian_handicap"][0] is None


@pytest.mark.parametrize(
    ("line", "quarters"), [("0", 0), ("-0.25", -1), ("+1.5", 6), (".75", 3), ("-2.00", -8), ("-0", 0)]
)
def test_lines_are_quarters_of_a_goal(line: str, quarters: int) -> None:
    match, _ = only(season(f"{TEAMS},{OPENING.replace('-2.25', line)},{CLOSING}"))
    opening, _ = kinds(match)["asian_handicap"]
    assert opening is not None
    assert opening.line_quarters == quarters


def test_empty_rows_short_rows_and_unplayed_matches() -> None:
    unplayed = "E0,11/08/2019,14:00,Leicester,Wolves,,,2.1"
    short = "E0,10/08/19,,West Ham,Man City,0,5"
    found = read(season(f"{TEAMS},{OPENING},{CLOSING}", short, unplayed, "," * 27, "", ",,,"))
    assert [match.name for match in found.matches] == ["Liverpool v Norwich", "West Ham v Man City"]
    assert text(found.matches[1].starts_at_us) == "2019-08-10T00:00:00.000Z"
    assert found.matches[1].offers == ()
    assert found.notes["empty rows"] == 3
    assert found.notes["matches without a result, left out"] == 1


def test_both_encodings_of_a_name() -> None:
    file = f"{HEADER}\n{TEAMS.replace('Norwich', 'Málaga')},{OPENING},{CLOSING}"
    assert only(file.encode("latin-1"))[0].away == "Málaga"
    assert only(b"\xef\xbb\xbf" + file.encode())[0].away == "Málaga"


@pytest.mark.parametrize(
    ("data", "fault", "line"),
    [
        (b"", Fault.COLUMNS_MISSING, 1),
        (b"a,b,c\n1,2,3\n", Fault.COLUMNS_MISSING, 1),
        (TEAMS.encode(), Fault.COLUMNS_MISSING, 1),
        (HEADER.encode(), Fault.EMPTY, 0),
        (b"\x1f\x8b\x08\0\0\0", Fault.BINARY, 0),
        (season(TEAMS, TEAMS.replace("09/08", "31/02")), Fault.ROW_INVALID, 3),
        (season(TEAMS.replace("09/08/2019", "2019/08/09")), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace("09/08/2019", "01/01/1969")), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace("20:00", "25:00")), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace(",4,", ",-4,")), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace(",4,", ",,")), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace("Norwich", "")), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace("Norwich", "N" * 81)), Fault.ROW_INVALID, 2),
        (season(TEAMS.replace("Norwich", "N" * 200_000)), Fault.ROW_INVALID, 2),
    ],
)
def test_what_is_no_season_is_refused_whole(data: bytes, fault: Fault, line: int) -> None:
    with pytest.raises(FileRefused) as refused:
        read(data, name="season.csv")
    assert (refused.value.fault, refused.value.line) == (fault, line)
    assert str(refused.value).startswith("season.csv:")


@given(data=st.binary(max_size=400))
def test_any_bytes_are_a_season_or_refused(data: bytes) -> None:
    read_or_refuse(data)


@given(
    rows=st.lists(st.lists(st.text(max_size=8), max_size=30).map(",".join), max_size=5),
    bookmaker=st.sampled_from(BOOKMAKERS),
)
def test_any_rows_under_a_good_header_are_a_season_or_refused(rows: list[str], bookmaker: str) -> None:
    read_or_refuse("\n".join((HEADER, *rows)).encode("latin-1", errors="ignore"), bookmaker)


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_one_byte_changed_anywhere(position: int, byte: int) -> None:
    whole = bytearray(season(f"{TEAMS},{OPENING},{CLOSING}", f"{TEAMS},{OPENING}"))
    whole[position % len(whole)] = byte
    read_or_refuse(bytes(whole))


def read_or_refuse(data: bytes, bookmaker: str = "B365") -> None:
    try:
        found = read(data, bookmaker=bookmaker)
    except FileRefused:
        return
    for match in found.matches:
        assert 0 <= match.home_goals <= 999
        for offer in match.offers:
            for odds in (offer.opening, offer.closing):
                assert odds is None or min(odds.prices_milli) > 1_000


@pytest.mark.skipif(not SEASONS.is_dir(), reason=f"no recorded seasons in {SEASONS}")
@pytest.mark.parametrize(("name", "matches"), [("E0_2019-2020.csv", 380), ("E1_2019-2020.csv", 552)])
def test_two_real_seasons(name: str, matches: int) -> None:
    found = read((SEASONS / name).read_bytes(), name=name)
    assert len(found.matches) == matches
    assert all(len(match.offers) == 3 for match in found.matches)
