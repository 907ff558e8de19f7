"""What edges ask of the tables: pages that neither lose nor repeat a row, and nobody else's bets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.projections.stories import House, connected, fold_all, play, pooled

from overround import projections
from overround.book.bets import Bet, BetStatus
from overround.book.catalogue import MarketStatus
from overround.book.ledger import AccountKind
from overround.projections import Page, ProjectionBehind, Reads
from overround.projections.types import Row

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def house() -> House:
    return play()


@asynccontextmanager
async def reading(dsn: str, house: House) -> AsyncIterator[Reads]:
    async with connected(dsn) as connection:
        await fold_all(connection, house.recorded())
    async with pooled(dsn) as pool:
        yield Reads(pool)


async def all_pages(
    ask: Callable[..., Awaitable[Page[Row]]], *key: int, limit: int = 200, **filters: object
) -> list[Row]:
    """Every row of a list, page by page."""
    rows: list[Row] = []
    page = await ask(*key, cursor=None, limit=limit, **filters)
    while True:
        rows += page.rows
        if page.next is None:
            return rows
        page = await ask(*key, cursor=page.next, limit=limit, **filters)


def bets_of(house: House, customer_id: int) -> list[Bet]:
    bets = house.machine.state.bets.bets.values()
    return [bet for bet in sorted(bets, key=lambda bet: -bet.id) if bet.customer_id == customer_id]


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_a_customers_bets_page_by_page_newest_first(postgres_dsn: str, house: House, limit: int) -> None:
    async with reading(postgres_dsn, house) as reads:
        for customer_id in (1, 2, 3):
            rows = await all_pages(reads.bets, customer_id=customer_id, limit=limit)
            assert [row.id for row in rows] == [bet.id for bet in bets_of(house, customer_id)]


async def test_bets_by_status_market_and_time(postgres_dsn: str, house: House) -> None:
    bets = list(house.machine.state.bets.bets.values())
    middle_us = bets[len(bets) // 2].placed_at_us
    async with reading(postgres_dsn, house) as reads:
        refused = await reads.bets(status=BetStatus.REFUSED, limit=200)
        assert {row.id for row in refused.rows} == {bet.id for bet in bets if bet.status is BetStatus.REFUSED}
        assert all(row.refusal for row in refused.rows)
        of_market = await reads.bets(market_id=2, limit=200)
        assert {row.id for row in of_market.rows} == {bet.id for bet in bets if bet.market_id == 2}
        early = await reads.bets(placed_before_us=middle_us, limit=200)
        late = await reads.bets(placed_from_us=middle_us, limit=200)
        assert {row.id for row in early.rows} == {bet.id for bet in bets if bet.placed_at_us < middle_us}
        assert {row.id for row in late.rows} == {bet.id for bet in bets if bet.placed_at_us >= middle_us}
        assert not (await reads.bets(placed_from_us=house.now_us + 1)).rows
        assert not (await reads.bets(placed_before_us=0)).rows


async def test_a_bet_by_id_and_by_key_is_its_customers_alone(postgres_dsn: str, house: House) -> None:
    key, answer = house.keys[0]
    bet = house.machine.state.bets.bets[answer.bet_id]
    other = bet.customer_id % 8 + 1
    async with reading(postgres_dsn, house) as reads:
        found = await reads.bet_by_key(key, customer_id=bet.customer_id)
        assert found is not None
        assert (found.id, found.key, found.stake_minor) == (bet.id, key, bet.stake_minor)
        assert await reads.bet(bet.id, customer_id=bet.customer_id) == found == await reads.bet(bet.id)
        assert await reads.bet_by_key(key, customer_id=other) is None
        assert await reads.bet(bet.id, customer_id=other) is None
        assert await reads.bet(10**9) is None


async def test_every_line_of_a_statement_leads_to_the_balance_after_it(postgres_dsn: str, house: House) -> None:
    """Read backwards from the balance: each line's amount is the difference to the line before."""
    reasons = set()
    async with reading(postgres_dsn, house) as reads:
        for (customer_id, currency), wallet in house.machine.state.ledger.wallets.items():
            account = await reads.cash_account(customer_id, currency)
            assert account is not None
            assert (account.id, account.kind) == (wallet.cash.id, AccountKind.CASH)
            lines = await all_pages(reads.statement, account.id, limit=7)
            balance_minor = account.balance_minor
            for line in lines:
                assert line.balance_minor == balance_minor
                balance_minor -= line.amount_minor
                reasons.add(line.reason)
            assert balance_minor == 0
    assert reasons >= {"deposit", "withdrawal", "stake", "winnings", "rollback_winnings", "debt_advanced"}


