"""What results make of bets, in plain words and fractions. It shares the results with the house, and no rule."""

from fractions import Fraction
from itertools import permutations, product

from tests.book.plain import Bet, Market
from tests.book.slips import rule_4

from overround.book.catalogue import Ending
from overround.book.settlement import Finish, Outcomes, Result, Score, Winners

BY_NAMES = ("winner", "winners", "to_qualify")
BY_FINISH = ("race_win", "race_place", "forecast")
BY_LINE = ("total", "asian_handicap", "home_total")
NEEDS_HALF_TIME = ("half_time_result", "half_time_full_time")
NEEDS_GOALS = ("next_goal", "first_goalscorer")


def fits(market: Market, result: Result) -> bool:
    kind = market.made.type
    match result:
        case Score():
            if kind in (*BY_NAMES, *BY_FINISH) or not is_score(result):
                return False
            finished = result.ending is Ending.FINISHED
            if result.ending in (Ending.POSTPONED, Ending.RETIRED):
                return True
            if finished and kind in NEEDS_HALF_TIME and result.half_time is None:
                return False
            return kind not in NEEDS_GOALS or goals_are_told(kind, result)
        case Winners():
            won, void = list(result.selections), list(result.void)
            ascending = won == sorted(set(won)) and void == sorted(set(void)) and not set(won) & set(void)
            known = set(won) <= running(market) and set(void) <= set(market.prices)
            few = len(won) <= market.made.specifiers.get("places", 100)
            return kind in BY_NAMES and bool(won) and ascending and known and few
        case Finish():
            return kind in BY_FINISH and is_finish(market, result)
        case Outcomes():
            return False
        case _:
            return True


def seen_of(market: Market, result: Result) -> object:
    """What a market sees of a result: of a score no more than it needs."""
    if not isinstance(result, Score):
        return result
    half = result.half_time if market.made.type in NEEDS_HALF_TIME else None
    goals = (result.goals, result.absent, result.late) if market.made.type in NEEDS_GOALS else None
    return result.home, result.away, result.ending, half, goals


def is_score(score: Score) -> bool:
    half = score.half_time or (0, 0)
    if not (0 <= half[0] <= score.home <= 999 and 0 <= half[1] <= score.away <= 999):
        return False
    if score.goals is None:
        return True
    sides = [goal.side.value for goal in score.goals]
    return (sides.count("home"), sides.count("away")) == (score.home, score.away)


def goals_are_told(kind: str, score: Score) -> bool:
    if score.home + score.away == 0:
        return True
    if score.goals is None:
        return False
    return kind == "next_goal" or all(goal.own or goal.scorer for goal in score.goals)


def running(market: Market) -> set[int]:
    return set(market.prices) - {gone[0] for gone in market.withdrawn}


def is_finish(market: Market, result: Finish) -> bool:
    named = [runner for level in result.positions for runner in level] + list(result.non_runners)
    whole = bool(result.positions) and all(list(level) == sorted(set(level)) and level for level in result.positions)
    if not whole or len(set(named)) != len(named) or min(named) < 1:
        return False
    finishers = named[: len(named) - len(result.non_runners)]
    if market.made.type == "forecast":
        return len(finishers) >= 2
    return set(finishers) <= running(market) and set(named) <= set(market.prices)


def verdict(market: Market, bet: Bet, result: Result) -> tuple[str, Fraction]:
    """The outcome and the exact return of a bet."""
    stake, price, selection = Fraction(bet.asked.stake_minor), Fraction(bet.price, 1_000), bet.asked.selection_id
    if selection in [gone[0] for gone in market.withdrawn]:
        return "void", stake
    match result:
        case Score():
            outcome, share = by_score(market, selection, result)
        case Winners():
            won = "won" if selection in result.selections else "lost"
            outcome, share = "void" if selection in result.void else won, Fraction(1)
        case Finish():
            outcome, share = by_finish(market, selection, result)
            price = deducted(market, price, max(bet.placed_at, bet.decide_at))
        case _:
            outcome, share = "void", Fraction(1)
    return outcome, stake * {
        "won": share * price,
        "lost": Fraction(0),
        "void": Fraction(1),
        "half_won": (price + 1) / 2,
        "half_lost": Fraction(1, 2),
    }[outcome]


def deducted(market: Market, price: Fraction, struck_at: int) -> Fraction:
    late = [odds for _, at, odds in market.withdrawn if at > struck_at and odds]
    pence = min(90, sum(rule_4(str(Fraction(odds, 1_000) - 1)) for odds in late))
    return 1 + (price - 1) * (1 - Fraction(pence, 100)) if market.made.type.startswith("race") else price


