"""Writes the golden slips: `python -m tests.golden.writing` makes every file of tests/golden/settlement anew.

What is bet and how it ends is chosen in tests/golden/families.py; here the arithmetic is written out. The amounts come
from the plain twin (tests/book/slips.py), never from the house.
"""

import re
from fractions import Fraction
from pathlib import Path

from tests.book import slips
from tests.book.slips import LegOfSlip, Slip
from tests.golden.families import FAMILIES

FOLDER = Path(__file__).parent / "settlement"
LETTERS = "ABCDEFGHIJKLMNOPQRST"
FOLDS = ("bankers", "single", "double", "treble")
MOST_LINES_LISTED = 60


def text(value: Fraction) -> str:
    """A number as a person would write it: a decimal where it ends soon, else a fraction."""
    for digits in range(13):
        if (value * 10**digits).denominator == 1:
            whole, part = divmod(int(value * 10**digits), 10**digits)
            return f"{whole}.{part:0{digits}d}" if digits else str(whole)
    return f"{value.numerator}/{value.denominator}"


def sum_of(values: list[Fraction], label: str) -> list[str]:
    """A line that adds up, where there is something to add."""
    if len(values) < 2:
        return []
    return [f"{label}: {' + '.join(text(value) for value in values)} = {text(sum(values, Fraction(0)))}"]


