"""Promotions: free bets, boosts and bonus money, one by one and through any night."""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.book.house import House
from tests.book.tables import milli, number, table
from tests.book.test_cash_out import Night
from tests.book.test_ticketing import (
    AWAY_WINS,
    DRAW,
    HOME_WINS,
    ask,
    house_code,
    leg,
    multiple,
    race,
    result,
    taken,
)

from overround.book.bets import Bet, BetStatus
from overround.book.catalogue import EachWay
from overround.book.ledger import StakeKind
from overround.book.limits import Cap
from overround.book.machine import (
    GrantNow,
    GrantsNow,
    Machine,
    decode_fact,
    decode_snapshot,
    encode_snapshot,
    fold,
    state_hash,
)
from overround.book.machine import commands as c
from overround.book.machine.commands import BetAsked
from overround.book.machine.grant_commands import GetGrants, GrantBonus, GrantBoost, GrantFreeBet, RevokeGrant
from overround.book.machine.state import empty
from overround.book.promotions import Grant, GrantKind, GrantStatus, Refusal, Unfit
from overround.book.promotions.rules import boosted_milli
from overround.book.settlement import Void
from overround.book.tickets import Outcome
from overround.kernel.instant import DAY_US, SECOND_US
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

PAGE = "promotions.md"
FREE, BONUS = StakeKind.FREE_BET, StakeKind.BONUS
RESULTS = {"won": HOME_WINS, "lost": AWAY_WINS, "void": Void("abandoned")}


def given_free(house: House, customer: int, amount_minor: int = 1_000, min_price_milli: int = 0) -> int:
    return house.do(GrantFreeBet(customer, "EUR", amount_minor, house.at_us + DAY_US, min_price_milli))


def given_boost(house: House, customer: int, percent_bps: int = 2_000) -> int:
    return house.do(GrantBoost(customer, "EUR", percent_bps, 1_000, house.at_us + DAY_US))


def given_bonus(
    house: House, customer: int, amount_minor: int = 1_000, multiple: int = 2, min_price_milli: int = 0
) -> int:
    return house.do(GrantBonus(customer, "EUR", amount_minor, multiple, house.at_us + DAY_US, min_price_milli))


def grant_of(house: House, grant_id: int) -> Grant:
    return house.machine.state.promotions.grants[grant_id]


def bonus_of(house: House, customer: int) -> int:
    return house.wallet(customer).bonus.balance_minor


