"""Writing what a batch changed: COPY for new rows, one statement a table for rows that were there before."""

from collections.abc import Iterable

from asyncpg import Connection
from msgspec.structs import astuple

from overround.book.control import ControlState
from overround.kernel.level import Level
from overround.projections import tables
from overround.projections.changes import Changes, Known, Row
from overround.projections.exchange_writing import new_rows, upserted_rows, write_exchange
from overround.projections.tables import Table
from overround.projections.underway import as_json


async def write(connection: Connection, known: Known, changes: Changes) -> None:
    """Put a batch's changes into the tables, inside the caller's transaction."""
    for table, rows in _new_rows(known, changes):
        await _append(connection, table, rows)
    for table, rows in _changed_rows(known, changes):
        await _upsert(connection, table, rows)
    if changes.accounts:
        await _move(connection, known, changes)
    if changes.decided:
        await _decide(connection, changes)
    if changes.settled:
        await _settle(connection, changes)
    if changes.cashed:
        await _cash_out(connection, changes)
    await write_exchange(connection, changes.exchange)


def _new_rows(known: Known, changes: Changes) -> Iterable[tuple[Table, list[Row]]]:
    yield tables.CUSTOMER, changes.customers
    yield tables.ACCOUNT, [astuple(known.accounts[opened]) for opened in changes.opened]
    yield tables.BET, list(changes.bets.values())
    yield tables.BET_LEG, list(changes.legs.values())
    yield tables.TRANSFER, changes.transfers
    yield tables.REFUSAL, changes.refusals
    yield tables.PRICE_HISTORY, changes.prices
    yield tables.MARKET_STATUS_HISTORY, changes.statuses
    yield tables.RESULT, changes.results
    yield tables.BET_WINDOW, changes.windows
    yield tables.CASH_OUT, changes.cash_outs
    yield tables.BUILDER_PRICE, changes.builders
    yield tables.LIMIT_CHANGE, changes.limits
    yield tables.OPERATOR_ACTION, changes.actions
    yield from new_rows(changes.exchange)


def _changed_rows(known: Known, changes: Changes) -> Iterable[tuple[Table, list[Row]]]:
    """Rows by key in order, so that two folds write alike."""
    return (
        (tables.SPORT, [(row.id, row.name) for row in map(known.catalogue.sports.__getitem__, sorted(changes.sports))]),
        (tables.COMPETITION, _competition_rows(known, changes)),
        (tables.EVENT, _event_rows(known, changes)),
        (tables.MARKET, _market_rows(known, changes)),
        (tables.SELECTION, _selection_rows(known, changes)),
        (tables.FEED, _feed_rows(known, changes)),
        (tables.CONTROL, [control_row(known.catalogue.control, *place) for place in sorted(changes.controls)]),
        (tables.CAP, [changes.caps[scope] for scope in sorted(changes.caps)]),
        (tables.BET_LEG, [changes.repriced[key] for key in sorted(changes.repriced)]),
        (tables.REFERRAL, [astuple(changes.referrals[ticket_id]) for ticket_id in sorted(changes.referrals)]),
        (tables.GRANT, [astuple(known.grants[grant_id]) for grant_id in sorted(changes.grants)]),
        *upserted_rows(known.exchange, changes.exchange),
    )


def _competition_rows(known: Known, changes: Changes) -> list[Row]:
    rows = map(known.catalogue.competitions.__getitem__, sorted(changes.competitions))
    return [(row.id, row.sport_id, row.name, row.approved) for row in rows]


def _event_rows(known: Known, changes: Changes) -> list[Row]:
    rows = map(known.catalogue.events.__getitem__, sorted(changes.events))
    return [(row.id, row.competition_id, row.name, row.starts_at_us, row.status, row.moment) for row in rows]


def _market_rows(known: Known, changes: Changes) -> list[Row]:
    return [_market_row(known, market_id) for market_id in sorted(changes.markets)]


def _market_row(known: Known, market_id: int) -> Row:
    market, resulted = known.catalogue.markets[market_id], known.resulted[market_id]
    return (
        market.id,
        market.event_id,
        market.type,
        as_json(market.specifiers),
        market.feed,
        market.in_play,
        market.delay_us,
        market.liability_minor,
        market.status,
        market.reason,
        market.version,
        market.confirmed_at_us,
        market.revision,
        resulted.settled_revision,
        resulted.result,
        as_json(market.terms),
        as_json(market.withdrawals),
        market.owes_starting_prices,
        resulted.heard,
        as_json(market.cancelled),
    )


