"""A journal with many open bets, written as a book would write it but without anybody asking for them one by one."""

from collections.abc import Iterator

import msgspec

from bench.wagers import Dealer
from overround import journal
from overround.apps.house import migrate
from overround.book.machine import Machine, TermBegan
from overround.book.machine.commands import Request

HOLDER = "seed"
BATCH_FACTS = 5_000
LEASE_S = 300.0


class Seed(msgspec.Struct, frozen=True, kw_only=True):
    """`bets` open bets of `customers` customers; of `markets` markets only the first `used` have any.

    With more than one of `legs` they are multiples instead, each with a leg on the first market and the others on the
    last hundred.
    """

    dsn: str
    bets: int
    customers: int = 1_000
    markets: int = 100
    used: int = 100
    legs: int = 1


async def plant(seed: Seed) -> int:
    """Migrate the database and write the journal. How many facts it has."""
    await migrate(seed.dsn)
    connection = await journal.connect(seed.dsn)
    try:
        epoch = await journal.acquire(connection, HOLDER, LEASE_S)
        if epoch is None:
            raise RuntimeError("somebody holds the lease of a new journal")
        writer = await journal.Journal.open(seed.dsn, epoch=epoch, head=await journal.head(connection))
        machine = Machine()
        dealer = Dealer(machine)
        machine.record(TermBegan(epoch=epoch, holder=HOLDER), dealer.at_us)
        dealer.open_house(customers=seed.customers, markets=seed.markets)
        await _append(writer, machine)
        for request in _requests(dealer, seed):
            dealer.at_us += 1
            machine.execute(request, dealer.at_us)
            if len(machine.outbox) >= BATCH_FACTS:
                await _append(writer, machine)
        await _append(writer, machine)
        await writer.close()
        await journal.release(connection, epoch)
    finally:
        await connection.close()
    assert len(machine.state.bets.bets) == seed.bets
    return machine.state.seq


def _requests(dealer: Dealer, seed: Seed) -> Iterator[Request]:
    if seed.legs == 1:
        return dealer.bets(seed.bets, customers=seed.customers, markets=seed.used)
    return dealer.multiples(seed.bets, customers=seed.customers, markets=seed.markets, legs=seed.legs)


async def _append(writer: journal.Journal, machine: Machine) -> None:
    await writer.append([(fact.at_us, fact.kind, fact.body) for fact in machine.drain()])