async def test_a_deposit_says_why(postgres_dsn: str, house: House) -> None:
    async with reading(postgres_dsn, house) as reads:
        account = await reads.cash_account(1, "USD")
        assert account is not None
        lines = await all_pages(reads.statement, account.id)
    first = [(line.note, line.amount_minor) for line in lines[-2:]]
    assert first == [
        ("withdrawal", -50_000),
        ("first deposit", 200_000),
    ]


async def test_operators_lists_are_whole(postgres_dsn: str, house: House) -> None:
    state = house.machine.state
    async with reading(postgres_dsn, house) as reads:
        customers = await all_pages(reads.customers, limit=3)
        assert [row.id for row in customers] == sorted(state.limits.players, reverse=True)
        assert await reads.customer(1) == customers[-1]
        assert await reads.customer(99) is None
        transfers = await all_pages(reads.transfers, limit=50)
        moved: dict[int, int] = {}
        for row in transfers:
            moved[row.debit] = moved.get(row.debit, 0) - row.amount_minor
            moved[row.credit] = moved.get(row.credit, 0) + row.amount_minor
        balances = {
            number: account.balance_minor for number, account in state.ledger.accounts.items() if number in moved
        }
        assert moved == balances
        refusals = await all_pages(reads.refusals, limit=20)
        assert len(refusals) == sum(fact.kind == "request_refused" for fact in house.facts)
        changed = await all_pages(reads.refusals, code="price_changed", limit=20)
        assert {row.code for row in changed} == {"price_changed"}
        assert all("price_milli" in row.detail for row in changed)
        events = await all_pages(reads.events, competition_id=1, limit=2)
        assert [row.id for row in events] == sorted(house.machine.state.catalogue.events, reverse=True)
        resulted = await all_pages(reads.markets, status=MarketStatus.RESULTED, limit=2)
        by_status = [market.id for market in state.catalogue.markets.values() if market.resulted]
        assert [row.id for row in resulted] == sorted(by_status, reverse=True)
        kinds = {row.kind for row in (await reads.limit_changes(1)).rows + (await reads.limit_changes(2)).rows}
        assert kinds >= {"stake_day", "player_terms"}


async def test_a_market_with_its_selections_and_history(postgres_dsn: str, house: House) -> None:
    market = house.machine.state.catalogue.markets[1]
    async with reading(postgres_dsn, house) as reads:
        shown = await reads.market(1)
        assert shown is not None
        assert [(each.id, each.price_milli) for each in shown.selections] == [
            (each.id, each.price_milli) for each in market.selections.values()
        ]
        assert bytes(shown.result or b"") == b'["void","abandoned"]'
        prices = await all_pages(reads.price_history, 1, 1, limit=2)
        assert [row.price_milli for row in prices] == [1400, 1300, 1500, 2100]
        statuses = await all_pages(reads.status_history, 1, limit=2)
        assert [row.version for row in statuses] == list(range(market.version, 0, -1))
        assert (statuses[-1].status, statuses[-1].reason) == ("suspended", "new")
        assert await reads.market(99) is None


async def test_a_read_waits_for_what_it_must_see(postgres_dsn: str, house: House) -> None:
    facts = house.recorded()
    async with connected(postgres_dsn) as connection, pooled(postgres_dsn) as pool:
        await fold_all(connection, facts[:100])
        reads = Reads(pool)
        assert await reads.wait_for(100) == 100
        waiting = [asyncio.create_task(reads.wait_for(seq, within_s=10.0)) for seq in (101, 150, 150)]
        await projections.advance(connection, facts[100:150])
        assert await asyncio.gather(*waiting) == [150, 150, 150]


async def test_a_read_that_cannot_see_it_in_time_says_so(postgres_dsn: str, house: House) -> None:
    async with connected(postgres_dsn) as connection, pooled(postgres_dsn) as pool:
        await fold_all(connection, house.recorded()[:100])
        with pytest.raises(ProjectionBehind) as behind:
            await Reads(pool).wait_for(101, within_s=0.05)
    assert (behind.value.code, behind.value.wanted, behind.value.reached) == ("projection_behind", 101, 100)


