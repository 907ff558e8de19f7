"""A result makes outcomes, an outcome makes a payout. Worked numbers: docs/rules/settlement.md."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import pairwise
from math import comb, perm, prod
from typing import Final

from overround.book import tickets
from overround.book.catalogue import (
    ANY_OTHER,
    MARKET_TYPES,
    NO_GOALSCORER,
    EachWay,
    Market,
    MarketType,
    Period,
    Rule,
    Side,
    Treatment,
    has_rule_4,
    is_name,
    numbers_in,
    void_rule,
)
from overround.book.settlement.types import (
    MAX_ABSENT,
    MAX_NOTE_LENGTH,
    MAX_RUNNERS,
    MAX_SCORE,
    MAX_WINNERS,
    Finish,
    Goal,
    Outcomes,
    Result,
    Score,
    Void,
    Winners,
)
from overround.book.tickets import MAX_TIED, LegResult, Outcome, Verdict, Withdrawal
from overround.kernel.price import UNIT, is_price, payout_minor
from overround.kernel.rounding import half_even


class Refusal(StrEnum):
    """Every way settlement says no, in the order checked."""

    RESULT_INVALID = "result_invalid"
    CERTAINTY_INVALID = "certainty_invalid"
    RESULT_UNCHANGED = "result_unchanged"


# ---------------------------------------------------------------- whether a result is one


def fits(market: Market, result: Result) -> bool:
    """Whether a result is whole, of the kind that the market's rule reads, and says all that it needs. Void fits every
    market, and so does what a feed made of each selection."""
    rule = MARKET_TYPES[market.type].rule
    match result:
        case Void(note=note):
            return len(note) <= MAX_NOTE_LENGTH and note.isprintable()
        case Score():
            return (rule in WORDS or rule in MARGINS) and _is_score(result) and _says_enough(market, result)
        case Winners():
            return rule is Rule.WINNER and _are_winners(market, result)
        case Finish():
            return rule in (Rule.FINISH, Rule.ORDER) and _is_finish(result) and _fits_runners(market, result)
        case Outcomes():
            return _are_outcomes(market, result)


def _is_ascending(numbers: Iterable[int]) -> bool:
    return all(before < after for before, after in pairwise(numbers))


def _is_score(score: Score) -> bool:
    numbers = (score.home, score.away, *(score.half_time or ()))
    return (
        all(0 <= number <= MAX_SCORE for number in numbers)
        and (score.half_time is None or (score.half_time[0] <= score.home and score.half_time[1] <= score.away))
        and (score.goals is None or _are_all_goals(score, score.goals))
        and len(score.absent) + len(score.late) <= MAX_ABSENT
        and all(map(is_name, (*score.absent, *score.late)))
    )


def _are_all_goals(score: Score, goals: tuple[Goal, ...]) -> bool:
    home = sum(goal.side is Side.HOME for goal in goals)
    named = all(goal.scorer == "" or is_name(goal.scorer) for goal in goals)
    return named and (home, len(goals) - home) == (score.home, score.away)


def _says_enough(market: Market, score: Score) -> bool:
    """Whether a score says what the market's rule looks at. A match that was broken off may not have got that far."""
    kind = MARKET_TYPES[market.type]
    treatment = void_rule(market).at(score.ending)
    if treatment is Treatment.VOID:
        return True
    if _reads_halves(kind) and treatment is Treatment.STANDS and score.half_time is None:
        return False
    if kind.rule not in READS_GOALS:
        return True
    goals = _goals(score)
    return goals is not None and (kind.rule is Rule.NEXT_GOAL or all(goal.own or goal.scorer for goal in goals))


def is_same(market: Market, one: Result | None, other: Result) -> bool:
    """Whether two results are one to the market's rule: what it does not look at may be told later and corrects
    nothing, so that no bet is gone through again for it."""
    return one == other or (isinstance(one, Score) and isinstance(other, Score) and _as_read(market, one, other))


def _as_read(market: Market, one: Score, other: Score) -> bool:
    kind = MARKET_TYPES[market.type]
    if (one.home, one.away, one.ending) != (other.home, other.away, other.ending):
        return False
    if _reads_halves(kind) and one.half_time != other.half_time:
        return False
    goals = (one.goals, one.absent, one.late) == (other.goals, other.absent, other.late)
    return goals or kind.rule not in READS_GOALS


def _reads_halves(kind: MarketType) -> bool:
    return kind.rule in READS_HALVES or kind.period is not Period.FULL_TIME


def _goals(score: Score) -> tuple[Goal, ...] | None:
    """All goals in order; none is needed to know those of a match without any."""
    return () if score.home == score.away == 0 else score.goals