class Paper:
    """The working of one slip, line by line."""

    def __init__(self, slip: Slip) -> None:
        self.slip = slip
        self.said: list[str] = []
        self.of_legs = [slips.factors(leg) for leg in slip["legs"]]

    def write(self) -> str:
        for letter, leg, factors in zip(LETTERS, self.slip["legs"], self.of_legs, strict=False):
            self.leg(letter, leg, *factors)
        count, stake = slips.line_count(self.slip), Fraction(self.slip["stake_minor"])
        if count > 1:
            self.say(f"each of {count} lines carries: {text(stake)} / {count} = {text(stake / count)}")
        names = ("win part", "place part") if slips.is_each_way(self.slip) else ("lines",)
        parts = [self.part(name, number, stake / count) for number, name in enumerate(names)]
        if len(parts) > 1:
            self.said += sum_of(parts, "both parts")
        self.total(sum(parts, Fraction(0)))
        return "\n".join(self.said)

    def say(self, line: str) -> None:
        self.said.append(line)

    # ------------------------------------------------------------ legs

    def leg(self, letter: str, leg: LegOfSlip, win: Fraction, place: Fraction) -> None:
        outcome, share, placed, place_share = slips.shares(leg)
        if {outcome, placed} & {"won", "half won"}:
            self.odds(letter, leg)
        odds = 1 + slips.winnings_to_one(leg)
        if "each_way" not in leg:
            self.factor(letter, outcome, share, odds, win)
            return
        self.factor(f"{letter} to win", outcome, share, odds, win)
        if placed in ("won", "half won"):
            place_odds = 1 + (odds - 1) * Fraction(leg["each_way"])
            self.say(
                f"{letter} place odds at {leg['each_way']}: "
                f"1 + ({text(odds)} − 1) × {leg['each_way']} = {text(place_odds)}"
            )
            self.factor(f"{letter} to place", placed, place_share, place_odds, place)
        else:
            self.factor(f"{letter} to place", placed, place_share, Fraction(1), place)

    def odds(self, letter: str, leg: LegOfSlip) -> None:
        """Which price pays, and what Rule 4 leaves of it."""
        taken, start = leg["price"], leg.get("start")
        if taken != "SP":
            self.deduction(letter, "price taken", taken, leg.get("withdrawn", []))
        if start and (taken == "SP" or leg.get("best_odds")):
            self.deduction(letter, "starting price", start, leg.get("withdrawn_from_start", []))
        if leg.get("best_odds") and start:
            self.say(f"{letter} is paid at the better of the two: {text(1 + slips.winnings_to_one(leg))}")

    def deduction(self, letter: str, name: str, price: str, withdrawn: list[str]) -> None:
        pence = [slips.rule_4(odds) for odds in withdrawn]
        if len(pence) > 1:
            self.say(f"{letter} deductions: {' + '.join(map(str, pence))} = {sum(pence)}")
        left = 100 - min(90, sum(pence))
        if left == 100:
            self.say(f"{letter} {name}: {text(Fraction(price))}")
            return
        odds = 1 + (Fraction(price) - 1) * Fraction(left, 100)
        at_most = " at most" if sum(pence) > 90 else ""
        self.say(
            f"{letter} {name}, less {100 - left}p{at_most} in the pound of winnings: "
            f"1 + ({text(Fraction(price))} − 1) × {left} / 100 = {text(odds)}"
        )

    def factor(self, name: str, outcome: str, share: Fraction, odds: Fraction, factor: Fraction) -> None:
        if outcome in ("lost", "void", "half lost"):
            self.say(f"{name} {outcome}: {text(factor)}")
        elif outcome == "half won":
            self.say(f"{name} half won: ({text(odds)} × {text(share)} + 1) / 2 = {text(factor)}")
        elif share == 1:
            self.say(f"{name} won: {text(factor)}")
        else:
            self.say(f"{name} won in a dead heat: {text(odds)} × {share} = {text(factor)}")

    # ------------------------------------------------------------ lines

    def part(self, name: str, number: int, each: Fraction) -> Fraction:
        factors = [both[number] for both in self.of_legs]
        alive = [line for line in slips.choices(self.slip) if all(factors[n] for n in line)]
        if not alive:
            self.say(f"{name}: every line has lost, 0")
            return Fraction(0)
        if len(alive) > MOST_LINES_LISTED:
            return self.full_cover(name, factors, each)
        values = [self.line(name, line, factors, each) for line in alive]
        self.said += sum_of(values, name)
        return sum(values, Fraction(0))

    def line(self, name: str, line: tuple[int, ...], factors: list[Fraction], each: Fraction) -> Fraction:
        value = each * slips.product([factors[n] for n in line])
        fold = FOLDS[len(line)] if len(line) < len(FOLDS) else f"{len(line)}-fold"
        letters = "".join(LETTERS[n] for n in line)
        part = "" if name == "lines" else f"{name}, "
        product = " × ".join(text(factor) for factor in [each, *(factors[n] for n in line)])
        self.say(f"{part}{fold} {letters}: {product} = {text(value)}")
        return value

    def full_cover(self, name: str, factors: list[Fraction], each: Fraction) -> Fraction:
        """All lines of a full cover at once: (1 + a) × (1 + b) × … − 1, and less the singles where there are none."""
        folds, legs = self.slip["folds"], self.slip["legs"]
        assert folds in ([*range(1, len(legs) + 1)], [*range(2, len(legs) + 1)]), self.slip["name"]
        assert not any(leg.get("banker") for leg in legs)
        alive = [factor for factor in factors if factor]
        less = [Fraction(1)] if folds[0] == 1 else [Fraction(1), *alive]
        value = slips.product([1 + factor for factor in alive]) - sum(less)
        product = " × ".join(f"(1 + {text(factor)})" for factor in alive)
        self.say(f"{name}, all lines at once: {product} − {' − '.join(text(each) for each in less)} = {text(value)}")
        self.say(f"{name}: {text(each)} × {text(value)} = {text(each * value)}")
        return each * value

    def total(self, returns: Fraction) -> None:
        assert returns == slips.exact(self.slip), self.slip["name"]
        if returns.denominator > 1:
            self.say(f"rounded, half to even: {round(returns)}")
        if "payout_limit_minor" in self.slip:
            self.say(f"payout limit {self.slip['payout_limit_minor']}: pays {slips.payout(self.slip, returns)}")


# ---------------------------------------------------------------- from short words to slips


