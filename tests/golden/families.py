"""Which slips the golden files hold, in short words: (name, bet, stake, legs) and sometimes a payout limit.

A leg is its price and how it ended: `2.5 won`, `SP start:4 lost`, `5 1/4x3 2nd` (each-way, a quarter for three places),
`7 1/5x4 3rd=2` (third, two level), `6 best_odds start:8 won`, `4 r4:3/1+8/1 won` (after withdrawals at 3/1 and 8/1).
"""

from collections.abc import Callable, Iterator

Chosen = tuple[str, str, int, list[str]] | tuple[str, str, int, list[str], int]

PRICES = ("2.5", "3", "1.5", "4", "2", "5", "1.8", "3.5", "1.25", "6", "2.2", "1.9", "7", "1.4", "2.75", "11")
TERMS = ("1/4x3", "1/5x3", "1/4x2", "1/5x4")

SYSTEMS = {
    "trixie": (3, 4), "patent": (3, 7), "yankee": (4, 11), "lucky_15": (4, 15), "canadian": (5, 26),
    "lucky_31": (5, 31), "heinz": (6, 57), "lucky_63": (6, 63), "super_heinz": (7, 120),
    "super_heinz_with_singles": (7, 127), "goliath": (8, 247), "goliath_with_singles": (8, 255),
}  # fmt: skip
"""Legs and lines of each."""


def said(system: str) -> str:
    return system.replace("_", " ").capitalize()


def ended(prices: list[str], *outcomes: str) -> list[str]:
    """Legs at these prices; the outcomes given count from the first, and the rest won."""
    return [f"{price} {outcomes[n] if n < len(outcomes) else 'won'}" for n, price in enumerate(prices)]


def priced(count: int, start: int = 0) -> list[str]:
    return [PRICES[(start + n) % len(PRICES)] for n in range(count)]


def runner(n: int, how: str, start: int = 0) -> str:
    """The n-th runner of an each-way slip, with terms of its own race."""
    return f"{PRICES[(start + n) % len(PRICES)]} {TERMS[n % len(TERMS)]} {how}"


def singles() -> Iterator[Chosen]:
    for price in ("2.5", "1.001", "1.9", "3.333", "101", "10000"):
        yield f"Single at {price}, won", "single", 1000, [f"{price} won"]
    for outcome in ("lost", "void", "half won", "half lost"):
        yield f"Single at 1.95, {outcome}", "single", 1000, [f"1.95 {outcome}"]
    yield "Rounding: 500.5 goes down to the even number", "single", 500, ["1.001 won"]
    yield "Rounding: 1501.5 goes up to the even number", "single", 1500, ["1.001 won"]
    yield "Rounding: 1.5 goes up to 2", "single", 1, ["2 half won"]
    yield "Rounding: half a minor unit goes down to nothing", "single", 1, ["1.9 half lost"]
    yield "Rounding: 4.5 goes down to 4", "single", 3, ["2 half won"]
    yield "Rounding: just above the half goes up", "single", 333, ["1.905 won"]
    yield "A single for the smallest stake", "single", 1, ["3 won"]
    yield "A single for a very large stake", "single", 10**12, ["2.625 won"]
    yield "Three singles in one bet", "1", 3000, ["2 won", "3 lost", "4 won"]
    yield "Five singles in one bet, one void", "1", 500, ["2 won", "3 void", "4 lost", "1.5 won", "5 lost"]


def multiples() -> Iterator[Chosen]:
    for count, name in ((2, "double"), (3, "treble")):
        for outcome in ("won", "lost", "void", "half won", "half lost"):
            yield f"{said(name)}, first leg {outcome}", name, 1000, ended(priced(count), outcome)
        yield f"{said(name)}, all void", name, 1000, ended(priced(count), *["void"] * count)
        yield f"{said(name)}, a void and a loser", name, 1000, ended(priced(count, 3), "void", "lost")
    for count in range(4, 21, 2):
        yield f"{count}-fold, all won", str(count), 100, ended(["1.5", "2", "1.2", "1.1"] * 5)[:count]
    for count in (4, 6, 10, 20):
        yield f"{count}-fold, the last leg lost", str(count), 100, [*ended(priced(count - 1)), "2 lost"]
        yield f"{count}-fold, one leg void", str(count), 100, ended(["1.2", "1.5", "1.1", "2"] * 5, "void")[:count]
        yield f"{count}-fold, all void", str(count), 100, ["3 void"] * count
    yield "5-fold that pays a fraction below a half", "5", 7, ended(["1.909", "1.833", "1.001", "2.105", "1.05"])


