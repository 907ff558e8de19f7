"""Promotions in plain code: who was given what, which bets stand on it, what counts towards a bonus, and its end."""

from collections import Counter
from dataclasses import dataclass

from overround.book.machine import GrantsNow
from overround.sim.audit.bets import Bet, Bets
from overround.sim.audit.money import Money, Wallet
from overround.sim.audit.tickets import TicketBet
from overround.sim.audit.words import Plain, hold

RESTORED_US = 7 * 86_400_000_000
HIGHEST_MILLI = 10_000_000
STAKED_AS = {"boost": "cash", "free_bet": "free_bet", "bonus": "bonus"}

AnyBet = Bet | TicketBet


@dataclass
class Grant:
    id: int
    wallet: Wallet
    kind: str
    amount_minor: int
    granted_at_us: int
    expires_at_us: int
    min_price_milli: int
    percent_bps: int = 0
    required_minor: int = 0
    status: str = "open"
    uses: int = 0
    held: bool = False
    wagered_minor: int = 0
    owed_minor: int = 0
    """What its bets brought to the bonus account after it had ended."""

    def is_free(self, at_us: int) -> bool:
        """Whether a ticket may name it."""
        return self.status == "open" and not self.uses and not self.held and at_us < self.expires_at_us

    @property
    def is_token(self) -> bool:
        return self.kind != "bonus"


