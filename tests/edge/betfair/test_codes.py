"""`docs/exchange-codes.md` is Betfair's vocabulary, whole. What it says is told is provoked; nothing else is told."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pytest
from betfair_parser.spec.betting.enums import ExecutionReportErrorCode, InstructionReportErrorCode
from betfair_parser.spec.common.enums import AccountAPINGExceptionCode, APINGExceptionCode
from betfair_parser.spec.heartbeat import ActionPerformed
from betfair_parser.spec.identity import LoginExceptionCode
from betfair_parser.spec.race_status import ResponseCode
from betfair_parser.spec.streaming.enums import LapseStatusReasonCode, StatusErrorCode
from tests.edge.betfair import stories_requests, stories_sessions
from tests.edge.betfair.authority import Authority
from tests.edge.betfair.house import Market, Trader
from tests.edge.betfair.world import STORIES, World
from tests.edge.running import Api, Running

from overround.apps.settings import Settings
from overround.edge.betfair.asked import StreamCode
from overround.edge.betfair.faults import FOR_ACCOUNTS, Code, RpcCode
from overround.edge.betfair.identity import LoginCode
from overround.edge.betfair.ordering import Lapse
from overround.edge.betfair.placing import Action
from overround.edge.betfair.reports import ExecutionCode, InstructionCode, instruction_code
from overround.edge.betfair.scores import Response

PAGE = Path(__file__).parents[3] / "docs" / "exchange-codes.md"
NEVER = "never"
SUCCESSES = {"SUCCESS", "NO_ERROR"}

THEIRS: dict[str, set[str]] = {
    "APINGException": set(APINGExceptionCode.__members__),
    "AccountAPINGException": set(AccountAPINGExceptionCode.__members__),
    "ExecutionReportErrorCode": set(ExecutionReportErrorCode.__members__),
    "InstructionReportErrorCode": set(InstructionReportErrorCode.__members__),
    "Stream": set(StatusErrorCode.__members__),
    "LapseStatusReasonCode": set(LapseStatusReasonCode.__members__),
    "Login": set(LoginExceptionCode.__members__) - SUCCESSES,
    "ActionPerformed": set(ActionPerformed.__members__),
    "ResponseCode": set(ResponseCode.__members__),
}
"""The vocabulary, as betfair_parser has it from Betfair's documents."""

ACCOUNTS_ONLY = {Code.APP_KEY_CREATION_FAILED, Code.WALLET_TRANSFER_ERROR}


def values(kind: type[StrEnum]) -> set[str]:
    return {each.value for each in kind}


OURS: dict[str, set[str]] = {
    "Frames": values(RpcCode),
    "APINGException": values(Code) - {code.value for code in ACCOUNTS_ONLY},
    "AccountAPINGException": {FOR_ACCOUNTS.get(code, code).value for code in Code},
    "ExecutionReportErrorCode": values(ExecutionCode),
    "InstructionReportErrorCode": values(InstructionCode),
    "Stream": values(StreamCode),
    "LapseStatusReasonCode": values(Lapse),
    "Login": values(LoginCode),
    "ActionPerformed": values(Action),
    "ResponseCode": values(Response),
}
"""What the house can tell: everything that is told is of one of these kinds."""


def read_page() -> dict[str, dict[str, str]]:
    """For each section what is said of each code."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            section = sections.setdefault(line[3:], {})
        elif line.startswith("| `"):
            codes, said = line.strip("| ").split(" | ", 1)
            for code in re.findall("`([^`]+)`", codes):
                assert code not in section, f"{code} stands twice"
                section[code] = said
    return sections


SECTIONS = read_page()
TOLD = [(name, code) for name, codes in SECTIONS.items() for code, said in codes.items() if not said.startswith(NEVER)]


def test_the_page_has_the_whole_vocabulary() -> None:
    assert {name: set(codes) for name, codes in SECTIONS.items() if name != "Frames"} == THEIRS


def test_nothing_is_told_but_what_the_page_says() -> None:
    told: dict[str, set[str]] = {name: set() for name in SECTIONS}
    for name, code in TOLD:
        told[name].add(code)
    assert told == OURS


def test_a_refusal_that_has_no_word_there_is_an_error_in_the_order() -> None:
    assert instruction_code("exchange_full") == InstructionCode.ERROR_IN_ORDER


@pytest.fixture
def world(
    shop: Running,
    operator: Api,
    new_trader: Callable[..., Trader],
    new_market: Callable[..., Market],
    secured: Settings,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    return World(
        shop=shop,
        operator=operator,
        new_trader=new_trader,
        new_market=new_market,
        secured=secured,
        authority=authority,
        patch=monkeypatch,
    )


@pytest.mark.parametrize(("section", "code"), TOLD)
def test_each_code_is_told(section: str, code: str, world: World) -> None:
    assert STORIES[section, code](world) == code


@pytest.mark.parametrize("stories", [stories_requests, stories_sessions])
def test_there_is_a_story_for_each_and_no_other(stories: ModuleType) -> None:
    assert stories.__doc__
    assert set(STORIES) == set(TOLD)