def systems() -> Iterator[Chosen]:
    for start, (name, (count, lines)) in enumerate(SYSTEMS.items()):
        prices, stake, half = priced(count, start), 100 * lines, count // 2
        yield f"{said(name)}, all won", name, stake, ended(prices)
        yield f"{said(name)}, one lost", name, stake, ended(prices, "lost")
        yield f"{said(name)}, one void", name, stake, ended(prices, "void")
        yield f"{said(name)}, half of the legs lost", name, stake, ended(prices, *["lost"] * half)
        yield f"{said(name)}, one winner", name, stake, ended(prices, *["lost"] * (count - 1))
        yield f"{said(name)}, all void", name, stake, ended(prices, *["void"] * count)


def lists() -> Iterator[Chosen]:
    """Any k of n, and several k in one bet; also where the stake does not divide."""
    for folds, count, stake in (
        ("2", 3, 300), ("2", 4, 600), ("3", 4, 400), ("2", 5, 1000), ("3", 5, 1000), ("4", 5, 500), ("2,3", 5, 2000),
        ("1,3", 4, 800), ("4", 6, 1500), ("3", 6, 2000), ("5", 6, 600), ("2", 8, 2800), ("6", 7, 700), ("9", 10, 1000),
    ):  # fmt: skip
        wording = f"{folds.replace(',', ' and ')} of {count}"
        yield f"{wording}, all won", folds, stake, ended(priced(count, 2))
        yield f"{wording}, one lost, one void", folds, stake, ended(priced(count, 4), "lost", "void")
    for total, folds, count in ((1000, "2", 3), (100, "2", 4), (999, "3", 5), (10, "2", 4), (1001, "2,3", 4)):
        wording = f"{folds.replace(',', ' and ')} of {count} for {total} in total, which does not divide"
        yield wording, folds, total, ended(priced(count, 1), "lost")
        yield f"{wording}, all void", folds, total, ended(priced(count, 1), *["void"] * count)


def bankers() -> Iterator[Chosen]:
    for outcome in ("won", "lost", "void", "half won", "half lost"):
        legs = [f"2.5 banker {outcome}", "3 won", "2 won", "1.5 won"]
        yield f"One banker, {outcome}, and 2 of 3", "2", 300, legs
        legs = ["2.5 banker won", f"3 {outcome}", "2 won", "1.5 won"]
        yield f"One banker and 2 of 3, one of them {outcome}", "2", 300, legs
    yield "Two bankers and 1 of 3", "1", 900, ["2 banker won", "1.5 banker won", "3 won", "4 lost", "2 won"]
    yield "Two bankers and 1, 2 of 3", "1,2", 1200, ["2 banker won", "1.5 banker won", "3 won", "4 lost", "2 won"]
    yield "Two bankers, one void", "2", 600, ["2 banker won", "1.5 banker void", "3 won", "4 won", "2 lost", "5 won"]
    yield "Two bankers, one lost", "2", 600, ["2 banker won", "1.5 banker lost", "3 won", "4 won", "2 won", "5 won"]
    yield "Three bankers and 3 of 5", "3", 1000, ["1.5 banker won", *ended(priced(2)), "1.2 banker won",
                                                "1.1 banker won", *ended(priced(3, 5), "lost")]  # fmt: skip
    yield "A banker between the others", "2", 300, ["3 won", "2 won", "2.5 banker won", "1.5 lost"]
    legs = [f"{runner(0, '1st')} banker", runner(1, "2nd"), runner(2, "1st"), runner(3, "5th")]
    yield "Each-way banker that won", "1,2", 1200, legs
    legs = [f"{runner(0, '2nd')} banker", runner(1, "2nd"), runner(2, "1st"), runner(3, "5th")]
    yield "Each-way banker that was placed: the win lines are lost", "1,2", 1200, legs


