"""Tickets: the tables of docs/rules/tickets.md, what is refused, and what must hold of every bet."""

import random
from fractions import Fraction
from itertools import islice

import pytest
from tests.book import slips
from tests.book.counter import bet_of, leg_of, result_of, withdrawal
from tests.book.drawn import Pool
from tests.book.slips import LegOfSlip
from tests.book.tables import number, table

from overround.book import settlement, tickets
from overround.book.bets import Outcome
from overround.book.tickets import EachWay, Leg, LegResult, Refusal, Slip, Ticket, Verdict
from overround.kernel.money import MAX_MONEY_MINOR

PAGE = "tickets.md"


def rows(heading: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table(PAGE, heading), ids=lambda row: " ".join(row.values()))


def numbers(cell: str) -> tuple[int, ...]:
    return tuple(number(part) for part in cell.split(", "))


def folds_of(cell: str) -> tuple[int, ...]:
    return tuple(int(fold) for fold in cell.split(", "))


def legs(count: int, *, bankers: int = 0, terms: EachWay | None = None) -> tuple[Leg, ...]:
    return tuple(Leg(100 + n, n, 2_000, terms, banker=n < bankers) for n in range(count))


# ---------------------------------------------------------------- lines


def test_the_page_names_every_system() -> None:
    assert [row["system"] for row in table(PAGE, "Systems")] == list(tickets.SYSTEMS)


@rows("Systems")
def test_systems(row: dict[str, str]) -> None:
    system = tickets.SYSTEMS[row["system"]]
    assert (system.legs, system.folds) == (int(row["legs"]), folds_of(row["folds"]))
    bet = Slip(legs(system.legs), system.folds, 1_000)
    assert tickets.line_count(bet) == int(row["lines"]) == len(list(tickets.picks(bet)))
    assert tickets.system_name(bet) == row["system"]


@rows("Lines")
def test_lines(row: dict[str, str]) -> None:
    terms = EachWay(1, 4, 3) if row["each-way"] == "yes" else None
    bet = Slip(legs(int(row["legs"]), bankers=int(row["bankers"]), terms=terms), folds_of(row["folds"]), 10_000)
    assert tickets.refusal(Ticket((bet,))) is None
    assert tickets.line_count(bet) == int(row["lines"])
    picked = list(tickets.picks(bet))
    assert len(picked) == len(set(picked)) == int(row["lines"]) // (2 if terms else 1)
    assert all(set(range(int(row["bankers"]))) <= set(pick) for pick in picked)


def test_lines_come_one_at_a_time() -> None:
    """A million lines cost nothing until somebody asks for them."""
    bet = Slip(legs(20), tuple(range(1, 21)), 10**9)
    assert tickets.line_count(bet) == 2**20 - 1
    assert list(islice(tickets.picks(bet), 2)) == [(0,), (1,)]


def test_a_banker_makes_a_system_nameless() -> None:
    assert tickets.system_name(Slip(legs(4, bankers=1), (2, 3), 1_000)) is None


DOUBLES_OF = {1: 2, 3: 3, 6: 4}
"""How many legs have so many doubles."""


@rows("Stake")
def test_stakes_that_do_not_divide(row: dict[str, str]) -> None:
    """Doubles only; eleven lines are a Yankee."""
    stake, count = number(row["stake"]), int(row["lines"])
    size, folds = (4, (2, 3, 4)) if count == 11 else (DOUBLES_OF[count], (2,))
    price_milli, winners = int(Fraction(row["at price"]) * 1_000), DOUBLES_OF[int(row["lines won"])]
    bet = Slip(tuple(Leg(n, n, price_milli) for n in range(size)), folds, stake)
    ends = [tickets.settled(Outcome.WON if n < winners else Outcome.LOST) for n in range(size)]
    assert tickets.line_count(bet) == count
    assert Fraction(stake, count) == Fraction(row["each carries"])
    alive = [line for line in tickets.lines(bet, ends) if line.numerator]
    assert len(alive) == int(row["lines won"])
    assert sum(Fraction(line.numerator, line.denominator) for line in alive) == Fraction(row["exact"])
    assert tickets.payout(bet, ends).payout_minor == number(row["payout"])


# ---------------------------------------------------------------- legs