def why_not(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return " ".join(str(word) for word in (answer.code, answer.detail.get("why", "")) if word)


# ---------------------------------------------------------------- the tables of the page


@pytest.mark.parametrize("row", table(PAGE, "Free bets"), ids=lambda row: str(row["result"]))
def test_a_free_bet_pays_what_is_won_beyond_its_stake(row: dict[str, str]) -> None:
    house = House()
    customer, market = house.customer(), house.market(prices_milli=(milli(row["price"]), 3_000, 4_000))
    grant = given_free(house, customer, number(row["token"]))
    (bet,) = taken(house, customer, multiple(house, [market], 1_000), stake_kind=FREE, grant_id=grant)
    assert (house.cash(customer), house.trading()) == (0, -1_000)
    result(house, market, RESULTS[row["result"]])
    assert (bet.payout_minor, house.cash(customer)) == (number(row["paid"]), number(row["paid"]))
    assert house.trading() == number(row["trading"])


@pytest.mark.parametrize("row", table(PAGE, "Boosts"), ids=lambda row: str(row["price"]))
def test_a_boost_raises_the_winnings(row: dict[str, str]) -> None:
    price, boost = milli(row["price"].replace(",", "")), int(row["boost"].removesuffix(" %")) * 100
    assert boosted_milli(price, percent_bps=boost) == milli(row["taken"].replace(",", ""))


@given(st.integers(1_001, 5_000_000), st.integers(1, 10_000))
def test_a_boosted_price_is_the_fraction_rounded_down(price: int, percent_bps: int) -> None:
    exact = 1 + (Fraction(price, 1_000) - 1) * (1 + Fraction(percent_bps, 10_000))
    boosted = Fraction(boosted_milli(price, percent_bps=percent_bps), 1_000)
    assert 0 <= min(exact, Fraction(10_000)) - boosted < Fraction(1, 1_000)
    assert boosted >= Fraction(price, 1_000)


def test_the_life_of_a_bonus() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    grant = 0
    for row in table(PAGE, "Bonus money"):
        words = row["what happens"].replace(",", "").split()
        if words[0] == "bonus" and len(words) == 2:
            grant = given_bonus(house, customer, int(words[1]), 2, min_price_milli=1_500)
        else:
            kind, _, stake, _, price, end = words
            market = house.market(prices_milli=(milli(price), 3_000, 4_000))
            named = {"stake_kind": BONUS, "grant_id": grant} if kind == "bonus" else {}
            taken(house, customer, multiple(house, [market], int(stake)), **named)
            result(house, market, RESULTS[end])
        assert house.cash(customer) == number(row["cash"]), row
        assert bonus_of(house, customer) == number(row["bonus"]), row
        assert grant_of(house, grant).wagered_minor == number(row["wagered"]), row
        assert house.trading() == number(row["trading"]), row
    assert grant_of(house, grant).status is GrantStatus.RELEASED


def test_the_page_has_every_code_in_order() -> None:
    assert [row["code"] for row in table(PAGE, "Refusals")] == [code.value for code in Refusal]
    assert [row["why"] for row in table(PAGE, "Refusals", nth=2)] == [why.value for why in Unfit]


# ---------------------------------------------------------------- using a token


def test_a_token_is_used_once_by_its_customer_in_time() -> None:
    house = House()
    customer, market = house.customer(cash_minor=5_000), house.market()
    grant = given_free(house, customer)
    asked = multiple(house, [market], 1_000)
    other = house.customer()
    assert house_code(ask(house, other, asked, stake_kind=FREE, grant_id=grant)) == "grant_not_found"
    assert house_code(ask(house, customer, asked, stake_kind=FREE)) == "grant_not_found"
    taken(house, customer, asked, stake_kind=FREE, grant_id=grant)
    assert house_code(ask(house, customer, asked, stake_kind=FREE, grant_id=grant)) == "grant_used"
    late = given_free(house, customer)
    house.wait(DAY_US)
    assert house_code(ask(house, customer, asked, stake_kind=FREE, grant_id=late)) == "grant_expired"


def test_a_ticket_fits_its_grant() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=10_000), [house.market(), house.market()]
    free, boost = given_free(house, customer, min_price_milli=2_500), given_boost(house, customer)
    one, double = multiple(house, markets[:1]), multiple(house, markets)
    away = BetAsked((leg(house, markets[0], 3),), (1,), 1_000)
    wrong: list[tuple[str, tuple[BetAsked, ...], dict[str, object]]] = [
        ("grant_terms kind", (away,), {"grant_id": free}),
        ("grant_terms kind", (away,), {"grant_id": boost, "stake_kind": FREE}),
        ("grant_terms bets", (away, away), {"grant_id": free, "stake_kind": FREE}),
        ("grant_terms stake", (multiple(house, markets[:1], 999),), {"grant_id": free, "stake_kind": FREE}),
        ("grant_terms price", (one,), {"grant_id": free, "stake_kind": FREE}),
        ("grant_terms legs", (double,), {"grant_id": boost}),
        ("grant_terms stake", (multiple(house, markets[:1], 1_001),), {"grant_id": boost}),
    ]
    for code, bets, asked in wrong:
        assert why_not(ask(house, customer, *bets, **asked)) == code
    taken(house, customer, away, stake_kind=FREE, grant_id=free)