def _are_winners(market: Market, result: Winners) -> bool:
    named = (*result.selections, *result.void)
    return (
        0 < len(result.selections) <= market.specifiers.get("places", MAX_WINNERS)
        and _is_ascending(result.selections)
        and _is_ascending(result.void)
        and len(set(named)) == len(named)
        and all(_takes_part(market, selection_id) for selection_id in result.selections)
        and all(selection_id in market.selections for selection_id in result.void)
    )


def _takes_part(market: Market, selection_id: int) -> bool:
    selection = market.selections.get(selection_id)
    return selection is not None and not selection.withdrawn_at_us


def _is_finish(result: Finish) -> bool:
    named = (*(runner for level in result.positions for runner in level), *result.non_runners)
    priced = [runner for runner, _ in result.starting_prices]
    return (
        len(result.positions) > 0
        and all(0 < len(level) <= MAX_TIED and _is_ascending(level) for level in result.positions)
        and len(named) <= MAX_RUNNERS
        and all(runner > 0 for runner in named)
        and len(set(named)) == len(named)
        and _is_ascending(result.non_runners)
        and _is_ascending(priced)
        and all(is_price(price_milli) for _, price_milli in result.starting_prices)
    )


def _fits_runners(market: Market, result: Finish) -> bool:
    """Whether an order of finish is of the runners of this market, or is long enough for it."""
    kind = MARKET_TYPES[market.type]
    if kind.rule is Rule.ORDER:
        finishers = sum(map(len, result.positions))
        return finishers >= kind.picks and _ways(result, kind) <= MAX_TIED
    priced = dict(result.starting_prices)
    out = set(result.non_runners)
    return (
        all(_takes_part(market, runner) for level in result.positions for runner in level)
        and all(runner in market.selections for runner in (*result.non_runners, *priced))
        and (
            not market.owes_starting_prices
            or all(each in priced or each in out or not _takes_part(market, each) for each in market.selections)
        )
    )


def _are_outcomes(market: Market, result: Outcomes) -> bool:
    return [row[0] for row in result.selections] == list(market.selections) and all(
        0 < places <= tied <= MAX_TIED for _, _, places, tied in result.selections
    )


# ---------------------------------------------------------------- what a result makes of a leg


def leg_result(
    market: Market, selection_id: int, result: Result, *, terms: EachWay | None, taken_at_us: int
) -> LegResult:
    """What a result that fits makes of a leg, each-way on `terms` if it has any, at a price taken at `taken_at_us`.

    A withdrawn selection is void, whatever the result. Where Rule 4 holds, withdrawals after the price was taken are
    deducted from it, and those that were still in the starting prices from those.
    """
    if market.selections[selection_id].withdrawn_at_us:
        return tickets.settled(Outcome.VOID)
    if isinstance(result, Finish):
        win, place = _finished(market, selection_id, result, terms)
        start_milli = dict(result.starting_prices).get(selection_id, 0)
    else:
        win = place = _verdict(market, selection_id, result)
        start_milli = 0
    taken, start = _deductions(market, taken_at_us)
    return LegResult(win, place, start_milli, taken, start)


def outcome(market: Market, selection_id: int, result: Result) -> Outcome:
    """What a result that fits makes of a selection, shares and deductions left aside."""
    return leg_result(market, selection_id, result, terms=None, taken_at_us=0).win.outcome


def if_won(market: Market, *, taken_at_us: int) -> LegResult:
    """What a leg struck at an instant comes to if it wins and is placed in full, withdrawals until now deducted."""
    taken, start = _deductions(market, taken_at_us)
    won = Verdict(Outcome.WON)
    return LegResult(won, won, 0, taken, start)


def _verdict(market: Market, selection_id: int, result: Score | Winners | Outcomes | Void) -> Verdict:
    match result:
        case Void():
            return Verdict(Outcome.VOID)
        case Winners(selections=winners, void=void):
            won = Outcome.WON if selection_id in winners else Outcome.LOST
            return Verdict(Outcome.VOID if selection_id in void else won)
        case Outcomes(selections=rows):
            return Verdict(*rows[selection_id - 1][1:])
        case Score():
            return Verdict(_by_score(market, selection_id, result))


def _deductions(market: Market, taken_at_us: int) -> tuple[int, int]:
    """In pence a pound: from the price taken, and from the starting price."""
    if not market.withdrawals or not has_rule_4(market):
        return 0, 0
    priced = [each for each in market.withdrawals if each.price_milli]
    after = [Withdrawal(each.at_us, each.price_milli) for each in priced]
    in_start = [Withdrawal(1, each.price_milli) for each in priced if each.from_start]
    return tickets.deduction_pence(after, taken_at_us=taken_at_us), tickets.deduction_pence(in_start, taken_at_us=0)


