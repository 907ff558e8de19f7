"""Where money lies: the tables of docs/rules/ledger.md, and a model that adds up what came and went."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.book.house import House
from tests.book.tables import number, table

from overround.book import ledger
from overround.book.ledger import (
    AccountKind,
    CurrencyOpened,
    HouseAccounts,
    LedgerBroken,
    LedgerState,
    Transfer,
    Wallet,
    WalletOpened,
)
from overround.book.machine import commands as c
from overround.book.settlement import Score, Void
from overround.kernel.instant import SECOND_US
from overround.kernel.money import MAX_CURRENCY_MINOR, MAX_MONEY_MINOR
from overround.kernel.refusal import Refused


def opened() -> tuple[LedgerState, Wallet, HouseAccounts]:
    state = LedgerState()
    ledger.open_currency(state, CurrencyOpened(currency="EUR", open_stakes=1, trading=2, clearing=3))
    ledger.open_wallet(state, WalletOpened(customer_id=1, currency="EUR", cash=4, bonus=5, debt=6))
    return state, state.wallets[1, "EUR"], state.house["EUR"]


def written(state: LedgerState, transfers: tuple[Transfer, ...]) -> str:
    """Transfers as the page writes them."""
    kinds = {account.id: account.kind.value for account in state.accounts.values()}
    return ", ".join(f"{t.amount_minor:,} {kinds[t.debit]} → {kinds[t.credit]}" for t in transfers)


def test_the_page_names_every_account() -> None:
    assert [row["account"] for row in table("ledger.md", "Accounts")] == list(AccountKind)


@pytest.mark.parametrize("row", table("ledger.md", "Movements"), ids=lambda row: row["movement"])
def test_movements(row: dict[str, str]) -> None:
    state, wallet, house = opened()
    movement, _, owed = row["movement"].partition(", ")
    owed_minor = number(owed.removesuffix(" owed"))
    wallet.debt.balance_minor = -owed_minor
    amount = number((re.findall(r"[\d,]+", movement) or ["0"])[0])
    if movement.startswith("deposit"):
        made = ledger.move(wallet, house, amount_minor=amount)
    elif movement.startswith("withdrawal"):
        made = ledger.move(wallet, house, amount_minor=-amount)
    elif movement == "bet taken":
        made = ledger.stake(wallet, house, stake_minor=1_000, ref=1)
    else:
        made = ledger.settle(wallet, house, stake_minor=1_000, payout_minor=amount, ref=1)
        made += ledger.recover(wallet, credited_minor=amount, owed_minor=owed_minor, ref=1)
    assert written(state, made) == row["transfers"]


def test_a_customer_who_has_spent_the_winnings() -> None:
    house = House()
    market = house.market(prices_milli=(3_000, 3_000, 3_000))
    customer = house.customer()
    steps: dict[str, c.AnyCommand] = {
        "result: won": c.RecordResult(market, Score(1, 0)),
        "correction: lost": c.RecordResult(market, Score(0, 1)),
        "correction: void": c.RecordResult(market, Void("abandoned")),
    }
    for row in table("ledger.md", "Corrections and debt"):
        step, _, amount = row["what happens"].partition(" ")
        if step == "bet":
            house.taken(customer, market, stake_minor=number(amount))
        elif step in ("deposit", "withdraw"):
            signed = number(amount) * (1 if step == "deposit" else -1)
            house.do(c.MoveFunds(customer, "EUR", signed, step))
        else:
            house.do(steps[row["what happens"]])
        house.wait()
        accounts = house.machine.state.ledger.house["EUR"]
        assert [house.cash(customer), house.owed(customer)] == [number(row["cash"]), number(row["owed"])]
        assert accounts.open_stakes.balance_minor == number(row["open stakes"])
        assert accounts.trading.balance_minor == number(row["trading"])
        assert accounts.clearing.balance_minor == number(row["clearing"])


def test_a_payout_repays_a_debt() -> None:
    house = House()
    customer = house.customer(cash_minor=2_000)
    first, second = house.market(), house.market()
    house.taken(customer, first, stake_minor=1_000)
    house.taken(customer, second, stake_minor=1_000)
    house.do(c.RecordResult(first, Score(1, 0)))
    house.wait()
    house.do(c.MoveFunds(customer, "EUR", -2_000, "withdrawal"))
    house.do(c.RecordResult(first, Score(0, 1)))
    house.wait()
    assert (house.cash(customer), house.owed(customer)) == (0, 2_000)
    house.do(c.RecordResult(second, Score(1, 0)))
    house.wait()
    assert (house.cash(customer), house.owed(customer)) == (0, 0)


def test_a_debt_is_repaid_once_by_bets_settled_in_one_step() -> None:
    house = House()
    customer = house.customer(cash_minor=3_000)
    first, second = house.market(), house.market()
    house.taken(customer, first, stake_minor=1_000)
    for _ in range(2):
        house.taken(customer, second, stake_minor=1_000)
    house.do(c.RecordResult(first, Score(1, 0)))
    house.wait()
    house.do(c.MoveFunds(customer, "EUR", -1_500, "withdrawal"))
    house.do(c.RecordResult(first, Score(0, 1)))
    house.wait()
    assert (house.cash(customer), house.owed(customer)) == (0, 1_500)
    house.do(c.RecordResult(second, Score(1, 0)))
    house.wait()
    assert (house.cash(customer), house.owed(customer)) == (2_500, 0)


def test_a_held_stake_is_not_taken_for_a_debt() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    market = house.market()
    waiting_on = house.in_play_market(delay_us=5 * SECOND_US)
    house.taken(customer, market, stake_minor=1_000)
    house.do(c.RecordResult(market, Score(1, 0)))
    house.wait()
    house.do(c.MoveFunds(customer, "EUR", -1_500, "withdrawal"))
    house.taken(customer, waiting_on, stake_minor=500)
    house.do(c.RecordResult(market, Score(0, 1)))
    house.do(c.SuspendMarket(waiting_on, "goal"))
    while house.machine.state.settlement.settling:
        house.step()
    assert (house.cash(customer), house.owed(customer)) == (500, 2_000)
    house.wait(5 * SECOND_US)
    assert (house.wallet(customer).cash.available_minor, house.owed(customer)) == (500, 2_000)
    assert house.refusal(c.MoveFunds(customer, "EUR", -1, "what would repay the debt stays")) == "insufficient_funds"
    house.do(c.MoveFunds(customer, "EUR", 2_500, "deposit"))
    assert (house.cash(customer), house.owed(customer)) == (1_000, 0)


@pytest.mark.parametrize("amount_minor", [0, MAX_MONEY_MINOR + 1, -MAX_MONEY_MINOR - 1, MAX_MONEY_MINOR])
def test_amounts_that_do_not_move(amount_minor: int) -> None:
    house = House()
    customer = house.customer(cash_minor=1)
    answer = house.ask(c.MoveFunds(customer, "EUR", amount_minor, "deposit"))
    assert answer == Refused("amount_invalid", {"available_minor": 1})


@pytest.mark.parametrize("note", ["", "x" * 201, "two\nlines", "nul\0"])
def test_notes_that_are_refused(note: str) -> None:
    house = House()
    assert house.refusal(c.MoveFunds(house.customer(), "EUR", 100, note)) == "note_invalid"


def test_a_currency_takes_no_more_than_fits_64_bits() -> None:
    house = House()
    for _ in range(MAX_CURRENCY_MINOR // MAX_MONEY_MINOR):
        house.customer(cash_minor=MAX_MONEY_MINOR)
    assert house.refusal(c.MoveFunds(house.customer(), "EUR", 1, "deposit")) == "amount_invalid"
    house.do(c.MoveFunds(1, "EUR", -5, "withdrawal"))
    house.do(c.MoveFunds(house.customer(), "EUR", 5, "deposit"))


def test_wallets_are_opened_once() -> None:
    house = House()
    customer = house.customer()
    assert house.refusal(c.OpenWallet(customer, "EUR")) == "wallet_exists"
    assert house.refusal(c.OpenWallet(customer, "XXX")) == "currency_unknown"
    assert house.refusal(c.OpenWallet(99, "EUR")) == "customer_not_found"
    assert house.refusal(c.OpenCustomer("eur")) == "currency_unknown"
    assert house.do(c.OpenWallet(customer, "JPY")) == customer


def test_the_ledger_breaks_rather_than_lets_cash_go_below_zero() -> None:
    state, wallet, house = opened()
    with pytest.raises(LedgerBroken):
        ledger.post(state, ledger.stake(wallet, house, stake_minor=1, ref=1))
    state, wallet, _ = opened()
    with pytest.raises(LedgerBroken):
        ledger.hold(state, account_id=wallet.cash.id, amount_minor=1)


minor = st.integers(0, 5_000)


@given(stake=st.integers(1, 5_000), old=minor, new=minor, spendable=minor, owed=minor)
def test_a_resettlement_moves_the_difference_and_owes_what_is_not_there(
    stake: int, old: int, new: int, spendable: int, owed: int
) -> None:
    """Whatever was paid before and is paid now, cash gets the difference less what repays a debt."""
    state, wallet, house = opened()
    wallet.cash.balance_minor, wallet.debt.balance_minor = spendable, -owed
    made = ledger.resettle(
        wallet, house, stake_minor=stake, old_payout_minor=old, payout_minor=new,
        spendable_minor=spendable, owed_minor=owed, ref=1,
    )  # fmt: skip
    ledger.post(state, made)
    assert wallet.cash.balance_minor + wallet.debt.balance_minor == spendable - owed + new - old
    assert wallet.cash.balance_minor == (
        spendable + max(0, new - old - owed) if new >= old else max(0, spendable + new - old)
    )
    assert house.open_stakes.balance_minor == 0
    assert house.trading.balance_minor == old - new
    assert all(transfer.amount_minor > 0 for transfer in made)


class LedgerModel(RuleBasedStateMachine):
    """One customer's bets, settled and corrected; the model keeps four numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.wallet, self.house = opened()
        self.net = self.paid_in = self.held = 0
        self.open: list[int] = []
        self.settled: list[tuple[int, int]] = []

    @rule(amount=st.integers(1, 5_000))
    def deposit(self, amount: int) -> None:
        ledger.post(self.state, ledger.move(self.wallet, self.house, amount_minor=amount))
        self.net += amount
        self.paid_in += amount

    @rule(amount=st.integers(1, 5_000))
    def withdraw(self, amount: int) -> None:
        refusal = ledger.move_refusal(self.wallet, self.house, amount_minor=-amount)
        spare = self.wallet.cash.available_minor + self.wallet.debt.balance_minor
        assert (refusal is not None) == (amount > spare)
        if refusal is None:
            ledger.post(self.state, ledger.move(self.wallet, self.house, amount_minor=-amount))
            self.net -= amount
            self.paid_in -= amount

    @rule(share=st.integers(1, 100))
    def hold(self, share: int) -> None:
        amount = self.wallet.cash.available_minor * share // 100
        ledger.hold(self.state, account_id=self.wallet.cash.id, amount_minor=amount)
        self.held += amount

    @rule()
    def release(self) -> None:
        ledger.hold(self.state, account_id=self.wallet.cash.id, amount_minor=-self.held)
        self.held = 0

    @rule(share=st.integers(1, 100))
    def stake(self, share: int) -> None:
        amount = self.wallet.cash.available_minor * share // 100
        if amount:
            ledger.post(self.state, ledger.stake(self.wallet, self.house, stake_minor=amount, ref=1))
            self.net -= amount
            self.open.append(amount)

    @precondition(lambda self: self.open)
    @rule(payout=st.integers(0, 9_000))
    def settle(self, payout: int) -> None:
        stake, owed = self.open.pop(), -self.wallet.debt.balance_minor
        ledger.post(
            self.state,
            ledger.settle(self.wallet, self.house, stake_minor=stake, payout_minor=payout, ref=1)
            + ledger.recover(self.wallet, credited_minor=payout, owed_minor=owed),
        )
        self.net += payout
        self.settled.append((stake, payout))

    @precondition(lambda self: self.settled)
    @rule(payout=st.integers(0, 9_000))
    def correct(self, payout: int) -> None:
        stake, before = self.settled.pop(0)
        made = ledger.resettle(
            self.wallet, self.house, stake_minor=stake, old_payout_minor=before, payout_minor=payout,
            spendable_minor=self.wallet.cash.available_minor, owed_minor=-self.wallet.debt.balance_minor, ref=1,
        )  # fmt: skip
        ledger.post(self.state, made)
        self.net += payout - before
        self.settled.append((stake, payout))

    @invariant()
    def the_books_agree(self) -> None:
        cash, debt = self.wallet.cash, self.wallet.debt
        assert cash.balance_minor + debt.balance_minor == self.net
        assert 0 <= self.held == cash.held_minor <= cash.balance_minor
        assert debt.balance_minor <= 0
        assert self.house.open_stakes.balance_minor == sum(self.open)
        assert self.house.trading.balance_minor == sum(stake - payout for stake, payout in self.settled)
        assert self.house.clearing.balance_minor == -self.paid_in
        assert ledger.sums_minor(self.state) == {"EUR": 0}


TestLedgerModel = LedgerModel.TestCase
