"""`overround replay betfair` and `overround record`, as they are typed: what they print, and how they end."""

import asyncio
import bz2
import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.edge.betfair.house import Trader, app_keys, limit, new_market, new_trader
from tests.edge.running import Api, Running
from tests.feeds.betfair.playing import example

from overround.apps import demo, record, replay_betfair
from overround.apps.house import Endpoints, write_endpoints
from overround.apps.settings import InvalidSetting
from overround.feeds.betfair.scanning import scan

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("house")]


def endpoints_of(house: Running) -> Endpoints:
    return Endpoints(
        http=house.url,
        stream=house.stream,
        docs="",
        metrics="",
        database_url=house.settings.dsn,
        nats_url=house.settings.bus_url,
        operator_token=house.operator,
        exchange_stream=f"127.0.0.1:{house.settings.stream_port}",
    )


@pytest.fixture
def _at_home(house: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The house is the one of this folder, as `overround up` leaves it."""
    house.settings.data.mkdir(parents=True, exist_ok=True)
    write_endpoints(house.settings.endpoints_file, endpoints_of(house))
    monkeypatch.setenv("OVERROUND_DATA", str(house.settings.data))
    monkeypatch.setenv("OVERROUND_CELL", house.settings.cell)


at_home = pytest.mark.usefixtures("_at_home")


@pytest.fixture
def race(tmp_path: Path) -> Path:
    return example(tmp_path / "race", seconds=60)


def replay(*arguments: Any) -> Result:
    return CliRunner().invoke(replay_betfair.command, [str(each) for each in arguments])


def recorded(*arguments: Any) -> Result:
    return CliRunner().invoke(record.command, [str(each) for each in arguments])


@contextmanager
def replaying(*arguments: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A replay in a process of its own, once it has named its market, and the market's number here."""
    command = [sys.executable, "-m", "overround", "replay", "betfair", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            named = next(found for line in process.stderr if (found := re.search(r"is (1\.\d+)", line)))
            yield process, named[1]
        finally:
            process.kill()


def book_of(house: Running, market_id: str) -> Any:
    api = Api(house, house.operator)
    client = new_trader(house, api).client(lightweight=True)
    api.close()
    return client.betting.list_market_book([market_id])[0]


@pytest.mark.parametrize("command", [replay, recorded])
def test_help_has_an_example(command: Any) -> None:
    outcome = command("--help")
    assert outcome.exit_code == 0
    assert "Example: overround re" in outcome.output


CUT = bz2.compress(b'{"op":"mcm","pt":1,"mc":[]}\n' * 9_000)[:40]
FLIPPED = bytearray(gzip.compress(bytes(range(256)) * 64))
FLIPPED[60] ^= 255
DEFINITION = {"status": "OPEN", "runners": [{"id": 1}, {"id": 2}]}


def one_market(**more: Any) -> bytes:
    change = {"id": "1.1", "marketDefinition": {**DEFINITION, **more}}
    return json.dumps({"op": "mcm", "pt": 1_700_000_000_000, "mc": [change]}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello", "line 1: JSON is malformed"),
        (b'{"a": 1}', "line 1: Object missing required field `op`"),
        (b"\xff\xfe\x00", "line 1:"),
        (b"", "no market definition in it"),
        (b'{"op": "mcm", "pt": 1, "mc": []}', "no market definition in it"),
        (CUT, "cannot be read after line 0: Compressed file ended"),
        (bytes(FLIPPED), "cannot be read after line 0"),
        (one_market(marketTime="soon"), "market 1.1 is to start at 'soon'"),
    ],
)
def test_files_that_are_no_recordings(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    outcome = replay(path)
    assert (outcome.exit_code, said in outcome.output) == (2, True), outcome.output
    assert "Traceback" not in outcome.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a recording, or say --example"),
        (("nowhere.bz2",), "does not exist"),
        (("--example", "--speed", "fast"), "neither a number nor max"),
        (("--example", "--speed", "0"), "above 0"),
        (("--example", "--currency", "XXQ"), "no currency that the house knows"),
        (("--example", "--step", "-1"), "not in the range"),
        (("--example", "--void-left"), "--void-left plays nothing"),
    ],
)
def test_options_that_cannot_be(arguments: tuple[str, ...], said: str) -> None:
    outcome = replay(*arguments)
    assert (outcome.exit_code, said in outcome.output) == (2, True), outcome.output


