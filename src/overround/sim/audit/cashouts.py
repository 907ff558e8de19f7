"""Cash-outs in plain code: what a bet is worth, line by line in fractions; quotes, waits and standing rules."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from overround.book.machine import CashOutValue
from overround.sim.audit.bets import Bet, Bets
from overround.sim.audit.money import Money
from overround.sim.audit.offer import Market, Offer
from overround.sim.audit.payouts import factor, if_won
from overround.sim.audit.players import Players, Use
from overround.sim.audit.tickets import Leg, TicketBet, lines
from overround.sim.audit.words import Plain, hold

QUOTE_US = 10_000_000
WHOLE_BPS = 10_000
MARGIN_BPS = 500
"""What the house keeps where nobody set another margin."""

MARGIN_PLACE = 7
"""Where the margin is among the house's terms."""

AnyBet = Bet | TicketBet
Versions = list[list[int]]


@dataclass
class Quote:
    id: int
    stake_minor: int
    amount_minor: int
    expires_at_us: int


@dataclass
class Waiting:
    id: int
    stake_minor: int
    amount_minor: int
    asked_at_us: int
    decide_at_us: int
    versions: Versions
    by_rule: bool


@dataclass
class Rule:
    at_least_minor: int
    portion_bps: int


class CashOuts:
    """Folds the facts about cash-outs; raises Broken where one should not be. Of each bet there is at most one quote,
    one wait and one rule."""

    def __init__(self, bets: Bets, money: Money, offer: Offer, players: Players) -> None:
        self.quotes: dict[int, Quote] = {}
        self.waiting: dict[int, Waiting] = {}
        self.rules: dict[int, Rule] = {}
        self._quotes_made = self._rules_made = 0
        self._bets, self._money, self._offer, self._players = bets, money, offer, players
        self.steps = {
            "cash_out_quoted": self._quoted,
            "cash_out_delayed": self._delayed,
            "cashed_out": self._cashed_out,
            "cash_out_refused": self._fell,
            "cash_out_rule_set": self._rule_set,
            "cash_out_rule_removed": self._rule_removed,
            "request_refused": self._refused,
        }

    # ------------------------------------------------------------ what a bet is worth

    def worth_minor(self, bet: AnyBet, stake_minor: int) -> int:
        """What a part of a bet's stake is worth at the prices on offer, less the margin, rounded down."""
        factors = [self._on_average(leg, bet.struck_at_us) for leg in legs_of(bet)]
        fair = sum(lines(bet.folds if isinstance(bet, TicketBet) else [1], factors, stake_minor))
        terms = self._bets.terms.get(bet.wallet[1], ())
        margin_bps = terms[MARGIN_PLACE] if len(terms) > MARGIN_PLACE else MARGIN_BPS
        return floor(fair * (WHOLE_BPS - margin_bps) / WHOLE_BPS)

    def _on_average(self, leg: Leg, struck_at_us: int) -> Fraction:
        """What a leg makes of a unit: what it has made, or what it would, as often as it does."""
        market = self._offer.markets[leg.market]
        known = factor(market, leg.selection, price_milli=leg.price_milli, struck_at_us=struck_at_us)
        if known is not None:
            return known
        return chance_of(market, leg.selection) * if_won(market, price_milli=leg.price_milli, struck_at_us=struck_at_us)

    def _open_legs(self, bet: AnyBet) -> list[Leg]:
        return [leg for leg in legs_of(bet) if self._made(leg, bet) is None]

    def _made(self, leg: Leg, bet: AnyBet) -> Fraction | None:
        market = self._offer.markets[leg.market]
        return factor(market, leg.selection, price_milli=leg.price_milli, struck_at_us=bet.struck_at_us)

    def _versions(self, bet: AnyBet) -> Versions:
        return [[leg.market, self._offer.markets[leg.market].version] for leg in self._open_legs(bet)]

    def _delay_us(self, bet: AnyBet) -> int:
        return max(self._offer.delay_us(self._offer.markets[leg.market]) for leg in self._open_legs(bet))

    def why_not(self, bet: AnyBet, at_us: int, *, since_us: int | None = None) -> str:
        """Why a bet cannot be sold at an instant; nothing where it can, for what it is worth."""
        if bet.status != "open" or (isinstance(bet, TicketBet) and bet.kind != "cash"):
            return f"a bet sold that is {bet.status} or not of cash"
        if not self._open_legs(bet) or (isinstance(bet, TicketBet) and bet.comes_to(self._offer) is not None):
            return "a bet sold that is decided"
        for leg in self._open_legs(bet):
            market = self._offer.markets[leg.market]
            closed = self._offer.why_not(market, at_us, since_us=since_us)
            if closed or not market.prices[leg.selection]:
                return f"sold though it is {closed or 'a bet without a price'}: {market}"
        return ""

    def part_minor(self, bet: AnyBet, portion_bps: int) -> int:
        """What a portion of what runs is; 0 where it, or what is left, would be less than a unit a line."""
        part = bet.running_minor * portion_bps // WHOLE_BPS
        count = len(lines(bet.folds, [Fraction(1)] * len(bet.legs), 1)) if isinstance(bet, TicketBet) else 1
        return part if portion_bps == WHOLE_BPS or count <= part <= bet.running_minor - count else 0

    def shown(self, answer: CashOutValue, *, is_now: bool) -> None:
        """Somebody was shown what a bet is worth."""
        bet = self._bets.find(answer.bet_id)
        hold(bet is not None, "shown the value of no bet", answer)
        if bet is not None and is_now and answer.amount_minor:
            worth_minor = self.worth_minor(bet, answer.stake_minor)
            hold(answer.amount_minor == worth_minor, "shown a wrong value", answer, worth_minor, bet)

    # ------------------------------------------------------------ quotes

    def _quoted(self, fact: Plain, at_us: int) -> None:
        bet = self._own(fact)
        self._quotes_made += 1
        hold(fact["quote_id"] == self._quotes_made, "a quote's number is out of order", fact, self._quotes_made)
        hold(fact["bet_id"] not in self.waiting, "a quote while a cash-out waits", fact)
        hold(fact["expires_at_us"] == at_us + QUOTE_US, "a quote that holds another time", fact)
        self._may_be_sold(bet, fact, at_us)
        part_minor = self.part_minor(bet, fact["portion_bps"])
        due = part_minor, self.worth_minor(bet, part_minor)
        hold((fact["stake_minor"], fact["amount_minor"]) == due != (part_minor, 0), "a wrong quote", fact, due, bet)
        self.quotes[fact["bet_id"]] = Quote(fact["quote_id"], *due, fact["expires_at_us"])

    def _own(self, fact: Plain) -> AnyBet:
        """The bet that a fact is about, which is its customer's."""
        bet = self._bets.find(fact["bet_id"])
        hold(bet is not None and bet.wallet[0] == fact["customer_id"], "a cash-out of another's bet", fact, bet)
        assert bet is not None
        return bet

    def _may_be_sold(self, bet: AnyBet, fact: Plain, at_us: int, *, since_us: int | None = None) -> None:
        why_not = self.why_not(bet, at_us, since_us=since_us)
        hold(not why_not, why_not, fact, bet)

    # ------------------------------------------------------------ taking

    def _delayed(self, fact: Plain, at_us: int) -> None:
        bet = self._own(fact)
        self._began(bet, fact, at_us)
        delay_us, versions = self._delay_us(bet), self._versions(bet)
        told = fact["decide_at_us"], fact["versions"]
        hold(delay_us > 0 and told == (at_us + delay_us, versions), "a cash-out that waits wrongly", fact, delay_us)
        self.waiting[fact["bet_id"]] = Waiting(
            fact["quote_id"],
            fact["stake_minor"],
            fact["amount_minor"],
            at_us,
            fact["decide_at_us"],
            versions,
            fact.get("by_rule", False),
        )

    def _began(self, bet: AnyBet, fact: Plain, at_us: int) -> None:
        """A cash-out begins: the bet's quote, in time, which it is still worth; or its rule, which is fulfilled."""
        hold(fact["bet_id"] not in self.waiting, "two cash-outs of one bet at a time", fact)
        self._may_be_sold(bet, fact, at_us)
        by_rule, quote = fact.get("by_rule", False), self.quotes.pop(fact["bet_id"], None)
        hold(by_rule == ("cause" not in fact), "a cash-out that nobody asked for", fact)
        sold, paid = fact["stake_minor"], fact["amount_minor"]
        worth_minor = self.worth_minor(bet, sold)
        if by_rule:
            rule = self.rules[fact["bet_id"]]
            self._quotes_made += 1
            right = (self._quotes_made, self.part_minor(bet, rule.portion_bps), worth_minor)
            hold((fact["quote_id"], sold, paid) == right, "a rule that sells wrongly", fact, right, rule)
            hold(paid >= rule.at_least_minor, "a rule that is not fulfilled", fact, rule)
            return
        hold(quote is not None and quote.id == fact["quote_id"], "a quote taken that does not stand", fact, quote)
        assert quote is not None
        hold(at_us < quote.expires_at_us, "a quote taken too late", fact, quote, at_us)
        hold((sold, paid) == (quote.stake_minor, quote.amount_minor), "paid otherwise than quoted", fact, quote)
        hold(worth_minor >= paid, "paid more than it is worth", fact, worth_minor)

    def _cashed_out(self, fact: Plain, at_us: int) -> None:
        bet, waiting = self._own(fact), self.waiting.pop(fact["bet_id"], None)
        if waiting is None:
            hold(self._delay_us(bet) == 0, "a cash-out that should have waited", fact)
            self._began(bet, fact, at_us)
        else:
            fallen = self._fallen(bet, waiting, at_us)
            hold(not fallen, fallen, fact, waiting)
            told = fact["quote_id"], fact["stake_minor"], fact["amount_minor"], fact.get("by_rule", False)
            agreed = waiting.id, waiting.stake_minor, waiting.amount_minor, waiting.by_rule
            hold(told == agreed, "paid otherwise than agreed", fact, waiting)
            hold(at_us >= waiting.decide_at_us, "a cash-out's delay cut short", fact, waiting, at_us)
        self._pay(bet, fact, at_us)
        if fact.get("by_rule", False) or not bet.running_minor:
            self.rules.pop(fact["bet_id"], None)

    def _pay(self, bet: AnyBet, fact: Plain, at_us: int) -> None:
        """What is sold leaves the open stakes, and what it is sold for is the customer's."""
        sold, paid, expected = fact["stake_minor"], fact["amount_minor"], Counter[int]()
        hold(0 < sold <= bet.running_minor, "more sold than runs", fact, bet)
        self._money.pay(bet.wallet, paid, stake_moved_minor=sold, expected=expected)
        self._money.post(fact, expected)
        self._players.use(bet.wallet, Use(at_us, returned_minor=paid))
        bet.sold_minor += sold
        hold(fact["running_minor"] == bet.running_minor, "another stake runs on", fact, bet)
        bet.status = bet.status if bet.running_minor else "cashed_out"

    def _fallen(self, bet: AnyBet, waiting: Waiting, at_us: int) -> str:
        """Why what waited may not be paid."""
        why_not = self.why_not(bet, at_us, since_us=waiting.asked_at_us)
        if why_not:
            return why_not
        if self._versions(bet) != waiting.versions:
            return "a cash-out that slept through a change"
        worse = self.worth_minor(bet, waiting.stake_minor) < waiting.amount_minor
        return "paid more than it is worth after the delay" if worse else ""

    def _fell(self, fact: Plain, at_us: int) -> None:
        bet, waiting = self._own(fact), self.waiting.pop(fact["bet_id"])
        hold(at_us >= waiting.decide_at_us, "a cash-out's delay cut short", fact, waiting, at_us)
        hold(self._fallen(bet, waiting, at_us) != "", "a cash-out refused that should be paid", fact, waiting)

    def _refused(self, fact: Plain, at_us: int) -> None:
        """A refusal is for a reason."""
        name, *asked = fact["command"]
        if name == "QuoteCashOut" and fact["code"] == "cash_out_unavailable":
            bet = self._own({"bet_id": asked[1], "customer_id": asked[0]})
            cannot = self.why_not(bet, at_us) or not self.worth_minor(bet, self.part_minor(bet, asked[2]))
            hold(bool(cannot), "a bet that may be sold is not quoted", fact, bet)
        if name == "TakeCashOut":
            quotes = [(number, quote) for number, quote in self.quotes.items() if quote.id == asked[1]]
            for number, quote in quotes:
                self._not_taken(number, quote, asked[0], fact, at_us)

    def _not_taken(self, number: int, quote: Quote, customer: int, fact: Plain, at_us: int) -> None:
        """A quote that stands was refused."""
        bet = self._bets.find(number)
        if bet is None or bet.wallet[0] != customer or at_us >= quote.expires_at_us or self.why_not(bet, at_us):
            return
        worth_minor = self.worth_minor(bet, quote.stake_minor)
        hold(worth_minor < quote.amount_minor, "a quote refused that should be paid", fact, quote, worth_minor)
        hold(fact["detail"] in ({"amount_minor": worth_minor}, {"why": "worthless"}), "told another worth", fact, bet)

    # ------------------------------------------------------------ standing rules

    def _rule_set(self, fact: Plain, _: int) -> None:
        self._rules_made += 1
        hold(fact["rule_id"] == self._rules_made, "a rule's number is out of order", fact, self._rules_made)
        hold(self._own(fact).status == "open", "a rule for a bet that does not run", fact)
        hold(fact["at_least_minor"] > 0 < fact["portion_bps"] <= WHOLE_BPS, "a rule for nothing", fact)
        self.rules[fact["bet_id"]] = Rule(fact["at_least_minor"], fact["portion_bps"])

    def _rule_removed(self, fact: Plain, _: int) -> None:
        self._own(fact)
        hold(self.rules.pop(fact["bet_id"], None) is not None, "a rule taken back that was not there", fact)

    def settled(self, fact: Plain) -> None:
        """A bet that is settled has no rule any more."""
        for bet_id, *_ in fact["bets"]:
            self.rules.pop(bet_id, None)

    def rules_are_kept(self, at_us: int) -> None:
        """Where the house has nothing left to do: no rule that is fulfilled is left alone."""
        for number, rule in self.rules.items():
            bet = self._bets.find(number)
            if bet is None or number in self.waiting or self.why_not(bet, at_us):
                continue
            part_minor = self.part_minor(bet, rule.portion_bps)
            if part_minor:
                worth_minor = self.worth_minor(bet, part_minor)
                hold(worth_minor < rule.at_least_minor, "a fulfilled rule sells nothing", rule, worth_minor, bet)


def legs_of(bet: AnyBet) -> list[Leg]:
    """The legs of a bet; a single has one."""
    return bet.legs if isinstance(bet, TicketBet) else [Leg(bet.market, bet.selection, bet.price_milli, 0)]


def chance_of(market: Market, selection: int) -> Fraction:
    """How often a selection wins by the prices on offer: its inverse price, less its share of what all of them have
    over the number that win."""
    own, every = market.prices[selection], [price for price in market.prices.values() if price]
    winners = 2 if market.type == "double_chance" else market.specifiers.get("places", 1)
    book = sum((Fraction(1_000, price) for price in every), start=Fraction(0))
    return Fraction(1_000, own) / max(Fraction(1), book / winners)
