"""Every bet in plain code: why it may stand, what the house could lose on it, what it was paid."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from overround.sim.audit.money import Money, Wallet
from overround.sim.audit.offer import Market, Offer
from overround.sim.audit.payouts import outcome, payout_minor, settled
from overround.sim.audit.players import Players, Use
from overround.sim.audit.tickets import TicketBet, Tickets
from overround.sim.audit.words import Plain, hold

HOUSE_TERMS = (10, 1_000_000, 50_000_000, 200_000_000, 20_000_000_000, 0, 0)
"""Smallest and largest stake, largest payout, largest loss on a market and of the house, where nobody set others."""


@dataclass
class Bet:
    id: int
    wallet: Wallet
    market: int
    selection: int
    stake_minor: int
    asked_milli: int
    policy: str
    asked_version: int
    price_milli: int
    use: Use
    status: str
    placed_at_us: int
    decide_at_us: int = 0
    paid_minor: int = 0
    outcome: str = ""
    settled: int = 0
    """By which revision of its market's result it was settled last."""

    sold_minor: int = 0
    """What was cashed out of its stake."""

    @property
    def running_minor(self) -> int:
        return self.stake_minor - self.sold_minor

    @property
    def struck_at_us(self) -> int:
        return max(self.placed_at_us, self.decide_at_us)