def test_each_way_and_starting_prices_are_not_boosted() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), race(house, each_way=EachWay(1, 5, 3), starting_prices=True)
    boost = given_boost(house, customer)
    each_way = BetAsked((leg(house, market, 1),), (1,), 1_000, each_way=True)
    start = BetAsked((leg(house, market, 1, price=0),), (1,), 1_000)
    assert why_not(ask(house, customer, each_way, grant_id=boost)) == "grant_terms legs"
    assert why_not(ask(house, customer, start, grant_id=boost)) == "grant_terms legs"


def test_a_boost_is_in_the_odds_really_taken_and_gone_with_the_bet() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    boost = given_boost(house, customer, 2_000)
    (bet,) = taken(house, customer, multiple(house, [market]), grant_id=boost)
    assert bet.slip is not None
    assert (bet.slip.legs[0].price_milli, bet.potential_minor) == (2_200, 2_200)
    result(house, market, Void("abandoned"))
    assert house_code(ask(house, customer, multiple(house, [house.market()]), grant_id=boost)) == "grant_used"


def test_a_ticket_that_waits_has_the_token_and_gives_it_back() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.in_play_market(delay_us=5 * SECOND_US)
    boost, free = given_boost(house, customer), given_free(house, customer)
    asked = multiple(house, [market])
    (first,) = taken(house, customer, asked, grant_id=boost)
    (second,) = taken(house, customer, asked, stake_kind=FREE, grant_id=free)
    assert (first.status, second.status) == (BetStatus.DELAYED, BetStatus.DELAYED)
    assert house_code(ask(house, customer, asked, grant_id=boost)) == "grant_used"
    house.do(c.SuspendMarket(market, "goal"))
    house.wait(5 * SECOND_US)
    assert (first.status, second.status) == (BetStatus.REFUSED, BetStatus.REFUSED)
    house.do(c.ResumeMarket(market))
    (first,) = taken(house, customer, multiple(house, [market]), grant_id=boost)
    (second,) = taken(house, customer, multiple(house, [market]), stake_kind=FREE, grant_id=free)
    house.wait(5 * SECOND_US)
    assert (first.status, second.status) == (BetStatus.OPEN, BetStatus.OPEN)
    assert first.slip is not None
    assert first.slip.legs[0].price_milli == 2_200
    assert house_code(ask(house, customer, multiple(house, [market]), grant_id=boost)) == "grant_used"


def test_a_boost_counts_in_the_houses_limits_and_may_be_referred() -> None:
    house = House()
    customer, market = house.customer(cash_minor=10_000), house.market()
    house.do(c.SetCap(Level.PLATFORM, 0, "EUR", Cap(max_payout_minor=2_100)))
    boost = given_boost(house, customer)
    assert house_code(ask(house, customer, multiple(house, [market]), grant_id=boost)) == "payout_limit"
    (bet,) = taken(house, customer, multiple(house, [market]), grant_id=boost, refer=True)
    house.do(c.AcceptReferral(bet.id))
    assert bet.slip is not None
    assert (bet.status, bet.slip.legs[0].price_milli) == (BetStatus.OPEN, 2_200)


# ---------------------------------------------------------------- void, and not void after all


def free_bet(house: House, customer: int, grant: int) -> tuple[Bet, int]:
    market = house.market()
    (bet,) = taken(house, customer, multiple(house, [market]), stake_kind=FREE, grant_id=grant)
    return bet, market


def test_a_free_bet_counts_neither_as_staked_nor_as_returned_in_the_customers_limits() -> None:
    house = House()
    customer = house.customer(cash_minor=10_000)
    bet, market = free_bet(house, customer, given_free(house, customer))
    result(house, market, HOME_WINS)
    day = house.machine.state.limits.players[customer].purses["EUR"].day
    assert bet.payout_minor > 0
    assert (day.staked_minor, day.returned_minor) == (0, 0)


def test_a_void_free_bet_gives_its_token_back_for_a_week() -> None:
    house = House()
    customer = house.customer()
    grant = given_free(house, customer)
    _, market = free_bet(house, customer, grant)
    house.wait(3 * DAY_US)
    result(house, market, Void("abandoned"))
    assert grant_of(house, grant).expires_at_us == house.at_us + 7 * DAY_US
    house.wait(6 * DAY_US)
    free_bet(house, customer, grant)


