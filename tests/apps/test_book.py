"""A book on the real engines: one thin slice from a desk, through the machine and the journal, to a settled payout."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from overround.apps.book import PostgresJournal, SystemClock, status_of
from overround.book.bets import BetStatus, Outcome
from overround.book.machine import Answer, Balances, BetAnswer, BetFound, Done
from overround.book.machine.commands import (
    Command,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    FindBet,
    GetBalances,
    MoveFunds,
    OpenCustomer,
    PlaceBet,
    RecordEventResult,
    ResumeMarket,
)
from overround.book.settlement import Score
from overround.host import Desk, Limits, Term
from overround.host.nats_bus import NatsBus
from overround.infra import nats as nats_server
from overround.kernel.ids import make_key

OPERATOR, ALICE = -1, 1
CEILING_S = 20.0

Ask = Callable[[Command, int], Awaitable[Answer]]


def cell_of(dsn: str) -> str:
    """Subjects of this test's own: the name of its database."""
    return urlsplit(dsn).path.strip("/")


@asynccontextmanager
async def book(dsn: str, nats_url: str, *, name: str) -> AsyncIterator[Term]:
    """A book process's insides, run in this one."""
    client = await nats_server.connect(nats_url, name=name)
    cell = cell_of(dsn)
    events = PostgresJournal(dsn, lease_s=1.0)
    term = Term(
        name=name, journal=events, bus=NatsBus(client, cell=cell), clock=SystemClock(), limits=Limits(lease_s=1.0)
    )
    running = asyncio.create_task(term.run())
    try:
        yield term
    finally:
        term.stop()
        await running
        await events.close()
        await client.close()


@asynccontextmanager
async def desk(dsn: str, nats_url: str) -> AsyncIterator[Ask]:
    client = await nats_server.connect(nats_url, name="desk")
    asking = Desk(NatsBus(client, cell=cell_of(dsn)))
    await asking.open()
    chances = itertools.count(1)

    async def ask(command: Command, actor: int) -> Answer:
        key = make_key(at_us=time.time_ns() // 1_000, chance=next(chances))
        return await asking.ask(command, actor=actor, key=key)

    try:
        yield ask
    finally:
        await asking.close()
        await client.close()


async def open_house(ask: Ask) -> None:
    """Alice has 100.00 EUR, and City v United takes bets at 2.00, 3.40 and 3.80."""
    for command in (
        OpenCustomer("EUR"),
        MoveFunds(ALICE, "EUR", 10_000, "deposit"),
        CreateSport("Football"),
        CreateCompetition(1, "Premier League"),
        CreateEvent(1, "City v United", 1_800_000_000_000_000),
        CreateMarket(1, "1x2", prices_milli=(2_000, 3_400, 3_800)),
        ResumeMarket(1),
    ):
        assert isinstance(await ask(command, OPERATOR), Done)


async def settled(ask: Ask, bet_id: int) -> BetFound:
    for _ in range(int(CEILING_S / 0.02)):
        found = await ask(FindBet(ALICE, bet_id), ALICE)
        assert isinstance(found, BetFound)
        if found.status is BetStatus.SETTLED:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the bet was never settled")


async def cash_minor(ask: Ask) -> int:
    balances = await ask(GetBalances(ALICE), ALICE)
    assert isinstance(balances, Balances)
    return balances.wallets[0].cash_minor


async def test_a_bet_is_placed_settled_and_paid(journal_dsn: str, nats_url: str) -> None:
    async with book(journal_dsn, nats_url, name="book-1"), desk(journal_dsn, nats_url) as ask:
        await open_house(ask)
        bet = await ask(PlaceBet(ALICE, 1, 1, "EUR", 1_000, 2_000), ALICE)
        assert isinstance(bet, BetAnswer)
        assert bet.status is BetStatus.OPEN
        assert await cash_minor(ask) == 9_000
        await ask(RecordEventResult(1, Score(2, 1)), OPERATOR)
        paid = await settled(ask, bet.bet_id)
        assert (paid.outcome, paid.payout_minor) == (Outcome.WON, 2_000)
        assert await cash_minor(ask) == 11_000


async def test_the_next_book_knows_all_that_the_last_one_did(journal_dsn: str, nats_url: str) -> None:
    async with desk(journal_dsn, nats_url) as ask:
        async with book(journal_dsn, nats_url, name="book-1") as first:
            await open_house(ask)
            bet = await ask(PlaceBet(ALICE, 1, 1, "EUR", 1_000, 2_000), ALICE)
            assert isinstance(bet, BetAnswer)
        async with book(journal_dsn, nats_url, name="book-2") as second:
            found = await ask(FindBet(ALICE, bet.bet_id), ALICE)
            assert isinstance(found, BetFound)
            assert (found.status, found.stake_minor) == (BetStatus.OPEN, 1_000)
            assert await cash_minor(ask) == 9_000
            assert status_of(second).seq == status_of(first).seq + 1, "the new term's first fact, and no other"


async def test_a_follower_takes_over_where_the_leader_stops(journal_dsn: str, nats_url: str) -> None:
    async with desk(journal_dsn, nats_url) as ask, book(journal_dsn, nats_url, name="book-1") as leader:
        await open_house(ask)
        async with book(journal_dsn, nats_url, name="book-2") as follower:
            assert (leader.active, follower.active) == (True, False)
            leader.stop()
            bet = await ask(PlaceBet(ALICE, 1, 1, "EUR", 1_000, 2_000), ALICE)
            assert isinstance(bet, BetAnswer)
            assert (leader.active, follower.active) == (False, True)
            assert await cash_minor(ask) == 9_000


async def test_a_cut_pen_loses_nothing_that_was_told(journal_dsn: str, nats_url: str) -> None:
    """The writer's connection is cut in the middle of a load; the book recovers by itself and clients ask again."""
    async with desk(journal_dsn, nats_url) as ask, book(journal_dsn, nats_url, name="book-1") as term:
        await open_house(ask)
        placing = asyncio.gather(*(ask(PlaceBet(ALICE, 1, 1, "EUR", 10, 2_000), ALICE) for _ in range(200)))
        while term.machine.state.bets.next_id() < 50:  # noqa: ASYNC110  # the machine has no event to wait for
            await asyncio.sleep(0)
        assert term._writer is not None
        term._writer.cut()
        answers = await placing
        assert {type(answer) for answer in answers} == {BetAnswer}
        assert len({answer.bet_id for answer in answers if isinstance(answer, BetAnswer)}) == 200
        assert await cash_minor(ask) == 10_000 - 200 * 10
