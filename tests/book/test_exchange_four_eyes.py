"""Corrections of an exchange's results that wait for somebody else: a table of docs/rules/controls.md."""

import pytest
from tests.book.exchanging import BACK, LAY, Exchange
from tests.book.house import OPERATOR
from tests.book.tables import table
from tests.book.test_exchange_rules import pence

from overround.book.exchange import ExchangeResult, RunnersResult, Share, VoidResult
from overround.book.machine import Done, Machine, ProposalsNow, Proposed, decode_snapshot, encode_snapshot, state_hash
from overround.book.machine.desk_commands import ApproveProposal, GetProposals, RejectProposal, SetCorrectionLimit
from overround.book.machine.exchange_commands import RecordExchangeResult
from overround.book.machine.supposing import MOST_BETS
from overround.kernel.refusal import Refused

SECOND_OPERATOR = -2
A_WON, B_WON, VOID = RunnersResult((Share(0),)), RunnersResult((Share(1),)), VoidResult("abandoned")
CORRECTIONS: dict[str, ExchangeResult] = {"B won": B_WON, "void": VOID}


class Desk:
    """A backer and a layer of 10.00 on A at 3.00 in two markets; in one A has won, and is settled."""

    def __init__(self, *, limit_minor: int = 0) -> None:
        self.house = Exchange()
        self.market, self.other = self.house.exchange_market(), self.house.exchange_market()
        self.people = [self.house.trader(), self.house.trader()]
        for customer, side in zip(self.people, (BACK, LAY), strict=True):
            for market in (self.market, self.other):
                self.house.order(customer, market, side, 3_000, 1_000)
        self.house.win(self.market, 0)
        self.house.do(SetCorrectionLimit("GBP", limit_minor))

    def correct(self, result: ExchangeResult, market: int = 0) -> object:
        return self.house.ask(RecordExchangeResult(market or self.market, result), actor=OPERATOR)

    def waiting(self) -> ProposalsNow:
        found = self.house.ask(GetProposals())
        assert isinstance(found, ProposalsNow)
        return found

    def won(self) -> list[int]:
        self.house.wait()
        return [self.house.pounds(customer) - 100_000 for customer in self.people]


@pytest.mark.parametrize(
    "row", table("controls.md", "Four eyes on the exchange"), ids=lambda row: " ".join(row.values())
)
def test_a_correction_of_the_exchange_that_changes_much_waits(row: dict[str, str]) -> None:
    desk = Desk(limit_minor=pence(row["limit"]))
    correction = CORRECTIONS.get(row["correction"])
    answer = desk.correct(A_WON, desk.other) if correction is None else desk.correct(correction)
    if row["what becomes of it"] == "made":
        assert isinstance(answer, Done)
        assert desk.waiting().proposals == ()
        now = {"B won": [-1_000, 950], "void": [0, 0]}
        assert desk.won() == now.get(row["correction"], [3_800, -4_000])
        return
    assert isinstance(answer, Proposed)
    (proposal,) = desk.waiting().proposals
    assert proposal.change_minor == {"GBP": pence(row["change"])}
    assert (proposal.command, proposal.actor, proposal.bets, proposal.is_whole) == (
        "RecordExchangeResult", OPERATOR, 2, True,
    )  # fmt: skip
    assert desk.won() == [1_900, -2_000]


def test_another_operator_approves_the_exchanges_correction() -> None:
    desk = Desk(limit_minor=1)
    desk.correct(B_WON)
    assert desk.house.ask(ApproveProposal(1), actor=OPERATOR) == Refused("own_proposal")
    restored = decode_snapshot(encode_snapshot(desk.house.machine.state))
    assert state_hash(restored) == state_hash(desk.house.machine.state)
    desk.house.machine = Machine(restored)
    assert isinstance(desk.house.ask(ApproveProposal(1), actor=SECOND_OPERATOR), Done)
    assert desk.won() == [-1_000, 950]
    assert desk.waiting().proposals == ()


def test_it_is_decided_as_things_are_and_rejected_by_anybody() -> None:
    desk = Desk(limit_minor=1)
    desk.correct(B_WON)
    desk.house.do(SetCorrectionLimit("GBP", 0))
    desk.house.result(desk.market, B_WON)
    assert desk.house.ask(ApproveProposal(1), actor=SECOND_OPERATOR) == Refused("result_unchanged")
    desk.house.do(RejectProposal(1, "made meanwhile"))
    assert desk.waiting().proposals == ()
    assert desk.won() == [-1_000, 950]


def test_a_market_of_more_positions_than_are_looked_at_waits_whatever_it_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("overround.book.machine.approving.MOST_BETS", 1)
    desk = Desk(limit_minor=10**12)
    assert isinstance(desk.correct(VOID), Proposed)
    (proposal,) = desk.waiting().proposals
    assert (proposal.bets, proposal.is_whole) == (2, False)
    assert MOST_BETS > 1