def test_a_correction_takes_the_token_again_or_lets_both_stand() -> None:
    house = House()
    customer = house.customer()
    grant = given_free(house, customer)
    first, market = free_bet(house, customer, grant)
    result(house, market, Void("abandoned"))
    result(house, market, HOME_WINS)
    assert (grant_of(house, grant).uses, house.cash(customer)) == (1, 1_000)
    house.do(c.RollbackResult(market))
    house.wait()
    assert (grant_of(house, grant).uses, first.status, house.cash(customer)) == (1, BetStatus.OPEN, 0)
    result(house, market, Void("abandoned"))
    _, other = free_bet(house, customer, grant)
    result(house, market, HOME_WINS)
    assert grant_of(house, grant).uses == 2
    result(house, other, Void("abandoned"))
    assert grant_of(house, grant).uses == 1
    result(house, market, Void("abandoned"))
    free_bet(house, customer, grant)


# ---------------------------------------------------------------- bonus money


def test_a_wallet_has_one_bonus_at_a_time() -> None:
    house = House()
    customer = house.customer()
    grant = given_bonus(house, customer)
    again = house.ask(GrantBonus(customer, "EUR", 500, 2, house.at_us + DAY_US))
    assert again == Refused("bonus_runs", {"grant_id": grant})
    house.do(c.OpenWallet(customer, "USD"))
    house.do(GrantBonus(customer, "USD", 500, 2, house.at_us + DAY_US))


def test_a_bonus_that_is_not_staked_in_time_is_the_houses() -> None:
    house = House()
    customer, market = house.customer(), house.market()
    grant = given_bonus(house, customer)
    (bet,) = taken(house, customer, multiple(house, [market], 400), stake_kind=BONUS, grant_id=grant)
    assert bonus_of(house, customer) == 600
    house.wait(DAY_US)
    assert (bonus_of(house, customer), grant_of(house, grant).status) == (0, GrantStatus.EXPIRED)
    result(house, market, HOME_WINS)
    assert (bet.payout_minor, bonus_of(house, customer), house.cash(customer), house.trading()) == (800, 0, 0, 0)
    assert house_code(ask(house, customer, multiple(house, [house.market()]), stake_kind=BONUS, grant_id=grant)) == (
        "grant_expired"
    )


def test_what_a_bet_pays_after_the_release_is_cash_and_a_correction_is_owed() -> None:
    house = House()
    customer, markets = house.customer(cash_minor=2_000), [house.market(), house.market()]
    grant = given_bonus(house, customer)
    taken(house, customer, multiple(house, markets[:1], 1_000), stake_kind=BONUS, grant_id=grant)
    taken(house, customer, multiple(house, markets[1:], 2_000))
    result(house, markets[1], AWAY_WINS)
    assert (grant_of(house, grant).status, house.cash(customer)) == (GrantStatus.RELEASED, 0)
    result(house, markets[0], HOME_WINS)
    assert (bonus_of(house, customer), house.cash(customer)) == (0, 2_000)
    house.do(c.MoveFunds(customer, "EUR", -2_000, "withdrawal"))
    result(house, markets[0], DRAW)
    assert (bonus_of(house, customer), house.cash(customer), house.owed(customer)) == (0, 0, 2_000)
    result(house, markets[0], HOME_WINS)
    assert (bonus_of(house, customer), house.cash(customer), house.owed(customer)) == (0, 0, 0)


def test_a_correction_takes_from_the_wagering_while_the_bonus_runs() -> None:
    house = House()
    customer, market = house.customer(cash_minor=1_000), house.market()
    grant = given_bonus(house, customer)
    house.taken(customer, market)
    result(house, market, AWAY_WINS)
    assert grant_of(house, grant).wagered_minor == 1_000
    result(house, market, Void("abandoned"))
    assert grant_of(house, grant).wagered_minor == 0
    house.do(c.RollbackResult(market))
    house.wait()
    result(house, market, HOME_WINS)
    assert grant_of(house, grant).wagered_minor == 1_000


