"""The tables of `docs/rules/exchange.md`, told to the exchange."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.book.exchanging import BACK, LAY, Exchange
from tests.book.tables import number, table

from overround.book import auction, exchange, matching
from overround.book.auction import Bid
from overround.book.exchange import (
    Betting,
    ExchangeResult,
    MarketTerms,
    Minimums,
    NumberResult,
    RunnersResult,
    RunnerTerms,
    Share,
    VoidResult,
)
from overround.book.exchange import types as exchange_types
from overround.book.exposure import Cells, Game, Position, Shape, Side
from overround.book.exposure import rules as exposure
from overround.book.machine.commands import CreateCompetition, CreateEvent, CreateSport
from overround.book.machine.exchange_commands import (
    CreateExchangeMarket,
    OpenExchangeMarket,
    ReconcileStart,
    SetCurrencyRate,
    SetMinimums,
)
from overround.book.matching import OrderType, Target, TimeInForce
from overround.kernel import ladder
from overround.kernel.ladder import CLASSIC, Ladder, LadderKind

PAGE = "exchange.md"
NAMES = "ABCDEF"
BET = re.compile(r"(back|lay) (?:([A-F]) )?([\d.]+)(?: at ([\d.]+))?")


def pence(cell: str) -> int:
    return 0 if cell in ("", "–") else int(Decimal(cell.replace("−", "-").replace(",", "")) * 100)


def milli(cell: str) -> int:
    return 0 if cell == "–" else int(Decimal(cell) * 1_000)


def bets(cell: str) -> list[tuple[Side, int, int, int]]:
    """Side, runner, size in pence and price of each bet of a cell."""
    found = BET.findall(cell)
    assert found or cell == "–", cell
    return [(Side(side), NAMES.index(name or "A"), pence(size), milli(price)) for side, name, size, price in found]


def rows(heading: str, first: str) -> list[dict[str, str]]:
    """The table under a heading whose first column has this name: a section may have several."""
    text = PAGE_TEXT[PAGE_TEXT.index(f"\n## {heading}\n") :]
    text = text[: text.find("\n## ", 5)] if "\n## " in text[5:] else text
    block = text[text.index(f"| {first} |") :].split("\n\n")[0].splitlines()
    names, _, *body = [[cell.strip().strip("`") for cell in line.strip().strip("|").split("|")] for line in block]
    return [dict(zip(names, row, strict=True)) for row in body]


from tests.book.tables import RULES  # noqa: E402

PAGE_TEXT = (RULES / PAGE).read_text(encoding="utf-8")


def test_the_ladder_is_the_page() -> None:
    prices: list[int] = []
    for row in table(PAGE, "Ladders"):
        low, high, step = milli(row["from"]), milli(row["to"]), milli(row["by"])
        prices += range(low, high, step)
    assert (*prices, 1_000_000) == CLASSIC
    assert len(CLASSIC) == 350
    assert [Ladder().floor(price) for price in (2_019, 2_020, 1_009, 2_000_000)] == [2_000, 2_020, 0, 1_000_000]
    assert [Ladder().ceiling(price) for price in (2_001, 2_020, 1_000, 1_000_001)] == [2_020, 2_020, 1_010, 0]
    assert Ladder(LadderKind.FINEST).has(2_010)
    assert not Ladder().has(2_010)
    lines = Ladder(LadderKind.LINE_RANGE, 500, 2_500, 1_000)
    assert [price for price in range(0, 3_600, 250) if lines.has(price)] == [500, 1_500, 2_500]
    assert CLASSIC[0] == ladder.MIN_ODDS_MILLI


def test_the_life_of_a_market_is_the_page() -> None:
    for row in table(PAGE, "The life of a market"):
        for action in exchange.Action:
            found = exchange.LIFE.get((exchange.Status(row["status"]), action))
            assert (found.value if found else "–") == row[action.value]


def test_limits_are_the_page() -> None:
    for row in table(PAGE, "How much of everything"):
        assert getattr(exchange_types, row["limit"]) == number(row["value"])


STEP = re.compile(
    r"(\w) (backs|lays|cuts) ([\d.]+)(?: of ([A-C]))?(?: at ([\d.]+))?" + r"( all or nothing)?(?: at least ([\d.]+))?"
)


class Story(Exchange):
    """Steps of a page, told to one market: `X lays 10 at 3.00`."""

    def __init__(self, **terms: object) -> None:
        super().__init__()
        self.on = self.exchange_market(**terms)  # type: ignore[arg-type]
        self.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
        self.people: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def tell(self, step: str) -> list[tuple[str, str]]:
        """What the step matched, as (size at price, with whom)."""
        found = STEP.fullmatch(step)
        assert found, step
        who, does, size, name, price, whole, least = found.groups()
        customer = self.people.setdefault(who, 0) or self.trader()
        self.people[who] = customer
        before = len(self.market_of(self.on).trades)
        if does == "cuts":
            self.cancel(customer, self.on, (self.last[who], pence(size)))
            return []
        kill = (
            {"time_in_force": TimeInForce.FILL_OR_KILL, "min_fill_minor": pence(least or "0")} if whole or least else {}
        )
        side = BACK if does == "backs" else LAY
        self.last[who] = self.order(
            customer, self.on, side, milli(price or ""), pence(size), runner=NAMES.index(name or "A"), **kill
        )
        return [self._said(trade) for trade in self.market_of(self.on).trades[before:]]

    def _said(self, trade: matching.Trade) -> tuple[str, str]:
        price = f"{Decimal(trade.price_milli) / 1000:.2f}"
        return f"{Decimal(trade.size_minor) / 100:g} at {price}", NAMES[trade.runner]


def test_the_book_of_the_page_is_drawn_step_by_step() -> None:
    story = Story()
    for row in table(PAGE, "Matching"):
        matched = ", ".join(said for said, _ in story.tell(row["what happens"])) or "–"
        assert matched == row["matched"], row
        assert drawn(story.book(story.on)) == row["book"].strip(), row


KILL = re.compile(r"(back|lay) (?:for a (profit|payout) of )?([\d.]+) at ([\d.]+)(?:, at least ([\d.]+))?")


@pytest.mark.parametrize("row", table(PAGE, "Filled or killed"), ids=lambda row: f"{row['order']}; {row['there are']}")
def test_what_is_filled_or_killed_is_the_page(row: dict[str, str]) -> None:
    house = Exchange()
    market, other, customer = house.exchange_market(), house.trader(), house.trader()
    house.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
    for on, _, there, at in bets(row["there are"]):
        house.order(other, market, on, at, there)
    found = KILL.fullmatch(row["order"])
    assert found, row
    side, what, amount, price, least = found.groups()
    target = {"profit": Target.BACKERS_PROFIT, "payout": Target.PAYOUT}.get(what, Target.SIZE)
    kill = {"time_in_force": TimeInForce.FILL_OR_KILL, "min_fill_minor": pence(least or "0"), "target": target}
    order = house.order(customer, market, Side(side), milli(price), pence(amount), **kill)
    trades = house.market_of(market).trades
    met = (f"{Decimal(trade.size_minor) / 100:g} at {Decimal(trade.price_milli) / 1000:.2f}" for trade in trades)
    assert (", ".join(met) or "–") == row["matched"]
    made = house.order_of(order)
    assert not made.remaining_minor
    if made.matched_minor:
        average = Fraction(made.matched_value, made.matched_minor)
        assert average >= milli(price) if side == "back" else average <= milli(price)
    assert house.held(customer) == sum(
        trade.size_minor if side == "back" else -(-trade.size_minor * (trade.price_milli - 1_000) // 1_000)
        for trade in trades
    )


def drawn(book: str) -> str:
    """The book in pounds, as the page has it."""
    return re.sub(r"×(\d+)", lambda found: f"×{int(found[1]) // 100}", book).replace("|", "/").strip()


@pytest.mark.parametrize("row", table(PAGE, "Targets"), ids=lambda row: f"{row['wanted']} at {row['at']}")
def test_targets_are_the_page(row: dict[str, str]) -> None:
    house = Exchange()
    market, layer, backer = house.exchange_market(), house.trader(), house.trader()
    if row["there are"] != "–":
        size, price = row["there are"].split(" at ")
        house.order(layer, market, LAY, milli(price), pence(size))
    what, amount = row["wanted"].split()
    target = Target.BACKERS_PROFIT if what == "profit" else Target.PAYOUT
    report = house.report(backer, market, BACK, milli(row["at"]), pence(amount), target=target)
    assert report.matched_minor == pence(row["matched"].split(" at ")[0])
    assert report.remaining_minor == pence(row["rests"])


GAMES = {
    "one winner": (Game(Shape.WINNERS, 1), 3),
    "two winners of four": (Game(Shape.WINNERS, 2), 4),
    "any number of four": (Game(Shape.WINNERS, 0), 4),
    "each-way, a quarter, two places": (Game(Shape.EACH_WAY, 2, 4), 4),
    "single lines, −1 and −2": (Game(Shape.WINNERS, 0), 2),
    "handicap −0.75 and +0.75": (Game(Shape.ASIAN), 2),
    "runs, by half a run": (Game(Shape.LINE), 1),
}
HANDICAPS = (-3, 3)


def held(game: Game, runners: int, matched: str, unmatched: str = "–") -> int:
    cells: Cells = {}
    for said, losses in ((matched, exposure.matched), (unmatched, exposure.unmatched)):
        for side, runner, size, price in bets(said):
            cell = exposure.cell_of(game, runner, price)
            exposure.add(cells, game, cell, losses(game, side, price), size)
    position = Position(1, "GBP", 1, 1, cells)
    return exposure.needed_minor(position, exposure.worst(game, cells, runners, HANDICAPS), game.unit)


@pytest.mark.parametrize(
    "row", rows("What is held", "matched"), ids=lambda row: f"{row['matched']}; {row['unmatched']}"
)
def test_what_is_held_is_the_page(row: dict[str, str]) -> None:
    assert held(*GAMES["one winner"], row["matched"], row["unmatched"]) == pence(row["held"])


@pytest.mark.parametrize("row", rows("What is held", "market"), ids=lambda row: f"{row['market']}; {row['matched']}")
def test_what_is_held_on_every_kind_of_market_is_the_page(row: dict[str, str]) -> None:
    assert held(*GAMES[row["market"]], row["matched"]) == pence(row["held"])


def test_voler_la_vedette() -> None:
    """Leopardstown, 2011: 21 million at 29 from an account with a thousand."""
    house = Exchange()
    market, bot, backer = house.exchange_market(), house.trader(100_000), house.trader(10_000_000)
    assert house.why(bot, market, LAY, 29_000, 2_100_000_000) == "insufficient_funds"
    assert house.held(bot) == 0
    house.order(backer, market, BACK, 29_000, 1_000_000)
    assert house.book(market) == " | 29×1000000"
    assert house.why(bot, market, LAY, 29_000, 3_572) == "insufficient_funds"
    house.order(bot, market, LAY, 29_000, 3_571)
    assert house.held(bot) == 28 * 3_571
    assert house.why(bot, market, LAY, 29_000, 2_100_000_000) == "insufficient_funds"


START = re.compile(r"(back|lay) (for )?([\d.]+)(?: from ([\d.]+))?(?: at ([\d.]+))?")


def bids_of(cell: str, *, first: int) -> list[Bid]:
    found = []
    for place, (side, by, amount, limit, at) in enumerate(START.findall(cell)):
        named = (
            milli(limit or at) if limit or at else (auction.ANY_BACK_MILLI if side == "back" else auction.ANY_LAY_MILLI)
        )
        found.append(Bid(first + place, Side(side), named, pence(amount), bool(by)))
    return found


@pytest.mark.parametrize(
    "row", table(PAGE, "The starting price"), ids=lambda row: f"{row['orders for the starting price']}; {row['book']}"
)
def test_the_starting_price_is_the_page(row: dict[str, str]) -> None:
    start, book = bids_of(row["orders for the starting price"], first=1), bids_of(row["book"], first=10)
    assert auction.price(start) // 10 * 10 == milli(row["far"])
    levels = {side: [(bid.limit_milli, bid.amount_minor) for bid in book if bid.side is side] for side in Side}
    assert auction.near(start, levels[BACK], levels[LAY]) == milli(row["near"])
    price = auction.price(start + book)
    assert price == milli(row["price"])
    met = auction.allot(start + book, price) if price else ()
    assert sum(each.size_minor for each in met) == pence(row["matched"])


def test_the_starting_price_is_made_and_paid() -> None:
    house = Exchange()
    market = house.exchange_market(bsp=True)
    backer, layer = house.trader(), house.trader(600_000)
    on_close = {"type": OrderType.MARKET_ON_CLOSE}
    house.order(backer, market, BACK, 0, 0, liability_minor=100_000, **on_close)
    house.order(layer, market, LAY, 0, 0, liability_minor=600_000, **on_close)
    assert (house.held(backer), house.held(layer)) == (100_000, 600_000)
    house.do(ReconcileStart(market))
    assert house.market_of(market).runners[0].sp_milli == 7_000
    house.win(market, 0)
    assert house.pounds(backer) == 100_000 + 600_000 * 95 // 100


@pytest.mark.parametrize("row", table(PAGE, "Cross matching"), ids=lambda row: f"{row['side']} {row['others']}")
def test_virtual_prices_are_the_page(row: dict[str, str]) -> None:
    prices = [milli(price) for price in row["others"].split(", ")]
    assert matching.virtual_milli(prices, Side(row["side"]), Ladder()) == milli(row["virtual price"])


def test_the_priority_of_cross_matches_is_the_page() -> None:
    story = Story(crossing=True)
    said: list[tuple[str, str]] = []
    for row in rows("Cross matching", "what happens"):
        said = story.tell(row["what happens"])
        if row["matched"] == "–":
            assert said == []
    assert said == [("4 at 4.00", "A"), ("3 at 4.00", "A"), ("3 at 4.00", "B"), ("6 at 2.00", "C")]
    for runner in range(3):
        house = story.market_of(story.on).positions[0]
        assert house.cells[runner] is not None
    assert exposure.worst(Game(), story.market_of(story.on).positions[0].cells, 3) == 0


@pytest.mark.parametrize("row", table(PAGE, "Removed runners"), ids=lambda row: f"{row['price']} {row['factor']}")
def test_reductions_are_the_page(row: dict[str, str]) -> None:
    factor = int(Decimal(row["factor"].removesuffix(" %")) * 100)
    price = milli(row["price"])
    if exchange.reduces(factor):
        price = exchange.reduced_milli(price, factor_bp=factor, whole=row["winners"] == "1")
    assert price == milli(row["becomes"])


def market_for(house: Exchange, kind: str) -> int:
    game, count = GAMES[kind]
    terms = MarketTerms("Market", winners=game.winners, each_way_divisor=game.divisor, base_rate_bp=0)
    is_single = kind.startswith("single lines")
    if game.shape not in (Shape.ASIAN, Shape.LINE) and not is_single:
        return house.exchange_market(runners=count, terms=terms)
    house.customer(currency="GBP")
    competition = house.do(CreateCompetition(house.do(CreateSport("Sport")), "League"))
    event = house.do(CreateEvent(competition, "Match", house.at_us + 3_600_000_000))
    if is_single:
        made = MarketTerms("Goals", betting=Betting.SINGLE, winners=0, base_rate_bp=0)
        runners = tuple(RunnerTerms(place + 1, NAMES[place], -4 * (place + 1)) for place in range(2))
    elif game.shape is Shape.ASIAN:
        made = MarketTerms("Handicap", betting=Betting.ASIAN, base_rate_bp=0)
        runners = tuple(RunnerTerms(place + 1, NAMES[place], quarters) for place, quarters in enumerate(HANDICAPS))
    else:
        lines = Ladder(LadderKind.LINE_RANGE, 500, 9_500, 1_000)
        made = MarketTerms("Runs", betting=Betting.LINE, ladder=lines, base_rate_bp=0)
        runners = (RunnerTerms(1, "Runs"),)
    market = house.do(CreateExchangeMarket(event, made, runners))
    house.do(OpenExchangeMarket(market))
    return market


def result_of(cell: str) -> ExchangeResult:
    """`A`, `none`, `B, A and C tie`, `B, placed A`, `2 goals`, `4 runs`, `void`."""
    if cell == "void":
        return VoidResult("abandoned")
    if cell == "none":
        return RunnersResult(())
    if found := re.fullmatch(r"(\d+) (goal|goals|runs)", cell):
        return NumberResult(int(found[1]) * (1_000 if found[2] == "runs" else 1))
    if found := re.fullmatch(r"(\w), placed (\w)", cell):
        first, second = (NAMES.index(name) for name in found.groups())
        return RunnersResult((Share(first),), (Share(first), Share(second)))
    shares: list[Share] = []
    for part in cell.split(", "):
        names = [NAMES.index(name) for name in part.removesuffix(" tie").split(" and ")]
        shares += [Share(name, 1, len(names)) for name in names]
    return RunnersResult(tuple(shares))


@pytest.mark.parametrize(
    "row", rows("Settlement", "market"), ids=lambda row: f"{row['market']}; {row['bet']}; {row['result']}"
)
def test_profits_are_the_page(row: dict[str, str]) -> None:
    house = Exchange()
    market = market_for(house, row["market"])
    one, other = house.trader(), house.trader()
    ((side, runner, size, price),) = bets(row["bet"])
    house.order(one, market, side, price, size, runner=runner)
    house.order(other, market, LAY if side is BACK else BACK, price, size, runner=runner)
    result = result_of(row["result"])
    if row["result"] == "B" and row["market"] == "one winner":
        result = RunnersResult((Share(1),))
    house.result(market, result)
    assert house.pounds(one) - 100_000 == pence(row["profit"])
    assert sum(map(house.pounds, (one, other))) + house.trading("GBP") == 200_000
    assert 0 <= house.trading("GBP") <= 1


@pytest.mark.parametrize(
    ("terms", "quarters", "why"),
    [
        (MarketTerms("Goals", betting=Betting.SINGLE, winners=0), (-4, 400), None),
        (MarketTerms("Goals", betting=Betting.SINGLE, winners=1), (-4, -8), "exchange_terms_invalid"),
        (MarketTerms("Goals", betting=Betting.SINGLE, winners=0, bsp=True), (-4, -8), "exchange_terms_invalid"),
        (MarketTerms("Goals", betting=Betting.SINGLE, winners=0), (-4, -401), "runners_invalid"),
        (MarketTerms("Scorers", winners=0), (0, -4), "runners_invalid"),
    ],
)
def test_single_lines_have_terms_of_their_own(terms: MarketTerms, quarters: tuple[int, int], why: str | None) -> None:
    runners = tuple(RunnerTerms(place + 1, NAMES[place], each) for place, each in enumerate(quarters))
    assert exchange.terms_refusal(terms, runners) == why


@pytest.mark.parametrize("row", rows("Settlement", "net"), ids=lambda row: f"{row['net']} {row['discount']}")
def test_commission_is_the_page(row: dict[str, str]) -> None:
    rate, discount = (int(row[name].removesuffix(" %")) * 100 for name in ("base rate", "discount"))
    found = exchange.commission_minor(pence(row["net"]), base_rate_bp=rate, discount_bp=discount)
    assert found == pence(row["commission"])


@pytest.mark.parametrize("row", table(PAGE, "Currencies"), ids=lambda row: row["held in the book"])
def test_currencies_are_the_page(row: dict[str, str]) -> None:
    house = Exchange()
    market = house.exchange_market()
    customer = house.trader(currency="EUR")
    house.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
    house.do(SetCurrencyRate("EUR", 117, 100))
    house.order(customer, market, BACK, 2_000, pence(row["held in the book"]), currency="EUR")
    assert house.held(customer, "EUR") == pence(row["held in the wallet"])


def test_the_probabilities_of_a_virtual_price_never_exceed_one() -> None:
    for first in CLASSIC[::23]:
        for second in CLASSIC[::29]:
            virtual = matching.virtual_milli([first, second], BACK, Ladder())
            if virtual:
                assert sum(Fraction(1_000, price) for price in (first, second, virtual)) >= 1
