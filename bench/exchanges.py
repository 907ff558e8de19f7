"""An exchange's orders as a busy market sees them: 70 of 100 rest, 20 cancel one that rests, 10 cross. Drawn once from
a seed against our own book, so that every engine is given the very same, and each cancel names one that is there."""

import random
from typing import Final

import msgspec

from overround.book.exposure import Game, Position, Side
from overround.book.matching import (
    MarketBook,
    Order,
    OrdersState,
    OrderType,
    RunnerBook,
    Target,
    Trade,
    Want,
    cut,
    match,
    place,
)
from overround.kernel.ladder import CLASSIC

RUNNERS: Final = 8
CUSTOMERS: Final = 1_000
MARKET: Final = 1
AROUND: Final = 170
"""Where in the ladder the prices are: 4.0, and some fifteen increments on either side."""

DEPTH: Final = 15


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Place an order, or (`cancels` above zero) cancel the order with that id. Ids are dense from 1."""

    cancels: int
    customer: int
    runner: int = 0
    side: Side = Side.BACK
    price_milli: int = 0
    size_minor: int = 0


class Alone:
    """Our matching alone: who meets whom, and what rests. As much as an engine without customers does."""

    def __init__(self) -> None:
        self.runners = [RunnerBook() for _ in range(RUNNERS)]
        self.orders: list[Order | None] = [None]

    def place(self, step: Step) -> int:
        """Match an order, then let what is left rest. How many trades it made."""
        runners, size = self.runners, step.size_minor
        book = runners[step.runner]
        order = Order(
            len(self.orders),
            step.customer,
            MARKET,
            step.runner,
            step.side,
            OrderType.LIMIT,
            step.price_milli,
            size,
            0,
        )
        self.orders.append(order)
        fills = match(runners, step.runner, step.side, step.price_milli, Want(Target.SIZE, size), NOTHING)
        for fill in fills:
            maker = fill.maker
            assert maker is not None
            maker.remaining_minor -= fill.size_minor
            book.against(step.side).reduce(maker, fill.size_minor)
            size -= fill.size_minor
        if size:
            order.remaining_minor = size
            book.half(step.side).rest(order)
        return len(fills)

    def cancel(self, number: int) -> None:
        order = self.orders[number]
        assert order is not None
        size, order.remaining_minor = order.remaining_minor, 0
        self.runners[order.runner].half(order.side).reduce(order, size)


NOTHING: Final[dict[int, int]] = {}


class Book:
    """The same with positions and their exposure, with nothing of accounts or journal."""

    def __init__(self) -> None:
        self.state = OrdersState()
        positions = {number: Position(number, "GBP", 1, 1, {}) for number in range(CUSTOMERS + 1)}
        self.book = MarketBook(
            id=MARKET,
            game=Game(),
            names=[(number + 1, 0) for number in range(RUNNERS)],
            active=list(range(RUNNERS)),
            positions=positions,
            trades=[],
        )
        self.state.books[MARKET] = self.book

    def place(self, step: Step) -> int:
        """Match an order, then let what is left rest. How many trades it made."""
        state, book = self.state, self.book
        number = state.next_id()
        fills = match(book.runners, step.runner, step.side, step.price_milli, Want(Target.SIZE, step.size_minor), {})
        trades = []
        for made, fill in enumerate(fills, state.traded + 1):
            maker = fill.maker
            assert maker is not None
            pair = (number, maker.id) if step.side is Side.BACK else (maker.id, number)
            trades.append(Trade(made, step.runner, fill.price_milli, fill.size_minor, *pair))
        order = Order(
            number, step.customer, MARKET, step.runner, step.side, OrderType.LIMIT, step.price_milli, step.size_minor,
            0, remaining_minor=step.size_minor,
        )  # fmt: skip
        place(state, book, [order], tuple(trades), 0)
        return len(trades)

    def cancel(self, number: int) -> None:
        cut(self.state, number, self.state.by_id[number].remaining_minor, 0, lapses=False)


def mix(count: int, *, customers: int = CUSTOMERS, seed: int = 7) -> list[Step]:
    """So many steps, of which every tenth or so matches somebody. Nobody meets themselves."""
    rng, book = random.Random(seed), Book()
    resting: list[int] = []
    steps: list[Step] = []
    while len(steps) < count:
        pick = rng.random()
        step = _cancel(rng, book, resting) if pick < 0.2 else _order(rng, book, customers, crosses=pick > 0.9)
        if step is None:
            continue
        steps.append(step)
        if step.cancels:
            book.cancel(step.cancels)
        else:
            book.place(step)
            resting.append(book.state.placed)
    return steps


def _cancel(rng: random.Random, book: Book, resting: list[int]) -> Step | None:
    """A resting order, found by looking at some; those that are gone are forgotten."""
    for _ in range(20):
        if not resting:
            return None
        place_of = rng.randrange(len(resting))
        number, resting[place_of] = resting[place_of], resting[-1]
        resting.pop()
        if book.state.by_id[number].remaining_minor:
            return Step(number, book.state.by_id[number].customer_id)
    return None


def _order(rng: random.Random, book: Book, customers: int, *, crosses: bool) -> Step | None:
    """One that rests up to fifteen increments from the middle, or one that takes what is best."""
    runner, side = rng.randrange(RUNNERS), rng.choice((Side.BACK, Side.LAY))
    customer, size = rng.randint(1, customers), rng.choice((200, 500, 1_000, 2_500, 10_000))
    against = book.book.runners[runner].against(side)
    away = min(DEPTH, int(rng.expovariate(0.25)))
    price = CLASSIC[AROUND + 1 + away] if side is Side.BACK else CLASSIC[AROUND - away]
    if crosses and against.keys:
        price = against.keys[-1] * against.sign
    fills = match(book.book.runners, runner, side, price, Want(Target.SIZE, size), NOTHING)
    if any(fill.maker is not None and fill.maker.customer_id == customer for fill in fills):
        return None
    return Step(0, customer, runner, side, price, size)