def test_a_bonus_neither_ends_nor_becomes_cash_while_a_ticket_holds_of_it() -> None:
    house = House()
    customer = house.customer(cash_minor=2_000)
    market, slow = house.market(), house.in_play_market(delay_us=5 * SECOND_US)
    grant = given_bonus(house, customer)
    taken(house, customer, multiple(house, [market], 2_000))
    (waits,) = taken(house, customer, multiple(house, [slow], 300), stake_kind=BONUS, grant_id=grant)
    result(house, market, AWAY_WINS)
    assert (house.cash(customer), bonus_of(house, customer)) == (0, 1_000)
    house.do(c.SuspendMarket(slow, "goal"))
    house.wait(5 * SECOND_US)
    assert (waits.status, house.cash(customer), bonus_of(house, customer)) == (BetStatus.REFUSED, 1_000, 0)


def test_no_more_than_the_bonus_is_staked_of_it() -> None:
    house = House()
    customer, market = house.customer(cash_minor=5_000), house.market()
    grant = given_bonus(house, customer)
    answer = ask(house, customer, multiple(house, [market], 1_001), stake_kind=BONUS, grant_id=grant)
    assert answer == Refused("insufficient_funds", {"available_minor": 1_000})


def test_what_is_given_is_within_bounds() -> None:
    house = House()
    customer, soon = house.customer(), house.at_us + DAY_US
    assert house.refusal(GrantFreeBet(customer, "EUR", 0, soon)) == "grant_invalid"
    assert house.refusal(GrantFreeBet(customer, "EUR", 100, house.at_us)) == "grant_expiry_invalid"
    assert house.refusal(GrantFreeBet(customer, "EUR", 100, house.at_us + 400 * DAY_US)) == "grant_expiry_invalid"
    assert house.refusal(GrantFreeBet(customer, "USD", 100, soon)) == "wallet_not_found"
    assert house.refusal(GrantFreeBet(customer, "EUR", 100, soon, note="\n")) == "note_invalid"
    assert house.refusal(GrantBoost(customer, "EUR", 0, 100, soon)) == "grant_invalid"
    assert house.refusal(GrantBoost(customer, "EUR", 100_001, 100, soon)) == "grant_invalid"
    assert house.refusal(GrantBonus(customer, "EUR", 100, 101, soon)) == "grant_invalid"
    for _ in range(100):
        given_free(house, customer, 10)
    assert house.refusal(GrantFreeBet(customer, "EUR", 100, soon)) == "too_many_grants"
    house.wait(DAY_US)
    given_free(house, customer)
    assert len(house.machine.state.promotions.grants) == 1


def test_what_is_given_may_be_taken_back() -> None:
    house = House()
    customer = house.customer()
    free, bonus = given_free(house, customer), given_bonus(house, customer)
    house.do(RevokeGrant(customer, free))
    house.do(RevokeGrant(customer, bonus))
    assert (bonus_of(house, customer), house.trading()) == (0, 0)
    assert house.refusal(RevokeGrant(customer, bonus)) == "grant_used"
    assert house.refusal(RevokeGrant(house.customer(), free)) == "grant_not_found"
    told = house.ask(GetGrants(customer))
    assert isinstance(told, GrantsNow)
    assert [(row.grant_id, row.status, row.available) for row in told.grants] == [
        (bonus, GrantStatus.EXPIRED, False),
        (free, GrantStatus.REVOKED, False),
    ]


def test_a_customer_sees_what_is_granted() -> None:
    house = House()
    customer = house.customer()
    grant = given_bonus(house, customer, 1_000, 3, min_price_milli=1_500)
    told = house.ask(GetGrants(customer))
    assert isinstance(told, GrantsNow)
    until_us = house.at_us + DAY_US
    terms = (True, 1_000, 1_500, 0, 3_000, 0, house.at_us, until_us)
    assert told.grants == (GrantNow(grant, "EUR", GrantKind.BONUS, GrantStatus.OPEN, *terms),)