def slip_leg(row: dict[str, str]) -> LegOfSlip:
    """A row of the page as the golden slips write a leg."""
    leg: LegOfSlip = {"price": row["price"], "best_odds": row["best odds"] == "yes"}
    if row["start"] != "–":
        leg["start"] = row["start"]
    for column, name in (("withdrawn", "withdrawn"), ("from start", "withdrawn_from_start")):
        if row[column] != "–":
            leg[name] = [row[column]]
    if row["terms"] != "–":
        terms, places = row["terms"].split(" × ")
        leg |= {"each_way": terms, "places": int(places)}
    if not row["result"][0].isdigit():
        return leg | {"result": row["result"]}
    position, _, level = row["result"].partition(", ")
    return leg | {"position": int(position[0]), "tied": int(level.split()[0]) if level else 1}


@rows("The factor of a leg")
def test_factors(row: dict[str, str]) -> None:
    plain = slip_leg(row)
    leg, result = leg_of(plain, 1), result_of(plain)
    assert tickets.fits(leg, result)
    working = tickets.working(leg, result)
    win, place = slips.factors(plain)
    assert Fraction(*working.win) == win == Fraction(row["win"])
    if working.place is None:
        assert row["place"] == "–"
    else:
        assert Fraction(*working.place) == place == Fraction(row["place"])


def test_a_working_says_which_price_was_paid_and_what_it_bore() -> None:
    leg = Leg(1, 1, 6_000, best_odds=True)
    won = Verdict(Outcome.WON)
    assert tickets.working(leg, LegResult(won, won, 5_000, 25, 0)) == tickets.Working(5_000, True, 0, (5, 1), None)
    assert tickets.working(leg, LegResult(won, won, 4_000, 25, 0)) == tickets.Working(6_000, False, 25, (19, 4), None)


@rows("Dead heats")
def test_dead_heats(row: dict[str, str]) -> None:
    result = tickets.finished(position=int(row["position"]), tied=int(row["level"]), places=int(row["places paid"]))
    for verdict, cell in ((result.win, row["win"]), (result.place, row["place"])):
        if cell == "lost":
            assert verdict == Verdict(Outcome.LOST)
        else:
            assert verdict.outcome is Outcome.WON
            assert Fraction(verdict.places, verdict.tied) == Fraction(cell)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(("stake", "price"), [(1_000, 2_625), (333, 1_905), (1, 2_000), (101, 1_950), (10**11, 10**7)])
def test_a_single_pays_the_same_in_a_ticket_and_alone(outcome: Outcome, stake: int, price: int) -> None:
    bet = Slip((Leg(1, 1, price),), (1,), stake)
    alone = settlement.payout(outcome, stake_minor=stake, price_milli=price)
    assert tickets.payout(bet, [tickets.settled(outcome)]).returns_minor == alone


# ---------------------------------------------------------------- Rule 4


def band_ends(cell: str) -> tuple[str, str]:
    """The longest and the shortest odds of a band."""
    match cell.split():
        case [longest, "to", shortest]:
            return longest, shortest
        case [longest, "or", "shorter"]:
            return longest, "1/1000"
        case _:
            return "1000/1", "29/2"


@rows("Rule 4")
def test_the_scale(row: dict[str, str]) -> None:
    for odds in band_ends(row["withdrawn at"]):
        assert tickets.rule_4_pence(withdrawal(odds, 0).price_milli) == int(row["pence"]) == slips.rule_4(odds)


def test_between_two_bands_the_smaller_deduction_counts() -> None:
    assert [tickets.rule_4_pence(price) for price in (2_200, 2_201, 2_249, 2_250)] == [45, 40, 40, 40]


def withdrawals(page_row: dict[str, str]) -> list[tickets.Withdrawal]:
    return [
        withdrawal(odds, int(at_us)) for odds, _, at_us in (each.split() for each in page_row["withdrawn"].split(", "))
    ]


@rows("Several withdrawals")
def test_withdrawals_add_up(row: dict[str, str]) -> None:
    pence = tickets.deduction_pence(withdrawals(row), taken_at_us=int(row["taken at"]))
    assert pence == int(row["pence"])


# ---------------------------------------------------------------- limits


@rows("Payout limits")
def test_limits_of_tickets(row: dict[str, str]) -> None:
    stakes = numbers(row["stakes"])
    ticket = Ticket(tuple(Slip(legs(1), (1,), stake) for stake in stakes), number(row["ticket's limit"]))
    paid = tickets.ticket_payouts(ticket, numbers(row["payouts"]))
    assert paid == numbers(row["paid"])


