"""Which rows a batch of facts reads, and reading them: a few statements whatever the size of the batch."""

from collections.abc import Iterable, Sequence

import msgspec
from asyncpg import Connection

from overround.book.bets import (
    BetAccepted,
    BetDelayed,
    DelayedBetAccepted,
    DelayedBetRefused,
    TicketDelayed,
    TicketOffered,
    TicketReferred,
    WaitingTicketAccepted,
    WaitingTicketRefused,
)
from overround.book.catalogue import (
    Competition,
    Event,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStarted,
    EventStatus,
    Feed,
    FeedSeen,
    FeedSilenced,
    MarketChanged,
    MarketClosed,
    MarketCreated,
    MarketHandedOver,
    MarketResumed,
    MarketSuspended,
    Moment,
    MomentSet,
    PricesSet,
    Selection,
    SelectionsAdded,
    SelectionWithdrawn,
)
from overround.book.control import (
    PLATFORM_ID,
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.exchange import ExchangeMarketCreated
from overround.book.ledger import Account, AccountKind, Posting
from overround.book.machine.exchange_above import ABOVE
from overround.book.settlement import (
    BetsSettled,
    MarketBetsCancelled,
    MarketBetsRestored,
    ResultHeard,
    ResultRecorded,
    ResultRolledBack,
)
from overround.book.tickets import MAX_BETS
from overround.kernel.level import Level
from overround.projections.changes import Carried, Held, Known, Recorded, Referral, Resulted
from overround.projections.exchange_gather import ExchangeNeeds, events_of_open, load_exchange, need_exchange
from overround.projections.grant_gather import GrantNeeds, grant_needs, load_grants
from overround.projections.offer import CONTROL, SELECTION, market_of, put_control


class Needs(msgspec.Struct):
    """Keys of the rows a batch reads. `wallets` is (customer, currency); `life` the events with their every market."""

    accounts: set[int] = set()
    wallets: set[tuple[int, str]] = set()
    delayed: set[int] = set()
    tickets: set[int] = set()
    events: set[int] = set()
    life: set[int] = set()
    markets: set[int] = set()
    selections: set[tuple[int, int]] = set()
    feeds: set[str] = set()
    competitions: set[int] = set()
    controls: set[tuple[str, int]] = set()
    exchange: ExchangeNeeds = msgspec.field(default_factory=ExchangeNeeds)
    grants: GrantNeeds = msgspec.field(default_factory=GrantNeeds)


def needs_of(batch: Sequence[Recorded]) -> Needs:
    """Rows that a batch makes itself are among them; they are simply not found."""
    needs = Needs(grants=grant_needs(batch))
    accounts = needs.accounts
    for recorded in batch:
        fact = recorded.fact
        if isinstance(fact, Posting):
            for transfer in fact.transfers:
                accounts.add(transfer.debit)
                accounts.add(transfer.credit)
        if type(fact) is not BetAccepted:
            if not need_exchange(needs.exchange, fact):
                _need(needs, fact)
            if type(fact) in ABOVE:
                _need_above(needs, fact)
            if isinstance(fact, ExchangeMarketCreated):
                needs.events.add(fact.event_id)
            accounts.update(hold.account for hold in getattr(fact, "holds", ()))
    return needs


def _need(needs: Needs, fact: object) -> None:
    match fact:
        case BetDelayed() | TicketDelayed() | TicketReferred():
            needs.wallets.add((fact.customer_id, fact.currency))
        case DelayedBetAccepted() | DelayedBetRefused():
            needs.delayed.add(fact.bet_id)
        case TicketOffered() | WaitingTicketAccepted() | WaitingTicketRefused():
            needs.tickets.add(fact.ticket_id)
        case EventStarted() | EventEnded():
            needs.life.add(fact.event_id)
        case EventCreated() | EventRescheduled() | MomentSet():
            needs.events.add(fact.event_id)
        case MarketCreated():
            needs.events.add(fact.event_id)
            needs.feeds.add(fact.feed)
        case PricesSet():
            needs.markets.add(fact.market_id)
            needs.selections.update((fact.market_id, selection_id) for selection_id, _ in fact.prices)
        case MarketHandedOver():
            needs.markets.add(fact.market_id)
            needs.feeds.add(fact.feed)
        case SelectionWithdrawn():
            needs.markets.add(fact.market_id)
            needs.selections.add((fact.market_id, fact.selection_id))
        case MarketSuspended() | MarketResumed() | MarketClosed() | MarketChanged() | SelectionsAdded():
            needs.markets.add(fact.market_id)
        case ResultHeard() | ResultRecorded() | BetsSettled():
            needs.markets.add(fact.market_id)
        case ResultRolledBack() | MarketBetsCancelled() | MarketBetsRestored():
            needs.markets.add(fact.market_id)
        case FeedSeen() | FeedSilenced():
            needs.feeds.add(fact.feed)
        case _:
            _need_control(needs, fact)


def _need_control(needs: Needs, fact: object) -> None:
    match fact:
        case PriceOverridden() | OverrideEnded():
            needs.markets.add(fact.market_id)
            needs.selections.add((fact.market_id, fact.selection_id))
        case LevelSuspended(level=Level.SELECTION) | LevelResumed(level=Level.SELECTION):
            needs.markets.add(fact.id)
            needs.selections.add((fact.id, fact.selection_id))
        case LevelSuspended() | LevelResumed() | MarginSet():
            needs.controls.add((fact.level, fact.id))
        case ApprovalRequired():
            needs.controls.add((Level.PLATFORM, PLATFORM_ID))
        case CompetitionApproved():
            needs.competitions.add(fact.competition_id)
        case _:
            pass


def _need_above(needs: Needs, fact: object) -> None:
    """What is decided above markets of the exchange reaches all those below."""
    match fact:
        case EventRescheduled():
            needs.exchange.events.add(fact.event_id)
        case LevelSuspended(level=Level.EVENT) | LevelResumed(level=Level.EVENT):
            needs.events.add(fact.id)
            needs.exchange.events.add(fact.id)
        case LevelSuspended(level=Level.MARKET | Level.SELECTION) | LevelResumed(level=Level.MARKET | Level.SELECTION):
            pass
        case _:
            needs.exchange.everywhere = True


async def load(connection: Connection, needs: Needs, carried: Carried) -> Known:
    """Read what is needed and is there. What is carried is known already, as the batches before left it."""
    known = Known(accounts=carried.accounts, orders=carried.orders)
    if needs.exchange.everywhere:
        await _load_everywhere(connection, needs, known)
    if needs.delayed:
        await _load_delayed(connection, needs, known)
    if needs.tickets:
        await _load_tickets(connection, needs, known)
    needs.accounts -= known.accounts.keys()
    if needs.accounts or needs.wallets:
        await _load_accounts(connection, needs, known)
    if needs.events or needs.life:
        await _load_events(connection, needs, known)
    if needs.markets:
        await _load_markets(connection, needs, known)
    if needs.selections:
        await _load_selections(connection, needs, known)
    if needs.feeds:
        await _load_feeds(connection, needs, known)
    if needs.controls or needs.competitions:
        await _load_controls(connection, needs, known)
    if needs.grants.grants or needs.grants.settled:
        await load_grants(connection, needs.grants, known)
    await load_exchange(connection, needs.exchange, known)
    return known


async def _load_everywhere(connection: Connection, needs: Needs, known: Known) -> None:
    """Where every market of the exchange stands that may be reached from above."""
    events = await events_of_open(connection)
    needs.events.update(events)
    needs.exchange.events.update(events)
    for row in await connection.fetch(COMPETITIONS):
        known.catalogue.competitions[row["id"]] = Competition(*row)


async def _load_delayed(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch(
        "SELECT bet.id, account.id AS account_id, stake_minor FROM read.bet JOIN read.account"
        " USING (customer_id, currency) WHERE bet.id = ANY($1) AND account.kind = 'cash'",
        list(needs.delayed),
    )
    for bet_id, account_id, stake_minor in rows:
        known.held[bet_id] = Held(account_id, stake_minor)
        needs.accounts.add(account_id)


async def _load_tickets(connection: Connection, needs: Needs, known: Known) -> None:
    """What the bets of waiting tickets hold, and the referrals among them."""
    rows = await connection.fetch(
        "SELECT bet.id, ticket_id, coalesce(account.id, 0), stake_minor FROM unnest($1::bigint[]) AS ticket (first)"
        " JOIN read.bet ON bet.id BETWEEN first AND first + $2 AND ticket_id = first LEFT JOIN read.account"
        " ON account.customer_id = bet.customer_id AND account.currency = bet.currency AND account.kind = stake_kind"
        " ORDER BY bet.id",
        list(needs.tickets),
        MAX_BETS - 1,
    )
    for bet_id, ticket_id, account_id, stake_minor in rows:
        known.held[bet_id] = Held(account_id, stake_minor)
        known.tickets.setdefault(ticket_id, []).append(bet_id)
        if account_id:
            needs.accounts.add(account_id)
    referrals = await connection.fetch("SELECT * FROM read.referral WHERE ticket_id = ANY($1)", list(needs.tickets))
    known.referrals = {row["ticket_id"]: Referral(*row) for row in referrals}


COMPETITIONS = "SELECT id, sport_id, name, approved FROM read.competition"
ACCOUNTS = "SELECT id, customer_id, kind, currency, balance_minor, held_minor FROM read.account"
KINDS = {kind.value: kind for kind in AccountKind}


async def _load_accounts(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch(ACCOUNTS + " WHERE id = ANY($1)", list(needs.accounts)) if needs.accounts else []
    if needs.wallets:
        rows += await connection.fetch(
            ACCOUNTS + " JOIN unnest($1::bigint[], $2::text[]) AS wallet (customer_id, currency)"
            " USING (customer_id, currency) WHERE kind IN ('cash', 'bonus')",
            *_columns(needs.wallets, 2),
        )
    for account_id, owner, kind, currency, balance_minor, held_minor in rows:
        known.accounts[account_id] = Account(account_id, owner, KINDS[kind], currency, balance_minor, held_minor)
        if owner:
            known.wallets[owner, currency, KINDS[kind]] = account_id


async def _load_events(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch(
        "SELECT id, competition_id, name, starts_at_us, status, moment FROM read.event WHERE id = ANY($1)",
        list(needs.events | needs.life),
    )
    for event_id, competition_id, name, starts_at_us, status, moment in rows:
        known.catalogue.events[event_id] = Event(
            event_id, competition_id, name, starts_at_us, EventStatus(status), [], Moment(moment)
        )
    children = await connection.fetch(
        "SELECT id, event_id FROM read.market WHERE event_id = ANY($1) ORDER BY id", list(needs.life)
    )
    for market_id, event_id in children:
        known.catalogue.events[event_id].markets.append(market_id)
        needs.markets.add(market_id)


async def _load_markets(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch("SELECT * FROM read.market WHERE id = ANY($1)", list(needs.markets))
    for row in rows:
        known.resulted[row["id"]] = Resulted(row["result"], row["settled_revision"], row["heard"])
        known.catalogue.markets[row["id"]] = market_of(row)


async def _load_selections(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch(
        f"SELECT {SELECTION} FROM read.selection"  # noqa: S608  # our own words
        " JOIN unnest($1::bigint[], $2::integer[]) AS wanted (market_id, id) USING (market_id, id)",
        *_columns(needs.selections, 2),
    )
    for market_id, *rest in rows:
        known.catalogue.markets[market_id].selections[rest[0]] = Selection(*rest)


async def _load_feeds(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch(
        "SELECT name, seen_at_us, silent, back_at_us FROM read.feed WHERE name = ANY($1)", list(needs.feeds)
    )
    for name, seen_at_us, silent, back_at_us in rows:
        known.catalogue.feeds[name] = Feed(name, seen_at_us, silent, back_at_us)


async def _load_controls(connection: Connection, needs: Needs, known: Known) -> None:
    rows = await connection.fetch(
        f"SELECT {CONTROL} FROM read.control JOIN unnest($1::text[], $2::bigint[])"  # noqa: S608  # our own words
        " AS wanted (level, id) USING (level, id)",
        *_columns(needs.controls, 2),
    )
    for row in rows:
        put_control(known.catalogue.control, *row)
    for row in await connection.fetch(COMPETITIONS + " WHERE id = ANY($1)", list(needs.competitions)):
        known.catalogue.competitions[row["id"]] = Competition(*row)


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[tuple[object, ...]]:
    """Rows turned into one array a column."""
    return list(zip(*rows, strict=True)) or [()] * width
