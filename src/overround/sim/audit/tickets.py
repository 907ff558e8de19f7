"""Tickets in plain code: why each bet may stand, and what it comes to, line by line in fractions."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import prod
from typing import Any

from overround.sim.audit.money import Money, Wallet
from overround.sim.audit.offer import Offer
from overround.sim.audit.payouts import factor
from overround.sim.audit.players import Players, Use
from overround.sim.audit.words import Plain, hold

REFERRAL_US = 60_000_000


@dataclass
class Leg:
    market: int
    selection: int
    price_milli: int
    version: int


@dataclass
class TicketBet:
    id: int
    ticket: int
    wallet: Wallet
    legs: list[Leg]
    folds: list[int]
    stake_minor: int
    policy: str
    use: Use
    status: str
    placed_at_us: int
    decide_at_us: int = 0
    paid_minor: int = 0
    outcome: str = ""
    kind: str = "cash"
    """Whose money is staked."""

    grant: int = 0
    moved_minor: int = 0
    """What its last settlement moved on the account that it pays to."""

    sold_minor: int = 0
    """What was cashed out of its stake."""

    @property
    def is_boosted(self) -> bool:
        """Whether its price is not that on offer, but higher by a boost."""
        return bool(self.grant) and self.kind == "cash"

    @property
    def running_minor(self) -> int:
        return self.stake_minor - self.sold_minor

    @property
    def struck_at_us(self) -> int:
        return max(self.placed_at_us, self.decide_at_us)

    @property
    def most_minor(self) -> int:
        """What it pays if every leg wins; where a part is sold, in proportion and rounded down."""
        whole = sum(lines(self.folds, [Fraction(leg.price_milli, 1_000) for leg in self.legs], self.stake_minor))
        return round(whole) * self.running_minor // self.stake_minor

    def _lines(self, factors: list[Fraction]) -> list[Fraction]:
        return lines(self.folds, factors, self.running_minor)

    def comes_to(self, offer: Offer) -> tuple[str, int] | None:
        """Its outcome and payout by what is known now; None while something open can change it."""
        struck_at_us = self.struck_at_us
        factors = [
            factor(offer.markets[leg.market], leg.selection, price_milli=leg.price_milli, struck_at_us=struck_at_us)
            for leg in self.legs
        ]
        known = [made for made in factors if made is not None]
        if len(known) < len(factors):
            if not known or (self.folds == [len(self.legs)] and 0 not in known):
                return None
            best = [Fraction(leg.price_milli, 1_000) for leg in self.legs]
            most = [best[place] if made is None else made for place, made in enumerate(factors)]
            least = [Fraction(0) if made is None else made for made in factors]
            paid = round(sum(self._lines(least)))
            if self.folds != [len(self.legs)] and paid != round(sum(self._lines(most))):
                return None
        else:
            paid = round(sum(self._lines(known)))
        void = len(known) == len(factors) and all(self._is_void(offer, leg, struck_at_us) for leg in self.legs)
        returned = self.running_minor if self.kind == "free_bet" else 0
        return ("void" if void else "won" if paid else "lost"), max(0, paid - returned)

    def _is_void(self, offer: Offer, leg: Leg, struck_at_us: int) -> bool:
        """Whether a leg's factor is 1 whatever its price."""
        market = offer.markets[leg.market]
        made = (factor(market, leg.selection, price_milli=price, struck_at_us=struck_at_us) for price in (3_000, 7_000))
        return all(each == 1 for each in made)


def lines(folds: list[int], factors: list[Fraction], stake_minor: int) -> list[Fraction]:
    """What each line returns: its equal part of a stake times the factors of its legs."""
    picks = [pick for fold in folds for pick in combinations(range(len(factors)), fold)]
    return [prod((factors[place] for place in pick), start=Fraction(stake_minor, len(picks))) for pick in picks]


