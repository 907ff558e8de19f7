"""A machine with a clock in its hand, for stories: every command gets a fresh key, and an audit after it."""

import msgspec
from tests.book.auditing import audit

from overround.book.bets import OddsChange
from overround.book.ledger import Wallet
from overround.book.limits import HouseTerms
from overround.book.machine import Answer, BetAnswer, Done, Machine, Pending, request
from overround.book.machine.commands import (
    AnyCommand,
    CreateCompetition,
    CreateEvent,
    CreateMarket,
    CreateSport,
    EndEvent,
    MoveFunds,
    OpenCustomer,
    PlaceBet,
    ResumeMarket,
    SetHouseTerms,
    StartEvent,
)
from overround.kernel.ids import make_key
from overround.kernel.instant import HOUR_US
from overround.kernel.refusal import Refused

NOON_US = 1_795_003_200_000_000
"""Wednesday 2026-11-18, 12:00 UTC: in the middle of a day, a week and a month."""

OPERATOR = -1


class House:
    """One machine. `at_us` is the present; it moves only by `wait`."""

    def __init__(self, machine: Machine | None = None, *, at_us: int = NOON_US, audited: bool = True) -> None:
        self.machine = machine or Machine()
        self.at_us = at_us
        self.audited = audited
        self.journal: list[Pending] = []
        self._keys = 0

    def key(self, *, at_us: int | None = None) -> str:
        """A new key, made now or at another instant."""
        self._keys += 1
        return make_key(at_us=self.at_us if at_us is None else at_us, chance=self._keys)

    def ask(self, command: AnyCommand, *, key: str | None = None, actor: int | None = None) -> Answer:
        """What the machine answers; its facts go to the journal and its books are audited."""
        if actor is None:
            actor = command.customer_id if isinstance(command, PlaceBet) else OPERATOR
        asked = request(actor=actor, key=key or self.key(), command=command)
        answer = self.machine.execute(asked, self.at_us)
        self._commit()
        return answer

    def do(self, command: AnyCommand) -> int:
        """The id that a command which must succeed answers with."""
        answer = self.ask(command)
        assert isinstance(answer, Done), answer
        return answer.id

    def refusal(self, command: AnyCommand) -> str:
        """The code with which a command that must fail is refused."""
        answer = self.ask(command)
        assert isinstance(answer, Refused), answer
        return answer.code

    def wait(self, duration_us: int = 0) -> None:
        """Let time pass, then do all that is due."""
        self.at_us += duration_us
        while self.step():
            pass

    def step(self) -> int:
        """One step of what is due."""
        made = self.machine.advance(self.at_us)
        self._commit()
        return made

    def _commit(self) -> None:
        self.journal += self.machine.drain()
        if self.audited:
            audit(self.machine.state)

    def customer(self, *, cash_minor: int = 0, currency: str = "EUR") -> int:
        """A new customer with this much money."""
        customer_id = self.do(OpenCustomer(currency))
        if cash_minor:
            self.do(MoveFunds(customer_id, currency, cash_minor, "deposit"))
        return customer_id

    def event(self) -> int:
        """A new event, five hours from now."""
        sport_id = self.do(CreateSport("Football"))
        competition_id = self.do(CreateCompetition(sport_id, "Premier League"))
        return self.do(CreateEvent(competition_id, "Arsenal – Chelsea", self.at_us + 5 * HOUR_US))

    def market(
        self,
        type: str = "1x2",
        *,
        prices_milli: tuple[int, ...] = (2_000, 3_000, 4_000),
        event_id: int = 0,
        resume: bool = True,
        **terms: object,
    ) -> int:
        """A new market that takes bets, on a new event unless one is given."""
        event_id = event_id or self.event()
        made = msgspec.structs.replace(CreateMarket(event_id, type, prices_milli=prices_milli), **terms)
        market_id = self.do(made)
        if resume:
            self.do(ResumeMarket(market_id))
        return market_id

    def in_play_market(self, *, delay_us: int, prices_milli: tuple[int, ...] = (2_000, 3_000, 4_000)) -> int:
        """A market of an event under way, on which bets wait."""
        event_id = self.event()
        market_id = self.market(event_id=event_id, in_play=True, delay_us=delay_us, prices_milli=prices_milli)
        self.do(StartEvent(event_id))
        self.do(ResumeMarket(market_id))
        return market_id

    def end(self, market_id: int) -> None:
        self.do(EndEvent(self.machine.state.catalogue.markets[market_id].event_id))

    def bet(
        self,
        customer_id: int,
        market_id: int,
        selection_id: int = 1,
        *,
        stake_minor: int = 1_000,
        price_milli: int = 0,
        odds_change: OddsChange = OddsChange.NONE,
        market_version: int = 0,
        currency: str = "EUR",
        key: str | None = None,
    ) -> Answer:
        """Place a bet at the present price, or at the one asked for."""
        market = self.machine.state.catalogue.markets[market_id]
        price_milli = price_milli or market.selections[selection_id].price_milli
        command = PlaceBet(
            customer_id, market_id, selection_id, currency, stake_minor, price_milli, odds_change, market_version
        )
        return self.ask(command, key=key)

    def taken(self, customer_id: int, market_id: int, selection_id: int = 1, **asked: int) -> int:
        """The id of a bet that must be taken, or wait."""
        answer = self.bet(customer_id, market_id, selection_id, **asked)  # type: ignore[arg-type]
        assert isinstance(answer, BetAnswer), answer
        return answer.bet_id

    def terms(self, currency: str = "EUR", **terms: int) -> None:
        """Set the house's terms; what is not named is the default."""
        self.do(SetHouseTerms(currency, msgspec.structs.replace(HouseTerms(), **terms)))

    def wallet(self, customer_id: int, currency: str = "EUR") -> Wallet:
        return self.machine.state.ledger.wallets[customer_id, currency]

    def cash(self, customer_id: int, currency: str = "EUR") -> int:
        return self.wallet(customer_id, currency).cash.balance_minor

    def owed(self, customer_id: int, currency: str = "EUR") -> int:
        return -self.wallet(customer_id, currency).debt.balance_minor

    def trading(self, currency: str = "EUR") -> int:
        return self.machine.state.ledger.house[currency].trading.balance_minor


def code_of(answer: Answer) -> str:
    """`taken`, `waits`, or the code of the refusal."""
    if isinstance(answer, Refused):
        return answer.code
    assert isinstance(answer, BetAnswer), answer
    return "waits" if answer.decide_at_us else "taken"
