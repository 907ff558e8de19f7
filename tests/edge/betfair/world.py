"""The world in which each code is provoked, and the stories that do it, by section and code."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from tests.edge.betfair.authority import Authority
from tests.edge.betfair.house import Market, Trader, limit
from tests.edge.betfair.raw import Raw
from tests.edge.running import Api, Running

from overround.apps.settings import Settings


class World:
    """A house, and whatever a story needs."""

    def __init__(
        self,
        *,
        shop: Running,
        operator: Api,
        new_trader: Callable[..., Trader],
        new_market: Callable[..., Market],
        secured: Settings,
        authority: Authority,
        patch: pytest.MonkeyPatch,
    ) -> None:
        self.shop, self.operator, self.patch = shop, operator, patch
        self.new_trader, self.new_market = new_trader, new_market
        self.secured, self.authority = secured, authority
        self.trader, self.market = new_trader(), new_market()
        self.raw = Raw(self.trader)

    @property
    def first(self) -> int:
        return self.market.selections[0]

    def back(self, price: float = 3.0, size: float = 5.0, **more: Any) -> dict[str, Any]:
        return limit(self.first, "BACK", price, size, **more)

    def desk(self, action: str, body: Any = None) -> None:
        self.operator.made(f"/v1/operator/exchange/markets/{self.market.number}/{action}", body)

    def ends(self) -> None:
        self.desk("result", {"result": {"kind": "runners", "winners": [{"runner": 0}]}})

    def place(
        self, *orders: dict[str, Any], raw: Raw | None = None, is_async: bool = False, **more: Any
    ) -> dict[str, Any]:
        asked = {"marketId": self.market.id, "instructions": list(orders), "async": is_async, **more}
        result: dict[str, Any] = (raw or self.raw).call("placeOrders", **asked)["result"]
        return result

    def bet(self, **more: Any) -> str:
        """The id of an order that stands."""
        bet_id: str = self.place(self.back(**more))["instructionReports"][0]["betId"]
        return bet_id

    def change(self, name: str, *instructions: dict[str, Any], **more: Any) -> dict[str, Any]:
        asked = {"marketId": self.market.id, "instructions": list(instructions), **more}
        result: dict[str, Any] = self.raw.call(name, **asked)["result"]
        return result

    def in_play(self, **terms: Any) -> None:
        """A market that is in play, where orders wait for a long second."""
        self.market = self.new_market(turn_in_play=True, bet_delay_ms=3_000, **terms)
        self.desk("turn-in-play")
        self.desk("open")


Story = Callable[[World], str | None]
STORIES: dict[tuple[str, str], Story] = {}


def tells(section: str, *codes: str) -> Callable[[Story], Story]:
    """What a story ends with."""

    def kept(story: Story) -> Story:
        for code in codes:
            assert STORIES.setdefault((section, code), story) is story
        return story

    return kept


def broken(*_: Any, **__: Any) -> NoReturn:
    """Stands where the house is to be broken."""
    raise ZeroDivisionError