def test_a_bet_is_limited_and_keeps_its_stake() -> None:
    bet = Slip(legs(1), (1,), 1_000, payout_limit_minor=1_500)
    assert tickets.payout(bet, [tickets.settled(Outcome.WON)]) == tickets.Payout(2_000, 1_500)
    high = Slip(legs(1), (1,), 1_000, payout_limit_minor=500)
    assert tickets.payout(high, [tickets.settled(Outcome.VOID)]) == tickets.Payout(1_000, 1_000)


def open_or_ended(words: str) -> LegResult | None:
    return None if words == "open" else tickets.settled(Outcome(words.replace(" ", "_")))


@rows("What a bet can still pay")
def test_what_a_bet_can_still_pay(row: dict[str, str]) -> None:
    each = [leg.partition(" ") for leg in row["legs"].split("; ")]
    plain = [{"price": price, "result": "won"} for price, _, _ in each]
    bet = bet_of({"legs": plain, "folds": tickets.SYSTEMS[row["bet"]].folds, "stake_minor": number(row["stake"])})
    ends = [open_or_ended(words) for _, _, words in each]
    least, most = tickets.bounds(bet, ends, start_ceiling_milli=10_000)
    assert (least, most) == (number(row["least"]), number(row["most"]))
    if set(ends) == {None}:
        assert tickets.potential_minor(bet, start_ceiling_milli=10_000) == most


# ---------------------------------------------------------------- refusals

GOOD = Slip(legs(3), (2, 3), 400)
TERMS = EachWay(1, 4, 3)


def with_leg(leg: Leg) -> Slip:
    return Slip((*legs(2), leg), (2,), 300)


REFUSED = [
    (Refusal.TICKET_BETS, Ticket(())),
    (Refusal.TICKET_BETS, Ticket((GOOD,) * 21)),
    (Refusal.BET_LEGS, Ticket((Slip((), (1,), 100),))),
    (Refusal.BET_LEGS, Ticket((Slip(legs(21), (1,), 100),))),
    (Refusal.LEGS_RELATED, Ticket((with_leg(Leg(9, 1, 2_000)),))),
    (Refusal.LEG_PRICE, Ticket((with_leg(Leg(9, 9, 1_000)),))),
    (Refusal.LEG_PRICE, Ticket((with_leg(Leg(9, 9, 10_000_001)),))),
    (Refusal.LEG_PRICE, Ticket((with_leg(Leg(9, 9, 0, best_odds=True)),))),
    (Refusal.EACH_WAY_TERMS, Ticket((with_leg(Leg(9, 9, 2_000, TERMS)),))),
    (Refusal.EACH_WAY_TERMS, Ticket((Slip((Leg(9, 9, 2_000, EachWay(2, 1, 3)),), (1,), 100),))),
    (Refusal.EACH_WAY_TERMS, Ticket((Slip((Leg(9, 9, 2_000, EachWay(0, 4, 3)),), (1,), 100),))),
    (Refusal.EACH_WAY_TERMS, Ticket((Slip((Leg(9, 9, 2_000, EachWay(1, 101, 3)),), (1,), 100),))),
    (Refusal.EACH_WAY_TERMS, Ticket((Slip((Leg(9, 9, 2_000, EachWay(1, 4, 0)),), (1,), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3), (), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3), (3, 2), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3), (2, 2), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3), (0, 1), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3), (4,), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3, bankers=1), (3,), 100),))),
    (Refusal.BET_FOLDS, Ticket((Slip(legs(3, bankers=3), (1,), 100),))),
    (Refusal.BET_LINES, Ticket((Slip(legs(20), (10,), 10**9),))),
    (Refusal.BET_STAKE, Ticket((Slip(legs(3), (2, 3), 3),))),
    (Refusal.BET_STAKE, Ticket((Slip(legs(1, terms=TERMS), (1,), 1),))),
    (Refusal.BET_STAKE, Ticket((Slip(legs(1), (1,), MAX_MONEY_MINOR + 1),))),
    (Refusal.BET_STAKE, Ticket((Slip(legs(1), (1,), -1),))),
    (Refusal.PAYOUT_LIMIT, Ticket((Slip(legs(1), (1,), 1, 0),))),
    (Refusal.PAYOUT_LIMIT, Ticket((GOOD,), MAX_MONEY_MINOR + 1)),
]