def leg(words: str) -> LegOfSlip:
    """A leg from the short words of the families: `5 1/4x3 r4:3/1+8/1 won`, `SP start:4 lost`, `7 1/5x4 3rd=2`."""
    price, *rest = words.split()
    found: LegOfSlip = {"price": price}
    outcome: list[str] = []
    for word in rest:
        if each_way := re.fullmatch(r"(\d+/\d+)x(\d+)", word):
            found |= {"each_way": each_way[1], "places": int(each_way[2])}
        elif finish := re.fullmatch(r"(\d+)(?:st|nd|rd|th)(?:=(\d+))?", word):
            found["position"] = int(finish[1])
            if finish[2]:
                found["tied"] = int(finish[2])
        elif word in ("banker", "best_odds"):
            found[word] = True
        elif ":" in word:
            name, value = word.split(":")
            found |= named(name, value)
        else:
            outcome.append(word)
    if outcome:
        found["result"] = " ".join(outcome)
    return found


def named(name: str, value: str) -> LegOfSlip:
    match name:
        case "start":
            return {"start": value}
        case "heat":
            return {"dead_heat": value}
        case "r4":
            return {"withdrawn": value.split("+")}
        case "start_r4":
            return {"withdrawn_from_start": value.split("+")}
        case _:
            raise ValueError(name)


SYSTEM_FOLDS = {
    "single": (1, 1), "double": (2, 2), "treble": (3, 3), "trixie": (3, 2), "patent": (3, 1), "yankee": (4, 2),
    "lucky_15": (4, 1), "canadian": (5, 2), "lucky_31": (5, 1), "heinz": (6, 2), "lucky_63": (6, 1),
    "super_heinz": (7, 2), "super_heinz_with_singles": (7, 1), "goliath": (8, 2), "goliath_with_singles": (8, 1),
}  # fmt: skip
"""Legs of a system, and its shortest line; the longest has all legs."""


def slip(name: str, bet: str, stake_minor: int, legs: list[str], limit: int | None = None) -> Slip:
    """A slip from its short words. `bet` is a system's name or a list of folds: `2`, `2,3`."""
    made: Slip = {"name": name}
    read = [leg(words) for words in legs]
    if bet in SYSTEM_FOLDS:
        count, least = SYSTEM_FOLDS[bet]
        assert count == len(read), name
        made |= {"system": bet, "folds": [*range(least, count + 1)]}
    else:
        made["folds"] = [int(fold) for fold in bet.split(",")]
    made |= {"stake_minor": stake_minor, "legs": read}
    if limit is not None:
        made["payout_limit_minor"] = limit
    made["lines"] = slips.line_count(made)
    made["returns"] = text(slips.exact(made))
    made["payout_minor"] = slips.payout(made, slips.exact(made))
    return made


# ---------------------------------------------------------------- files


def value_of(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case list():
            return f"[{', '.join(value_of(each) for each in value)}]"
        case dict():
            return f"{{ {', '.join(f'{name} = {value_of(each)}' for name, each in value.items())} }}"
        case _:
            return f'"{value}"'


def toml(slip: Slip) -> str:
    head = [name for name in ("name", "system", "folds", "stake_minor", "payout_limit_minor") if name in slip]
    lines = ["[[slip]]", *(f"{name} = {value_of(slip[name])}" for name in head), "legs = ["]
    lines += [f"    {value_of(leg)}," for leg in slip["legs"]]
    lines += ["]", *(f"{name} = {value_of(slip[name])}" for name in ("lines", "returns", "payout_minor"))]
    return "\n".join([*lines, f'working = """\n{Paper(slip).write()}"""', ""])


def files() -> dict[str, str]:
    """Every golden file by its name, as it must be."""
    made = {}
    for number, (family, (title, chosen)) in enumerate(FAMILIES.items(), 1):
        head = f"# {title}\n# Written by tests/golden/writing.py; the format is described in README.md.\n"
        made[f"{number:02d}_{family}.toml"] = "\n".join([head, *(toml(slip(*each)) for each in chosen())])
    return made


def write() -> None:
    for old in FOLDER.glob("*.toml"):
        old.unlink()
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
