"""The field sheet: what the house wins and loses on the selections, the levels and the final scores of an event.

Some markets at a time, from what is kept as bets come and go: it looks at no bet.
"""

from typing import Final

from overround.book import bets, catalogue, settlement
from overround.book.bets import Exposure
from overround.book.catalogue import MARKET_TYPES, Market, Names, Period, Rule, Selection
from overround.book.machine.answers import (
    Answer,
    Sheet,
    SheetBook,
    SheetLevel,
    SheetLine,
    SheetMarket,
    SheetScore,
)
from overround.book.machine.desk_commands import FieldSheet
from overround.book.machine.finding import event_of
from overround.book.machine.state import State
from overround.book.settlement import Score
from overround.book.tickets import Outcome
from overround.kernel.refusal import Refused
from overround.kernel.rounding import half_even

SHEET_SELECTIONS: Final = 2_000
"""Selections after which a field sheet goes on with the next question."""

MOST_GOALS: Final = 5
"""Final scores are shown up to so many goals a side."""

SCORES: Final = tuple(Score(home, away) for home in range(MOST_GOALS + 1) for away in range(MOST_GOALS + 1))

BY_SCORE: Final = (
    Rule.MATCH_RESULT,
    Rule.BOTH_SCORE,
    Rule.ODD_EVEN,
    Rule.CORRECT_SCORE,
    Rule.TOTAL,
    Rule.HANDICAP,
)
"""Rules that need the final score and no more."""

FOOTBALL: Final = "football"


def field_sheet(state: State, query: FieldSheet, now_us: int) -> Answer:
    event = event_of(state, query.event_id)
    if isinstance(event, Refused):
        return event
    shown: list[Market] = []
    selections = after = 0
    for market_id in event.markets:
        if market_id <= query.after:
            continue
        if selections >= SHEET_SELECTIONS:
            after = shown[-1].id
            break
        shown.append(state.catalogue.markets[market_id])
        selections += len(shown[-1].selections)
    return Sheet(
        event_id=event.id,
        markets=tuple(_market(state, market) for market in shown),
        next=after,
        seq=state.seq,
        levels=_levels(state, event.markets[:1]),
        scores=_scores(state, shown),
    )


def _levels(state: State, markets: list[int]) -> tuple[SheetLevel, ...]:
    """What each level from the event up may lose, in each currency in which anything is open."""
    return tuple(
        SheetLevel(level, id, currency, worst_minor)
        for level, id in bets.above(state.catalogue, markets)
        for currency in state.limits.terms
        if (worst_minor := state.bets.worst_minor(level, id, currency))
    )


# ---------------------------------------------------------------- selections


def _market(state: State, market: Market) -> SheetMarket:
    kept = [exposures.get(market.id, {}) for exposures in (state.bets.exposures, state.bets.carried)]
    currencies = dict.fromkeys(currency for by_currency in kept for currency in by_currency)
    return SheetMarket(market.id, tuple(_book(state, market, currency) for currency in currencies))


def _book(state: State, market: Market, currency: str) -> SheetBook:
    singles = state.bets.exposures.get(market.id, {}).get(currency, Exposure())
    others = state.bets.carried.get(market.id, {}).get(currency, Exposure())
    placed = [book for (own, _), book in state.bets.placed.get(market.id, {}).items() if own == currency]
    together = Exposure(stakes_minor=singles.stakes_minor + others.stakes_minor, winners=catalogue.winners(market))
    for book in (singles, others):
        for selection_id, payout_minor in book.payouts_minor.items():
            together.add(selection_id, stake_minor=0, payout_minor=payout_minor)
    lines = tuple(_line(selection, singles, together, placed) for selection in market.selections.values())
    most_minor = together.largest_payout_minor + sum(book.largest_payout_minor for book in placed)
    return SheetBook(currency, together.stakes_minor, max(0, most_minor - together.stakes_minor), lines)


def _line(selection: Selection, singles: Exposure, together: Exposure, placed: list[Exposure]) -> SheetLine:
    """What it means if a selection wins; nothing of one that was withdrawn."""
    selection_id = selection.id
    if selection.withdrawn_at_us:
        return SheetLine(selection_id, 0, 0, 0)
    payout_minor = together.payouts_minor.get(selection_id, 0)
    place_minor = sum(book.payouts_minor.get(selection_id, 0) for book in placed)
    lost_minor = together.lost_minor(selection_id) + sum(book.lost_minor(selection_id) for book in placed)
    single_minor = singles.payouts_minor.get(selection_id, 0)
    return SheetLine(selection_id, payout_minor + place_minor, lost_minor, payout_minor + place_minor - single_minor)


# ---------------------------------------------------------------- final scores


def _scores(state: State, markets: list[Market]) -> tuple[SheetScore, ...]:
    """What the house loses at each final score: on singles, and on the other bets as if the rest of each won."""
    read = [market for market in markets if _is_by_score(market)]
    found: list[SheetScore] = []
    for currency in state.limits.terms:
        books = [(market, both) for market in read if (both := _both(state, market, currency)) is not None]
        if books:
            found += [_score(currency, score, books) for score in SCORES]
    return tuple(found)


Both = tuple[Exposure, Exposure]
"""What a market owes on singles, and on other bets."""


def _is_by_score(market: Market) -> bool:
    kind = MARKET_TYPES[market.type]
    return not market.resulted and FOOTBALL in kind.sports and kind.period is Period.FULL_TIME and kind.rule in BY_SCORE


def _both(state: State, market: Market, currency: str) -> Both | None:
    singles = state.bets.exposures.get(market.id, {}).get(currency)
    others = state.bets.carried.get(market.id, {}).get(currency)
    return (singles or Exposure(), others or Exposure()) if singles or others else None


def _score(currency: str, score: Score, books: list[tuple[Market, Both]]) -> SheetScore:
    lost_minor = others_minor = 0
    for market, (singles, others) in books:
        made = [(each, settlement.outcome(market, each, score)) for each in _candidates(market, score)]
        lost_minor += _paid_minor(singles, made) - singles.stakes_minor
        others_minor += _most_minor(others, made) - others.stakes_minor
    return SheetScore(currency, score.home, score.away, lost_minor, others_minor)


def _candidates(market: Market, score: Score) -> list[int]:
    """The selections that a score may pay: of correct scores those named so."""
    if MARKET_TYPES[market.type].names is not Names.SCORES:
        return list(market.selections)
    named = (f"{score.home}-{score.away}", catalogue.ANY_OTHER)
    return [each.id for each in market.selections.values() if each.name in named]


def _paid_minor(singles: Exposure, made: list[tuple[int, Outcome]]) -> int:
    """What singles pay. A market pushes as a whole, and where one side has half won the other has half lost: then all
    stakes come back by half, beside half the winner's payout."""
    outcomes = [outcome for _, outcome in made]
    if all(outcome is Outcome.VOID for outcome in outcomes):
        return singles.stakes_minor
    paid_minor = sum(singles.payouts_minor.get(each, 0) for each, outcome in made if outcome in PAYS)
    return half_even(paid_minor + singles.stakes_minor, 2) if Outcome.HALF_WON in outcomes else paid_minor


def _most_minor(others: Exposure, made: list[tuple[int, Outcome]]) -> int:
    """What other bets pay at most if the rest of each wins: what is not lost here counts as won."""
    return sum(others.payouts_minor.get(each, 0) for each, outcome in made if outcome is not Outcome.LOST)


PAYS: Final = (Outcome.WON, Outcome.HALF_WON)
