"""Takes slips as the golden files write them over the counter: the same bets and results in the house's own types."""

from fractions import Fraction

from tests.book.slips import LegOfSlip, Slip

from overround.book import tickets
from overround.book.bets import Outcome
from overround.book.tickets import (
    EachWay,
    Leg,
    LegResult,
    Verdict,
    Withdrawal,
    deduction_pence,
    finished,
    settled,
)
from overround.kernel import price
from overround.kernel.money import MAX_MONEY_MINOR

LOST, WON = Verdict(Outcome.LOST), Verdict(Outcome.WON)


def milli(leg: LegOfSlip, name: str) -> int:
    """A price of the slip in thousandths; 0 for the starting price and for one that was not returned."""
    return 0 if leg.get(name, "SP") == "SP" else price.parse(leg[name])


def leg_of(leg: LegOfSlip, number: int) -> Leg:
    terms = None
    if "each_way" in leg:
        above, below = leg["each_way"].split("/")
        terms = EachWay(int(above), int(below), leg["places"])
    return Leg(
        selection_id=100 + number,
        event_id=number,
        price_milli=milli(leg, "price"),
        each_way=terms,
        best_odds=leg.get("best_odds", False),
        banker=leg.get("banker", False),
    )


def withdrawal(odds: str, at_us: int) -> Withdrawal:
    """A withdrawal at fractional odds, which a feed gives in thousandths."""
    return Withdrawal(at_us, round(1_000 * (Fraction(odds) + 1)))


def deducted(leg: LegOfSlip, name: str) -> int:
    runners = [withdrawal(odds, at_us) for at_us, odds in enumerate(leg.get(name, []), 1)]
    return deduction_pence([*runners, withdrawal("1/2", 0)], taken_at_us=0)


def verdicts(leg: LegOfSlip) -> LegResult:
    if "position" in leg:
        return finished(position=leg["position"], tied=leg.get("tied", 1), places=leg.get("places", 0))
    if leg["result"] == "placed":
        return LegResult(win=LOST, place=WON)
    if "dead_heat" in leg:
        places, tied = leg["dead_heat"].split("/")
        verdict = Verdict(Outcome(leg["result"].replace(" ", "_")), int(places), int(tied))
        return LegResult(win=verdict, place=verdict)
    return settled(Outcome(leg["result"].replace(" ", "_")))


def result_of(leg: LegOfSlip) -> LegResult:
    both = verdicts(leg)
    return LegResult(
        win=both.win,
        place=both.place,
        start_milli=milli(leg, "start"),
        deduction_pence=deducted(leg, "withdrawn"),
        start_deduction_pence=deducted(leg, "withdrawn_from_start"),
    )


def bet_of(slip: Slip) -> tickets.Slip:
    return tickets.Slip(
        legs=tuple(leg_of(leg, number) for number, leg in enumerate(slip["legs"], 1)),
        folds=tuple(slip["folds"]),
        stake_minor=slip["stake_minor"],
        payout_limit_minor=slip.get("payout_limit_minor", MAX_MONEY_MINOR),
    )


def results_of(slip: Slip) -> tuple[LegResult, ...]:
    return tuple(result_of(leg) for leg in slip["legs"])