def _selection_rows(known: Known, changes: Changes) -> list[Row]:
    markets = known.catalogue.markets
    rows = ((market_id, markets[market_id].selections[number]) for market_id, number in sorted(changes.selections))
    return [(market_id, *astuple(row)) for market_id, row in rows]


def _feed_rows(known: Known, changes: Changes) -> list[Row]:
    rows = map(known.catalogue.feeds.__getitem__, sorted(changes.feeds))
    return [(row.name, row.seen_at_us, row.silent, row.back_at_us) for row in rows]


def control_row(control: ControlState, level: Level, number: int) -> Row:
    """What the desk decided at a level and id."""
    stop = control.stops[level].get(number) if level in control.stops else None
    reason, since_us, is_active = astuple(stop) if stop is not None else ("", 0, False)
    required = level is Level.PLATFORM and control.approval_required
    return level, number, reason, since_us, is_active, control.margin(level, number), required


async def _append(connection: Connection, table: Table, rows: list[Row]) -> None:
    if rows:
        await connection.copy_records_to_table(table.name, schema_name="read", columns=table.columns, records=rows)


async def _upsert(connection: Connection, table: Table, rows: list[Row]) -> None:
    if rows:
        await connection.execute(table.upsert, *zip(*rows, strict=True))


async def _move(connection: Connection, known: Known, changes: Changes) -> None:
    """Balances of accounts that were there before, in the order of the index, which halves what they cost."""
    moved = [known.accounts[account_id] for account_id in sorted(changes.accounts.difference(changes.opened))]
    await connection.execute(
        "UPDATE read.account SET balance_minor = moved.balance_minor, held_minor = moved.held_minor"
        " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS moved (id, balance_minor, held_minor)"
        " WHERE account.id = moved.id",
        [account.id for account in moved],
        [account.balance_minor for account in moved],
        [account.held_minor for account in moved],
    )


async def _decide(connection: Connection, changes: Changes) -> None:
    """Bets of earlier batches that waited, of which something was decided."""
    await connection.execute(
        "UPDATE read.bet SET status = coalesce(decided.status, bet.status),"
        " price_milli = coalesce(decided.price_milli, bet.price_milli), seq = coalesce(decided.seq, bet.seq),"
        " refusal = decided.refusal, stake_minor = coalesce(decided.stake_minor, bet.stake_minor),"
        " potential_minor = coalesce(decided.potential_minor, bet.potential_minor),"
        " decide_at_us = coalesce(decided.decide_at_us, bet.decide_at_us)"
        " FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[],"
        " $8::bigint[]) AS decided (id, status, price_milli, seq, refusal, stake_minor, potential_minor, decide_at_us)"
        " WHERE bet.id = decided.id",
        list(changes.decided),
        *zip(*map(astuple, changes.decided.values()), strict=True),
    )


async def _settle(connection: Connection, changes: Changes) -> None:
    """Bets of earlier batches that were settled, or opened again."""
    await connection.execute(
        "UPDATE read.bet SET status = settled.status, outcome = settled.outcome, payout_minor = settled.payout_minor,"
        " settled_at_us = settled.at_us, settled_market_id = settled.market_id, settled_revision = settled.revision,"
        " factor = settled.factor::json FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
        " $6::bigint[], $7::integer[], $8::text[])"
        " AS settled (id, status, outcome, payout_minor, at_us, market_id, revision, factor) WHERE bet.id = settled.id",
        list(changes.settled),
        *zip(*changes.settled.values(), strict=True),
    )


async def _cash_out(connection: Connection, changes: Changes) -> None:
    """Bets of earlier batches of which something was sold. Last, as nothing follows on a bet that is sold whole."""
    await connection.execute(
        "UPDATE read.bet SET status = coalesce(sold.status, bet.status),"
        " cashed_stake_minor = coalesce(cashed_stake_minor, 0) + sold.stake_minor,"
        " cashed_paid_minor = coalesce(cashed_paid_minor, 0) + sold.paid_minor"
        " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])"
        " AS sold (id, stake_minor, paid_minor, status) WHERE bet.id = sold.id",
        list(changes.cashed),
        *zip(*map(astuple, changes.cashed.values()), strict=True),
    )