def test_a_house_that_is_not_there(monkeypatch: pytest.MonkeyPatch, race: Path) -> None:
    """`main` makes one line and exit code 2 of an InvalidSetting."""
    away = replay(race, "--house", "http://127.0.0.1:9")
    assert isinstance(away.exception, InvalidSetting)
    assert "OVERROUND_OPERATOR_TOKEN" in str(away.exception)
    monkeypatch.setenv("OVERROUND_OPERATOR_TOKEN", "x")
    monkeypatch.setenv("OVERROUND_NATS_URL", "nats://127.0.0.1:9")
    away = replay(race, "--house", "http://127.0.0.1:9")
    assert isinstance(away.exception, InvalidSetting)
    assert "no house answers" in str(away.exception)


@at_home
def test_a_market_that_cannot_be_played_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ranged"
    path.write_bytes(one_market(bettingType="RANGE"))
    outcome = replay(path)
    assert outcome.exit_code == 2
    assert "left out: betting type RANGE" in outcome.output
    assert "none of these markets can be played" in outcome.output


def line_recording(path: Path) -> Path:
    """Runs of an innings, as a stream tells them: made up, since no line market is among the recordings."""
    terms = {
        "bettingType": "LINE", "marketType": "INNINGS_RUNS", "name": "Innings Runs", "eventName": "Ayr v Dundee",
        "eventTypeId": "4", "numberOfWinners": 1, "lineMinUnit": 0.5, "lineMaxUnit": 400.5, "lineInterval": 1.0,
        "priceLadderDefinition": {"type": "LINE_RANGE"}, "turnInPlayEnabled": True,
        "marketTime": "2026-12-01T15:00:00.000Z",
    }  # fmt: skip
    definitions: list[dict[str, Any]] = [
        {"status": "OPEN", "runners": [{"id": 5}]},
        {"status": "OPEN", "inPlay": True, "betDelay": 3, "runners": [{"id": 5}]},
        {"status": "CLOSED", "inPlay": True, "betDelay": 3, "runners": [{"id": 5, "status": "LOSER"}]},
    ]
    rows = [
        {"atb": [[140.5, 20]], "atl": [[143.5, 30]], "trd": [[141.5, 8]], "ltp": 141.5, "tv": 8},
        {"atb": [[140.5, 0], [150.5, 9]], "atl": [[143.5, 0], [152.5, 3]], "trd": [[151.5, 6]], "ltp": 151.5, "tv": 14},
        {},
    ]
    lines = []
    for at, (told, row) in enumerate(zip(definitions, rows, strict=True)):
        change = {"id": "1.5", "marketDefinition": {**terms, **told}, "rc": [{"id": 5, **row}] if row else []}
        lines.append(json.dumps({"op": "mcm", "pt": 1_796_000_000_000 + at * 60_000, "mc": [change]}))
    path.write_text("\n".join(lines))
    return path


@at_home
def test_a_line_market_is_played_and_settled_at_its_last_line(tmp_path: Path) -> None:
    outcome = replay(line_recording(tmp_path / "line"), "--speed", "max", "--compare", "--samples", 3, "--json")
    assert outcome.exit_code == 0, outcome.output
    assert "settled at the last line traded" in outcome.stderr
    report = json.loads(outcome.stdout)
    assert (report["markets"], report["refused"], report["void"]) == (1, {}, 0)
    assert {name: field["examples"] for name, field in report["fields"].items() if field["reasons"]} == {}
    assert {"status", "in play", "all to back", "all to lay", "traded at each price"} <= set(report["fields"])


@at_home
def test_the_report_is_json(race: Path, tmp_path: Path) -> None:
    """Two files at once, compared: every field of both is as it was recorded."""
    other = example(tmp_path / "other", seconds=60, seed=2)
    outcome = replay(race, other, "--speed", "max", "--compare", "--samples", 3, "--json")
    assert outcome.exit_code == 0, outcome.output
    report = json.loads(outcome.stdout)
    assert [file["file"] for file in report["files"]] == ["race", "other"]
    assert (report["markets"], report["refused"], report["stopped"], report["void"]) == (2, {}, False, 0)
    assert {name: field["reasons"] for name, field in report["fields"].items() if field["reasons"]} == {}
    assert {"status", "start", "all to back", "traded at each price", "BSP"} <= set(report["fields"])