# ---------------------------------------------------------------- any life


class Season(Night):
    """A night on which the house gives things away, too, and customers use them."""

    def act(self) -> None:
        rng, house = self.rng, self.house
        roll, customer = rng.random(), rng.choice(self.customers)
        until_us = house.at_us + rng.choice((5, 60, 600, 86_400)) * SECOND_US
        least = rng.choice((0, 0, 1_500, 2_500))
        if roll < 0.06:
            house.ask(GrantFreeBet(customer, "EUR", rng.choice((100, 1_000)), until_us, least))
        elif roll < 0.1:
            house.ask(GrantBoost(customer, "EUR", rng.choice((500, 2_000)), 2_000, until_us, least))
        elif roll < 0.16:
            house.ask(GrantBonus(customer, "EUR", rng.choice((500, 3_000)), rng.choice((1, 2, 5)), until_us, least))
        elif roll < 0.17 and house.machine.state.promotions.made:
            house.ask(RevokeGrant(customer, rng.randint(1, house.machine.state.promotions.made)))
        elif roll < 0.4 and house.machine.state.promotions.grants:
            self.use(rng.choice(list(house.machine.state.promotions.grants.values())))
        else:
            super().act()
            return
        house.at_us += rng.randint(0, 2) * SECOND_US

    def use(self, grant: Grant) -> None:
        rng, house = self.rng, self.house
        kind = {GrantKind.FREE_BET: FREE, GrantKind.BONUS: BONUS, GrantKind.BOOST: StakeKind.CASH}[grant.kind]
        legs = 1 if grant.kind is GrantKind.BOOST else rng.randint(1, 3)
        chosen = rng.sample(self.open(), min(legs, len(self.open())))
        if not chosen:
            return
        asked = tuple(leg(house, market, rng.randint(1, 3)) for market in chosen)
        stake_minor = rng.randint(50, 800) if grant.kind is GrantKind.BONUS else grant.amount_minor
        bet = BetAsked(asked, (len(asked),), stake_minor)
        ask(house, grant.customer_id, bet, stake_kind=kind, grant_id=grant.id, refer=rng.random() < 0.3)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_given_the_books_are_right(seed: int) -> None:
    season = Season(seed)
    for _ in range(250):
        season.act()
    house = season.house
    house.wait(DAY_US)
    state = house.machine.state
    kinds = [decode_fact(pending.body) for pending in house.journal]
    assert sum(type(fact).__name__ in ("BonusReleased", "BonusExpired") for fact in kinds) > 1
    assert not state.promotions.bonuses
    assert not any(owed_minor > 0 for owed_minor in state.promotions.owed.values())
    for wallet in state.ledger.wallets.values():
        assert wallet.bonus.balance_minor == 0
    free = [bet for bet in state.bets.bets.values() if bet.stake_kind is FREE and bet.status is BetStatus.SETTLED]
    for bet in free:
        assert bet.outcome is not Outcome.VOID or bet.payout_minor == 0


@pytest.mark.parametrize("seed", range(20, 24))
def test_the_journal_and_a_snapshot_make_the_same_season(seed: int) -> None:
    season = Season(seed)
    for _ in range(200):
        season.act()
    machine = season.house.machine
    folded = empty()
    for pending in season.house.journal:
        fold(folded, decode_fact(pending.body), pending.at_us)
    assert state_hash(folded) == state_hash(machine.state)
    again = Machine(decode_snapshot(encode_snapshot(machine.state)))
    assert state_hash(again.state) == state_hash(machine.state)
    assert again.state.promotions.bonuses == machine.state.promotions.bonuses
    season.house.machine = again
    for _ in range(60):
        season.act()


def test_chance_is_the_seeds() -> None:
    one, other = Season(3), Season(3)
    for season in (one, other):
        for _ in range(60):
            season.act()
    assert state_hash(one.house.machine.state) == state_hash(other.house.machine.state)
    assert isinstance(one.rng, random.Random)