class Tickets:
    """Folds the facts about tickets; raises Broken where one should not be."""

    def __init__(self, money: Money, offer: Offer, players: Players) -> None:
        self.bets: dict[int, TicketBet] = {}
        self._money, self._offer, self._players = money, offer, players

    def of(self, ticket: int) -> list[TicketBet]:
        return [bet for bet in self.bets.values() if bet.ticket == ticket]

    def owing(self, market: int, selection: int, currency: str) -> int:
        """What open bets of tickets would cost on a market if a selection won, and the rest of each with it."""
        staked, paid = 0, Counter[int]()
        out = self._offer.markets[market].withdrawn
        for bet in self._open(currency):
            for leg in bet.legs:
                if leg.market == market and leg.selection not in out:
                    own = 0 if bet.kind == "free_bet" else bet.running_minor
                    paid[leg.selection] += bet.most_minor - bet.running_minor + own
                    staked += own
        return self._offer.markets[market].costs(selection, paid) - staked

    def largest(self, currency: str) -> int:
        """The sum of the largest losses of open bets, each counted once, of which not every leg was withdrawn."""
        markets = self._offer.markets
        runs = [
            bet
            for bet in self._open(currency)
            if any(leg.selection not in markets[leg.market].withdrawn for leg in bet.legs)
        ]
        return sum(max(0, bet.most_minor - bet.running_minor) for bet in runs)

    def _open(self, currency: str) -> list[TicketBet]:
        return [bet for bet in self.bets.values() if bet.status == "open" and bet.wallet[1] == currency]

    # ------------------------------------------------------------ taken

    def taken(self, fact: Plain, asked: Plain, at_us: int) -> list[TicketBet]:
        """A ticket that stands at once."""
        made = self._new(fact, asked, at_us, "open")
        hold(self._delay_us(made) == 0, "a ticket that should have waited", fact)
        self._stake(fact, made)
        return made

    def delayed(self, fact: Plain, asked: Plain, at_us: int) -> list[TicketBet]:
        made = self._new(fact, asked, at_us, "delayed")
        delay_us = self._delay_us(made)
        hold(delay_us > 0 and fact["decide_at_us"] == at_us + delay_us, "a ticket with a wrong delay", fact, delay_us)
        return self._waits(fact, made)

    def referred(self, fact: Plain, asked: Plain, at_us: int) -> list[TicketBet]:
        hold(asked["refer"], "a ticket referred that nobody wanted referred", fact)
        hold(fact["decide_at_us"] == at_us + REFERRAL_US, "a trader has another time than a minute", fact)
        return self._waits(fact, self._new(fact, asked, at_us, "referred"))

    def _waits(self, fact: Plain, made: list[TicketBet]) -> list[TicketBet]:
        for bet in made:
            bet.decide_at_us = fact["decide_at_us"]
            self._money.set_aside(bet.wallet, bet.stake_minor, bet.kind)
        return made

    def _new(self, fact: Plain, asked: Plain, at_us: int, status: str) -> list[TicketBet]:
        hold(len(fact["bets"]) == len(asked["bets"]), "a ticket of other bets than asked", fact, asked)
        wallet, kind = (fact["customer_id"], fact["currency"]), fact.get("stake_kind", "cash")
        made = []
        for row, wanted in zip(fact["bets"], asked["bets"], strict=True):
            legs, folds, stake_minor = legs_of(row), row[1][1], row[1][2]
            chosen = [(leg.market, leg.selection) for leg in legs]
            told = [(leg[0], leg[1]) for leg in wanted[0]]
            hold((chosen, folds, stake_minor) == (told, wanted[1], wanted[2]), "another bet than asked", row, wanted)
            use = self._players.use(wallet, Use(at_us, staked_minor=0 if kind == "free_bet" else stake_minor))
            bet = TicketBet(
                row[0], fact["ticket_id"], wallet, legs, folds, stake_minor, fact["odds_change"], use, status, at_us
            )
            bet.kind, bet.grant = kind, fact.get("grant_id", 0)
            hold(row[2] == bet.most_minor, "a bet that may pay another amount", row, bet.most_minor)
            self._right(bet, [leg[2] for leg in wanted[0]], fact, at_us)
            self.bets[bet.id] = bet
            made.append(bet)
        hold(made[0].id == fact["ticket_id"], "a ticket with another number than its first bet", fact)
        self._players.may_bet(wallet[0], at_us, fact)
        if kind != "free_bet":
            self._players.within(wallet, at_us, fact)
        return made

    def _right(self, bet: TicketBet, asked_milli: list[int], fact: Plain, at_us: int) -> None:
        """Every leg is on an open market at a price on offer that the customer takes, no two on one event."""
        events = [self._offer.markets[leg.market].event for leg in bet.legs]
        hold(len(set(events)) == len(events), "two legs of one event", fact)
        for leg, asked in zip(bet.legs, asked_milli, strict=True):
            market = self._offer.markets[leg.market]
            self._offer.takes_bets(market, at_us, fact)
            waits = bet.status in ("delayed", "referred")
            price = asked if waits else leg.price_milli
            hold(leg.price_milli == price, "a waiting ticket at other prices than asked", fact)
            current = market.prices[leg.selection]
            right = waits or bet.is_boosted or leg.price_milli == current
            hold(current > 0 and right, "a price that was not on offer", leg, fact)
            self._taken_price(bet.policy, asked, current, fact)
            hold(leg.version == market.version, "a leg at another version than the market's", leg, market, fact)

    def _taken_price(self, policy: str, asked: int, current: int, fact: Plain) -> None:
        wrong = {"none": current != asked, "higher": current < asked, "lower": current > asked, "any": False}[policy]
        hold(not wrong, "a ticket at a price that its customer does not take", asked, current, fact)

    def _delay_us(self, made: list[TicketBet]) -> int:
        markets = {leg.market for bet in made for leg in bet.legs}
        return max(self._offer.delay_us(self._offer.markets[market]) for market in markets)

    def _stake(self, fact: Plain, made: list[TicketBet]) -> None:
        self._money.stake(fact, made[0].wallet, sum(bet.stake_minor for bet in made), made[0].kind)

    # ------------------------------------------------------------ waited

    def offered(self, fact: Plain) -> None:
        """A trader's terms: no stake has grown."""
        for row in fact["bets"]:
            bet = self.bets[row[0]]
            hold(bet.status == "referred" and row[1][2] <= bet.stake_minor, "an offer that may not be", bet, row)
            self._money.set_aside(bet.wallet, row[1][2] - bet.stake_minor, bet.kind)
            bet.legs, bet.stake_minor, bet.status = legs_of(row), row[1][2], "offered"
            bet.decide_at_us = fact["decide_at_us"]
            if bet.kind != "free_bet":
                bet.use.staked_minor = bet.stake_minor

    def waiting_accepted(self, fact: Plain, at_us: int) -> list[TicketBet]:
        """What waited stands: everything is right now, but for the prices that a trader promised."""
        made = self.of(fact["ticket_id"])
        for bet, row in zip(made, fact["bets"], strict=True):
            hold(bet.status in ("delayed", "referred", "offered"), "a ticket accepted that waits for nothing", bet)
            hold(bet.status != "delayed" or at_us >= bet.decide_at_us, "a delay cut short", bet, at_us)
            hold((row[0], row[1][2]) == (bet.id, bet.stake_minor), "accepted for another stake", bet, row)
            self._money.set_aside(bet.wallet, -bet.stake_minor, bet.kind)
            asked, promised = [leg.price_milli for leg in bet.legs], bet.status == "offered"
            bet.status, bet.legs = "open", legs_of(row)
            if not promised:
                self._right(bet, asked, fact, at_us)
            same = asked == [leg.price_milli for leg in bet.legs] or bet.is_boosted
            hold(not promised or same, "other prices than promised", bet)
        self._players.may_bet(made[0].wallet[0], at_us, fact)
        if made[0].kind != "free_bet":
            self._players.within(made[0].wallet, at_us, fact)
        self._stake(fact, made)
        return made

    def waiting_refused(self, fact: Plain, at_us: int) -> None:
        for bet in self.of(fact["ticket_id"]):
            hold(bet.status in ("delayed", "referred", "offered"), "a ticket refused that waits for nothing", bet)
            expired = fact["code"].endswith("_expired") and fact["code"] != "builder_expired"
            hold(not expired or at_us >= bet.decide_at_us, "somebody's time was cut short", bet, at_us)
            self._money.set_aside(bet.wallet, -bet.stake_minor, bet.kind)
            bet.status, bet.use.staked_minor = "refused", 0

    # ------------------------------------------------------------ settled

    def settle(self, row: list[Any], expected: Counter[int], at_us: int) -> None:
        """A row of a settlement: what the bet comes to now, and only what changes."""
        bet = self.bets[row[0]]
        hold(bet.status in ("open", "settled"), "a bet of a ticket settled that may not be", bet, row)
        due = bet.comes_to(self._offer)
        hold(due is not None, "a bet settled that is still open", bet, row)
        assert due is not None
        told = [bet.id, bet.wallet[0], *due, bet.paid_minor]
        hold(row[: len(told)] == told, "a bet of a ticket settled wrongly", row, "should be", told, bet)
        self._pay(bet, due[1], expected, at_us)
        bet.status, bet.outcome, bet.paid_minor = "settled", *due

    def reopen(self, row: list[Any], expected: Counter[int], at_us: int) -> None:
        bet = self.bets[row[0]]
        hold(bet.status == "settled" and bet.comes_to(self._offer) is None, "a bet opened again that is decided", bet)
        hold(row == [bet.id, bet.wallet[0], bet.paid_minor], "a bet opened again wrongly", row, bet)
        self._pay(bet, None, expected, at_us)
        bet.status, bet.outcome, bet.paid_minor = "open", "", 0

    def _pay(self, bet: TicketBet, payout: int | None, expected: Counter[int], at_us: int) -> None:
        settled = bet.status == "settled"
        moved = bet.running_minor * ((payout is not None) - settled)
        purse, gain = self._money.purses[bet.wallet], (payout or 0) - bet.paid_minor
        account = purse.bonus if bet.kind == "bonus" else purse.cash
        before = expected[account]
        self._money.pay(bet.wallet, gain, stake_moved_minor=moved, expected=expected, kind=bet.kind)
        bet.moved_minor = expected[account] - before
        if bet.kind != "free_bet":
            self._players.use(bet.wallet, Use(at_us, returned_minor=gain))

    @property
    def waiting(self) -> list[int]:
        return [bet.id for bet in self.bets.values() if bet.status in ("delayed", "referred", "offered")]

    def closed(self) -> None:
        """At the end every bet is what its legs say."""
        for bet in self.bets.values():
            if bet.status in ("open", "settled"):
                due = bet.comes_to(self._offer)
                hold((bet.status == "open") == (due is None), "a bet left undone", bet, due)
                hold(due is None or due[1] == bet.paid_minor, "a bet left at another payout", bet, due)


def legs_of(row: list[Any]) -> list[Leg]:
    """The legs of a bet of a ticket as the journal has them."""
    return [Leg(leg[6], leg[0], leg[2], leg[7]) for leg in row[1][0]]