def by_finish(market: Market, selection: int, result: Finish) -> tuple[str, Fraction]:
    """A dead heat is every order in which its runners might have come in."""
    name, places = market.names[selection - 1], market.made.specifiers.get("places", 1)
    wanted = [int(runner) for runner in name.split("-")] if market.made.type == "forecast" else [selection]
    if set(wanted) & set(result.non_runners):
        return "void", Fraction(1)
    orders = [
        [runner for level in chosen for runner in level]
        for chosen in product(*(permutations(level) for level in result.positions))
    ]
    forecast = market.made.type == "forecast"
    right = [order[:2] == wanted if forecast else selection in order[:places] for order in orders]
    return ("won" if any(right) else "lost"), Fraction(sum(right), len(orders))


def by_score(market: Market, selection: int, score: Score) -> tuple[str, Fraction]:
    kind, whole = market.made.type, Fraction(1)
    if score.ending in (Ending.POSTPONED, Ending.RETIRED):
        return "void", whole
    if score.ending is Ending.ABANDONED and not is_decided(market, score):
        return "void", whole
    if kind in BY_LINE:
        return by_line(market, selection, score), whole
    winning = {
        "1x2": lambda: [side(score.home, score.away)],
        "double_chance": lambda: [name for name in market.names if side(score.home, score.away) in name.split("_or_")],
        "draw_no_bet": lambda: [side(score.home, score.away)],
        "both_teams_to_score": lambda: ["yes" if score.home and score.away else "no"],
        "half_time_result": lambda: [side(*(score.half_time or (0, 0)))],
        "half_time_full_time": lambda: [f"{side(*(score.half_time or (0, 0)))}/{side(score.home, score.away)}"],
        "correct_score": lambda: [f"{score.home}-{score.away}"],
        "next_goal": lambda: [nth_goal(score, market.made.specifiers["goal_number"])],
        "first_goalscorer": lambda: [first_scorer(score)],
    }[kind]()
    if not set(winning) & set(market.names):
        if kind == "draw_no_bet":
            return "void", whole
        winning = ["any_other"]
    return ("won" if market.names[selection - 1] in winning else "lost"), whole


def side(home: int, away: int) -> str:
    return "home" if home > away else "away" if home < away else "draw"


def nth_goal(score: Score, number: int) -> str:
    goals = list(score.goals or ())
    return goals[number - 1].side.value if len(goals) >= number else "none"


def first_scorer(score: Score) -> str:
    own = [goal.scorer for goal in score.goals or () if not goal.own]
    return own[0] if own else "no_goalscorer"


def is_decided(market: Market, score: Score) -> bool:
    """Whether an abandoned match has gone far enough for a market."""
    match market.made.type:
        case "total":
            return Fraction(market.made.specifiers["line_quarters"], 4) <= score.home + score.away - Fraction(1, 2)
        case "home_total":
            return Fraction(market.made.specifiers["line_quarters"], 4) <= score.home - Fraction(1, 2)
        case "both_teams_to_score":
            return score.home > 0 and score.away > 0
        case "half_time_result":
            return score.half_time is not None
        case "next_goal":
            return nth_goal(score, market.made.specifiers["goal_number"]) != "none"
        case "first_goalscorer":
            return first_scorer(score) != "no_goalscorer"
        case _:
            return False


def by_line(market: Market, selection: int, score: Score) -> str:
    """A quarter line is half the stake on each of the two nearest half lines."""
    halves = sorted(half(market, selection, score, line) for line in lines_of(market))
    return {
        ("won", "won"): "won",
        ("push", "push"): "void",
        ("lost", "lost"): "lost",
        ("push", "won"): "half_won",
        ("lost", "push"): "half_lost",
    }[halves[0], halves[1]]


def lines_of(market: Market) -> tuple[Fraction, Fraction]:
    line = Fraction(market.made.specifiers["line_quarters"], 4)
    apart = Fraction(0) if (line * 2).denominator == 1 else Fraction(1, 4)
    return line - apart, line + apart


def half(market: Market, selection: int, score: Score, line: Fraction) -> str:
    ahead = {
        "total": score.home + score.away - line,
        "home_total": score.home - line,
        "asian_handicap": score.home + line - score.away,
    }[market.made.type]
    if selection == 2:
        ahead = -ahead
    return "won" if ahead > 0 else "lost" if ahead < 0 else "push"
