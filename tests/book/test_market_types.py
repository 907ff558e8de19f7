"""What results make of each type of market: the tables of docs/rules/settlement.md and docs/rules/catalogue.md."""

from fractions import Fraction

import pytest
from tests.book.tables import number, quarters, table
from tests.book.telling import RUNNERS, finish, id_of, market_of, score

from overround.book import catalogue
from overround.book.catalogue import (
    MARKET_TYPES,
    RULE_SETS,
    SPECIFIERS,
    VOID_RULES,
    EachWay,
    Event,
    EventStatus,
    Market,
    MarketTerms,
    MarketType,
    Moment,
    Names,
    Period,
    Rule,
    VoidRule,
    Withdrawn,
)
from overround.book.settlement import Result, fits, leg_result, outcome
from overround.book.settlement.rules import MARGINS, READS_GOALS, READS_HALVES, WORDS
from overround.book.tickets import LegResult, Outcome, Verdict
from overround.kernel import price


def listed(cell: str) -> list[str]:
    return [] if cell == "–" else cell.split(", ")


def words(row: dict[str, str]) -> str:
    return " ".join(row.values())


def by_name(market: Market, result: Result) -> dict[str, Outcome]:
    assert fits(market, result)
    return {each.name: outcome(market, each.id, result) for each in market.selections.values()}


@pytest.mark.parametrize("row", table("settlement.md", "Words"), ids=words)
def test_words_of_a_score(row: dict[str, str]) -> None:
    found = by_name(market_of(row["market"]), score(row["result"]))
    assert {name for name, each in found.items() if each is Outcome.WON} == set(listed(row["won"]))
    assert {name for name, each in found.items() if each is Outcome.VOID} == set(listed(row["void"]))


def sides_of_lines() -> list[dict[str, str]]:
    """The second table under its heading: that of totals and handicaps."""
    return table("settlement.md", "Words", nth=2)


@pytest.mark.parametrize("row", sides_of_lines(), ids=words)
def test_lines_of_one_side_one_half_and_other_sports(row: dict[str, str]) -> None:
    market = market_of(f"{row['market']} {quarters(row['line'])}")
    found = list(by_name(market, score(row["score"])).values())
    assert [each.value.replace("_", " ") for each in found] == [row["first"], row["second"]]


@pytest.mark.parametrize("row", table("settlement.md", "A match that did not finish", nth=2), ids=words)
def test_matches_that_did_not_finish(row: dict[str, str]) -> None:
    market = market_of(row["market"], rule_set="" if row["rule set"] == "–" else row["rule set"].strip("`"))
    found = by_name(market, score(row["result"]))
    assert {name for name, each in found.items() if each is Outcome.WON} == set(listed(row["won"]))
    void = set(found) if row["void"] == "every one" else set(listed(row["void"]))
    assert {name for name, each in found.items() if each is Outcome.VOID} == void


def test_the_page_has_every_void_rule() -> None:
    told = {}
    for row in table("settlement.md", "A match that did not finish"):
        named = (
            "" if row["rule set"] == "–" else row["rule set"],
            "" if row["market"] == "every other" else row["market"],
        )
        told[named] = VoidRule(**{name: row[name] for name in VoidRule.__struct_fields__})  # type: ignore[arg-type]
    assert told == VOID_RULES
    assert all((rule_set, "") in VOID_RULES for rule_set in RULE_SETS)


def verdict(cell: str) -> Verdict | None:
    if cell == "–":
        return None
    if cell in ("lost", "void"):
        return Verdict(Outcome(cell))
    share = Fraction(cell)
    return Verdict(Outcome.WON, share.numerator, share.denominator)


def each_way(cell: str) -> EachWay | None:
    if cell == "–":
        return None
    part, places = cell.split(" × ")
    above, below = part.split("/")
    return EachWay(int(above), int(below), int(places))


def lowest(verdict: Verdict) -> Verdict:
    share = Fraction(verdict.places, verdict.tied)
    return Verdict(verdict.outcome, share.numerator, share.denominator)


@pytest.mark.parametrize("row", table("settlement.md", "Order of finish"), ids=words)
def test_orders_of_finish(row: dict[str, str]) -> None:
    market, result, terms = market_of(row["market"]), finish(row["finish"]), each_way(row["each-way"])
    assert fits(market, result)
    found = leg_result(market, int(row["runner"]), result, terms=terms, taken_at_us=0)
    assert lowest(found.win) == verdict(row["win"])
    assert lowest(found.place) == (verdict(row["place"]) if terms else verdict(row["win"]))


