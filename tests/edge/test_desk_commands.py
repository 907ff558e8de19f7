"""`overround desk` against a house: an evening at the desk, in words and as JSON."""

import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from tests.edge.conftest import Player, bet_on
from tests.edge.running import PATIENCE_S, Api, Running
from tests.edge.test_desk import until_settled

from overround.apps.desk import Milli, Score, Span, command
from overround.apps.engines import EngineTrouble
from overround.kernel.instant import HOUR_US, SECOND_US

Desk = Callable[..., str]


@pytest.fixture
def desk(house: Running, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Runs `overround desk …` as the house's operator; what it prints."""
    monkeypatch.setenv("OVERROUND_GATEWAY_URL", house.url)
    monkeypatch.setenv("OVERROUND_OPERATOR_TOKEN", house.operator)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object, fails: bool = False) -> str:
        done = CliRunner().invoke(command, [str(word) for word in words])
        if fails:
            assert done.exception is not None
            return str(done.exception) if isinstance(done.exception, EngineTrouble) else done.output
        assert done.exception is None, (done.output, done.exception)
        return done.output

    return run


def test_suspending_and_resuming(desk: Desk, player: Player, market: dict[str, int]) -> None:
    event = market["event_id"]
    assert "is suspended" in desk("suspend", "event", event, "--reason", "floodlights")
    assert player.api.post("/v1/bets", bet_on(market)).json()["level"] == "event"
    assert "floodlights" in desk("controls")
    desk("resume", "event", event)
    assert "not_suspended" in desk("resume", "event", event, fails=True)
    desk("suspend", "selection", market["market_id"], "--selection", 1, "--reason", "injury")
    assert player.api.post("/v1/bets", bet_on(market)).json()["level"] == "selection"
    desk("resume", "selection", market["market_id"], "--selection", 1)
    assert player.api.post("/v1/bets", bet_on(market)).status_code == 201


def test_a_price_a_margin_and_a_field_sheet(desk: Desk, player: Player, market: dict[str, int]) -> None:
    player.api.made("/v1/bets", bet_on(market))
    desk("price", market["market_id"], 1, "1.85", "--for", "60s")
    shown = desk("field-sheet", market["event_id"])
    assert "1.85 *" in shown
    assert "stakes 10.00" in shown
    assert "-11.00" in shown
    desk("lift", market["market_id"], 1)
    sheet = msgspec.json.decode(desk("field-sheet", market["event_id"], "--json"))
    assert sheet["markets"][0]["selections"][0]["price_milli"] == 2_100
    assert "seq" in msgspec.json.decode(desk("price", market["market_id"], 2, "3.5", "--for", "2h", "--json"))
    desk("margin", "event", market["event_id"], 450)
    assert "450" in desk("controls")
    desk("margin", "event", market["event_id"])
    assert "market_not_found" in desk("price", 999_999, 1, "1.85", "--for", "60s", fails=True)


def test_a_customer_is_blocked(desk: Desk, operator: Api, player: Player, market: dict[str, int]) -> None:
    desk("block", player.customer_id, "--reason", "chargeback")
    assert player.api.post("/v1/bets", bet_on(market)).json()["code"] == "player_blocked"
    seq = msgspec.json.decode(desk("unblock", player.customer_id, "--json"))["seq"]
    assert operator.get("/v1/operator/actions", min_seq=seq).status_code == 200, "the tables are there by now"
    assert "player_unblocked" in desk("actions", "--limit", 5)
    desk("admit", market["competition_id"])


def test_a_result_in_four_eyes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, operator: Api, player: Player, market: dict[str, int]
) -> None:
    player.api.made("/v1/bets", bet_on(market))
    number = market["market_id"]
    preview = desk("result", number, "--score", "1-0", "--preview")
    assert "A first result." in preview
    assert "21.00" in preview
    assert "recorded" in desk("result", number, "--score", "1-0")
    operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 1})
    try:
        assert "A correction." in desk("result", number, "--void", "abandoned", "--preview")
        told = desk("result", number, "--void", "abandoned")
        assert "waits for another operator" in told
        proposal = told.rsplit(maxsplit=1)[-1]
        assert "RecordResult" in desk("proposals")
        assert "own_proposal" in desk("approve", proposal, fails=True)
        token = operator.made("/v1/operator/tokens", {"name": "second"})["token"]
        monkeypatch.setenv("OVERROUND_OPERATOR_TOKEN", token)
        assert "approved" in desk("approve", proposal)
        assert "proposal_not_found" in desk("reject", proposal, "--reason", "late", fails=True)
    finally:
        operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 0})


