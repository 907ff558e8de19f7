"""The auditor proves that the journal is what was written, and that everything folded from it agrees.

The chain is walked, every fact is folded again from zero, and what the fold says is compared with every snapshot and
every table. The first difference is named exactly. Nothing is written. One read-only transaction sees the journal, the
snapshots and the tables as they were at one moment, so that a house may run on meanwhile.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from overround import journal
from overround.book import ledger
from overround.book.ledger import AccountKind, Posting
from overround.book.machine import FORMAT, State, decode_fact, decode_snapshot, empty, fold, kind_of, state_hash
from overround.projections.comparing import TableDifference, compare_history, compare_now
from overround.projections.recompute import Past
from overround.projections.tables import VERSION

if TYPE_CHECKING:
    from overround.journal.connection import Connection

READ_ROWS: Final = 5_000
SOLVENT: Final = (AccountKind.CASH, AccountKind.BONUS)

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and how far it goes."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first difference: in the `journal` (its chain), on `replay`, in the `ledger`, a `snapshot` or a `table`.

    `seq` to `last_seq` are rows of the journal; `table`, `row` and `column` name a place in the projections.
    """

    part: str
    what: str
    expected: str
    found: str
    seq: int | None = None
    last_seq: int | None = None
    table: str | None = None
    row: str | None = None
    column: str | None = None

    @property
    def place(self) -> str:
        """Where it is, in words."""
        if self.table is not None:
            return f"read.{self.table}, row {self.row}" + (f", column {self.column}" if self.column else "")
        if self.seq is None:
            return self.part
        rows = f"{self.seq}" if self.last_seq in (None, self.seq) else f"{self.seq} to {self.last_seq}"
        return f"{'snapshot at' if self.part == 'snapshot' else 'journal row'} {rows}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was proved. `tables_seq` is the checkpoint that the tables were compared at, None where there are none;
    `sums_minor` the sum over all accounts of each currency."""

    ok: bool
    facts: int
    chain: str
    state_hash: str
    bets: int
    accounts: int
    sums_minor: dict[str, int]
    snapshots: tuple[int, ...]
    tables_seq: int | None
    finding: Finding | None


class Found(Exception):
    """The first difference, on its way up."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.what)
        self.finding = finding


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as it stands in the database, whole or not."""

    seq: int
    chain: bytes
    state_hash: bytes
    format: int
    parts: int
    digest: bytes


async def verify(dsn: str, on_progress: OnProgress | None = None) -> Report:
    """Audit a house. Raises `journal.Archived` where the first facts are in the archive, and one of `journal.LOST`."""
    audit = Audit(on_progress or _silent)
    async with _frozen(dsn) as moment, _opened(dsn) as walker:
        try:
            await audit.look(moment)
            await audit.walk(walker)
            await audit.replay(moment)
        except Found as found:
            return audit.report(found.finding)
    return audit.report(None)


@asynccontextmanager
async def _opened(dsn: str) -> AsyncIterator["Connection"]:
    connection = await journal.connect(dsn)
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def _frozen(dsn: str) -> AsyncIterator["Connection"]:
    """A connection that sees everything as it is now, and can change nothing."""
    async with _opened(dsn) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


def _silent(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""


class Audit:
    """One audit: the replayed state, a second one that started from the newest snapshot, and how far both are."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._head = journal.Head(0, journal.GENESIS)
        self._state, self._past = empty(), Past()
        self._resumed: State | None = None
        self._snapshots: tuple[Stored, ...] = ()
        self._agreed: list[int] = []
        self._tables_seq: int | None = None
        self._agreed_tables_seq: int | None = None
        self._compared_seq = 0

    def report(self, finding: Finding | None) -> Report:
        return Report(
            ok=finding is None,
            facts=self._state.seq,
            chain=self._head.chain.hex(),
            state_hash=state_hash(self._state).hex(),
            bets=self._state.bets.made,
            accounts=len(self._state.ledger.accounts),
            sums_minor=ledger.sums_minor(self._state.ledger),
            snapshots=tuple(self._agreed),
            tables_seq=self._agreed_tables_seq,
            finding=finding,
        )

    async def look(self, moment: "Connection") -> None:
        """What there is to be compared at this moment."""
        try:
            self._head = await journal.head(moment)
        except journal.Gap as gap:
            raise Found(Finding(part="journal", what="the end", expected="a chain", found=str(gap))) from gap
        if await moment.fetchval("SELECT to_regclass('read.checkpoint')") is not None:
            row = await moment.fetchrow("SELECT seq, version FROM read.checkpoint")
            if row is not None and row["version"] == VERSION:
                self._tables_seq = row["seq"]
        rows = await moment.fetch(
            "SELECT seq, chain, state_hash, format, parts, digest FROM journal.snapshot ORDER BY seq"
        )
        self._snapshots = tuple(Stored(**dict(row)) for row in rows)

    async def walk(self, connection: "Connection") -> None:
        """The chain, from the first row on."""

        def tell(seq: int) -> None:
            self._on_progress("chain", seq, self._head.seq)

        walked = await journal.walk(connection, on_progress=tell)
        if walked.difference is not None:
            wrong = walked.difference
            raise Found(
                Finding(
                    part="journal",
                    what=wrong.what.value,
                    expected=wrong.expected,
                    found=wrong.found,
                    seq=wrong.seq,
                    last_seq=wrong.last_seq,
                )
            )

    async def replay(self, moment: "Connection") -> None:
        """Every fact from zero; a stop wherever something is to be compared."""
        wanted = {each.seq for each in self._snapshots}
        if self._tables_seq is not None:
            wanted.add(self._tables_seq)
        if wanted and max(wanted) > self._head.seq:
            raise Found(
                Finding(
                    part="journal",
                    what="shorter than what was folded from it",
                    expected=f"row {max(wanted)}",
                    found=f"the end at row {self._head.seq}",
                    seq=self._head.seq,
                )
            )
        for stop in sorted(wanted | {self._head.seq}):
            await self._fold_to(moment, stop)
            self._check_sums()
            await self._compare_snapshots(moment, stop)
            if stop == self._tables_seq:
                await self._compare_tables(moment)
        if self._resumed is not None and state_hash(self._resumed) != state_hash(self._state):
            raise Found(self._about_snapshot(self._agreed[-1], "the fold of what follows it", self._resumed))

    async def _fold_to(self, moment: "Connection", stop: int) -> None:
        while self._state.seq < stop:
            rows = await journal.read(moment, self._state.seq, min(READ_ROWS, stop - self._state.seq))
            if not rows:
                raise Found(Finding(part="journal", what="sequence", expected=f"row {stop}", found="the end"))
            for row in rows:
                self._fold(row)
            await self._compare_history(moment)
            self._on_progress("replay", self._state.seq, self._head.seq)

    def _fold(self, row: journal.Row) -> None:
        try:
            fact = decode_fact(row.body)
            if row.kind != kind_of(fact):
                raise Found(_at(row, "kind", kind_of(fact), row.kind))
            fold(self._state, fact, row.at_us)
            if self._resumed is not None:
                fold(self._resumed, fact, row.at_us)
        except (msgspec.DecodeError, ledger.LedgerBroken, LookupError, ValueError, TypeError) as wrong:
            raise Found(_at(row, "fact", "one that follows", f"{type(wrong).__name__}: {wrong}")) from wrong
        if isinstance(fact, Posting):
            self._check_posting(row, fact)
        if self._tables_seq is not None and self._state.seq <= self._tables_seq:
            self._past.see(fact, self._state)

    def _check_posting(self, row: journal.Row, fact: Posting) -> None:
        """Money only moves within a currency, by amounts above zero, and nobody's cash falls below what is held."""
        accounts = self._state.ledger.accounts
        for transfer in fact.transfers:
            debit, credit = accounts[transfer.debit], accounts[transfer.credit]
            if transfer.amount_minor <= 0 or debit.currency != credit.currency:
                raise Found(_at(row, "transfer", "an amount above zero within a currency", str(transfer)))
        for account_id in {side for transfer in fact.transfers for side in (transfer.debit, transfer.credit)}:
            account = accounts[account_id]
            if account.kind in SOLVENT and not 0 <= account.held_minor <= account.balance_minor:
                raise Found(_at(row, "balance", "what is held, or more", str(account), part="ledger"))

    def _check_sums(self) -> None:
        wrong = {currency: minor for currency, minor in ledger.sums_minor(self._state.ledger).items() if minor}
        if wrong:
            raise Found(Finding(part="ledger", what="sum", expected="0", found=str(wrong), seq=self._state.seq))

    async def _compare_snapshots(self, moment: "Connection", seq: int) -> None:
        for stored in self._snapshots:
            if stored.seq == seq:
                await self._compare_snapshot(moment, stored)
                self._agreed.append(seq)

    async def _compare_snapshot(self, moment: "Connection", stored: Stored) -> None:
        """The snapshot belongs to this journal, is whole, and says what the replay says."""
        chain = await moment.fetchval("SELECT chain FROM journal.event WHERE seq = $1", stored.seq)
        if chain != stored.chain:
            raise Found(self._about(stored, "chain", _hex(chain), stored.chain.hex()))
        parts = await moment.fetch("SELECT body FROM journal.snapshot_part WHERE seq = $1 ORDER BY n", stored.seq)
        body = b"".join(part["body"] for part in parts)
        digest = hashlib.sha256(body).digest()
        if len(parts) != stored.parts or digest != stored.digest:
            raise Found(self._about(stored, "content", stored.digest.hex(), digest.hex()))
        if stored.format != FORMAT:
            return
        replayed = state_hash(self._state)
        if replayed != stored.state_hash:
            raise Found(self._about(stored, "state hash", replayed.hex(), stored.state_hash.hex()))
        try:
            self._resumed = decode_snapshot(body)
        except msgspec.DecodeError as wrong:
            raise Found(self._about(stored, "content", "a state", str(wrong))) from wrong
        if state_hash(self._resumed) != replayed:
            raise Found(self._about_snapshot(stored.seq, "the state in it", self._resumed))

    def _about(self, stored: Stored, what: str, expected: str, found: str) -> Finding:
        return Finding(part="snapshot", what=what, expected=expected, found=found, seq=stored.seq)

    def _about_snapshot(self, seq: int, what: str, state: State) -> Finding:
        expected, found = state_hash(self._state).hex(), state_hash(state).hex()
        return Finding(part="snapshot", what=what, expected=expected, found=found, seq=seq)

    async def _compare_history(self, moment: "Connection") -> None:
        if self._tables_seq is None or self._compared_seq >= self._tables_seq:
            return
        through = min(self._state.seq, self._tables_seq)
        rows = self._past.take()
        difference = await compare_history(moment, rows, after=self._compared_seq, through=through)
        self._compared_seq = through
        _raise(difference)

    async def _compare_tables(self, moment: "Connection") -> None:
        self._on_progress("tables", self._state.seq, self._head.seq)
        _raise(await compare_history(moment, {}, after=self._state.seq, through=None))
        _raise(await compare_now(moment, self._state, self._past))
        self._agreed_tables_seq = self._state.seq


def _raise(difference: TableDifference | None) -> None:
    if difference is not None:
        raise Found(
            Finding(
                part="table",
                what="column" if difference.column else "row",
                expected=difference.expected,
                found=difference.found,
                table=difference.table,
                row=difference.row,
                column=difference.column,
            )
        )


def _at(row: journal.Row, what: str, expected: str, found: str, *, part: str = "replay") -> Finding:
    return Finding(part=part, what=what, expected=expected, found=found, seq=row.seq, last_seq=row.seq)


def _hex(chain: bytes | None) -> str:
    return chain.hex() if chain is not None else "no chain there"
