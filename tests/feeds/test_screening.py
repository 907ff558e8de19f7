"""A provider's prices beside the match's main markets: what agrees is published, what contradicts them waits."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overround.book.catalogue.types import MARKET_TYPES
from overround.feeds import planning, screening
from overround.feeds.changes import Offer, Question, Reschedule, State
from overround.feeds.planning import ShownEvent, ShownMarket, ShownSelection
from overround.trading import Finding, Kind, Verdict


def market(market_id: int, kind: str, prices: tuple[int, ...], **specifiers: int) -> ShownMarket:
    return ShownMarket(
        market_id=market_id,
        type=kind,
        specifiers=specifiers,
        status="open",
        reason="",
        available=True,
        selections=tuple(
            ShownSelection(selection_id=number, name=name, price_milli=price)
            for number, (name, price) in enumerate(zip(MARKET_TYPES[kind].outcomes, prices, strict=True), 1)
        ),
    )


MATCH = ShownEvent(
    event_id=1,
    starts_at="2026-11-23T16:00:00.000Z",
    status="scheduled",
    markets=(market(1, "1x2", (2_000, 3_500, 3_900)), market(2, "total", (1_950, 1_900), line_quarters=10)),
)


def offer(kind: str, *prices: int, state: State = State.OPEN, **specifiers: int) -> Offer:
    names = MARKET_TYPES[kind].outcomes
    return Offer(
        question=Question(type=kind, specifiers=specifiers),
        selections=names,
        prices_milli=dict(zip(names, prices, strict=True)),
        state=state,
        feed="provider",
    )


def one(event: ShownEvent, said: Offer) -> tuple[Offer, Finding]:
    ((kept, found),) = screening.screened(event, [said])
    assert isinstance(kept, Offer)
    return kept, found


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (offer("double_chance", 1_280, 1_330, 1_830), Verdict.SANE),
        (offer("double_chance", 1_280, 1_330, 18_300), Verdict.LONGER_THAN_MODEL),
        (offer("draw_no_bet", 1_450, 2_750), Verdict.SANE),
        (offer("draw_no_bet", 2_750, 1_450), Verdict.LONGER_THAN_MODEL),  # the sides are swapped
        (offer("asian_handicap", 1_960, 1_900, line_quarters=-2), Verdict.SANE),
        (offer("asian_handicap", 1_960, 1_900, line_quarters=6), Verdict.LONGER_THAN_MODEL),
        (offer("total", 1_300, 3_400, line_quarters=6), Verdict.SANE),
        (offer("total", 3_400, 1_300, line_quarters=6), Verdict.LONGER_THAN_MODEL),
        (offer("both_teams_to_score", 1_750, 2_000), Verdict.SANE),
        (offer("both_teams_to_score", 17_500, 1_050), Verdict.LONGER_THAN_MODEL),
        (offer("half_time_result", 2_600, 2_200, 4_300), Verdict.SANE),
        (offer("half_time_result", 2_600, 22_000, 4_300), Verdict.LONGER_THAN_MODEL),
        (offer("1x2", 2_050, 3_400, 3_800), Verdict.SANE),
        (offer("1x2", 20_500, 3_400, 3_800), Verdict.BOOK_TOO_SMALL),
        (offer("1x2", 2_050, 0, 3_800), Verdict.SANE),
        (offer("total", 1_300, 3_400), Verdict.SANE),  # no line: the house refuses it
        (offer("match_winner", 1_010, 100_000), Verdict.SANE),  # not on goals
    ],
    ids=lambda each: each.question.type if isinstance(each, Offer) else each.value,
)
def test_what_the_band_says(said: Offer, verdict: Verdict) -> None:
    kept, found = one(MATCH, said)
    assert found.verdict is verdict
    if verdict is Verdict.SANE:
        assert kept == said
    else:
        assert (kept.state, kept.prices_milli, kept.reason) == (State.SUSPENDED, {}, screening.OUT_OF_BAND)


def test_without_the_total_only_what_the_result_implies_is_judged() -> None:
    """Ice hockey has a 1X2 too, and five goals."""
    event = msgspec.structs.replace(MATCH, markets=MATCH.markets[:1])
    assert one(event, offer("total", 1_900, 1_950, line_quarters=22))[1].is_sane
    assert one(event, offer("draw_no_bet", 2_750, 1_450))[1].verdict is Verdict.LONGER_THAN_MODEL


def test_a_price_that_stays_is_judged_with_the_one_that_changes() -> None:
    event = msgspec.structs.replace(MATCH, markets=(*MATCH.markets, market(3, "draw_no_bet", (1_450, 2_750))))
    half = msgspec.structs.replace(offer("draw_no_bet", 0, 0), prices_milli={"home": 14_500})
    assert one(event, half)[1].verdict is Verdict.LONGER_THAN_MODEL


def test_in_play_only_the_book_is_looked_at() -> None:
    playing = msgspec.structs.replace(MATCH, status="in_play")
    assert one(playing, offer("draw_no_bet", 15_000, 1_020))[1].is_sane  # away leads by three
    assert one(playing, offer("draw_no_bet", 15_000, 2_750))[1].verdict is Verdict.BOOK_TOO_SMALL


def test_a_suspended_offer_is_let_be_and_nothing_is_known_without_main_prices() -> None:
    wrong = offer("draw_no_bet", 27_500, 1_010, state=State.SUSPENDED)
    assert one(MATCH, wrong)[1].is_sane
    alone = msgspec.structs.replace(MATCH, markets=())
    assert one(alone, offer("draw_no_bet", 9_000, 1_080))[1].is_sane


def test_the_market_waits_and_the_feed_itself_lets_it_go_on() -> None:
    shown = market(3, "draw_no_bet", (1_450, 2_750))
    event = msgspec.structs.replace(MATCH, markets=(*MATCH.markets, shown))
    stopped, _ = one(event, offer("draw_no_bet", 2_750, 1_450))
    asked, _ = planning.plan(event, stopped)
    assert [order["command"] for order in asked] == ["SuspendMarket"]
    waiting = msgspec.structs.replace(shown, status="suspended", reason=asked[0]["reason"], available=False)
    event = msgspec.structs.replace(MATCH, markets=(*MATCH.markets, waiting))
    again, _ = one(event, offer("draw_no_bet", 1_460, 2_700))
    assert [order["command"] for order in planning.plan(event, again)[0]] == ["SetPrices", "ResumeMarket"]


def test_main_prices_of_the_same_word_count_before_those_that_stand() -> None:
    """The favourite's goalkeeper is ill: everything moves at once, and agrees."""
    main, other = offer("1x2", 5_000, 4_000, 1_650), offer("draw_no_bet", 3_700, 1_260)
    assert [found.verdict for _, found in screening.screened(MATCH, [main, other])] == [Verdict.SANE] * 2
    assert one(MATCH, other)[1].verdict is Verdict.LONGER_THAN_MODEL
    moved = Reschedule(starts_at_us=1)
    assert next(change for change, _ in screening.screened(MATCH, [moved, other])) is moved