def each_way() -> Iterator[Chosen]:
    for terms in ("1/4x3", "1/5x3", "1/3x2", "1/2x2", "1/4x4"):
        for how, wording in (("1st", "first"), ("2nd", "second"), ("9th", "nowhere"), ("void", "void")):
            yield f"Each-way single at {terms}, {wording}", "single", 2000, [f"9 {terms} {how}"]
    yield "Each-way single, the last place paid", "single", 2000, ["9 1/5x3 3rd"]
    yield "Each-way single, the first place not paid", "single", 2000, ["9 1/5x3 4th"]
    yield "Win only: terms of 1/1 for one place put all on the win", "single", 2000, ["4 1/1x1 1st"]
    yield "Win only, second", "single", 2000, ["4 1/1x1 2nd"]
    yield "Each-way single for an odd stake", "single", 1001, ["4.5 1/5x3 2nd"]
    for name, count in (("double", 2), ("treble", 3)):
        yield f"Each-way {name}, all first", name, 2000, [runner(n, "1st") for n in range(count)]
        yield f"Each-way {name}, all placed", name, 2000, [runner(n, "2nd") for n in range(count)]
        yield f"Each-way {name}, one only placed", name, 2000, [runner(n, "2nd" if n else "1st") for n in range(count)]
        yield f"Each-way {name}, one void", name, 2000, [runner(n, "1st" if n else "void") for n in range(count)]
        yield f"Each-way {name}, one nowhere", name, 2000, [runner(n, "1st" if n else "8th") for n in range(count)]
    for name, (count, lines) in SYSTEMS.items():
        finishes = ["1st", "2nd", "9th", "1st", "void", "3rd", "8th", "7th"]
        legs = [f"{PRICES[n]} 1/4x3 {finishes[n]}" for n in range(count)]
        yield f"Each-way {said(name)}, winners, placed, nowhere and void", name, 200 * lines, legs
        yield f"Each-way {said(name)}, all first", name, 20 * lines, [runner(n, "1st", 4) for n in range(count)]
    yield "Each-way 6-fold", "6", 200, [runner(n, "1st" if n % 2 else "2nd") for n in range(6)]
    yield "Each-way 2 of 4", "2", 1200, [runner(0, "1st"), runner(1, "2nd"), runner(2, "9th"), runner(3, "1st")]
    yield "Placed, given as a result", "single", 2000, ["6 1/5x3 placed"]