@pytest.mark.parametrize("row", table("settlement.md", "Forecasts and tricasts"), ids=words)
def test_forecasts_and_tricasts(row: dict[str, str]) -> None:
    others = {2: ("8-9", row["selection"]), 3: ("7-8-9", row["selection"])}
    kind = MARKET_TYPES[row["market"]]
    market = market_of(row["market"], own=others[kind.picks])
    result = finish(row["finish"])
    assert fits(market, result)
    found = leg_result(market, id_of(market, row["selection"]), result, terms=None, taken_at_us=0)
    assert found.win == found.place == verdict(row["outcome"])


@pytest.mark.parametrize("row", table("settlement.md", "Withdrawals"), ids=words)
def test_what_withdrawals_deduct(row: dict[str, str]) -> None:
    name, _, own = row["market"].partition("`, ")
    market = market_of(name, rule_4=True if own else None)
    for runner, each in enumerate(row["withdrawn"].split(", "), 4):
        odds, at = each.removesuffix(" from start").split(" at ")
        milli = int((Fraction(odds) + 1) * 1_000) if odds != "0" else 0
        market.selections[runner].withdrawn_at_us = int(at)
        market.withdrawals.append(Withdrawn(runner, int(at), milli, each.endswith("from start")))
    taken_at_us = number(row["taken at"])
    found = leg_result(market, 1, finish("1, 2"), terms=None, taken_at_us=taken_at_us)
    assert (found.deduction_pence, found.start_deduction_pence) == (number(row["pence"]), number(row["from start"]))
    void = leg_result(market, 4, finish("1, 2"), terms=EachWay(1, 5, 3), taken_at_us=taken_at_us)
    assert void == LegResult(Verdict(Outcome.VOID), Verdict(Outcome.VOID))
    assert not fits(market, finish("1, 4"))


def test_starting_prices_come_with_the_finish() -> None:
    market = market_of("race_win", own=RUNNERS[:3], starting_prices=True, best_odds=True)
    market.owes_starting_prices = True
    named = finish("2, 1; NR 3")
    assert not fits(market, named)
    priced = type(named)(named.positions, named.non_runners, ((1, price.parse("3.5")), (2, price.parse("6"))))
    assert fits(market, priced)
    assert leg_result(market, 2, priced, terms=None, taken_at_us=0).start_milli == 6_000
    market.selections[3].withdrawn_at_us = 7
    assert fits(market, type(named)(named.positions, (), priced.starting_prices))


@pytest.mark.parametrize("row", table("catalogue.md", "Moments"), ids=words)
def test_delays_at_moments(row: dict[str, str]) -> None:
    market = market_of("1x2", moment_delays_us={Moment.DANGER: 8, Moment.PENALTY: 0})
    market.delay_us = 5
    event = Event(1, 1, "A – B", 0, EventStatus(row["event"]), [1], Moment(row["moment"]))
    assert catalogue.delay_us(market, event) == number(row["delay"])


# ---------------------------------------------------------------- the list of types


def selections_of(kind: MarketType) -> str:
    if kind.outcomes:
        return ", ".join(kind.outcomes) if len(kind.outcomes) < 9 else f"{kind.outcomes[0]} to {kind.outcomes[-1]}"
    own = {
        Names.FREE: "its own",
        Names.SCORES: "its own scores, any_other",
        Names.RUNNERS: f"its own: {kind.picks} runners",
    }
    return own[kind.names]


def reads(kind: MarketType) -> str:
    if kind.rule is Rule.WINNER:
        return "winners"
    if kind.rule in (Rule.FINISH, Rule.ORDER):
        return "order of finish"
    halves = kind.rule in READS_HALVES or kind.period is not Period.FULL_TIME
    return "score" + ", half-time" * halves + ", goals" * (kind.rule in READS_GOALS)


def test_the_page_has_every_type() -> None:
    told = [
        (row["type"], row["selections"], row["specifiers"], row["reads"], row["when none is named"])
        for row in table("catalogue.md", "Market types")
    ]
    assert told == [
        (
            kind.name,
            selections_of(kind),
            ", ".join(kind.specifiers) or "–",
            reads(kind),
            "void" if kind.void_unnamed else "–",
        )
        for kind in MARKET_TYPES.values()
    ]