def test_another_house_is_played_on(
    house: Running, race: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERROUND_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("OVERROUND_CELL", house.settings.cell)
    monkeypatch.setenv("OVERROUND_OPERATOR_TOKEN", house.operator)
    monkeypatch.setenv("OVERROUND_NATS_URL", house.settings.bus_url)
    outcome = replay(race, "--speed", "max", "--house", house.url)
    assert outcome.exit_code == 0, outcome.output
    market_id = re.search(r"is (1\.\d+)", outcome.output)
    assert market_id is not None
    assert book_of(house, market_id[1])["status"] == "CLOSED"


@at_home
def test_a_recording_without_a_result_ends_void(race: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(b"\n".join(race.read_bytes().splitlines()[:20]))
    outcome = replay(cut, "--speed", "max", "--json")
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)["void"] == 1


@at_home
def test_a_replay_that_is_stopped_leaves_nothing_open(house: Running, race: Path) -> None:
    with replaying(race) as (process, market_id):
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == replay_betfair.STOPPED, said
    assert "the replay was stopped" in said
    book = book_of(house, market_id)
    assert (book["status"], {runner["status"] for runner in book["runners"]}) == ("CLOSED", {"LOSER"})


def killed(race: Path) -> str:
    """The market that a replay leaves when it is killed."""
    with replaying(race) as (process, market_id):
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
    return market_id


@at_home
def test_what_a_killed_replay_left_is_void_when_the_next_begins(house: Running, race: Path) -> None:
    """And another that runs keeps its own."""
    with replaying(race) as (_, running):
        left = killed(race)
        assert book_of(house, left)["status"] != "CLOSED"
        again = replay(race, "--speed", "max", "--json")
        assert again.exit_code == 0, again.output
        assert f"void, since their replay was killed: {left}" in again.stderr
        assert json.loads(again.stdout)["void_left"] == 1
        assert (book_of(house, left)["status"], book_of(house, running)["status"]) == ("CLOSED", "OPEN")
    cleaned = replay("--void-left")  # the other was killed too by now
    assert (cleaned.exit_code, running in cleaned.output) == (0, True), cleaned.output
    assert book_of(house, running)["status"] == "CLOSED"


@at_home
def test_what_a_killed_replay_left_can_be_made_void_alone(house: Running, race: Path) -> None:
    left = killed(race)
    cleaned = replay("--void-left")
    assert (cleaned.exit_code, left in cleaned.output) == (0, True), cleaned.output
    assert book_of(house, left)["status"] == "CLOSED"
    again = replay("--void-left")
    assert (again.exit_code, "nothing is left" in again.output) == (0, True), again.output


def test_nothing_is_made_void_where_no_house_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERROUND_DATA", str(tmp_path))
    away = replay("--void-left")
    assert isinstance(away.exception, InvalidSetting)
    assert "no house runs" in str(away.exception)


@at_home
def test_a_replay_is_recorded(race: Path, tmp_path: Path) -> None:
    """While it runs, to its end; the file is left alone by whoever would write it again."""
    path = tmp_path / "card.bz2"
    with replaying(race, "--speed", "20") as (_, market_id):
        outcome = recorded("--markets", market_id, path)
        assert outcome.exit_code == 0, outcome.output
        assert re.search(r"^\d+ messages, \d+ changes of runners in ", outcome.stdout, re.MULTILINE)
    assert list(scan(path).outlines) == [market_id]
    before = path.read_bytes()
    again = recorded("--markets", market_id, path)
    assert (again.exit_code, "cannot be written" in again.output) == (2, True)
    assert path.read_bytes() == before


@at_home
@pytest.mark.parametrize(
    ("markets", "said"),
    [("", "must name 1 to 200 markets"), ("1.99999999", "the house has no market 1.99999999"), ("x", "no market x")],
)
def test_markets_that_cannot_be_recorded(tmp_path: Path, markets: str, said: str) -> None:
    path = tmp_path / "card.gz"
    outcome = recorded("--markets", markets, path)
    assert (outcome.exit_code, said in outcome.output) == (2, True), outcome.output
    assert not path.exists()


@at_home
def test_nowhere_to_record_to(tmp_path: Path) -> None:
    outcome = recorded("--markets", "1.1", tmp_path / "no" / "card")
    assert (outcome.exit_code, "cannot be written" in outcome.output) == (2, True), outcome.output


def test_demo_customers_with_euros_trade_on_markets_in_pounds(house: Running) -> None:
    """Sizes are pounds; what is held, and what is there, are euros."""
    api = Api(house, house.operator)
    market = new_market(house, api)
    api.close()
    alice = asyncio.run(demo.seed(endpoints_of(house))).customers[0]
    live, delayed = app_keys(house, alice.token)
    trader = Trader(
        house=house,
        customer_id=alice.customer_id,
        username=alice.username,
        token=alice.token,
        live_key=live,
        delayed_key=delayed,
    )
    client = trader.client()
    placed = client.betting.place_orders(market.id, [limit(market.selections[0], "BACK", 3.0, 10.0)])
    assert placed.status == "SUCCESS"
    (order,) = client.betting.list_current_orders().orders
    assert order.size_remaining == 10.0
    funds = client.account.get_account_funds()
    assert (funds.exposure, funds.available_to_bet_balance) == (-11.7, 9_988.3)