# ---------------------------------------------------------------- scores


def _by_score(market: Market, selection_id: int, score: Score) -> Outcome:
    kind, rule = MARKET_TYPES[market.type], void_rule(market)
    name = market.selections[selection_id].name
    if rule.absent is Treatment.VOID and _took_no_part(kind, name, score):
        return Outcome.VOID
    treatment = rule.at(score.ending)
    if treatment is Treatment.VOID or (treatment is Treatment.DECIDED and not _is_decided(market, kind, name, score)):
        return Outcome.VOID
    margin = MARGINS.get(kind.rule)
    if margin is not None:
        ahead = margin(market, kind, score)
        return by_margin(ahead if selection_id == 1 else -ahead)
    return _by_words(market, kind, selection_id, WORDS[kind.rule](market, kind, score))


def _took_no_part(kind: MarketType, name: str, score: Score) -> bool:
    """Whether a bet is on a player who was not there, or, to score first, came on after the first goal."""
    if kind.rule is Rule.FIRST_SCORER:
        return name in score.absent or name in score.late
    return kind.rule is Rule.SCORER and name in score.absent


def _by_words(market: Market, kind: MarketType, selection_id: int, words: tuple[str, ...]) -> Outcome:
    """The selections that have one of the words win; where none has, the type says what becomes of them all."""
    if any(word in _own_words(market, kind, selection_id) for word in words):
        return Outcome.WON
    if any(word in _own_words(market, kind, each) for each in market.selections for word in words):
        return Outcome.LOST
    if kind.void_unnamed:
        return Outcome.VOID
    return Outcome.WON if market.selections[selection_id].name == ANY_OTHER else Outcome.LOST


def _own_words(market: Market, kind: MarketType, selection_id: int) -> tuple[str, ...]:
    return kind.wins[selection_id - 1] if kind.wins else (market.selections[selection_id].name,)


def _numbers(kind: MarketType, score: Score) -> tuple[int, int]:
    """The numbers of both sides in the period that a type looks at."""
    half = score.half_time or (0, 0)
    match kind.period:
        case Period.FULL_TIME:
            return score.home, score.away
        case Period.FIRST_HALF:
            return half
        case Period.SECOND_HALF:
            return score.home - half[0], score.away - half[1]


def _ahead(home: int, away: int) -> str:
    return "draw" if home == away else "home" if home > away else "away"


