"""A made-up race as a recording, for whoever has none: six runners, prices that wander, orders for the starting
price, an off, a winner. The same seed makes the same race.
"""

import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from overround.kernel.instant import text
from overround.kernel.ladder import CLASSIC

MARKET: Final = "1.999000001"
NAMES: Final = (
    "Balance Brought Forward",
    "Early Settlement",
    "Fair Price",
    "Long Ledger",
    "Photo Finish",
    "Void If Not",
)
FIRST_ID: Final = 9_001
STARTS: Final = (60, 100, 140, 170, 190, 210)
"""Where each runner's price begins, as a place on the ladder."""

LEVELS: Final = 3
TICK_MS: Final = 1_000
START_SHARE: Final = 0.3
"""How often a runner's change before the off is an order for the starting price, too."""

RUN_SHARE: Final = 0.25
"""How much of the recording is in play."""


def race(*, seed: int, seconds: int, starts_at_ms: int) -> Iterator[bytes]:
    """The lines of a recording of that length, the last of them the result."""
    return _Race(random.Random(seed), seconds, starts_at_ms).lines()


class _Race:
    def __init__(self, chance: random.Random, seconds: int, starts_at_ms: int) -> None:
        self._chance, self._ticks = chance, seconds
        self._pt = starts_at_ms - int(seconds * (1 - RUN_SHARE)) * 1_000
        self._starts_at_ms = starts_at_ms
        self._places = list(STARTS)
        self._traded: list[dict[int, float]] = [{} for _ in NAMES]
        self._shown: list[dict[str, dict[int, float]]] = [{"atb": {}, "atl": {}} for _ in NAMES]
        self._at_start: list[dict[str, dict[float, float]]] = [{"spb": {}, "spl": {}} for _ in NAMES]
        self._is_off = False
        self._clk = 0
        self._version = 1

    def lines(self) -> Iterator[bytes]:
        yield self._line(definition=self._definition("OPEN"), img=True, rc=self._move(list(range(len(NAMES)))))
        off = int(self._ticks * (1 - RUN_SHARE))
        for tick in range(1, self._ticks):
            self._pt += TICK_MS
            if tick == off:
                self._is_off = True
                yield self._line(definition=self._definition("SUSPENDED"))
                in_play = self._definition("OPEN", in_play=True)
                yield self._line(definition=in_play, rc=self._move(list(range(len(NAMES)))))
                continue
            some = self._chance.sample(range(len(NAMES)), self._chance.randint(1, 3))
            yield self._line(rc=self._move(some))
        self._pt += TICK_MS
        yield self._line(definition=self._definition("SUSPENDED", in_play=True))
        winner = self._chance.choices(range(len(NAMES)), [1 / CLASSIC[place] for place in self._places])[0]
        yield self._line(definition=self._definition("CLOSED", in_play=True, winner=winner))

    def _line(self, *, definition: Any = None, img: bool = False, rc: list[Any] | None = None) -> bytes:
        self._clk += 1
        change: dict[str, Any] = {"id": MARKET}
        if definition is not None:
            change["marketDefinition"] = definition
        if img:
            change["img"] = True
        if rc:
            change["rc"] = rc
        return msgspec.json.encode({"op": "mcm", "clk": str(self._clk), "pt": self._pt, "mc": [change]}) + b"\n"

    def _move(self, runners: list[int]) -> list[dict[str, Any]]:
        """Each of these wanders a step and trades at a price of its two best."""
        return [self._runner(number) for number in runners]

    def _runner(self, number: int) -> dict[str, Any]:
        chance = self._chance
        place = self._places[number] = min(330, max(10, self._places[number] + chance.choice((-1, 0, 0, 1))))
        price = CLASSIC[place + chance.choice((0, 1))]
        traded = self._traded[number]
        traded[price] = round(traded.get(price, 0) + 2 * chance.randint(2, 60), 2)
        wanted = {
            "atb": {CLASSIC[place - level]: float(chance.randint(20, 300)) for level in range(LEVELS)},
            "atl": {CLASSIC[place + 1 + level]: float(chance.randint(20, 300)) for level in range(LEVELS)},
        }
        change: dict[str, Any] = {
            "id": FIRST_ID + number,
            "ltp": price / 1_000,
            "trd": [[price / 1_000, traded[price]]],
        }
        if not self._is_off and chance.random() < START_SHARE:
            change.update(self._more_at_start(number, place))
        change["tv"] = round(sum(traded.values()), 2)
        for name, ladder in wanted.items():
            shown = self._shown[number][name]
            rows = [[at / 1_000, size] for at, size in ladder.items() if shown.get(at) != size]
            change[name] = rows + [[at / 1_000, 0] for at in shown if at not in ladder]
            self._shown[number][name] = ladder
        return change

    def _more_at_start(self, number: int, place: int) -> dict[str, Any]:
        """Somebody lays (`spb`) or backs (`spl`) at the starting price, whatever it is or up to a limit."""
        name, any_price, limit = self._chance.choice((("spb", 1_000_000, place + 9), ("spl", 1_010, place - 9)))
        price = self._chance.choice((any_price, CLASSIC[limit])) / 1_000
        ladder = self._at_start[number][name]
        ladder[price] = round(ladder.get(price, 0) + self._chance.randint(4, 80), 2)
        return {name: [[price, ladder[price]]]}

    def _definition(self, status: str, *, in_play: bool = False, winner: int = -1) -> dict[str, Any]:
        self._version += 1
        runners = []
        for number, name in enumerate(NAMES):
            word = "ACTIVE" if winner < 0 else "WINNER" if number == winner else "LOSER"
            row = {"id": FIRST_ID + number, "name": name, "sortPriority": number + 1, "status": word}
            runners.append({**row, "bsp": CLASSIC[STARTS[number]] / 1_000} if in_play else row)
        starts_at = text(self._starts_at_ms * 1_000)
        return {
            "bspMarket": True, "turnInPlayEnabled": True, "persistenceEnabled": True, "marketBaseRate": 5.0,
            "eventId": "99900001", "eventTypeId": "7", "numberOfWinners": 1, "bettingType": "ODDS", "marketType": "WIN",
            "marketTime": starts_at, "suspendTime": starts_at, "bspReconciled": in_play, "complete": True,
            "inPlay": in_play, "crossMatching": True, "runnersVoidable": False, "betDelay": int(in_play),
            "numberOfActiveRunners": 0 if winner >= 0 else len(NAMES), "status": status, "runners": runners,
            "regulators": ["MR_INT"], "countryCode": "GB", "discountAllowed": True, "timezone": "Europe/London",
            "openDate": starts_at, "version": self._version, "name": "6f Hcap", "eventName": "Example Park",
            "venue": "Example Park", "priceLadderDefinition": {"type": "CLASSIC"},
        }  # fmt: skip
