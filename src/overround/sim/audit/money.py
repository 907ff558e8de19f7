"""Money in plain code: balances added up from the journal's transfers, and what each fact should have moved."""

from collections import Counter
from dataclasses import dataclass, field

from overround.sim.audit.words import Plain, hold

Wallet = tuple[int, str]


@dataclass
class Purse:
    """A customer's money in one currency, by account id, and what is set aside of the cash for delayed bets."""

    cash: int
    bonus: int
    debt: int
    held_minor: int = 0
    bonus_held_minor: int = 0
    history: list[tuple[int, tuple[int, int, int]]] = field(default_factory=list)
    """After which seq (cash, held, owed) became what."""


class Money:
    """Every balance, from nothing but transfers."""

    def __init__(self) -> None:
        self.balances: Counter[int] = Counter()
        self.currency_of: dict[int, str] = {}
        self.purses: dict[Wallet, Purse] = {}
        self.house: dict[str, dict[str, int]] = {}
        self._purse_of: dict[int, Purse] = {}

    def open_currency(self, fact: Plain) -> None:
        hold(fact["currency"] not in self.house, "a currency opened twice", fact)
        self.house[fact["currency"]] = {name: fact[name] for name in ("open_stakes", "trading", "clearing")}
        self._open(fact["currency"], fact["open_stakes"], fact["trading"], fact["clearing"])

    def open_exchange(self, fact: Plain) -> None:
        hold("exchange" not in self.house[fact["currency"]], "an exchange account opened twice", fact)
        self.house[fact["currency"]]["exchange"] = fact["exchange"]
        self._open(fact["currency"], fact["exchange"])

    def open_wallet(self, fact: Plain) -> None:
        wallet = fact["customer_id"], fact["currency"]
        hold(wallet not in self.purses, "a wallet opened twice", fact)
        purse = self.purses[wallet] = Purse(fact["cash"], fact["bonus"], fact["debt"])
        self._purse_of[purse.cash] = self._purse_of[purse.bonus] = purse
        self._open(fact["currency"], purse.cash, purse.bonus, purse.debt)

    def _open(self, currency: str, *accounts: int) -> None:
        for account in accounts:
            hold(account not in self.currency_of, "an account opened twice", account)
            self.currency_of[account] = currency

    def cash_minor(self, wallet: Wallet) -> int:
        return self.balances[self.purses[wallet].cash]

    def owed_minor(self, wallet: Wallet) -> int:
        return -self.balances[self.purses[wallet].debt]

    def available_minor(self, wallet: Wallet) -> int:
        return self.cash_minor(wallet) - self.purses[wallet].held_minor

    def set_aside(self, wallet: Wallet, amount_minor: int, kind: str = "cash") -> None:
        """A delayed bet holds its stake (above zero) or lets it go (below); a free bet holds nothing."""
        if kind == "bonus":
            self._set_bonus_aside(self.purses[wallet], amount_minor)
        if kind != "cash":
            return
        self.purses[wallet].held_minor += amount_minor
        hold(self.purses[wallet].held_minor >= 0, "less than nothing is held", wallet)
        hold(self.available_minor(wallet) >= 0, "more is held than there is", wallet, amount_minor)

    def _set_bonus_aside(self, purse: Purse, amount_minor: int) -> None:
        purse.bonus_held_minor += amount_minor
        hold(0 <= purse.bonus_held_minor <= self.balances[purse.bonus], "more of a bonus is held than there is", purse)

    def post(self, fact: Plain, expected: Counter[int]) -> None:
        """Move what the fact moves; together it must be what plain arithmetic expects, and never overdraw."""
        moved: Counter[int] = Counter()
        for debit, credit, amount_minor, *_ in fact.get("transfers", ()):
            hold(amount_minor > 0, "a transfer of nothing or less", fact)
            hold(self.currency_of[debit] == self.currency_of[credit], "a transfer between currencies", fact)
            moved[debit] -= amount_minor
            moved[credit] += amount_minor
            self.balances[debit] -= amount_minor
            self.balances[credit] += amount_minor
            self._solvent(debit, fact)
        hold(without_zeros(moved) == without_zeros(expected), "other money moved than expected", fact, expected)

    def _solvent(self, account: int, fact: Plain) -> None:
        purse = self._purse_of.get(account)
        if purse is not None:
            held = purse.held_minor if account == purse.cash else purse.bonus_held_minor
            hold(self.balances[account] >= held, "cash overdrawn", self.balances[account], purse, fact)

    def balanced(self) -> None:
        """The sum over all accounts of each currency is zero."""
        sums: Counter[str] = Counter()
        for account, currency in self.currency_of.items():
            sums[currency] += self.balances[account]
        hold(not any(sums.values()), "the ledger does not add up to zero", sums)

    def remember(self, seq: int, wallet: Wallet) -> None:
        """What a balance asked for at or after `seq` must say."""
        purse = self.purses[wallet]
        purse.history.append((seq, (self.cash_minor(wallet), purse.held_minor, self.owed_minor(wallet))))

    def was(self, seq: int, wallet: Wallet) -> tuple[int, int, int]:
        """(cash, held, owed) of a wallet right after a seq."""
        for since, amounts in reversed(self.purses[wallet].history):
            if since <= seq:
                return amounts
        return (0, 0, 0)

    def funds_moved(self, fact: Plain) -> None:
        """A deposit repays a debt first; a withdrawal takes what is there and not held."""
        wallet, amount = (fact["customer_id"], fact["currency"]), fact["amount_minor"]
        purse = self.purses[wallet]
        repaid = min(amount, self.owed_minor(wallet)) if amount > 0 else 0
        expected = Counter({purse.cash: amount - repaid, purse.debt: repaid})
        expected[self.house[fact["currency"]]["clearing"]] -= amount
        self.post(fact, expected)

    def pay(
        self, wallet: Wallet, gain: int, *, stake_moved_minor: int, expected: Counter[int], kind: str = "cash"
    ) -> None:
        """Add to `expected` what one bet moves: a gain repays debt first, what cannot be taken back becomes debt.

        `stake_moved_minor` leaves the open stakes with a first settlement (above zero), and comes back when a bet opens
        again. What was staked with a bonus moves the bonus account.
        """
        purse, house = self.purses[wallet], self.house[wallet[1]]
        account, held = (purse.bonus, purse.bonus_held_minor) if kind == "bonus" else (purse.cash, purse.held_minor)
        spendable = self.balances[account] - held + expected[account]
        owed = self.owed_minor(wallet) - expected[purse.debt]
        debt = -min(owed, gain) if gain > 0 else max(0, -gain - spendable)
        expected[account] += gain + debt
        expected[purse.debt] -= debt
        expected[house["open_stakes"]] -= stake_moved_minor
        expected[house["trading"]] += stake_moved_minor - gain

    def stake(self, fact: Plain, wallet: Wallet, stake_minor: int, kind: str = "cash") -> None:
        """A stake is of the customer's cash or bonus, that of a free bet of the house's profit."""
        purse, house = self.purses[wallet], self.house[wallet[1]]
        account = {"cash": purse.cash, "bonus": purse.bonus, "free_bet": house["trading"]}[kind]
        self.post(fact, Counter({account: -stake_minor, house["open_stakes"]: stake_minor}))


def without_zeros(amounts: Counter[int]) -> dict[int, int]:
    return {account: amount for account, amount in amounts.items() if amount}
