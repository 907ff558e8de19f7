"""A house that is broken on purpose is caught. What is not caught here is not watched there."""

import pytest
from tests.sim import exchange_sabotage, sabotage

from overround.book.machine import Machine
from overround.sim import World
from overround.sim.journal import JournalServer

SEEDS = range(1, 31)


def first_caught(*, machine: type[Machine] = Machine, server: type[JournalServer] = JournalServer) -> str:
    """What the auditor says of the first world that it finds broken; nothing where every world passed."""
    for seed in SEEDS:
        report = World(seed, machine=machine, server=server).run()
        if report.broken:
            return report.broken
    return ""


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (
            sabotage.Unfenced,
            ("two writers both appended", "time ran backwards", "a bet's id", "a key with two", "deadlock"),
        ),
        (sabotage.Asynchronous, ("published what is not in the journal", "told what is not in the journal")),
        (sabotage.Lossy, ("published what is not in the journal", "told what is not in the journal")),
        (sabotage.ForgetfulSnapshots, ("a key with two effects", "another state", "not what its journal says")),
    ],
)
def test_a_broken_journal_is_caught(server: type[JournalServer], said: tuple[str, ...]) -> None:
    caught = first_caught(server=server)
    assert any(words in caught for words in said), caught


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (sabotage.Forgetful, ("a key with two effects",)),
        (
            sabotage.Careless,
            ("cash overdrawn", "more is held", "would be at", "would hold", "shown a wrong balance", "state is not"),
        ),
        (sabotage.PaysTwice, ("other money moved than expected",)),
        (sabotage.SettlesTwice, ("a bet settled twice by one result", "settled wrongly")),
        (sabotage.NeverSuspends, ("a bet on a market that is not open",)),
        (sabotage.DeafToTheDesk, ("a bet on what the desk suspended", "a bet on what is not approved")),
        (sabotage.SleepsThrough, ("a bet that slept through a suspension",)),
        (sabotage.Extravagant, ("liability is exceeded",)),
        (sabotage.Spendthrift, ("the limit ", "a limit at a wrong time", "cash overdrawn")),
        (sabotage.Generous, ("settled wrongly",)),
        (exchange_sabotage.Trusting, ("what is held is not the worst case",)),
        (exchange_sabotage.LastComeFirst, ("a trade with who was not first",)),
        (exchange_sabotage.PaysForCrossing, ("the house pays more than it takes for a cross match",)),
        (
            exchange_sabotage.NeverCrosses,
            ("an order rests that could cross match", "a trade though a cross match was better"),
        ),
        (exchange_sabotage.DirectFirst, ("a trade though a cross match was better",)),
        (exchange_sabotage.KeepsTheDifference, ("a cross match at a worse price than was due",)),
        (exchange_sabotage.Revives, ("what is held is not the worst case", "a position settled wrongly")),
        (exchange_sabotage.ForgetsTheBack, ("what is held is not the worst case",)),
        (exchange_sabotage.OneOfThemWins, ("a position settled wrongly",)),
        (exchange_sabotage.TakesNoCommission, ("a position settled wrongly",)),
        (sabotage.Stubborn, ("settlement ended before", "a bet left")),
        (sabotage.Unmoved, ("settlement ended before", "a bet left", "settled wrongly", "cancelled")),
        (sabotage.PaysSalesTwice, ("other money moved than expected",)),
        (sabotage.SellsWhatIsSuspended, ("sold though it is a bet on a market that is not open",)),
        (sabotage.SettlesWhatWasSold, ("settled wrongly", "other money moved than expected")),
        (sabotage.PaysForTheSold, ("that may not be", "settled wrongly", "not what its journal says")),
        (
            sabotage.SleepsThroughTheGoal,
            ("slept through", "a bet sold that is", "sold though", "than it is worth after"),
        ),
        (sabotage.DeafToPrices, ("a fulfilled rule sells nothing",)),
        (sabotage.SellsForMore, ("a wrong quote",)),
        (sabotage.ReturnsFreeStakes, ("a bet of a ticket settled wrongly",)),
        (sabotage.GivesForEver, ("a grant that may not be used", "a grant taken back that is used")),
        (sabotage.Hasty, ("a market archived too early",)),
        (sabotage.LetsRunningTicketsGo, ("a bet archived that may yet change",)),
        (sabotage.Impatient, ("a bonus released before it was wagered",)),
    ],
)
def test_a_broken_machine_is_caught(machine: type[Machine], said: tuple[str, ...]) -> None:
    caught = first_caught(machine=machine)
    assert any(words in caught for words in said), caught


def test_the_same_worlds_are_whole_when_nothing_is_broken_on_purpose() -> None:
    assert [report.broken for report in (World(seed).run() for seed in SEEDS) if report.broken] == []