class Promotions:
    """Folds the facts about grants; raises Broken where one should not be."""

    def __init__(self, bets: Bets, money: Money) -> None:
        self.grants: dict[int, Grant] = {}
        self._bets, self._money = bets, money
        self.steps = {
            "free_bet_granted": self._granted,
            "boost_granted": self._granted,
            "bonus_granted": self._granted,
            "grant_revoked": self._revoked,
            "bonus_released": self._released,
            "bonus_expired": self._expired,
        }

    # ------------------------------------------------------------ given

    def _granted(self, fact: Plain, at_us: int) -> None:
        hold(fact["grant_id"] == len(self.grants) + 1, "a grant's number is out of order", fact)
        hold(fact["expires_at_us"] > at_us, "a grant that is over at once", fact)
        wallet, kind = (fact["customer_id"], fact["currency"]), fact["kind"].removesuffix("_granted")
        amount_minor = fact["max_stake_minor"] if kind == "boost" else fact["amount_minor"]
        if kind == "bonus":
            hold(self._running(wallet) is None, "two bonuses that run", fact)
            self._move(fact, wallet, amount_minor)
        self.grants[fact["grant_id"]] = Grant(
            fact["grant_id"],
            wallet,
            kind,
            amount_minor,
            at_us,
            fact["expires_at_us"],
            fact.get("min_price_milli", 0),
            fact.get("percent_bps", 0),
            fact.get("required_minor", 0),
        )

    def _running(self, wallet: Wallet) -> Grant | None:
        """The bonus of a wallet that runs."""
        own = (grant for grant in self.grants.values() if grant.wallet == wallet and not grant.is_token)
        return next((grant for grant in own if grant.status == "open"), None)

    def _move(self, fact: Plain, wallet: Wallet, amount_minor: int) -> None:
        """From the house to a bonus account, or (below zero) back."""
        purse, trading = self._money.purses[wallet], self._money.house[wallet[1]]["trading"]
        self._money.post(fact, Counter({purse.bonus: amount_minor, trading: -amount_minor}))

    def _revoked(self, fact: Plain, _: int) -> None:
        grant = self.grants[fact["grant_id"]]
        unused = grant.is_token and grant.status == "open" and not grant.uses and not grant.held
        hold(unused and grant.wallet[0] == fact["customer_id"], "a grant taken back that is used", fact, grant)
        grant.status = "revoked"

    # ------------------------------------------------------------ used

    def taken(self, fact: Plain, made: list[TicketBet], prices_milli: list[int], at_us: int) -> None:
        """A ticket stands or waits, at these prices on offer: what it names is its customer's, free, and fits."""
        grant = self.grants.get(fact.get("grant_id", 0))
        if grant is None:
            hold(made[0].kind == "cash" and not made[0].grant, "a stake without its grant", fact)
            return
        hold(grant.wallet == made[0].wallet and grant.is_free(at_us), "a grant that may not be used", fact, grant)
        hold(STAKED_AS[grant.kind] == made[0].kind, "a grant of another kind than the stake", fact, grant)
        if made[0].status == "open":
            self._stands(grant, made, prices_milli)
        elif grant.is_token:
            grant.held = True

    def waiting_accepted(self, made: list[TicketBet], prices_milli: list[int]) -> None:
        grant = self.grants.get(made[0].grant)
        if grant is not None:
            self._stands(grant, made, prices_milli)

    def waiting_refused(self, made: list[TicketBet]) -> None:
        grant = self.grants.get(made[0].grant)
        if grant is not None:
            grant.held = False

    def _stands(self, grant: Grant, made: list[TicketBet], prices_milli: list[int]) -> None:
        if not grant.is_token:
            return
        (bet,), amount_minor = made, grant.amount_minor
        right = bet.stake_minor == amount_minor if grant.kind == "free_bet" else bet.stake_minor <= amount_minor
        hold(right, "a token used for another stake", bet, grant)
        hold(min(prices_milli) >= grant.min_price_milli, "a token used at a low price", bet, grant, prices_milli)
        hold(grant.kind != "boost" or len(bet.legs) == 1, "a boost of more than a single", bet, grant)
        for leg, price_milli in zip(bet.legs, prices_milli, strict=True):
            due = self.price_milli(grant.id, price_milli)
            hold(leg.price_milli == due, "another price than on offer, with its boost", leg, due, grant)
        grant.held, grant.uses = False, grant.uses + 1

    def price_milli(self, grant_id: int, price_milli: int) -> int:
        """A price with its boost: the winnings are higher, and cut to a thousandth."""
        grant = self.grants.get(grant_id)
        if grant is None or grant.kind != "boost":
            return price_milli
        more = (price_milli - 1_000) * (10_000 + grant.percent_bps)
        return min(HIGHEST_MILLI, 1_000 + more // 10_000)

    # ------------------------------------------------------------ settled

    def settles(self, fact: Plain, at_us: int) -> None:
        """A step of settlement, about to be folded: what its bets count towards changes with their outcomes."""
        for number, _, outcome, *_ in fact["bets"]:
            self._comes_to(self._bets.find(number), outcome, at_us)
        for number, *_ in fact.get("reopened", ()):
            self._comes_to(self._bets.find(number), "", at_us)

    def _comes_to(self, bet: AnyBet | None, outcome: str, at_us: int) -> None:
        if bet is None:
            return
        token = self.grants.get(bet.grant) if isinstance(bet, TicketBet) else None
        if token is not None and token.kind == "free_bet":
            was_void, is_void = bet.outcome == "void", outcome == "void"
            token.uses += was_void - is_void
            if is_void and not was_void:
                token.expires_at_us = max(token.expires_at_us, at_us + RESTORED_US)
        bonus = self._running(bet.wallet)
        if bonus is not None and self._counts(bonus, bet):
            was, is_now = bet.outcome not in ("", "void"), outcome not in ("", "void")
            bonus.wagered_minor += (is_now - was) * bet.running_minor

    def _counts(self, bonus: Grant, bet: AnyBet) -> bool:
        is_free = isinstance(bet, TicketBet) and bet.kind == "free_bet"
        prices = [leg.price_milli for leg in bet.legs] if isinstance(bet, TicketBet) else [bet.price_milli]
        return not is_free and bet.struck_at_us >= bonus.granted_at_us and min(prices) >= bonus.min_price_milli

    def settled(self, fact: Plain) -> None:
        """What bets brought to a bonus that has ended is not their customer's to stake."""
        for number, *_ in (*fact["bets"], *fact.get("reopened", ())):
            bet = self._bets.tickets.bets.get(number)
            grant = self.grants.get(bet.grant) if bet is not None and bet.kind == "bonus" else None
            if bet is not None and grant is not None and grant.status != "open":
                grant.owed_minor += bet.moved_minor

    # ------------------------------------------------------------ a bonus ends

    def _ends(self, fact: Plain, ended: str) -> tuple[Grant, int]:
        """The bonus, and what is left of it: all, or what came late."""
        grant = self.grants[fact["grant_id"]]
        purse = self._money.purses[grant.wallet]
        left = self._money.balances[purse.bonus]
        if fact.get("late", False):
            hold(grant.status == ended and grant.owed_minor > 0, "late for what has not ended so", fact, grant)
            left = min(grant.owed_minor, left - purse.bonus_held_minor)
            grant.owed_minor = 0
        else:
            hold(grant.status == "open" and not purse.bonus_held_minor, "a bonus that may not end", fact, grant, purse)
        hold(fact["amount_minor"] == left, "another amount than is left of a bonus", fact, left, grant)
        grant.status = ended
        return grant, left

    def _released(self, fact: Plain, _: int) -> None:
        grant, left = self._ends(fact, "released")
        done = fact.get("late", False) or 0 < grant.required_minor <= grant.wagered_minor
        hold(done, "a bonus released before it was wagered", fact, grant)
        purse = self._money.purses[grant.wallet]
        repaid = min(left, self._money.owed_minor(grant.wallet))
        self._money.post(fact, Counter({purse.bonus: -left, purse.cash: left - repaid, purse.debt: repaid}))

    def _expired(self, fact: Plain, at_us: int) -> None:
        grant, left = self._ends(fact, "expired")
        over = fact.get("late", False) or fact.get("revoked", False) or at_us >= grant.expires_at_us
        hold(over, "a bonus that ended too early", fact, grant)
        hold(fact.get("revoked", False) == ("cause" in fact), "a bonus taken back by nobody", fact)
        self._move(fact, grant.wallet, -left)

    # ------------------------------------------------------------ always

    def shown(self, answer: GrantsNow, *, is_now: bool) -> None:
        for row in answer.grants if is_now else ():
            grant = self.grants[row.grant_id]
            told = row.kind, row.status, row.amount_minor, row.wagered_minor, row.expires_at_us
            was = grant.kind, grant.status, grant.amount_minor, grant.wagered_minor, grant.expires_at_us
            hold(told == was and grant.wallet[0] == answer.customer_id, "shown another grant", row, grant)

    def bonuses_are_kept(self) -> None:
        """Where the house has nothing left to do: nobody waits for a bonus."""
        for grant in self.grants.values():
            ripe = grant.status == "open" and 0 < grant.required_minor <= grant.wagered_minor
            hold(not ripe or self._money.purses[grant.wallet].bonus_held_minor > 0, "a bonus left unreleased", grant)
            hold(grant.owed_minor <= 0, "something that came late is left", grant)