def dead_heats() -> Iterator[Chosen]:
    for tied in (2, 3, 4, 5, 7):
        yield f"Single, {tied} level first", "single", 1000, [f"6 1st={tied}"]
    for share in ("2/3", "3/4", "2/5", "4/5", "5/7"):
        left, level = share.split("/")
        yield f"To finish in the places: {level} level for {left}", "single", 1000, [f"3.5 heat:{share} won"]
    for position, tied in ((1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (3, 2), (3, 3), (3, 5), (4, 2)):
        name = f"Each-way single with 3 places, {tied} level from place {position}"
        yield name, "single", 2000, [f"9 1/5x3 {position}th={tied}"]
    yield "Each-way with 4 places, 4 level third", "single", 2000, ["17 1/4x4 3rd=4"]
    yield "Double, one leg a dead heat", "double", 1000, ["5 1st=2", "3 won"]
    yield "Double, two dead heats", "double", 1000, ["5 1st=2", "3 1st=3"]
    yield "Double, a dead heat and a loser", "double", 1000, ["5 1st=2", "3 lost"]
    yield "Double, a dead heat and a void leg", "double", 1000, ["5 1st=2", "3 void"]
    yield "A dead heat can return less than the stake", "single", 1000, ["1.5 1st=2"]
    yield "Each-way double, dead heats for first and for third", "double", 2000, ["5 1/4x3 1st=2", "9 1/5x3 3rd=2"]
    yield "Each-way treble with three dead heats", "treble", 2000, ["5 1/4x3 1st=2", "9 1/5x3 3rd=2", "3 1/4x2 2nd=3"]
    for name, (count, lines) in SYSTEMS.items():
        finishes = ["1st=2", "1st", "2nd=3", "9th", "1st=3", "7th", "8th", "6th"]
        legs = [f"{PRICES[n + 1]} {finishes[n]}" for n in range(count)]
        yield f"{said(name)} with dead heats", name, 100 * lines, legs
    yield "2 of 3 with 3 level for 2", "2", 900, ["4 heat:2/3 won", "3 won", "2.5 won"]


def rule_4() -> Iterator[Chosen]:
    for odds in ("1/10", "1/9", "2/11", "2/17", "1/5", "2/7", "1/3", "4/9", "4/7", "4/6", "5/6", "1/1", "5/4", "13/8",
                 "15/8", "5/2", "10/3", "9/2", "6/1", "10/1", "14/1", "16/1"):  # fmt: skip
        yield f"Single, a withdrawal at {odds}", "single", 1000, [f"9 r4:{odds} won"]
    yield "Two withdrawals, added", "single", 1000, ["10 r4:3/1+14/1 won"]
    yield "Three withdrawals, added", "single", 1000, ["10 r4:3/1+4/1+8/1 won"]
    yield "Withdrawals of 95 pence take 90", "single", 1000, ["10 r4:4/6+5/4 won"]
    yield "Withdrawals of 180 pence take 90", "single", 1000, ["5 r4:1/10+1/10 won"]
    yield "A deduction takes nothing from a loser", "single", 1000, ["9 r4:3/1 lost"]
    yield "A deduction takes nothing from a void leg", "single", 1000, ["9 r4:3/1 void"]
    yield "A deduction and a dead heat", "single", 1000, ["9 r4:3/1 1st=2"]
    yield "A deduction, half won", "single", 1000, ["2 r4:3/1 half won"]
    yield "Each-way with a deduction, first", "single", 2000, ["9 1/5x3 r4:3/1 1st"]
    yield "Each-way with a deduction, second", "single", 2000, ["9 1/5x3 r4:3/1 2nd"]
    yield "Each-way with a deduction and a dead heat for third", "single", 2000, ["9 1/5x3 r4:3/1 3rd=2"]
    yield "Double, a deduction from one leg", "double", 1000, ["9 r4:3/1 won", "2 won"]
    yield "Double, a deduction from each leg", "double", 1000, ["9 r4:3/1 won", "3 r4:6/4 won"]
    yield "Each-way treble with deductions", "treble", 2000, ["9 1/5x3 r4:3/1 1st", "5 1/4x2 r4:8/1 2nd", "3 1/4x3 1st"]
    for name, (count, lines) in SYSTEMS.items():
        hows = ["r4:3/1 won", "won", "r4:1/1+8/1 won", "lost", "void", "r4:14/1 lost", "lost", "lost"]
        legs = [f"{PRICES[n + 3]} {hows[n]}" for n in range(count)]
        yield f"{said(name)} with deductions", name, 100 * lines, legs


def starting_prices() -> Iterator[Chosen]:
    yield "Starting price, won", "single", 1000, ["SP start:4.5 won"]
    yield "Starting price, lost", "single", 1000, ["SP start:4.5 lost"]
    yield "Starting price, no price returned, void", "single", 1000, ["SP void"]
    yield "Starting price, lost, no price returned", "single", 1000, ["SP lost"]
    yield "Starting price with a deduction of its own", "single", 1000, ["SP start:4.5 start_r4:3/1 won"]
    yield "Starting price after a withdrawal from earlier prices", "single", 1000, ["SP start:4.5 r4:3/1 won"]
    yield "Starting price, each-way, second", "single", 2000, ["SP start:9 1/5x3 2nd"]
    yield "Starting price, dead heat", "single", 1000, ["SP start:4.5 1st=2"]
    yield "Treble of a starting price and two prices taken", "treble", 1000, ["SP start:4 won", "2 won", "3 won"]
    yield "Best odds, the starting price is better", "single", 1000, ["6 best_odds start:8 won"]
    yield "Best odds, the price taken is better", "single", 1000, ["6 best_odds start:5 won"]
    yield "Best odds, both are equal", "single", 1000, ["6 best_odds start:6 won"]
    yield "Best odds, no starting price returned", "single", 1000, ["6 best_odds won"]
    yield "Best odds, lost", "single", 1000, ["6 best_odds start:8 lost"]
    yield "Best odds, void", "single", 1000, ["6 best_odds start:8 void"]
    yield "Not guaranteed: the price taken stands", "single", 1000, ["6 start:8 won"]
    yield "Best odds: the deduction makes the starting price better", "single", 1000, ["6 best_odds start:5 r4:3/1 won"]
    yield "Best odds: the price taken is better also after its deduction", "single", 1000, [
        "6 best_odds start:4.5 r4:3/1 won"]  # fmt: skip
    yield "Best odds: both prices with a deduction", "single", 1000, ["6 best_odds start:7 r4:3/1 start_r4:8/1 won"]
    yield "Best odds: the starting price's deduction decides", "single", 1000, ["6 best_odds start:7 start_r4:3/1 won"]
    yield "Best odds, each-way, first", "single", 2000, ["6 1/5x3 best_odds start:8 1st"]
    yield "Best odds, each-way, third", "single", 2000, ["6 1/5x3 best_odds start:8 3rd"]
    yield "Best odds, each-way, dead heat and deduction", "single", 2000, ["6 1/5x3 best_odds start:8 r4:8/1 1st=2"]
    yield "Double with best odds on both legs", "double", 1000, ["6 best_odds start:8 won", "3 best_odds start:2.5 won"]
    for name, (count, lines) in SYSTEMS.items():
        hows = ["best_odds start:4 1st", "best_odds start:2.5 2nd", "best_odds start:3 r4:4/1 1st=2", "9th", "void",
                "8th", "7th", "best_odds start:12 9th"]  # fmt: skip
        legs = [f"{PRICES[n + 5]} 1/4x3 {hows[n]}" for n in range(count)]
        yield f"Each-way {said(name)} with best odds", name, 200 * lines, legs


def quarter_lines() -> Iterator[Chosen]:
    halves = ("half won", "half lost", "won", "void", "lost")
    for first in halves:
        for second in halves[:2]:
            yield f"Double, {first} and {second}", "double", 1000, [f"1.95 {first}", f"2.02 {second}"]
    yield "Treble of half winners", "treble", 1000, ["1.9 half won", "1.95 half won", "2.1 half won"]
    yield (
        "Treble of half losers: an eighth comes back",
        "treble",
        1000,
        ["1.9 half lost", "2 half lost", "2.1 half lost"],
    )
    yield "20-fold of half losers", "20", 10**9, ["1.9 half lost"] * 20
    yield "Half won with half of the share: feeds can say so", "single", 1000, ["3 heat:1/2 half won"]
    for name, (count, lines) in SYSTEMS.items():
        outcomes = ["half won", "half lost", "won", "void", "lost", "lost", "lost", "lost"]
        prices = ["1.95", "1.9", "2.05", "1.85", "2", "1.8", "2.1", "1.91"]
        yield f"{said(name)} on quarter lines", name, 100 * lines, ended(prices[:count], *outcomes)


def everything() -> Iterator[Chosen]:
    """Systems, each-way, dead heats, Rule 4, best odds, voids and half outcomes together."""
    hows = (
        ("1st=2", "r4:3/1 1st", "void", "2nd=2", "9th", "r4:8/1 3rd=3", "8th", "7th"),
        ("best_odds start:8 1st", "void", "r4:6/4+6/1 2nd", "half won", "7th", "9th", "8th", "half lost"),
        ("half lost", "1st=3", "r4:1/10 1st", "9th", "best_odds start:3 r4:3/1 3rd=2", "void", "9th", "9th"),
    )
    for start, (name, (count, lines)) in enumerate(SYSTEMS.items()):
        for turn, how in enumerate(hows, 1):
            legs = [runner(n, how[n], start) for n in range(count)]
            yield f"Each-way {said(name)} with everything, {turn}", name, 100 * lines, legs
    yield "Each-way 20-fold with everything", "20", 10**6, [runner(n, hows[1][n % 3]) for n in range(20)]
    yield "A dead heat, a deduction, a void and a half winner in a 4-fold", "4", 1000, [
        "6 r4:3/1 1st=2", "4 r4:8/1 won", "3 void", "1.95 half won"]  # fmt: skip


def payout_limits() -> Iterator[Chosen]:
    yield "A single below its limit", "single", 1000, ["5 won"], 10_000
    yield "A single at its limit", "single", 1000, ["10 won"], 10_000
    yield "A single above its limit", "single", 1000, ["12 won"], 10_000
    yield "A limit is for the whole bet, not for a line", "yankee", 1100, ended(["5", "4", "6", "3"]), 50_000
    yield "A limit never takes the stake: all void", "single", 20_000, ["2 void"], 10_000
    yield "A limit below the stake leaves the stake", "double", 20_000, ["2 won", "3 won"], 10_000
    yield "A half loser below the limit", "single", 20_000, ["2 half lost"], 15_000
    yield "An accumulator beyond any limit", "20", 100_000, ["100 won"] * 20, 10**15
    yield "Each-way, both parts count for one limit", "single", 2000, ["21 1/5x3 1st"], 25_000


FAMILIES: dict[str, tuple[str, Callable[[], Iterator[Chosen]]]] = {
    "singles": ("Singles, and rounding to whole minor units, half to even.", singles),
    "multiples": ("Doubles, trebles and accumulators to 20 legs.", multiples),
    "systems": ("Every system with a name.", systems),
    "lists": ("Any k of n, several k in one bet, and stakes that do not divide.", lists),
    "bankers": ("Bankers, which are in every line.", bankers),
    "each_way": ("Each-way singles, multiples and systems: win to win, place to place.", each_way),
    "dead_heats": ("Dead heats of any number for any places.", dead_heats),
    "rule_4": ("Rule 4: deductions for withdrawn runners.", rule_4),
    "starting_prices": ("Starting prices, and the better of the price taken and the starting price.", starting_prices),
    "quarter_lines": ("Quarter lines: half won and half lost.", quarter_lines),
    "everything": ("All of it together.", everything),
    "payout_limits": ("The most that a bet pays.", payout_limits),
}