class Bets:
    """Folds the facts about bets; raises Broken where one should not be."""

    def __init__(self, money: Money, offer: Offer, players: Players) -> None:
        self.bets: dict[int, Bet] = {}
        self.terms: dict[str, tuple[int, ...]] = {}
        self.stood: dict[int, list[Bet]] = {}
        self._money, self._offer, self._players = money, offer, players
        self._steps: dict[int, int] = {}
        self.tickets = Tickets(money, offer, players)

    @property
    def count(self) -> int:
        """Bets so far, singles and those of tickets; their numbers run through both."""
        return len(self.bets) + len(self.tickets.bets)

    def find(self, bet_id: int) -> Bet | TicketBet | None:
        """A single, or a bet of a ticket."""
        return self.bets.get(bet_id) or self.tickets.bets.get(bet_id)

    @property
    def unsettled(self) -> list[int]:
        """Markets whose last settlement has not come to its end."""
        resulted = [market for market in self._offer.markets.values() if market.revision]
        return [market.id for market in resulted if self._steps.get(market.id) != market.revision]

    def accepted(self, fact: Plain, asked: Plain, at_us: int) -> None:
        """A bet taken at once."""
        market = self._offer.markets[fact["market_id"]]
        hold(self._delay_us(market) == 0, "a bet that should have waited", fact)
        bet = self._new(fact, asked, at_us, "open")
        self._money.stake(fact, bet.wallet, bet.stake_minor)
        self._stands(bet, fact, at_us)

    def delayed(self, fact: Plain, asked: Plain, at_us: int) -> None:
        """A bet that waits: it must be right now, and again when it is decided."""
        market = self._offer.markets[fact["market_id"]]
        delay_us = self._delay_us(market)
        hold(delay_us > 0 and fact["decide_at_us"] == at_us + delay_us, "a bet with a wrong delay", fact, delay_us)
        bet = self._new(fact, asked, at_us, "delayed")
        bet.decide_at_us = fact["decide_at_us"]
        hold(bet.price_milli == bet.asked_milli, "a delayed bet at another price than asked", fact)
        self._money.set_aside(bet.wallet, bet.stake_minor)
        self._right(bet, self._offer.markets[bet.market].prices[bet.selection], fact, at_us)

    def delayed_accepted(self, fact: Plain, at_us: int) -> None:
        bet = self.bets[fact["bet_id"]]
        hold(bet.status == "delayed" and at_us >= bet.decide_at_us, "a delayed bet decided wrongly", bet, at_us)
        bet.status, bet.price_milli = "open", fact["price_milli"]
        self._money.set_aside(bet.wallet, -bet.stake_minor)
        self._money.stake(fact, bet.wallet, bet.stake_minor)
        self._stands(bet, fact, at_us)

    def delayed_refused(self, fact: Plain, at_us: int) -> None:
        bet = self.bets[fact["bet_id"]]
        hold(bet.status == "delayed" and at_us >= bet.decide_at_us, "a delayed bet decided wrongly", bet, at_us)
        bet.status, bet.use.staked_minor = "refused", 0
        self._money.set_aside(bet.wallet, -bet.stake_minor)

    def _delay_us(self, market: Market) -> int:
        return self._offer.delay_us(market)

    def _new(self, fact: Plain, asked: Plain, at_us: int, status: str) -> Bet:
        hold(fact["bet_id"] == self.count + 1, "a bet's id is out of order", fact, self.count)
        wallet = fact["customer_id"], fact["currency"]
        bet = self.bets[fact["bet_id"]] = Bet(
            id=fact["bet_id"],
            wallet=wallet,
            market=fact["market_id"],
            selection=fact["selection_id"],
            stake_minor=fact["stake_minor"],
            asked_milli=asked["price_milli"],
            policy=asked["odds_change"],
            asked_version=asked["market_version"],
            price_milli=fact["price_milli"],
            use=self._players.use(wallet, Use(at_us, staked_minor=fact["stake_minor"])),
            status=status,
            placed_at_us=at_us,
        )
        return bet

    def _stands(self, bet: Bet, fact: Plain, at_us: int) -> None:
        """A bet is accepted: everything must be right at this moment."""
        self._right(bet, bet.price_milli, fact, at_us)
        self.stood.setdefault(bet.market, []).append(bet)
        self._covered(bet, fact)

    def _right(self, bet: Bet, price_milli: int, fact: Plain, at_us: int) -> None:
        market = self._offer.markets[bet.market]
        self._players.may_bet(bet.wallet[0], at_us, fact)
        self._offer.takes_bets(market, at_us, fact, since_us=bet.placed_at_us)
        current = market.prices[bet.selection]
        hold(price_milli == current > 0, "a bet at a price that was not on offer", market, fact)
        better, worse = price_milli > bet.asked_milli, price_milli < bet.asked_milli
        wrong = {"none": better or worse, "higher": worse, "lower": better, "any": False}[bet.policy]
        hold(not wrong, "a bet at a price that its customer does not take", bet, fact)
        hold(bet.asked_version in (0, market.version), "a bet on another version than asked", market, fact)
        self._allowed(bet, price_milli, fact)
        self._players.within(bet.wallet, at_us, fact)

    def _allowed(self, bet: Bet, price_milli: int, fact: Plain) -> None:
        smallest, stake, payout, *_ = self.terms.get(bet.wallet[1], HOUSE_TERMS)
        own_stake, own_payout = self._players.terms.get(bet.wallet, (0, 0))
        pays = payout_minor("won", stake_minor=bet.stake_minor, price_milli=price_milli)
        hold(smallest <= bet.stake_minor <= (own_stake or stake), "a stake beyond its limits", bet, fact)
        hold(pays <= (own_payout or payout), "a payout beyond its limit", pays, bet, fact)

    def _covered(self, bet: Bet, fact: Plain) -> None:
        """With this bet the house loses no more than it allows, on the market and over all."""
        currency, market = bet.wallet[1], self._offer.markets[bet.market]
        loss = self._loss(bet.market, bet.selection, currency)
        in_market = loss + self.tickets.owing(market.id, bet.selection, currency)
        self._in_market(market, in_market, currency, fact)
        others = [self._worst(other, currency) for other in self.stood if other != bet.market]
        self._in_house(sum(others) + loss + self.tickets.largest(currency), currency, fact)

    def _in_market(self, market: Market, loss: int, currency: str, fact: Plain) -> None:
        most = market.liability_minor or self.terms.get(currency, HOUSE_TERMS)[3]
        hold(loss <= most, "a market's liability is exceeded", loss, market, fact)

    def _in_house(self, loss: int, currency: str, fact: Plain) -> None:
        most = self.terms.get(currency, HOUSE_TERMS)[4]
        hold(loss <= most, "the house's liability is exceeded", loss, most, fact)

    def _worst(self, market: int, currency: str) -> int:
        """The worst case of a market without a result on singles."""
        if self._offer.markets[market].result:
            return 0
        chosen = {bet.selection for bet in self._running(market, currency)}
        return max([0, *(self._loss(market, selection, currency) for selection in chosen)])

    def ticket_stands(self, made: list[TicketBet], fact: Plain) -> None:
        """A ticket within the house's limits: each stake and payout, each market of a leg, and over all."""
        currency = made[0].wallet[1]
        smallest, stake, payout, *_ = self.terms.get(currency, HOUSE_TERMS)
        own_stake, own_payout = self._players.terms.get(made[0].wallet, (0, 0))
        for bet in made:
            hold(smallest <= bet.stake_minor <= (own_stake or stake), "a stake beyond its limits", bet, fact)
            hold(bet.most_minor <= (own_payout or payout), "a payout beyond its limit", bet, fact)
            for leg in bet.legs:
                loss = self._loss(leg.market, leg.selection, currency)
                owing = self.tickets.owing(leg.market, leg.selection, currency)
                self._in_market(self._offer.markets[leg.market], loss + owing, currency, fact)
        worst = sum(self._worst(market, currency) for market in self.stood)
        self._in_house(worst + self.tickets.largest(currency), currency, fact)

    def _running(self, market: int, currency: str) -> list[Bet]:
        """Open singles on a market, but for those that a withdrawal made void; a market with a result owes no more."""
        out = self._offer.markets[market].withdrawn
        stood = [bet for bet in self.stood.get(market, ()) if bet.selection not in out]
        return [bet for bet in stood if bet.wallet[1] == currency and bet.status == "open"]

    def _loss(self, market: int, selection: int, currency: str) -> int:
        """What the house loses on a market's singles if one selection wins, and of the others those that may win with
        it and cost most."""
        bets = self._running(market, currency)
        paid = Counter[int]()
        for bet in bets:
            paid[bet.selection] += payout_minor("won", stake_minor=bet.running_minor, price_milli=bet.price_milli)
        return self._offer.markets[market].costs(selection, paid) - sum(bet.running_minor for bet in bets)

    def settled(self, fact: Plain, at_us: int) -> None:
        """A step of settlement: each bet once a revision, paid what its result makes of it, less what was paid."""
        market = self._offer.markets[fact["market_id"]]
        hold(fact["revision"] == market.revision, "settled by an old result", fact, market)
        expected: Counter[int] = Counter()
        for row in fact["bets"]:
            if row[0] in self.tickets.bets:
                self.tickets.settle(row, expected, at_us)
            else:
                self._settle(market, row, expected, at_us)
        for row in fact.get("reopened", ()):
            if row[0] in self.tickets.bets:
                self.tickets.reopen(row, expected, at_us)
            else:
                self._reopen(market, row, expected, at_us)
        self._money.post(fact, expected)
        if fact["last"]:
            self._steps[market.id] = market.revision
            left = [bet.id for bet in self.stood.get(market.id, ()) if not self._is_done(market, bet)]
            hold(not left, "settlement ended before every bet was settled", left, fact)

    def _is_done(self, market: Market, bet: Bet) -> bool:
        """Whether a bet is settled by the present revision, rightly open, or sold."""
        if bet.status == "cashed_out":
            return True
        if outcome(market, bet.selection, bet.struck_at_us) is None:
            return bet.status == "open"
        return bet.settled == market.revision

    def _settle(self, market: Market, row: list[Any], expected: Counter[int], at_us: int) -> None:
        bet = self.bets[row[0]]
        hold(bet.market == market.id and bet.status in ("open", "settled"), "a bet settled that may not be", bet, row)
        hold(bet.settled < market.revision, "a bet settled twice by one result", bet, row)
        due = settled(
            market,
            bet.selection,
            stake_minor=bet.running_minor,
            price_milli=bet.price_milli,
            struck_at_us=bet.struck_at_us,
        )
        hold(due is not None, "a bet settled without a result", bet, row)
        assert due is not None
        told = [bet.id, bet.wallet[0], *due, bet.paid_minor]
        hold(row[: len(told)] == told, "a bet settled wrongly", row, "should be", told, bet)
        self._pay(bet, due[1], expected, at_us)
        bet.status, bet.settled, bet.outcome, bet.paid_minor = "settled", market.revision, *due

    def _reopen(self, market: Market, row: list[Any], expected: Counter[int], at_us: int) -> None:
        """What settled a bet is gone."""
        bet = self.bets[row[0]]
        known = outcome(market, bet.selection, bet.struck_at_us)
        hold(bet.status == "settled" and known is None, "a bet opened again that is decided", bet, row)
        hold(row == [bet.id, bet.wallet[0], bet.paid_minor], "a bet opened again wrongly", row, bet)
        self._pay(bet, None, expected, at_us)
        bet.status, bet.settled, bet.outcome, bet.paid_minor = "open", market.revision, "", 0

    def _pay(self, bet: Bet, payout: int | None, expected: Counter[int], at_us: int) -> None:
        gain = (payout or 0) - bet.paid_minor
        moved = bet.running_minor * ((payout is not None) - (bet.status == "settled"))
        self._money.pay(bet.wallet, gain, stake_moved_minor=moved, expected=expected)
        self._players.use(bet.wallet, Use(at_us, returned_minor=gain))