@pytest.mark.parametrize(("code", "ticket"), REFUSED)
def test_what_is_refused(code: Refusal, ticket: Ticket) -> None:
    refused = tickets.refusal(ticket)
    assert refused is not None
    assert refused.code == code


def test_the_page_names_every_refusal_in_order_and_each_is_tried() -> None:
    named = [row["code"] for row in table(PAGE, "Refusals")]
    assert named == [str(code) for code in Refusal]
    assert {code for code, _ in REFUSED} == set(Refusal)


def test_a_refusal_says_which_bet_and_what_would_do() -> None:
    refused = tickets.refusal(Ticket((GOOD, Slip(legs(3), (2, 3), 3))))
    assert refused is not None
    assert refused.detail == {"bet": 2, "least_minor": 4, "most_minor": MAX_MONEY_MINOR}
    assert tickets.refusal(Ticket((GOOD, GOOD))) is None


@pytest.mark.parametrize(
    "result",
    [
        LegResult(Verdict(Outcome.WON, 2, 1), Verdict(Outcome.WON)),
        LegResult(Verdict(Outcome.WON, 0, 1), Verdict(Outcome.WON)),
        LegResult(Verdict(Outcome.WON, 1, 1_001), Verdict(Outcome.WON)),
        LegResult(Verdict(Outcome.WON), Verdict(Outcome.WON), deduction_pence=91),
        LegResult(Verdict(Outcome.WON), Verdict(Outcome.WON), start_deduction_pence=-1),
        LegResult(Verdict(Outcome.WON), Verdict(Outcome.WON), start_milli=1_000),
    ],
)
def test_results_that_no_leg_can_have(result: LegResult) -> None:
    assert not tickets.fits(Leg(1, 1, 2_000), result)


def test_a_winner_at_the_starting_price_needs_one() -> None:
    leg, won = Leg(1, 1, 0), tickets.settled(Outcome.WON)
    assert not tickets.fits(leg, won)
    with pytest.raises(tickets.PriceUnknown):
        tickets.payout(Slip((leg,), (1,), 100), [won])
    placed = LegResult(Verdict(Outcome.LOST), Verdict(Outcome.WON))
    assert tickets.fits(leg, placed)
    assert tickets.payout(Slip((leg,), (1,), 100), [placed]).payout_minor == 0
    each_way = Leg(1, 1, 0, TERMS)
    assert not tickets.fits(each_way, placed)
    with pytest.raises(tickets.PriceUnknown):
        tickets.payout(Slip((each_way,), (1,), 100), [placed])


# ---------------------------------------------------------------- what holds of every bet


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool(random.Random("what holds of every bet"))


def test_lines_add_up_to_the_returns(pool: Pool) -> None:
    for _ in range(500):
        drawn, folds, stake_minor = pool.draw()
        bet, ends = Slip(tuple(each.leg for each in drawn), tuple(folds), stake_minor), [each.result for each in drawn]
        shown = list(tickets.lines(bet, ends))
        assert len(shown) == tickets.line_count(bet)
        assert sum(line.shown_minor for line in shown) == tickets.payout(bet, ends).returns_minor
        exactly = sum((Fraction(line.numerator, line.denominator) for line in shown), Fraction(0))
        assert round(exactly) == tickets.payout(bet, ends).returns_minor


def test_results_only_ever_narrow_what_a_bet_can_pay(pool: Pool) -> None:
    for _ in range(500):
        drawn, folds, stake_minor = pool.draw()
        bet = Slip(tuple(each.leg for each in drawn), tuple(folds), stake_minor)
        known: list[LegResult | None] = [None] * len(drawn)
        least, most = tickets.bounds(bet, known)
        assert most == tickets.potential_minor(bet)
        for position in pool.rng.sample(range(len(drawn)), len(drawn)):
            known[position] = drawn[position].result
            nearer, narrower = tickets.bounds(bet, known)
            assert least <= nearer <= narrower <= most
            least, most = nearer, narrower
        assert least == most == tickets.payout(bet, [each.result for each in drawn]).payout_minor


def test_void_legs_give_the_stake_back(pool: Pool) -> None:
    void = tickets.settled(Outcome.VOID)
    for _ in range(200):
        drawn, folds, stake_minor = pool.draw()
        bet = Slip(tuple(each.leg for each in drawn), tuple(folds), stake_minor)
        assert tickets.payout(bet, [void] * len(drawn)).payout_minor == stake_minor