async def test_a_tickets_bets_are_shown_with_their_legs(postgres_dsn: str, house: House) -> None:
    bets = [bet for bet in house.machine.state.bets.bets.values() if bet.slip is not None and bet.ticket is not None]
    async with reading(postgres_dsn, house) as reads:
        rows = {row.id: row for row in await all_pages(reads.bets, limit=7)}
        for bet in bets:
            row, slip, ticket = rows[bet.id], bet.slip, bet.ticket
            assert slip is not None
            assert ticket is not None
            assert (row.ticket_id, row.folds, row.each_way) == (ticket.id, slip.folds, slip.each_way)
            pairs = [(leg.market_id, leg.selection_id) for leg in row.legs]
            assert pairs == list(bet.selections)
            assert [leg.price_milli for leg in row.legs if leg.part < 2] == [leg.price_milli for leg in slip.legs]
            assert [one.id for one in await reads.ticket(ticket.id)] == list(ticket.bet_ids)
            assert await reads.ticket(ticket.id, customer_id=bet.customer_id + 1) == ()
    assert {row.part for bet in bets for row in rows[bet.id].legs} == {0, 1, 2}
    assert any(row.legs and row.legs[0].each_way == (1, 5, 3) for row in rows.values())


async def test_bets_on_a_market_are_all_that_have_a_leg_there(postgres_dsn: str, house: House) -> None:
    by_market = house.machine.state.bets.by_market
    async with reading(postgres_dsn, house) as reads:
        for market_id, stood in by_market.items():
            rows = await all_pages(reads.bets, market_id=market_id)
            assert {bet.id for bet in stood} <= {row.id for row in rows}


async def test_a_settled_bet_says_why(postgres_dsn: str, house: House) -> None:
    """The rule of the market that decided it, the revision of its result, and what the leg there multiplies by."""
    markets = house.machine.state.catalogue.markets
    async with reading(postgres_dsn, house) as reads:
        rows = await all_pages(reads.bets, status=BetStatus.SETTLED)
        still_open = await all_pages(reads.bets, status=BetStatus.OPEN)
    for row in rows:
        assert row.settled_market_id is not None
        assert row.rule == markets[row.settled_market_id].type
        assert 0 < (row.settled_revision or 0) <= markets[row.settled_market_id].revision
        assert (row.factor is not None) == (row.ticket_id is not None)
    assert {(row.settled_market_id, row.settled_at_us, row.factor) for row in still_open} == {(None, 0, None)}
    (placed,) = [row for row in rows if row.each_way]
    assert placed.factor == (0, 1, 88, 75), "at the start at 4.80: (1 + 3.80 / 5) * 2 / 3, three sharing two places"


async def test_referrals_that_wait_and_all(postgres_dsn: str, house: House) -> None:
    async with reading(postgres_dsn, house) as reads:
        (waiting,) = await all_pages(reads.referrals)
        every = await all_pages(reads.referrals, waiting=False, limit=2)
    assert [bet.status for bet in waiting.bets] == ["referred"]
    assert (waiting.code, waiting.detail["level"]) == ("stake_limit", "event")
    assert [row.status for row in every] == ["referred", *["refused"] * 3, "accepted", "refused", "accepted"]


async def test_caps_and_windows(postgres_dsn: str, house: House) -> None:
    async with reading(postgres_dsn, house) as reads:
        caps = await reads.caps()
        windows = await all_pages(reads.windows)
        actions = await all_pages(reads.actions)
    assert [(cap.level, cap.max_stake_minor, cap.max_payout_minor) for cap in caps] == [
        ("event", 2_000, 0),
        ("selection", 0, 900_000),
    ]
    assert [window.cancelled for window in windows] == [True, True, False, True]
    assert windows[0].reason == "past post"
    kinds = {action.kind for action in actions}
    assert {"cap_set", "result_rolled_back", "market_bets_cancelled", "ticket_offered"} <= kinds
    refused = [action for action in actions if action.kind == "waiting_ticket_refused"]
    assert [action.after["code"] for action in refused] == ["referral_declined"], "not what a customer or the time did"
