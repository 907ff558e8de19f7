"""What loads and judges: the generators, the spread, the trace. Against a small server on loopback, never the clock."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from bench.apart import apart
from bench.load import Load, Plan, percentile_ms, read_trace
from bench.spread import interval
from bench.stage import Failed
from bench.suite import memory

from overround.kernel.ids import parse_key


class House:
    """Takes every bet, and remembers the requests."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.keys: list[str] = []
        self.serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await self._head(reader):
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(fields["content-length"]))
            self.bodies.append(body)
            if "/batch" in head:
                bets = msgspec.json.decode(body)["bets"]
                self.keys += [bet["key"] for bet in bets]
                said = msgspec.json.encode({"results": [{"key": bet["key"], "status": "open"} for bet in bets]})
                status = "200 OK"
            else:
                self.keys.append(fields["idempotency-key"])
                said, status = b'{"bet_id":1}', "201 Created"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)
        writer.close()
        await writer.wait_closed()

    async def _head(self, reader: asyncio.StreamReader) -> str:
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return ""


async def loaded(plan: Plan, house: House) -> Load:
    server = await asyncio.start_server(house.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    load = Load(msgspec.structs.replace(plan, port=port))
    await load.run()
    for connection in load.idle:
        connection.close()
    await asyncio.gather(*house.serving)
    server.close()
    await server.wait_closed()
    return load


PLAN = Plan(port=0, tokens=("a", "b"), markets=(1, 2), prices_milli=(2_000, 3_000), seconds=0.2, warm_s=0.0)


@pytest.mark.parametrize("rate", [0, 200])
async def test_every_acknowledged_bet_was_sent_once_with_a_key_of_its_own(rate: int, tmp_path: Path) -> None:
    house, keys, trace = House(), tmp_path / "keys", tmp_path / "trace"
    plan = msgspec.structs.replace(PLAN, rate=rate, connections=4, keys=str(keys), trace=str(trace))
    load = await loaded(plan, house)
    assert load.acknowledged
    assert sorted(load.acknowledged) == sorted(house.keys)
    assert len(set(house.keys)) == len(house.keys)
    assert all(parse_key(key) for key in house.keys)
    assert len(keys.read_bytes()) == 16 * len(load.acknowledged)
    assert len(read_trace(trace)) == len(load.acknowledged)
    assert set(msgspec.json.decode(house.bodies[0])) == {
        "market_id", "selection_id", "stake_minor", "currency", "price_milli",
    }  # fmt: skip


async def test_each_bet_of_a_batch_has_a_key_of_its_own() -> None:
    house = House()
    load = await loaded(msgspec.structs.replace(PLAN, batch=5, connections=2), house)
    assert len(load.acknowledged) % 5 == 0
    assert sorted(load.acknowledged) == sorted(house.keys)
    assert len(set(house.keys)) == len(house.keys)


def test_percentiles_are_of_what_was_seen() -> None:
    assert percentile_ms([0.001 * n for n in range(1, 101)], 0.5) == pytest.approx(51.0)
    assert percentile_ms([0.001 * n for n in range(1, 101)], 1.0) == pytest.approx(100.0)
    assert percentile_ms([], 0.99) == 0.0


def test_an_interval_holds_the_mean_and_widens_with_the_spread() -> None:
    mean, low, high = interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert low == pytest.approx(2.0 - 4.30 * 1.0 / 3**0.5)
    assert high - mean == pytest.approx(mean - low)


async def test_a_function_runs_in_a_process_of_its_own() -> None:
    found = await apart(memory.measure, 200)
    assert found["whole_mib"] > 1


async def test_what_goes_wrong_there_is_told_here() -> None:
    with pytest.raises(Failed, match="measure ended with 1"):
        await apart(memory.measure, "nonsense")  # type: ignore[arg-type]  # on purpose
