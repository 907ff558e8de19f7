"""The exchange's part of a house in stories: markets, orders and books in few words, audited after every command."""

import msgspec
from tests.book.house import House

from overround.book.exchange import (
    ExchangeMarket,
    ExchangeResult,
    MarketTerms,
    RunnersResult,
    RunnerTerms,
    Share,
)
from overround.book.exposure import Position, Side
from overround.book.machine import OrderReport, OrdersAnswer
from overround.book.machine.commands import CreateCompetition, CreateEvent, CreateSport
from overround.book.machine.exchange_commands import (
    CancelInstruction,
    CancelOrders,
    CreateExchangeMarket,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    RecordExchangeResult,
    ReplaceInstruction,
    ReplaceOrders,
)
from overround.book.matching import Order
from overround.kernel.refusal import Refused

BACK, LAY = Side.BACK, Side.LAY
FIRST_SELECTION = 1001
"""Runners of stories have numbers from here; `runner` is their place from 0."""


class Exchange(House):
    """A house with an exchange. Prices are thousandths, sizes pence, runners places from 0."""

    def exchange_market(
        self, *, runners: int = 3, terms: MarketTerms | None = None, resume: bool = True, **changes: object
    ) -> int:
        """A new market in pounds, open."""
        if "GBP" not in self.machine.state.ledger.house:
            self.customer(currency="GBP")
        state = self.machine.state.catalogue
        if not state.events:
            competition = self.do(CreateCompetition(self.do(CreateSport("Racing")), "Ascot"))
            self.do(CreateEvent(competition, "14:30", self.at_us + 3_600_000_000))
        made = msgspec.structs.replace(terms or MarketTerms("Win"), **changes)
        named = tuple(RunnerTerms(FIRST_SELECTION + place, f"Runner {place}") for place in range(runners))
        market = self.do(CreateExchangeMarket(1, made, named))
        if resume:
            self.do(OpenExchangeMarket(market))
        return market

    def trader(self, cash_minor: int = 100_000, currency: str = "GBP") -> int:
        return self.customer(cash_minor=cash_minor, currency=currency)

    def place(
        self,
        customer: int,
        market: int,
        side: Side,
        price_milli: int,
        size_minor: int,
        *,
        runner: int = 0,
        version: int = 0,
        currency: str = "GBP",
        **more: object,
    ) -> OrdersAnswer | Refused:
        found = self.market_of(market).runners[runner]
        asked = PlaceInstruction(
            found.selection_id, side, price_milli, size_minor, handicap_quarters=found.handicap_quarters
        )
        asked = msgspec.structs.replace(asked, **more)
        answer = self.ask(PlaceOrders(customer, market, currency, (asked,), version), actor=customer)
        assert isinstance(answer, OrdersAnswer | Refused)
        return answer

    def order(self, customer: int, market: int, side: Side, price_milli: int, size_minor: int, **more: object) -> int:
        """The id of an order that must be taken."""
        return self.report(customer, market, side, price_milli, size_minor, **more).order_id

    def report(
        self, customer: int, market: int, side: Side, price_milli: int, size_minor: int, **more: object
    ) -> OrderReport:
        answer = self.place(customer, market, side, price_milli, size_minor, **more)  # type: ignore[arg-type]
        assert isinstance(answer, OrdersAnswer), answer
        return answer.reports[0]

    def why(self, customer: int, market: int, side: Side, price_milli: int, size_minor: int, **more: object) -> str:
        """The code with which an order that must fail is refused: the instruction's own where it has one."""
        answer = self.place(customer, market, side, price_milli, size_minor, **more)  # type: ignore[arg-type]
        assert isinstance(answer, Refused), answer
        return str(answer.detail.get("reason", answer.code))

    def cancel(self, customer: int, market: int, *orders: int | tuple[int, int]) -> OrdersAnswer:
        asked = tuple(CancelInstruction(*(order if isinstance(order, tuple) else (order,))) for order in orders)
        answer = self.ask(CancelOrders(customer, market, asked), actor=customer)
        assert isinstance(answer, OrdersAnswer), answer
        return answer

    def replace(self, customer: int, market: int, *orders: tuple[int, int]) -> OrdersAnswer:
        asked = tuple(ReplaceInstruction(order, price) for order, price in orders)
        answer = self.ask(ReplaceOrders(customer, market, asked), actor=customer)
        assert isinstance(answer, OrdersAnswer), answer
        return answer

    def win(self, market: int, *runners: int) -> None:
        """These runners won, sharing one place; settle all."""
        self.result(market, RunnersResult(tuple(Share(runner, 1, len(runners)) for runner in runners)))

    def result(self, market: int, result: ExchangeResult) -> None:
        self.do(RecordExchangeResult(market, result))
        self.wait()

    def market_of(self, market: int) -> ExchangeMarket:
        return self.machine.state.exchange.markets[market]

    def order_of(self, order: int) -> Order:
        return self.machine.state.exchange.orders.by_id[order]

    def position(self, customer: int, market: int) -> Position:
        return self.market_of(market).positions[customer]

    def held(self, customer: int, currency: str = "GBP") -> int:
        return self.wallet(customer, currency).cash.held_minor

    def pounds(self, customer: int) -> int:
        return self.cash(customer, "GBP")

    def book(self, market: int, runner: int = 0) -> str:
        """What may be backed and laid, best first: `3.0×500 2.9×200 | 3.1×100`, as prices and pence."""
        books = self.machine.state.exchange.orders.books[market].runners[runner]
        sides = []
        for half in (books.lays, books.backs):
            levels = (half.levels[key * half.sign] for key in reversed(half.keys))
            sides.append(" ".join(f"{level.price_milli / 1000:g}×{level.size_minor}" for level in levels))
        return f"{sides[0]} | {sides[1]}"
