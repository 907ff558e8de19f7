"""A whole gateway: its rooms wired together, its tasks, and the journal as its live view reads it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from overround import journal, projections
from overround.book.catalogue import CatalogueState
from overround.edge.access import Door
from overround.edge.archived import Archived
from overround.edge.asking import Asker
from overround.edge.betfair import Exchange
from overround.edge.betting import Betting
from overround.edge.builders import AskPrice, Builders, nobody
from overround.edge.cashing import Cashing
from overround.edge.catalogue import Catalogue
from overround.edge.controls import Controls
from overround.edge.docs import Docs
from overround.edge.exchange_listing import ExchangeListing
from overround.edge.gate import Gate
from overround.edge.grants import Grants
from overround.edge.health import Health
from overround.edge.hub import Hub
from overround.edge.listing import Listing
from overround.edge.live import Fact, Live, Lost
from overround.edge.openapi import document
from overround.edge.operating import Operating
from overround.edge.previews import Previews
from overround.edge.problems import Problem
from overround.edge.reading import READ_WITHIN_S, Reading
from overround.edge.referrals import Referrals
from overround.edge.routes import Router
from overround.edge.sessions import Sessions
from overround.edge.stream import MAX_CLIENTS, Stream
from overround.edge.table import Rooms, routes
from overround.edge.tickets import Tickets
from overround.edge.wallet import Wallet
from overround.edge.workings import Workings
from overround.host import Clock, Desk

if TYPE_CHECKING:
    from asyncpg import Pool, Record


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one gateway takes."""

    per_token_s: float = 5_000.0
    per_address_s: float = 1_000.0
    stream_clients: int = MAX_CLIENTS


ENDS: Final = "SELECT coalesce(min(seq), 1) - 1, coalesce(max(seq), 0) FROM journal.event"
"""The sequence before the first fact that is not archived, and the last."""


class TablesAndJournal:
    """Where a live view begins and what it missed, on a pool of connections."""

    def __init__(self, pool: "Pool[Record]") -> None:
        self._pool = pool

    async def base(self) -> tuple[int, CatalogueState]:
        async with _within(READ_WITHIN_S * 6), self._pool.acquire() as connection:
            return await projections.offer(connection)  # type: ignore[arg-type]  # a pool's connection does as well
        raise AssertionError

    async def exchange(self, *, closed_for_us: int) -> projections.ExchangeOffer:
        async with _within(READ_WITHIN_S * 6), self._pool.acquire() as connection:
            return await projections.exchange_offer(connection, closed_for_us=closed_for_us)  # type: ignore[arg-type]  # a pool's connection does as well
        raise AssertionError

    async def before(self, at_us: int) -> int:
        """Instants rise with the sequence, so that halving finds the place and no index is kept."""
        async with _within(READ_WITHIN_S):
            low, high = await self._pool.fetchrow(ENDS)  # type: ignore[misc]  # one row
            while low < high:
                middle = (low + high + 1) // 2
                found = await self._pool.fetchval("SELECT at_us FROM journal.event WHERE seq = $1", middle)
                if found is None or found < at_us:  # none: it was archived meanwhile
                    low = middle
                else:
                    high = middle - 1
            return int(low)
        raise AssertionError

    async def read(self, after: int, limit: int) -> Sequence[Fact]:
        async with _within(READ_WITHIN_S):
            rows = await journal.read(self._pool, after, limit)
            return [Fact(row.seq, row.at_us, row.kind, row.body) for row in rows]
        raise AssertionError

    async def read_kinds(self, kinds: Sequence[str], after: int, upto: int, limit: int) -> Sequence[Fact]:
        async with _within(READ_WITHIN_S * 6):
            rows = await self._pool.fetch(
                "SELECT seq, at_us, kind, body FROM journal.event"
                " WHERE seq > $1 AND seq <= $2 AND kind = ANY($3) ORDER BY seq LIMIT $4",
                after,
                upto,
                list(kinds),
                limit,
            )
            return [Fact(*row) for row in rows]
        raise AssertionError

    async def body_of(self, seq: int) -> str | None:
        """A fact by its sequence, None where it is archived. Raises Problem: unavailable."""
        try:
            async with _within(READ_WITHIN_S):
                body: str | None = await self._pool.fetchval("SELECT body FROM journal.event WHERE seq = $1", seq)
                return body
        except Lost:
            raise Problem("unavailable") from None
        raise AssertionError

    async def head(self) -> int:
        async with _within(READ_WITHIN_S):
            seq: int = await self._pool.fetchval("SELECT coalesce(max(seq), 0) FROM journal.event")
            return seq
        raise AssertionError

    async def identity(self) -> str:
        async with _within(READ_WITHIN_S):
            return await journal.identity(self._pool)
        raise AssertionError


class _within:  # noqa: N801  # reads as a word where it is used
    """A deadline for reads, whose troubles become Lost. Nothing is written under it."""

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)  # type: ignore[arg-type]  # handed through
        except TimeoutError as late:
            raise Lost("no answer in time") from late
        if isinstance(error, (*journal.LOST, journal.Gap, projections.OtherVersion)):
            raise Lost(f"{type(error).__name__}: {error}") from error


class Gateway:
    """`application` is the ASGI application. `run` must run beside it."""

    def __init__(
        self,
        pool: "Pool[Record]",
        desk: Desk,
        *,
        clock: Clock,
        connected: Callable[[], bool],
        tell_revoked: Callable[[int], Awaitable[None]],
        ask_price: AskPrice = nobody,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        tables = TablesAndJournal(pool)
        self.live = Live(tables, clock=clock, connected=connected)
        asker, reading = Asker(desk), Reading(pool, self.live)
        archived = Archived(reading, tables.body_of)
        sessions = Sessions(pool, now_us=clock.now_us, tell=tell_revoked)
        self.door = Door(
            sessions.resolve,
            per_token_s=limits.per_token_s,
            per_address_s=limits.per_address_s,
            now_us=clock.now_us,
        )
        wallet = Wallet(asker, reading)
        self.hub = Hub(self.live, balance_of=wallet.balance_of)
        self.health = Health(
            self.live,
            asker,
            connected=connected,
            clients=lambda: len(self.hub.clients),
            under_way=lambda: self.application.under_way,
        )
        docs = Docs()
        rooms = Rooms(
            betting=Betting(asker, archived),
            cashing=Cashing(asker),
            grants=Grants(asker, reading),
            wallet=wallet,
            sessions=sessions,
            catalogue=Catalogue(self.live, reading),
            operating=Operating(asker, sessions),
            listing=Listing(reading, sessions, wallet),
            exchange_listing=ExchangeListing(reading),
            controls=Controls(self.live, reading),
            previews=Previews(asker, self.live),
            tickets=Tickets(asker, archived),
            builders=Builders(ask_price),
            workings=Workings(asker, archived),
            referrals=Referrals(reading),
            health=self.health,
            docs=docs,
        )
        table = routes(rooms)
        docs.show(document(table))
        router = Router(table)
        self.health.bound = router.bound
        self.exchange = Exchange(self.live, asker, reading, sessions, self.door, now_us=clock.now_us)
        self.health.exchange = self.exchange.metrics
        self.application = Gate(
            router,
            self.door,
            stream=Stream(self.hub, self.door, max_clients=limits.stream_clients),
            dialect=self.exchange.application,
        )
        self._clock = clock

    async def run(self) -> None:
        """Everything that goes on by itself, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.live.keep())
            tasks.create_task(self.hub.beat(self._clock.now_us))
            tasks.create_task(self.health.probe())
            tasks.create_task(self.exchange.run())
