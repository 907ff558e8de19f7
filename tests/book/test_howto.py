"""The page on new market types is executed: its rows and its function, then its table as a settled market."""

import re
from types import SimpleNamespace

import pytest
from tests.book.house import House
from tests.book.tables import RULES, table
from tests.book.telling import market_of, score
from tests.book.test_market_types import by_name, listed

from overround.book.catalogue import MARKET_TYPES, MarketType, Period, Rule
from overround.book.machine import commands as c
from overround.book.settlement import rules
from overround.book.tickets import Outcome

PAGE = RULES.parent / "howto" / "new-market-type.md"
ROWS = table("../howto/new-market-type.md", "Show it")


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch) -> dict[str, MarketType]:
    """What the page adds, for the time of one test. The name of its rule is a member that `Rule` does not have."""
    members = SimpleNamespace(**{each.name: each for each in Rule}, WINNING_MARGIN="winning_margin")
    monkeypatch.setattr(rules, "WORDS", dict(rules.WORDS))
    told = {**vars(rules), "MarketType": MarketType, "Period": Period, "Rule": members}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), told)  # noqa: S102  # the page is ours
    added = {name: told[name.upper()] for name in ("second_half_total", "winning_margin")}
    for name, kind in added.items():
        assert name == kind.name
        monkeypatch.setitem(MARKET_TYPES, name, kind)
    return added


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(row.values()))
def test_the_pages_table(row: dict[str, str]) -> None:
    found = by_name(market_of(row["market"]), score(row["result"]))
    assert {name for name, each in found.items() if each is Outcome.WON} == set(listed(row["won"]))
    assert {name for name, each in found.items() if each is Outcome.VOID} == set(listed(row["void"]))


def test_a_market_of_the_new_type_is_played_to_its_end() -> None:
    house = House()
    customer = house.customer(cash_minor=1_000)
    prices = (4_500, 6_500, 8_000, 3_600, 5_500, 9_000, 15_000)
    market = house.market("winning_margin", prices_milli=prices)
    house.taken(customer, market, 3)
    house.do(c.RecordResult(market, score("4–0")))
    house.wait()
    assert house.cash(customer) == 8_000
