"""Corrections that wait for somebody else, and what a desk sees before it acts: tables of docs/rules/controls.md."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.book.house import OPERATOR, House
from tests.book.tables import number, table

from overround.book.catalogue import MarketStatus
from overround.book.machine import (
    Done,
    Machine,
    ProposalsNow,
    Proposed,
    ResultPreview,
    Sheet,
    decode_snapshot,
    encode_snapshot,
    state_hash,
)
from overround.book.machine import commands as c
from overround.book.machine import desk_commands as d
from overround.book.machine.proposals import MAX_PROPOSALS, PROPOSAL_US
from overround.book.machine.supposing import MOST_BETS
from overround.book.settlement import Result, Score, Void
from overround.kernel.instant import HOUR_US
from overround.kernel.refusal import Refused

SECOND_OPERATOR = -2
RESULTS: dict[str, Result] = {
    "home won": Score(1, 0),
    "draw": Score(0, 0),
    "away won": Score(0, 1),
    "void": Void("abandoned"),
}


class Desk:
    """A market at 2.000, 3.000 and 4.000 with a bet of 1,000 on home and one on away; home has won."""

    def __init__(self, *, limit_minor: int = 0) -> None:
        self.house = House()
        self.customers = [self.house.customer(cash_minor=1_000) for _ in range(2)]
        self.market = self.house.market()
        self.other = self.house.market()
        for customer, selection in zip(self.customers, (1, 3), strict=True):
            self.house.taken(customer, self.market, selection)
        self.house.at_us += HOUR_US
        self.house.do(c.RecordResult(self.market, Score(1, 0)))
        self.house.wait()
        self.house.do(d.SetCorrectionLimit("EUR", limit_minor))

    def correct(self, correction: str) -> object:
        asked: dict[str, Callable[[], c.AnyCommand]] = {
            "the result taken back": lambda: c.RollbackResult(self.market),
            "all bets cancelled": lambda: c.CancelMarketBets(self.market, 0, self.house.at_us, "palpable error"),
            "the first result of another market": lambda: c.RecordResult(self.other, Score(1, 0)),
        }
        made = asked[correction]() if correction in asked else c.RecordResult(self.market, RESULTS[correction])
        return self.house.ask(made)

    def cash(self) -> list[int]:
        self.house.wait()
        return [self.house.cash(customer) for customer in self.customers]

    def waiting(self) -> ProposalsNow:
        found = self.house.ask(d.GetProposals())
        assert isinstance(found, ProposalsNow)
        return found


@pytest.mark.parametrize("row", table("controls.md", "Four eyes"), ids=lambda row: " ".join(row.values()))
def test_a_correction_that_changes_much_waits(row: dict[str, str]) -> None:
    desk = Desk(limit_minor=number(row["limit"]))
    answer = desk.correct(row["correction"])
    if row["what becomes of it"] == "made":
        assert isinstance(answer, Done)
        assert desk.waiting().proposals == ()
        return
    assert isinstance(answer, Proposed)
    (proposal,) = desk.waiting().proposals
    assert proposal.change_minor == {"EUR": number(row["change"])}
    assert (proposal.actor, proposal.bets, proposal.is_whole) == (OPERATOR, 2, True)
    assert desk.cash() == [2_000, 0]


def test_another_operator_approves_and_the_correction_is_made() -> None:
    desk = Desk(limit_minor=1)
    desk.correct("away won")
    assert desk.house.ask(d.ApproveProposal(1)) == Refused("own_proposal")
    assert desk.house.ask(d.ApproveProposal(2), actor=SECOND_OPERATOR) == Refused("proposal_not_found")
    answer = desk.house.ask(d.ApproveProposal(1), actor=SECOND_OPERATOR)
    assert isinstance(answer, Done)
    assert (answer.id, desk.waiting().proposals) == (1, ())
    assert desk.cash() == [0, 4_000]
    assert desk.house.refusal(d.ApproveProposal(1)) == "proposal_not_found"


def test_a_proposal_is_decided_as_things_are_when_it_is_approved() -> None:
    desk = Desk(limit_minor=1)
    desk.correct("away won")
    desk.correct("void")
    desk.house.ask(d.ApproveProposal(1), actor=SECOND_OPERATOR)
    desk.house.wait()
    answer = desk.house.ask(d.ApproveProposal(2), actor=SECOND_OPERATOR)
    assert isinstance(answer, Done)
    assert desk.cash() == [1_000, 1_000]
    desk.correct("home won")
    desk.house.do(d.SetCorrectionLimit("EUR", 0))
    desk.house.do(c.RecordResult(desk.market, Score(1, 0)))
    refused = desk.house.ask(d.ApproveProposal(3), actor=SECOND_OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.code == "result_unchanged"
    assert [each.proposal_id for each in desk.waiting().proposals] == [3]


def test_anybody_rejects_and_time_does() -> None:
    desk = Desk(limit_minor=1)
    desk.correct("away won")
    assert desk.house.refusal(c.RecordResult(desk.market, Score(0, 1))) == "already_proposed"
    assert desk.house.refusal(d.RejectProposal(1, "")) == "name_invalid"
    desk.house.do(d.RejectProposal(1, "a typing mistake"))
    assert desk.house.refusal(d.RejectProposal(1, "again")) == "proposal_not_found"
    desk.correct("away won")
    assert desk.house.machine.next_due_us() == desk.house.at_us + PROPOSAL_US
    desk.house.wait(PROPOSAL_US - 1)
    assert len(desk.waiting().proposals) == 1
    desk.house.wait(1)
    assert desk.waiting().proposals == ()
    assert desk.cash() == [2_000, 0]
    assert desk.house.machine.state.proposals.next_due_us() is None


def test_what_waits_survives_a_restart() -> None:
    desk = Desk(limit_minor=1)
    desk.correct("away won")
    state = desk.house.machine.state
    restored = decode_snapshot(encode_snapshot(state))
    assert restored.proposals == state.proposals
    assert state_hash(restored) == state_hash(state)
    desk.house.machine = Machine(restored)
    desk.house.ask(d.ApproveProposal(1), actor=SECOND_OPERATOR)
    assert desk.cash() == [0, 4_000]


def test_proposals_are_few_enough() -> None:
    desk = Desk(limit_minor=1)
    for home in range(MAX_PROPOSALS):
        assert isinstance(desk.house.ask(c.RecordResult(desk.market, Score(0, home + 1))), Proposed)
    full = Refused("too_many_proposals", {"max_proposals": MAX_PROPOSALS})
    assert desk.house.ask(c.RecordResult(desk.market, Void("x"))) == full


def test_a_correction_of_more_bets_than_are_looked_at_waits_whatever_it_changes() -> None:
    desk = Desk(limit_minor=10**15)
    market = desk.house.market()
    customer = desk.house.customer(cash_minor=10 * MOST_BETS)
    for _ in range(MOST_BETS + 1):
        placed = c.PlaceBet(customer, market, 2, "EUR", 10, 3_000)
        desk.house.machine.execute(c.Request(customer, desk.house.key(), 0, placed), desk.house.at_us)
    desk.house.machine.drain()
    placed_bets = len(desk.house.machine.state.bets.by_market[market])
    desk.house.do(c.RecordResult(market, Score(1, 0)))
    desk.house.wait()
    answer = desk.house.ask(c.RecordResult(market, Score(2, 0)))
    assert isinstance(answer, Proposed) == (placed_bets > MOST_BETS)
    pages = []
    done = 0
    while done < placed_bets:
        page = preview(desk.house, market, Score(0, 0), done=done)
        pages.append(page.looked_at)
        done += page.looked_at
    assert sum(pages) == placed_bets


def preview(house: House, market: int, result: Result, **more: int) -> ResultPreview:
    found = house.ask(d.PreviewResult(market, result, **more))
    assert isinstance(found, ResultPreview), found
    return found


@pytest.mark.parametrize("row", table("controls.md", "Before a result"), ids=lambda row: " ".join(row.values()))
def test_a_preview_says_what_a_result_would_pay(row: dict[str, str]) -> None:
    house = House()
    customer = house.customer(cash_minor=1_500)
    market = house.market()
    house.taken(customer, market, 1, stake_minor=1_000)
    house.taken(customer, market, 3, stake_minor=500)
    if row["result so far"] != "–":
        house.do(c.RecordResult(market, Score(1, 0)))
        house.wait()
        if row["result so far"].endswith("spent"):
            house.do(c.MoveFunds(customer, "EUR", -2_000, "withdrawal"))
    before = state_hash(house.machine.state), house.machine.state.seq
    found = preview(house, market, RESULTS[row["preview of"]])
    assert (state_hash(house.machine.state), house.machine.state.seq) == before
    (in_euro,) = found.sums
    names = ("payouts_minor", "previous_minor", "house_minor", "debts_minor")
    amounts = [number(row[name]) for name in ("pays", "paid before", "house", "debts")]
    assert [getattr(in_euro, name) for name in names] == amounts
    assert (in_euro.bets, in_euro.stakes_minor, found.bets, found.looked_at) == (2, 1_500, 2, 2)
    assert found.is_correction == (row["result so far"] != "–")
    was = house.cash(customer), house.owed(customer)
    house.do(c.RecordResult(market, RESULTS[row["preview of"]]))
    house.wait()
    assert house.owed(customer) - was[1] == in_euro.debts_minor, "as the preview said"
    assert house.cash(customer) - was[0] - in_euro.debts_minor == in_euro.payouts_minor - in_euro.previous_minor


def test_a_preview_names_the_largest_winners_and_who_must_approve() -> None:
    house = House()
    market = house.market()
    for stake in (100, 900, 500):
        house.taken(house.customer(cash_minor=stake), market, 1, stake_minor=stake)
    house.do(d.SetCorrectionLimit("EUR", 100))
    found = preview(house, market, Score(1, 0))
    assert [(each.bet_id, each.payout_minor) for each in found.winners] == [(2, 1_800), (3, 1_000), (1, 200)]
    assert not found.needs_approval, "a first result corrects nothing"
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    assert preview(house, market, Score(0, 1)).needs_approval
    assert house.ask(d.PreviewResult(99, Score(0, 0))) == Refused("market_not_found")
    assert house.refusal(d.PreviewResult(market, Score(-1, 0))) == "result_invalid"
    assert house.machine.state.catalogue.markets[market].status is MarketStatus.RESULTED


def test_a_preview_of_one_leg_of_many() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    first, second = house.market(), house.market()
    legs = (c.LegAsked(first, 1, 2_000), c.LegAsked(second, 1, 2_000))
    house.ask(c.PlaceTicket(customer, "EUR", (c.BetAsked(legs, (2,), 1_000),)), actor=customer)
    open_yet, lost = preview(house, first, Score(1, 0)).sums[0], preview(house, first, Score(0, 1)).sums[0]
    assert (open_yet.payouts_minor, open_yet.house_minor) == (0, 0)
    assert (lost.payouts_minor, lost.house_minor) == (0, 1_000)
    house.do(c.RecordResult(second, Score(1, 0)))
    house.wait()
    assert preview(house, first, Score(1, 0)).sums[0].payouts_minor == 4_000


def sheet(house: House, event: int, **more: int) -> Sheet:
    found = house.ask(d.FieldSheet(event, **more))
    assert isinstance(found, Sheet), found
    return found


def test_a_field_sheet_is_what_the_house_wins_and_loses() -> None:
    house = House()
    event = house.event()
    markets = [house.market(event_id=event) for _ in range(2)]
    customer, other = house.customer(cash_minor=10_000), house.customer(cash_minor=5_000, currency="GBP")
    house.taken(customer, markets[0], 1, stake_minor=1_000)
    house.taken(customer, markets[0], 3, stake_minor=500)
    house.bet(other, markets[0], 2, stake_minor=100, currency="GBP")
    legs = (c.LegAsked(markets[0], 2, 3_000), c.LegAsked(house.market(), 1, 2_000))
    house.ask(c.PlaceTicket(customer, "EUR", (c.BetAsked(legs, (2,), 100),)), actor=customer)
    found = sheet(house, event)
    assert [each.market_id for each in found.markets] == markets
    assert found.markets[1].books == ()
    euro, pound = found.markets[0].books
    assert (euro.currency, euro.stakes_minor, euro.worst_minor) == ("EUR", 1_600, 400)
    assert [(line.selection_id, line.payout_minor, line.lost_minor) for line in euro.lines] == [
        (1, 2_000, 400),
        (2, 600, -1_000),
        (3, 2_000, 400),
    ]
    assert (pound.currency, pound.worst_minor) == ("GBP", 200)
    assert house.ask(d.FieldSheet(99)) == Refused("event_not_found")


def test_a_large_event_comes_some_markets_at_a_time() -> None:
    house = House()
    event = house.event()
    names = tuple(f"runner {number}" for number in range(900))
    wide: dict[str, Any] = {"selections": names, "prices_milli": (1_000_000,) * 900, "resume": False}
    markets = [house.market("winner", event_id=event, **wide) for _ in range(4)]
    first = sheet(house, event)
    assert ([each.market_id for each in first.markets], first.next) == (markets[:3], markets[2])
    rest = sheet(house, event, after=first.next)
    assert ([each.market_id for each in rest.markets], rest.next) == (markets[3:], 0)