def test_the_page_has_every_term() -> None:
    assert [row["term"] for row in table("catalogue.md", "Terms")] == list(MarketTerms.__struct_fields__)


@pytest.mark.parametrize("kind", MARKET_TYPES.values(), ids=lambda kind: kind.name)
def test_a_type_is_whole(kind: MarketType) -> None:
    assert kind.title
    assert catalogue.is_name(kind.name)
    assert set(kind.specifiers) <= set(SPECIFIERS)
    assert not kind.wins or len(kind.wins) == len(kind.outcomes)
    assert kind.rule in WORDS or kind.rule in MARGINS or kind.rule in (Rule.WINNER, Rule.FINISH, Rule.ORDER)
    assert (kind.rule in MARGINS) == ("line_quarters" in kind.specifiers)
    assert kind.rule not in MARGINS or len(kind.outcomes) == 2
    assert (kind.names is Names.RUNNERS) == (kind.rule is Rule.ORDER)
    assert kind.certainty in (1, 2)


@pytest.mark.parametrize(
    ("name", "terms", "fitting"),
    [
        ("race_win", {"each_way": EachWay(1, 5, 3)}, True),
        ("race_win", {"each_way": EachWay(1, 1, 1)}, True),
        ("race_win", {"each_way": EachWay(2, 1, 3)}, False),
        ("race_win", {"each_way": EachWay(0, 1, 3)}, False),
        ("race_win", {"each_way": EachWay(1, 5, 0)}, False),
        ("race_win", {"each_way": EachWay(1, 101, 3)}, False),
        ("race_place", {"each_way": EachWay(1, 5, 3)}, False),
        ("winner", {"each_way": EachWay(1, 5, 3)}, False),
        ("race_place", {"starting_prices": True}, True),
        ("forecast", {"starting_prices": True}, False),
        ("1x2", {"best_odds": True}, False),
        ("1x2", {"rule_4": True}, False),
        ("1x2", {"rule_4": False}, True),
        ("outright", {"rule_4": True}, True),
        ("1x2", {"certainty": 1}, True),
        ("1x2", {"certainty": 3}, False),
        ("1x2", {"certainty": -1}, False),
        ("1x2", {"moment_delays_us": {Moment.VAR: catalogue.MAX_DELAY_US}}, True),
        ("1x2", {"moment_delays_us": {Moment.VAR: catalogue.MAX_DELAY_US + 1}}, False),
        ("1x2", {"moment_delays_us": {Moment.VAR: -1}}, False),
        ("1x2", {"rule_set": "official_score"}, True),
        ("1x2", {"rule_set": "nobody_knows"}, False),
    ],
)
def test_terms_that_fit_a_type(name: str, terms: dict[str, object], fitting: bool) -> None:
    assert catalogue.terms_fit(MARKET_TYPES[name], MarketTerms(**terms)) == fitting  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "own", "fitting"),
    [
        ("correct_score", ("1-0", "0-0"), True),
        ("correct_score", ("1-0", "any_other"), True),
        ("correct_score", ("1-0", "1–0"), False),
        ("correct_score", ("1-0", "01-0"), False),
        ("correct_score", ("1-0", "1-0-0"), False),
        ("correct_score", ("1-0", "1"), False),
        ("correct_score", ("1-0", "-1-0"), False),
        ("correct_score", ("1-0", "any other"), False),
        ("correct_score", ("1-0", "²-0"), False),
        ("forecast", ("1-2", "2-1"), True),
        ("forecast", ("1-2", "2-2"), False),
        ("forecast", ("1-2", "0-1"), False),
        ("forecast", ("1-2", "1-2-3"), False),
        ("reverse_forecast", ("1-2", "1-3"), True),
        ("reverse_forecast", ("1-2", "3-1"), False),
        ("tricast", ("1-2-3", "3-2-1"), True),
        ("tricast", ("1-2-3", "3-2"), False),
    ],
)
def test_names_that_fit_a_type(name: str, own: tuple[str, ...], fitting: bool) -> None:
    assert (catalogue.selection_names(MARKET_TYPES[name], own) == own) == fitting