def test_a_main_market_with_its_sides_swapped_waits() -> None:
    """Its book adds up as before; it is the others that know."""
    others = market(3, "draw_no_bet", (1_450, 2_750)), market(4, "asian_handicap", (1_960, 1_900), line_quarters=-2)
    event = msgspec.structs.replace(MATCH, markets=(*MATCH.markets, *others))
    swapped = offer("1x2", 5_000, 3_900, 1_700)
    kept, found = one(event, swapped)
    assert (found.verdict, found.reason) == (Verdict.CONTRADICTED, "2 of 2 other markets say otherwise")
    assert kept.state is State.SUSPENDED
    assert one(event, offer("1x2", 2_050, 3_400, 3_700))[1].is_sane
    alone = msgspec.structs.replace(MATCH, markets=(*MATCH.markets, others[0]))
    assert one(alone, swapped)[1].is_sane  # one market against one: nobody knows which


GOALS = sorted(kind.value for kind in Kind if MARKET_TYPES[kind.value].outcomes)
wild = st.one_of(st.sampled_from((0, 1, 999, 1_000, 1_001)), st.integers(0, 1_000_000))


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    kind = draw(st.sampled_from(GOALS))
    said = draw(st.dictionaries(st.sampled_from(MARKET_TYPES[kind].outcomes), wild))
    lines = draw(st.dictionaries(st.sampled_from(("line_quarters", "goal_number")), st.integers(-10_000, 10_000)))
    return msgspec.structs.replace(
        offer(kind, *[0] * len(MARKET_TYPES[kind].outcomes)),
        question=Question(type=kind, specifiers=lines),
        prices_milli=said,
        state=draw(st.sampled_from(State)),
    )


@settings(max_examples=200)
@given(said=st.lists(offers(), max_size=4), event=st.sampled_from((MATCH, msgspec.structs.replace(MATCH, markets=()))))
def test_whatever_is_said_is_judged(said: list[Offer], event: ShownEvent) -> None:
    """Nothing that a provider says stops the feed, and what is let through was said."""
    judged = screening.screened(event, said)
    assert len(judged) == len(said)
    for (kept, found), each in zip(judged, said, strict=True):
        assert kept == each if found.is_sane else isinstance(kept, Offer) and not kept.prices_milli