@pytest.mark.parametrize(
    "words",
    [
        ("result", 1),
        ("result", 1, "--score", "1-0", "--void", "x"),
        ("result", 1, "--winners", "one"),
        ("price", 1, 1, "1.8555", "--for", "60s"),
        ("price", 1, 1, "much", "--for", "60s"),
        ("price", 1, 1, "1.85", "--for", "soon"),
        ("suspend", "planet", 1, "--reason", "x"),
        ("exchange-result", 1),
        ("exchange-result", 1, "--winners", "0", "--void", "x"),
        ("exchange-result", 1, "--winners", "first"),
    ],
)
def test_what_is_mistyped_is_refused_before_anything_is_asked(desk: Desk, words: tuple[object, ...]) -> None:
    assert "Usage:" in desk(*words, fails=True)


def test_an_exchange_market_has_its_result_and_another(desk: Desk, operator: Api, market: dict[str, int]) -> None:
    runners = [{"selection_id": number, "name": name} for number, name in ((1, "Ayr"), (2, "Dundee"))]
    asked = {"event_id": market["event_id"], "name": "Match Odds", "currency": "EUR", "runners": runners}
    number = operator.made("/v1/operator/exchange/markets", asked)["market_id"]
    for words in (("--winners", "1"), ("--winners", "0,1", "--tied"), ("--void", "abandoned")):
        assert "recorded" in desk("exchange-result", number, *words)
    assert "result_unchanged" in desk("exchange-result", number, "--void", "abandoned", fails=True)
    assert "result_invalid" in desk("exchange-result", number, "--number", "2", fails=True)


def test_words_become_numbers() -> None:
    assert Span().convert("60s", None, None) == 60 * SECOND_US
    assert Span().convert("2h", None, None) == 2 * HOUR_US
    assert Milli().convert("1.85", None, None) == 1_850
    assert Score().convert("2:1", None, None) == {"home": 2, "away": 1}


def test_a_house_that_does_not_answer_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERROUND_GATEWAY_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OVERROUND_OPERATOR_TOKEN", "ovr_" + "A" * 43)
    done = CliRunner().invoke(command, ["controls"])
    assert isinstance(done.exception, EngineTrouble)
    assert "does not answer" in str(done.exception)


PAGE = Path(__file__).resolve().parents[2] / "docs" / "trading-desk.md"


def test_the_evening_on_the_page_is_played(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, operator: Api, player: Player, market: dict[str, int]
) -> None:
    """Every command of the page, in its order; the ids are this house's."""
    for selection, price in ((1, 2_100), (3, 3_750)):
        player.api.made("/v1/bets", bet_on(market, selection_id=selection, price_milli=price))
    operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 1_000})
    token = operator.made("/v1/operator/tokens", {"name": "second"})["token"]
    ids = {
        "12": market["event_id"], "71": market["market_id"], "3": market["competition_id"], "42": player.customer_id,
    }  # fmt: skip
    lines = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    overround desk")]
    told: dict[str, str] = {}
    try:
        for line in lines:
            words: list[object] = [*shlex.split(line)[2:]]
            for place in ID_PLACES.get(str(words[0]), ()):
                words[place] = ids.get(str(words[place]), words[place])
            if words[0] == "approve":
                monkeypatch.setenv("OVERROUND_OPERATOR_TOKEN", token)
                words[1] = re.findall(r"proposal (\d+)", told["result"])[-1]
            if words[0] == "actions":
                until_listed(operator, "proposal_approved")
            told[str(words[0])] = desk(*words)
            if words[0] == "result" and "--preview" not in words:
                until_settled(operator, market)
            if words[0] == "field-sheet" and "price" not in told:
                assert "stakes 20.00" in told["field-sheet"]
    finally:
        operator.send("PUT", "/v1/operator/corrections/EUR", {"amount_minor": 0})
    assert len(lines) == 20
    assert "3.20 *" in told["field-sheet"]
    assert "proposal_approved" in told["actions"]
    assert operator.get(f"/v1/operator/markets/{market['market_id']}/controls").json()["status"] == "resulted"


def until_listed(operator: Api, kind: str) -> None:
    """Until the newest decision of the lists, which come from the tables, is of a kind."""
    due = time.monotonic() + PATIENCE_S
    while operator.get("/v1/operator/actions", limit=1).json()["items"][0]["kind"] != kind:
        assert time.monotonic() < due, f"{kind} is not listed"
        time.sleep(0.02)


ID_PLACES = {
    **dict.fromkeys(("margin", "limits", "suspend", "resume"), (2,)),
    **dict.fromkeys(("field-sheet", "price", "lift", "block", "unblock", "result"), (1,)),
}
"""Which words of a command are ids."""
