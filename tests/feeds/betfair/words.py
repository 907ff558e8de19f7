"""Recorded markets in a few words, and a book drawn from the orders that a market maker has by then."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from overround.book.exposure import Side
from overround.book.machine import Machine, request
from overround.book.machine.answers import Answer, Done, OrdersAnswer
from overround.book.machine.commands import (
    Command,
    CreateCompetition,
    CreateEvent,
    CreateSport,
    MoveFunds,
    OpenCustomer,
)
from overround.book.machine.exchange_commands import (
    CreateExchangeMarket,
    OpenExchangeMarket,
    PlaceInstruction,
    PlaceOrders,
    TurnInPlay,
)
from overround.book.matching import OrderType
from overround.feeds.betfair.making import Maker, Step
from overround.feeds.betfair.mirror import MarketMirror, milli, minor
from overround.feeds.betfair.recording import Definition, MarketChange, RunnerNamed
from overround.feeds.betfair.staging import Outline, Stage, outline, runners_of, terms_of
from overround.feeds.betfair.starting import Starter
from overround.kernel.ids import make_key
from overround.kernel.refusal import Refused

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("OVERROUND_SHARED_DATA") or ROOT.parent / "shared" / "data")
STREAMS = SHARED / "betfair_stream"
NOW_US = 1_800_000_000_000_000
RED, BLUE, GREY = 101, 102, 103
MAKER, TAKER, BOT = 1, 2, 3


def definition(**more: Any) -> Definition:
    """Three runners, open before the off."""
    runners = more.pop("runners", tuple(RunnerNamed(id=number) for number in (RED, BLUE, GREY)))
    asked = {"market_type": "WIN", "event_id": "1", "bsp_market": True, "turn_in_play_enabled": True, **more}
    return Definition(status=asked.pop("status", "OPEN"), runners=runners, **asked)


def statuses(*words: str, **bsp: float) -> tuple[RunnerNamed, ...]:
    """The three runners with these statuses."""
    prices = bsp or {}
    named = zip((RED, BLUE, GREY), ("red", "blue", "grey"), words, strict=True)
    return tuple(RunnerNamed(id=number, status=word, bsp=prices.get(name)) for number, name, word in named)


class Ring:
    """A machine with one replayed market, its maker, its taker, and a bot."""

    def __init__(self, *recorded: Definition, delay_by: float = 1.0) -> None:
        self.machine = Machine()
        self.at_us = NOW_US
        self._number = 0
        for _ in (MAKER, TAKER, BOT):
            self.ask(MoveFunds(self.made(OpenCustomer("GBP")), "GBP", 10**14, "to trade"))
        self.made(CreateSport("Racing"))
        self.made(CreateCompetition(1, "Ring"))
        self.made(CreateEvent(1, "14:30", NOW_US + 10**9))
        self.outline: Outline = outline(recorded or (definition(),))
        terms = terms_of(self.outline, currency="GBP", starts_at_us=NOW_US, delay_by=delay_by, crossing=True)
        runners = runners_of(self.outline)
        self.market = self.made(CreateExchangeMarket(1, terms, runners))
        places = {(runner.selection_id, runner.handicap_quarters): place for place, runner in enumerate(runners)}
        self.stage = Stage(self.market, terms.bsp, terms.turn_in_play, places)
        who: dict[str, Any] = {"market_id": self.market, "maker": MAKER, "taker": TAKER, "currency": "GBP"}
        self.maker = Maker(**who, prices=terms.ladder)
        self.starter = Starter(**who, prices=terms.ladder)
        self.mirror = MarketMirror("1.1")

    def open(self) -> "Ring":
        self.made(OpenExchangeMarket(self.market))
        self.stage.status = "OPEN"
        return self

    def ask(self, command: Command) -> Answer:
        self._number += 1
        self.at_us += 1
        key = make_key(at_us=self.at_us, chance=self._number)
        answer: Answer = self.machine.execute(request(actor=-1, key=key, command=command), self.at_us)  # type: ignore[arg-type]
        self.machine.drain()
        return answer

    def made(self, command: Command) -> int:
        answer = self.ask(command)
        assert isinstance(answer, Done), answer
        return answer.id

    def recorded(self, **change: Any) -> "Ring":
        """What the recording says next of the red runner, put on our book."""
        row = {"id": RED, **change}
        raw = msgspec.json.encode({"id": "1.1", "rc": [row]})
        self.mirror.apply(msgspec.json.decode(raw, type=MarketChange))
        runners = [(key, self.mirror.runners[key], touched) for key, touched in self.mirror.changed.items()]
        planned = self.maker.plan(runners, is_open=self.stage.is_open)
        if self.stage.is_open:
            self.mirror.changed.clear()
        for step in planned:
            answer = self.ask(step.command)
            assert not isinstance(answer, Refused), answer
        return self

    def at_start(self, **change: Any) -> "Ring":
        """What the recording says next of the red runner's orders for the starting price."""
        raw = msgspec.json.encode({"id": "1.1", "rc": [{"id": RED, **change}]})
        self.mirror.apply(msgspec.json.decode(raw, type=MarketChange))
        self._put(self.starter.plan(self.mirror.runners.items()))
        return self

    def _put(self, steps: Iterable[Step]) -> None:
        for step in steps:
            answer = self.ask(step.command)
            assert isinstance(answer, OrdersAnswer), answer
            self.starter.heard(step)

    def off(self, price: float) -> float:
        """The red runner's starting price, where this was recorded."""
        self._put(self.starter.start([((RED, 0), milli(price))]))
        self.ask(TurnInPlay(self.market))
        return self.machine.state.exchange.markets[self.market].runners[0].sp_milli / 1000

    @property
    def waiting(self) -> tuple[dict[float, float], dict[float, float]]:
        """What backers stake and what layers may lose at the starting price of the red runner, by limit."""
        found: tuple[dict[float, float], dict[float, float]] = {}, {}
        for order in self.machine.state.exchange.orders.books[self.market].start.values():
            limit = order.price_milli / 1000 or (1.01 if order.side is Side.BACK else 1000)
            own = found[order.side is Side.LAY]
            own[limit] = round(own.get(limit, 0) + order.liability_minor / 100, 2)
        return found

    def bot_at_start(self, side: Side, liability: float) -> int:
        asked = PlaceInstruction(RED, side, 0, 0, type=OrderType.MARKET_ON_CLOSE, liability_minor=minor(liability))
        answer = self.ask(PlaceOrders(BOT, self.market, "GBP", (asked,)))
        assert isinstance(answer, OrdersAnswer), answer
        return answer.reports[0].order_id

    def bot(self, side: Side, price: float, size: float) -> int:
        """A bot's order on the red runner."""
        asked = PlaceInstruction(RED, side, milli(price), minor(size))
        answer = self.ask(PlaceOrders(BOT, self.market, "GBP", (asked,)))
        assert isinstance(answer, OrdersAnswer), answer
        return answer.reports[0].order_id

    def matched(self, order_id: int) -> float:
        return self.machine.state.exchange.orders.by_id[order_id].matched_minor / 100

    @property
    def drawn(self) -> str:
        """What may be backed, then what may be laid, best first: `2.98×8 / 3×10`."""
        book = self.machine.state.exchange.orders.books[self.market].runners[0]
        halves = []
        for half in (book.lays, book.backs):
            prices = [key * half.sign for key in reversed(half.keys)]
            halves.append(" ".join(f"{at / 1000:g}×{half.levels[at].size_minor / 100:g}" for at in prices))
        return f"{halves[0]} / {halves[1]}".strip()

    @property
    def traded(self) -> dict[float, float]:
        """As a stream tells it, both sides counted."""
        book = self.machine.state.exchange.orders.books[self.market].runners[0]
        return {at / 1000: size / 50 for at, size in sorted(book.traded.items())}

    @property
    def last(self) -> float:
        return self.machine.state.exchange.orders.books[self.market].runners[0].last_milli / 1000
