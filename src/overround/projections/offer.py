"""The whole catalogue as the tables have it, for those who fold on from there: the gateways' live views."""

from typing import TYPE_CHECKING, Final

import msgspec

from overround.book.catalogue import (
    CatalogueState,
    Competition,
    Event,
    EventStatus,
    Feed,
    Market,
    MarketStatus,
    MarketTerms,
    Moment,
    Selection,
    Sport,
    Withdrawn,
)
from overround.book.control import ControlState, Stop
from overround.kernel.level import Level

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_specifiers = msgspec.json.Decoder(dict[str, int]).decode
terms_of = msgspec.json.Decoder(MarketTerms).decode
windows_of = msgspec.json.Decoder(list[tuple[int, int]]).decode
withdrawals_of = msgspec.json.Decoder(list[Withdrawn]).decode


async def offer(connection: "Connection[Record]") -> tuple[int, CatalogueState]:
    """The sequence that the tables show and the catalogue at it, both of one instant."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        seq: int = await connection.fetchval("SELECT seq FROM read.checkpoint")
        state = CatalogueState(
            sports={row[0]: Sport(*row) for row in await _rows(connection, "id, name", "sport")},
            competitions={
                row[0]: Competition(*row)
                for row in await _rows(connection, "id, sport_id, name, approved", "competition")
            },
            feeds={
                row[0]: Feed(*row) for row in await _rows(connection, "name, seen_at_us, silent, back_at_us", "feed")
            },
        )
        for row in await _rows(connection, "id, competition_id, name, starts_at_us, status, moment", "event"):
            state.events[row[0]] = Event(row[0], row[1], row[2], row[3], EventStatus(row[4]), [], Moment(row[5]))
        await _markets(connection, state)
        for row in await connection.fetch(f"SELECT {CONTROL} FROM read.control"):  # noqa: S608  # our own words
            put_control(state.control, *row)
    return seq, state


CONTROL: Final = "level, id, reason, since_us, active, margin_bps, approval_required"


def put_control(
    control: ControlState,
    level: str,
    number: int,
    reason: str,
    since_us: int,
    is_active: bool,
    margin_bps: int | None,
    required: bool,
) -> None:
    """Put a row of `control` back to where it came from."""
    at = Level(level)
    if since_us:
        control.stops.setdefault(at, {})[number] = Stop(reason, since_us, is_active)
        control.stopped += is_active
    if margin_bps is not None:
        control.margins.setdefault(at, {})[number] = margin_bps
    if at is Level.PLATFORM:
        control.approval_required = required


MARKET: Final = (
    "id, event_id, type, specifiers, feed, in_play, delay_us, liability_minor, status, reason, version,"
    " confirmed_at_us, revision, terms, withdrawals, owes_starting_prices, cancelled"
)


def market_of(row: "Record") -> Market:
    """A row of `market` as the machine has it, without its selections."""
    return Market(
        id=row["id"],
        event_id=row["event_id"],
        type=row["type"],
        specifiers=_specifiers(row["specifiers"]),
        selections={},
        feed=row["feed"],
        in_play=row["in_play"],
        delay_us=row["delay_us"],
        liability_minor=row["liability_minor"],
        status=MarketStatus(row["status"]),
        reason=row["reason"],
        version=row["version"],
        confirmed_at_us=row["confirmed_at_us"],
        revision=row["revision"],
        terms=terms_of(row["terms"]),
        withdrawals=withdrawals_of(row["withdrawals"]),
        owes_starting_prices=row["owes_starting_prices"],
        cancelled=windows_of(row["cancelled"]),
    )


async def _markets(connection: "Connection[Record]", state: CatalogueState) -> None:
    for row in await _rows(connection, MARKET, "market"):
        market = state.markets[row["id"]] = market_of(row)
        state.events[market.event_id].markets.append(market.id)
    for market_id, *rest in await _rows(connection, SELECTION, "selection"):
        state.markets[market_id].selections[rest[0]] = Selection(*rest)


SELECTION: Final = (
    "market_id, id, name, price_milli, withdrawn_at_us, feed_price_milli, override_milli, override_until_us, stopped"
)


async def _rows(connection: "Connection[Record]", columns: str, table: str) -> "list[Record]":
    """A table, whole, in the order of its key."""
    key = "name" if table == "feed" else "market_id, id" if table == "selection" else "id"
    return await connection.fetch(f"SELECT {columns} FROM read.{table} ORDER BY {key}")  # noqa: S608  # our own words
