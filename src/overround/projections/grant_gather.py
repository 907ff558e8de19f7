"""Which grants a batch changes, and reading them with the bets that change them. A house without any reads nothing."""

from collections.abc import Iterable

import msgspec
from asyncpg import Connection

from overround.book.bets import BetAccepted, BetDelayed, TicketAccepted, TicketDelayed, TicketReferred
from overround.book.promotions import BonusExpired, BonusGranted, BonusReleased, GrantKind, GrantRevoked, GrantStatus
from overround.book.settlement import BetsSettled
from overround.projections.changes import GrantRow, Known, Recorded, Wager
from overround.projections.tables import GRANT

Wallet = tuple[int, str]


class GrantNeeds(msgspec.Struct):
    """`grants` are named by their own facts, `settled` are bets, `wallets` those of bets that are new and settled in
    one batch and of bonuses that are new."""

    grants: set[int] = set()
    settled: set[int] = set()
    wallets: set[Wallet] = set()


def grant_needs(batch: Iterable[Recorded]) -> GrantNeeds:
    needs, new = GrantNeeds(), dict[int, Wallet]()
    for recorded in batch:
        match recorded.fact:
            case BetAccepted() | BetDelayed() as fact:
                new[fact.bet_id] = fact.customer_id, fact.currency
            case TicketAccepted() | TicketDelayed() | TicketReferred() as fact:
                new.update((each.bet_id, (fact.customer_id, fact.currency)) for each in fact.bets)
                if fact.grant_id:
                    needs.grants.add(fact.grant_id)
            case GrantRevoked() | BonusReleased() | BonusExpired() as fact:
                needs.grants.add(fact.grant_id)
            case BonusGranted() as fact:
                needs.wallets.add((fact.customer_id, fact.currency))
            case BetsSettled() as fact:
                needs.settled.update(row.bet_id for row in fact.bets)
                needs.settled.update(row.bet_id for row in fact.reopened)
            case _:
                pass
    needs.wallets.update(new[bet_id] for bet_id in needs.settled & new.keys())
    return needs


async def load_grants(connection: Connection, needs: GrantNeeds, known: Known) -> None:
    is_given = needs.wallets or await connection.fetchval("SELECT EXISTS (SELECT FROM read.grant)")
    if not is_given:
        return
    if needs.settled:
        await _load_wagers(connection, needs, known)
    named = " WHERE id = ANY($1) OR (kind = 'bonus' AND status = 'open' AND (customer_id, currency) IN"
    rows = await connection.fetch(
        f"{GRANT.select}{named} (SELECT * FROM unnest($2::bigint[], $3::text[])))",  # noqa: S608  # our own words
        list(needs.grants),
        *_columns(needs.wallets),
    )
    for row in rows:
        grant = known.grants[row["id"]] = GrantRow(*row)
        if grant.kind == GrantKind.BONUS and grant.status == GrantStatus.OPEN:
            known.bonuses[grant.customer_id, grant.currency] = grant


async def _load_wagers(connection: Connection, needs: GrantNeeds, known: Known) -> None:
    """Bets that are settled, of those who have a bonus, and free bets."""
    rows = await connection.fetch(
        "SELECT bet.id, customer_id, currency, coalesce(stake_kind, 'cash'), coalesce(grant_id, 0), placed_at_us,"
        " decide_at_us, stake_minor - coalesce(cashed_stake_minor, 0), status, outcome,"
        " coalesce((SELECT min(leg.price_milli) FROM read.bet_leg AS leg WHERE leg.bet_id = bet.id), price_milli)"
        " FROM read.bet WHERE bet.id = ANY($1) AND (stake_kind = 'free_bet' OR (customer_id, currency) IN"
        " (SELECT customer_id, currency FROM read.grant WHERE kind = 'bonus' AND status = 'open'"
        " UNION ALL SELECT * FROM unnest($2::bigint[], $3::text[])))",
        list(needs.settled),
        *_columns(needs.wallets),
    )
    for bet_id, *rest in rows:
        wager = known.wagers[bet_id] = Wager(*rest)
        needs.wallets.add((wager.customer_id, wager.currency))
        needs.grants.add(wager.grant_id)


def _columns(wallets: set[Wallet]) -> tuple[list[int], list[str]]:
    return [customer_id for customer_id, _ in wallets], [currency for _, currency in wallets]
