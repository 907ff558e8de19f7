"""Every bet in plain code: why it may stand, what the house could lose on it, what it was paid."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from overround.sim.audit.money import Money, Wallet
from overround.sim.audit.offer import Market, Offer
from overround.sim.audit.payouts import payout_minor, settled
from overround.sim.audit.players import Players, Use
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
    settled: int = 0
    """By which revision of its market's result it was settled last."""


class Bets:
    """Folds the facts about bets; raises Broken where one should not be."""

    def __init__(self, money: Money, offer: Offer, players: Players) -> None:
        self.bets: dict[int, Bet] = {}
        self.terms: dict[str, tuple[int, ...]] = {}
        self.stood: dict[int, list[Bet]] = {}
        self._money, self._offer, self._players = money, offer, players
        self._steps: dict[int, int] = {}

    @property
    def unsettled(self) -> list[int]:
        """Markets with a result whose last settlement has not come to its end."""
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
        hold(fact["bet_id"] == len(self.bets) + 1, "a bet's id is out of order", fact, len(self.bets))
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
        _, _, _, market_limit, house_limit, *_ = self.terms.get(bet.wallet[1], HOUSE_TERMS)
        currency, market = bet.wallet[1], self._offer.markets[bet.market]
        loss = self._losses(bet.market, currency)[bet.selection]
        hold(loss <= (market.liability_minor or market_limit), "a market's liability is exceeded", loss, market, fact)
        others = [
            max([0, *self._losses(other, currency).values()])
            for other, bets in self.stood.items()
            if other != bet.market and not self._offer.markets[other].revision and bets
        ]
        hold(sum(others) + loss <= house_limit, "the house's liability is exceeded", others, loss, fact)

    def _losses(self, market: int, currency: str) -> Counter[int]:
        """By selection: what the house loses on a market if that one wins."""
        bets = [bet for bet in self.stood[market] if bet.wallet[1] == currency]
        stakes = sum(bet.stake_minor for bet in bets)
        losses = Counter({bet.selection: -stakes for bet in bets})
        for bet in bets:
            losses[bet.selection] += payout_minor("won", stake_minor=bet.stake_minor, price_milli=bet.price_milli)
        return losses

    def settled(self, fact: Plain, at_us: int) -> None:
        """A step of settlement: each bet once a revision, paid what its result makes of it, less what was paid."""
        market = self._offer.markets[fact["market_id"]]
        hold(fact["revision"] == market.revision, "settled by an old result", fact, market)
        expected: Counter[int] = Counter()
        for row in fact["bets"]:
            self._settle(market, row, expected, at_us)
        self._money.post(fact, expected)
        if fact["last"]:
            self._steps[market.id] = market.revision
            left = [bet.id for bet in self.stood.get(market.id, ()) if bet.settled != market.revision]
            hold(not left, "settlement ended before every bet was settled", left, fact)

    def _settle(self, market: Market, row: list[Any], expected: Counter[int], at_us: int) -> None:
        bet = self.bets[row[0]]
        hold(bet.market == market.id and bet.status in ("open", "settled"), "a bet settled that may not be", bet, row)
        hold(bet.settled < market.revision, "a bet settled twice by one result", bet, row)
        name, payout = settled(
            market,
            bet.selection,
            stake_minor=bet.stake_minor,
            price_milli=bet.price_milli,
            struck_at_us=max(bet.placed_at_us, bet.decide_at_us),
        )
        told = [bet.id, bet.wallet[0], name, payout, bet.paid_minor]
        hold(row[: len(told)] == told, "a bet settled wrongly", row, "should be", told, bet)
        self._pay(bet, payout, expected)
        self._players.use(bet.wallet, Use(at_us, returned_minor=payout - bet.paid_minor))
        bet.status, bet.settled, bet.paid_minor = "settled", market.revision, payout

    def _pay(self, bet: Bet, payout: int, expected: Counter[int]) -> None:
        """Add to `expected` what one bet moves. A gain repays debt first; what cannot be taken back becomes debt."""
        money, purse = self._money, self._money.purses[bet.wallet]
        house = money.house[bet.wallet[1]]
        first = bet.settled == 0
        gain = payout - bet.paid_minor
        spendable = money.available_minor(bet.wallet) + expected[purse.cash]
        owed = money.owed_minor(bet.wallet) - expected[purse.debt]
        debt = -min(owed, gain) if gain > 0 else max(0, -gain - spendable)
        expected[purse.cash] += gain + debt
        expected[purse.debt] -= debt
        expected[house["open_stakes"]] -= bet.stake_minor if first else 0
        expected[house["trading"]] += (bet.stake_minor if first else 0) - gain
