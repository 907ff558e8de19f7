"""A house as a machine alone sees it: customers with money, markets with prices, and bets that are all taken."""

import time
from collections.abc import Iterator
from typing import Final

from overround.book.limits import HouseTerms
from overround.book.machine import Answer, Machine, request
from overround.book.machine.commands import (
    AnyCommand,
    BetAsked,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    LegAsked,
    MoveFunds,
    OpenCustomer,
    PlaceBet,
    PlaceTicket,
    Request,
    ResumeMarket,
    SetHouseTerms,
)
from overround.kernel.ids import make_key
from overround.kernel.instant import DAY_US
from overround.kernel.refusal import Refused

CURRENCY: Final = "EUR"
FUNDS_MINOR: Final = 10**13
PRICES_MILLI: Final = (2_100, 3_400, 3_900)
WIDE: Final = HouseTerms(
    min_stake_minor=1,
    max_stake_minor=10**9,
    max_payout_minor=10**12,
    market_liability_minor=10**15,
    house_liability_minor=10**15,
)
"""Limits that are checked like any other and refuse nothing that a benchmark asks for."""


def opening(*, customers: int, markets: int, now_us: int) -> Iterator[AnyCommand]:
    """What makes a new house ready: customers 1 to `customers` with money, markets 1 to `markets` open."""
    for customer_id in range(1, customers + 1):
        yield OpenCustomer(CURRENCY)
        yield MoveFunds(customer_id, CURRENCY, FUNDS_MINOR, "for the benchmark")
    yield SetHouseTerms(CURRENCY, WIDE)
    yield CreateSport("Football")
    yield CreateCompetition(1, "League")
    for market_id in range(1, markets + 1):
        yield CreateEvent(1, f"Match {market_id}", now_us + DAY_US)
        yield CreateMarket(market_id, "1x2", prices_milli=PRICES_MILLI)
        yield ResumeMarket(market_id)


class Dealer:
    """Sets a machine up and makes requests for it. Keys are of now, so that a real book takes the same bets again."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.at_us = time.time_ns() // 1_000
        self._number = 0

    def ask(self, command: AnyCommand, *, actor: int = -1) -> Answer:
        """Execute a command that must not be refused."""
        self.at_us += 1
        answer = self.machine.execute(request(actor=actor, key=self._key(), command=command), self.at_us)
        assert not isinstance(answer, Refused), answer
        return answer

    def open_house(self, *, customers: int, markets: int) -> None:
        """Customers 1 to `customers` with money, markets 1 to `markets` open."""
        for command in opening(customers=customers, markets=markets, now_us=self.at_us):
            self.ask(command)

    def open_markets(self, count: int) -> None:
        """More markets, each of an event of its own, whose ids go on."""
        made = self.machine.state.catalogue.markets_made
        for number in range(made + 1, made + count + 1):
            self.ask(CreateEvent(1, f"Match {number}", self.at_us + DAY_US))
            self.ask(CreateMarket(number, "1x2", prices_milli=PRICES_MILLI))
            self.ask(ResumeMarket(number))

    def bets(self, count: int, *, customers: int, markets: int) -> Iterator[Request]:
        """Single bets, spread over customers, markets and selections."""
        for _ in range(count):
            n = self._number
            customer_id, selection = n % customers + 1, n % 3
            bet = PlaceBet(
                customer_id,
                n % markets + 1,
                selection + 1,
                CURRENCY,
                500 + n % 1_000,
                PRICES_MILLI[selection],
            )
            yield request(actor=customer_id, key=self._key(), command=bet)

    def multiples(self, count: int, *, customers: int, markets: int, legs: int) -> Iterator[Request]:
        """Multiples that all have a leg on the first market, and the others on the last hundred of `markets`."""
        for _ in range(count):
            n = self._number
            chosen = (1, *(markets - (n * 7 + place * 3) % 100 for place in range(legs - 1)))
            asked = tuple(
                LegAsked(market, (n + place) % 3 + 1, PRICES_MILLI[(n + place) % 3])
                for place, market in enumerate(chosen)
            )
            customer_id = n % customers + 1
            command = PlaceTicket(customer_id, CURRENCY, (BetAsked(asked, (legs,), 500 + n % 1_000),))
            yield request(actor=customer_id, key=self._key(), command=command)

    def _key(self) -> str:
        self._number += 1
        return make_key(at_us=self.at_us, chance=self._number * 0x9E3779B97F4A7C15)
