"""What may be asked about tickets: what one would come to, how one stands, and how a payout came about."""

from fractions import Fraction

import msgspec
from tests.book.house import House
from tests.book.test_ticketing import AWAY_WINS, HOME_WINS, leg, multiple, result, taken

from overround.book.bets import BetStatus, OddsChange
from overround.book.machine import BetWorking, TicketAnswer, TicketFound, TicketPreview, state_hash
from overround.book.machine import commands as c
from overround.book.machine.commands import BetAsked
from overround.book.tickets import SYSTEMS, lines, payout
from overround.kernel.refusal import Refused


def preview(house: House, customer: int, *bets: BetAsked, **asked: object) -> TicketPreview:
    command = msgspec.structs.replace(c.PreviewTicket(customer, "EUR", bets), **asked)
    answer = house.ask(command, actor=customer)
    assert isinstance(answer, TicketPreview)
    return answer


def test_a_preview_is_what_placing_then_does_and_changes_nothing() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market() for _ in range(4)]
    asked = multiple(house, markets, 1_500, SYSTEMS["lucky_15"].folds)
    before = state_hash(house.machine.state), len(house.journal)
    seen = preview(house, customer, asked, multiple(house, markets[:2]))
    assert (state_hash(house.machine.state), len(house.journal)) == before
    answer = house.ask(c.PlaceTicket(customer, "EUR", (asked, multiple(house, markets[:2]))), actor=customer)
    assert isinstance(answer, TicketAnswer)
    assert (seen.bets, seen.code, seen.delay_us) == (answer.bets, "", 0)


def test_a_preview_says_why_not_and_whether_a_trader_may_be_asked() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000_000), [house.market(), house.market()]
    too_much = preview(house, customer, multiple(house, markets, 1_000_001))
    assert (too_much.code, too_much.referable) == ("stake_limit", True)
    assert [each.slip.stake_minor for each in too_much.bets] == [1_000_001]
    poor = preview(house, house.customer(cash_minor=10_000), multiple(house, markets, 1_000_001))
    assert (poor.code, poor.referable) == ("stake_limit", False), "the money is not there either"
    moved = preview(house, customer, BetAsked((leg(house, markets[0], price=2_500),), (1,), 100))
    assert (moved.code, moved.detail["price_milli"], moved.referable) == ("price_changed", 2_000, False)
    related = preview(house, customer, multiple(house, [markets[0], markets[0]]))
    assert (related.code, related.bets) == ("legs_related", ())
    assert preview(house, 99, multiple(house, markets)).code == "customer_not_found"
    taken_at = preview(house, customer, moved_bet(house, markets[0]), odds_change=OddsChange.ANY)
    assert taken_at.bets[0].slip.legs[0].price_milli == 2_000


def moved_bet(house: House, market: int) -> BetAsked:
    return BetAsked((leg(house, market, price=2_500),), (1,), 100)


def test_a_ticket_is_found_by_any_of_its_bets_and_by_key() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    key = house.key()
    command = c.PlaceTicket(customer, "EUR", (multiple(house, markets), multiple(house, markets[:1])))
    answer = house.ask(command, actor=customer, key=key)
    assert isinstance(answer, TicketAnswer)
    found = house.ask(c.FindTicket(customer, answer.ticket_id + 1))
    assert isinstance(found, TicketFound)
    assert [each.bet_id for each in found.bets] == [answer.ticket_id, answer.ticket_id + 1]
    assert house.ask(c.FindTicket(customer, key=key)) == found
    assert house.ask(c.FindTicket(house.customer(), answer.ticket_id)) == Refused("ticket_not_found")
    single = house.taken(customer, markets[0])
    assert house.ask(c.FindTicket(customer, single)) == Refused("ticket_not_found")


def working(house: House, bet_id: int, customer: int = 0) -> BetWorking:
    answer = house.ask(c.GetWorking(customer, bet_id))
    assert isinstance(answer, BetWorking)
    return answer


def test_the_lines_of_a_working_add_up_to_the_payout() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market() for _ in range(4)]
    (bet,) = taken(house, customer, multiple(house, markets, 1_501, SYSTEMS["lucky_15"].folds))
    for market, score in zip(markets, (HOME_WINS, HOME_WINS, AWAY_WINS, HOME_WINS), strict=True):
        result(house, market, score)
    shown = working(house, bet.id, customer)
    known = [each for each in shown.results if each is not None]
    assert payout(shown.slip, known).payout_minor == shown.bet.payout_minor == bet.payout_minor
    lined = list(lines(shown.slip, known))
    assert len(lined) == 15
    assert sum(line.shown_minor for line in lined) == bet.payout_minor
    exact = sum((Fraction(line.numerator, line.denominator) for line in lined), Fraction(0))
    assert exact == Fraction(1_501, 15) * (3 * 2 + 3 * 4 + 8)


def test_open_legs_are_not_known_yet_and_a_single_is_a_slip_too() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    (bet,) = taken(house, customer, multiple(house, markets))
    single = house.taken(customer, markets[0])
    result(house, markets[0], HOME_WINS)
    double = working(house, bet.id)
    assert (double.bet.status, double.results[0] is None, double.results[1]) == (BetStatus.OPEN, False, None)
    plain = working(house, single)
    assert payout(plain.slip, [each for each in plain.results if each]).payout_minor == plain.bet.payout_minor == 2_000
    assert house.ask(c.GetWorking(house.customer(), bet.id)) == Refused("bet_not_found")