def _match_result(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    return (_ahead(*_numbers(kind, score)),)


def _double_result(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    return (f"{_ahead(*(score.half_time or (0, 0)))}/{_ahead(score.home, score.away)}",)


def _both_score(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    return ("yes" if min(_numbers(kind, score)) else "no",)


def _odd_even(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    return ("odd" if sum(_numbers(kind, score)) % 2 else "even",)


def _correct_score(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    return ("{}-{}".format(*_numbers(kind, score)),)


def _next_goal(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    goals, number = _goals(score) or (), market.specifiers["goal_number"]
    return (goals[number - 1].side if number <= len(goals) else "none",)


def _scorers(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    """Whoever scored, in order; own goals count for nobody."""
    return tuple(goal.scorer for goal in _goals(score) or () if not goal.own) or (NO_GOALSCORER,)


def _first_scorer(market: Market, kind: MarketType, score: Score) -> tuple[str, ...]:
    return _scorers(market, kind, score)[:1]


WORDS: Final[dict[Rule, Callable[[Market, MarketType, Score], tuple[str, ...]]]] = {
    Rule.MATCH_RESULT: _match_result,
    Rule.DOUBLE_RESULT: _double_result,
    Rule.BOTH_SCORE: _both_score,
    Rule.ODD_EVEN: _odd_even,
    Rule.CORRECT_SCORE: _correct_score,
    Rule.NEXT_GOAL: _next_goal,
    Rule.FIRST_SCORER: _first_scorer,
    Rule.SCORER: _scorers,
}
"""Rules that find words in a score; the selections of that name have won."""


def _total(market: Market, kind: MarketType, score: Score) -> int:
    home, away = _numbers(kind, score)
    counted = home + away if kind.side is None else home if kind.side is Side.HOME else away
    return 4 * counted - market.specifiers["line_quarters"]


def _handicap(market: Market, kind: MarketType, score: Score) -> int:
    home, away = _numbers(kind, score)
    return 4 * (home - away) + market.specifiers["line_quarters"]


MARGINS: Final[dict[Rule, Callable[[Market, MarketType, Score], int]]] = {
    Rule.TOTAL: _total,
    Rule.HANDICAP: _handicap,
}
"""Rules that find a margin in a score: by how many quarters the first selection is over the line, the second under."""

READS_HALVES: Final = frozenset((Rule.DOUBLE_RESULT,))
READS_GOALS: Final = frozenset((Rule.NEXT_GOAL, Rule.FIRST_SCORER, Rule.SCORER))


def _is_decided(market: Market, kind: MarketType, name: str, score: Score) -> bool:
    """Whether nothing that might still have happened could change what became of a selection."""
    if kind.period is Period.FIRST_HALF:
        return score.half_time is not None
    if kind.period is Period.SECOND_HALF and score.half_time is None:
        return False
    scorers = _scorers(market, kind, score)
    match kind.rule:
        case Rule.TOTAL:
            return _total(market, kind, score) >= WHOLE
        case Rule.BOTH_SCORE:
            return min(_numbers(kind, score)) > 0
        case Rule.NEXT_GOAL:
            return len(_goals(score) or ()) >= market.specifiers["goal_number"]
        case Rule.FIRST_SCORER:
            return scorers != (NO_GOALSCORER,)
        case Rule.SCORER:
            return scorers != (NO_GOALSCORER,) and name in (*scorers, NO_GOALSCORER)
        case _:
            return False


WHOLE: Final = 2
"""Quarters of a goal from which a line is won or lost whole."""


# ---------------------------------------------------------------- orders of finish


def _finished(market: Market, selection_id: int, result: Finish, terms: EachWay | None) -> tuple[Verdict, Verdict]:
    """The win and the place part of a leg."""
    kind = MARKET_TYPES[market.type]
    if kind.rule is Rule.ORDER:
        verdict = _in_order(market, kind, selection_id, result)
        return verdict, verdict
    if selection_id in result.non_runners:
        return Verdict(Outcome.VOID), Verdict(Outcome.VOID)
    position, tied = _position(result, selection_id)
    places = market.specifiers.get("places", 1)
    found = tickets.finished(position=position, tied=tied, places=terms.places if terms else places)
    return (found.win, found.place) if terms else (found.place, found.place)


def _position(result: Finish, runner: int) -> tuple[int, int]:
    """Where a runner finished and how many were level with it; one behind all that are named finished nowhere."""
    ahead = 0
    for level in result.positions:
        if runner in level:
            return ahead + 1, len(level)
        ahead += len(level)
    return MAX_RUNNERS + 1, 1


def _in_order(market: Market, kind: MarketType, selection_id: int, result: Finish) -> Verdict:
    """Whether runners came in first, second and so on. Dead heats have several such orders, which share one win."""
    runners = numbers_in(market.selections[selection_id].name)
    if any(runner in result.non_runners for runner in runners):
        return Verdict(Outcome.VOID)
    order = list(runners)
    for level in result.positions:
        if not order:
            break
        here = order[: len(level)] if kind.ordered else [runner for runner in order if runner in level]
        if not set(here) <= set(level) or len(here) < min(len(level), len(order)):
            return Verdict(Outcome.LOST)
        order = [runner for runner in order if runner not in here]
    return Verdict(Outcome.WON, 1, _ways(result, kind)) if not order else Verdict(Outcome.LOST)


def _ways(result: Finish, kind: MarketType) -> int:
    """In how many ways a selection can be right: one without dead heats."""
    left, ways = kind.picks, []
    for level in result.positions:
        taken = min(left, len(level))
        ways.append(perm(len(level), taken) if kind.ordered else comb(len(level), taken))
        left -= taken
    return prod(ways)


# ---------------------------------------------------------------- outcomes and payouts


def by_margin(quarters: int) -> Outcome:
    """The outcome on a line, from the margin in quarters of a goal on the selection's side of it.

    A quarter line is half the stake on each neighbouring line, so a margin of one quarter wins one half and pushes
    the other: half won.

    | margin | 2 and more | 1        | 0    | −1        | −2 and less |
    |        | won        | half won | void | half lost | lost        |
    """
    if quarters >= WHOLE:
        return Outcome.WON
    if quarters <= -WHOLE:
        return Outcome.LOST
    return (Outcome.VOID, Outcome.HALF_WON, Outcome.HALF_LOST)[quarters]


def payout(result: Outcome, *, stake_minor: int, price_milli: int) -> int:
    """What an outcome pays back, stake included, in minor units; rounded once, half to even.

    Half won pays stake × (p + 1) / 2: one half at the price, the other half back. Half lost returns stake / 2.
    """
    match result:
        case Outcome.WON:
            return payout_minor(stake_minor=stake_minor, price_milli=price_milli)
        case Outcome.LOST:
            return 0
        case Outcome.VOID:
            return stake_minor
        case Outcome.HALF_WON:
            return half_even(stake_minor * (price_milli + UNIT), 2 * UNIT)
        case Outcome.HALF_LOST:
            return half_even(stake_minor, 2)
