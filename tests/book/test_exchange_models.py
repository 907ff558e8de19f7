"""The exchange's arithmetic against slow and simple sums, and its life against a model, whatever hypothesis tries."""

import random
from fractions import Fraction
from itertools import combinations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.book.exchange_audit import outcomes_of
from tests.book.exchanging import BACK, LAY, Exchange

from overround.book import auction, exposure, matching
from overround.book.auction import Bid
from overround.book.exchange import Betting, ExchangeMarket, MarketTerms, Minimums, Runner
from overround.book.exposure import Cells, Game, Shape, Side, rules
from overround.book.machine.exchange_commands import OpenExchangeMarket, SetMinimums, SuspendExchangeMarket
from overround.book.matching import AverageWant, Order, OrderType, RunnerBook, Target, Want
from overround.kernel.ladder import CLASSIC, Ladder, LadderKind
from overround.kernel.refusal import Refused

SIDES = st.sampled_from(list(Side))
PRICES = st.sampled_from(CLASSIC[:200])
BETS = st.lists(st.tuples(st.integers(0, 4), SIDES, PRICES, st.integers(1, 10_000), st.booleans()), max_size=8)


@given(BETS, st.integers(0, 5), st.integers(2, 5))
def test_the_worst_case_of_winners_is_the_worst_of_all_outcomes(
    bets: list[tuple[int, Side, int, int, bool]], winners: int, runners: int
) -> None:
    game, cells = Game(Shape.WINNERS, winners), Cells()
    bets = [(runner % runners, *rest) for runner, *rest in bets]  # type: ignore[misc]
    for runner, side, price, size, done in bets:
        add = exposure.add_matched if done else exposure.add_unmatched
        add(cells, game, runner, side, price, size)
    sizes = [min(winners, runners)] if winners else range(runners + 1)
    worst = Fraction()
    for won in (set(chosen) for size in sizes for chosen in combinations(range(runners), size)):
        lost = Fraction()
        for runner, side, price, size, done in bets:
            backed = Fraction(-size * (price - 1_000), 1_000) if runner in won else Fraction(size)
            loss = backed if side is BACK else -backed
            lost += loss if done else max(Fraction(), loss)
        worst = max(worst, lost)
    assert Fraction(exposure.worst(game, cells, runners), game.unit) == worst


@given(BETS)
def test_what_is_written_out_for_winners_is_what_the_rules_say(bets: list[tuple[int, Side, int, int, bool]]) -> None:
    quick, ruled, game = Cells(), Cells(), Game(Shape.WINNERS, 2)
    for runner, side, price, size, done in bets:
        (exposure.add_matched if done else exposure.add_unmatched)(quick, game, runner, side, price, size)
        exposure.add(ruled, game, runner, (rules.matched if done else rules.unmatched)(game, side, price), size)
    assert quick == ruled


LINES = Ladder(LadderKind.LINE_RANGE, 500, 6_500, 500)
KINDS: dict[str, tuple[MarketTerms, tuple[int, ...]]] = {
    "one winner": (MarketTerms("Win"), (0,) * 5),
    "three winners": (MarketTerms("Place", winners=3), (0,) * 5),
    "any winners": (MarketTerms("Scorers", winners=0), (0,) * 4),
    "each-way, a quarter, two places": (MarketTerms("Each way", winners=2, each_way_divisor=4), (0,) * 5),
    "each-way, a fifth, three places": (MarketTerms("Each way", winners=3, each_way_divisor=5), (0,) * 5),
    "each-way, all placed": (MarketTerms("Each way", winners=3, each_way_divisor=4), (0,) * 3),
    "handicaps": (MarketTerms("Handicap", betting=Betting.ASIAN), (-3, 3, -2, 2, 1, -1, 0, 0)),
    "single lines": (MarketTerms("Goals", betting=Betting.SINGLE, winners=0), (-4, -8, -12)),
    "lines": (MarketTerms("Runs", betting=Betting.LINE, ladder=LINES), (0,)),
}


@settings(max_examples=60)
@given(kind=st.sampled_from(list(KINDS)), bets=BETS)
def test_the_worst_case_of_every_kind_is_the_worst_of_all_outcomes(
    kind: str, bets: list[tuple[int, Side, int, int, bool]]
) -> None:
    """Every outcome gone through one by one, with fractions."""
    terms, handicaps = KINDS[kind]
    runners = [Runner(number + 1, "", quarters, 0) for number, quarters in enumerate(handicaps)]
    market = ExchangeMarket(id=1, event_id=1, terms=terms, runners=runners, bet_delay_us=0, passive=False)
    game, cells = terms.game, Cells()
    bets = [(runner % len(runners), *rest) for runner, *rest in bets]  # type: ignore[misc]
    if terms.betting is Betting.LINE:
        bets = [(runner, side, LINES.low + price % 13 * LINES.step, *rest) for runner, side, price, *rest in bets]  # type: ignore[misc]
    for runner, side, price, size, done in bets:
        (exposure.add_matched if done else exposure.add_unmatched)(cells, game, runner, side, price, size)
    worst = Fraction()
    for profit in outcomes_of(market):
        won = Fraction()
        for runner, side, price, size, done in bets:
            made = profit(runner, side, price, size)
            won += made if done else min(Fraction(), made)
        worst = max(worst, -won)
    assert Fraction(exposure.worst(game, cells, len(runners), handicaps), game.unit) == worst


@given(BETS, st.integers(0, 199), st.integers(1, 10_000))
def test_matching_at_its_price_or_better_never_raises_what_is_held(
    bets: list[tuple[int, Side, int, int, bool]], better: int, part: int
) -> None:
    for game in (Game(), Game(Shape.WINNERS, 2), Game(Shape.EACH_WAY, 2, 5)):
        before, after = Cells(), Cells()
        for n, (runner, side, price, size, done) in enumerate(bets):
            (exposure.add_matched if done else exposure.add_unmatched)(before, game, runner, side, price, size)
            matched = size if done else min(part, size) if n == 0 else 0
            other = CLASSIC[better]
            at = price if done else max(price, other) if side is BACK else min(price, other)
            exposure.add_matched(after, game, runner, side, at, matched)
            exposure.add_unmatched(after, game, runner, side, price, size - matched)
        assert exposure.worst(game, after, 5) <= exposure.worst(game, before, 5)


BIDS = st.lists(st.tuples(SIDES, st.integers(1_010, 4_000), st.integers(1, 3_000), st.booleans()), max_size=6)


def bids_of(drawn: list[tuple[Side, int, int, bool]]) -> list[Bid]:
    return [Bid(n + 1, side, limit, amount, by and side is LAY) for n, (side, limit, amount, by) in enumerate(drawn)]


@settings(max_examples=40)
@given(BIDS)
def test_no_other_price_would_match_more_or_leave_less(drawn: list[tuple[Side, int, int, bool]]) -> None:
    bids = bids_of(drawn)
    best, found = (0, 0), 0
    for price in range(1_010, 4_200):
        backs = sum(bid.size_at(price, 1_000) for bid in bids if bid.side is BACK)
        lays = sum(bid.size_at(price, 1_000) for bid in bids if bid.side is LAY)
        if (min(backs, lays), -abs(backs - lays)) >= best and min(backs, lays) >= 1_000:
            best, found = (min(backs, lays), -abs(backs - lays)), price
    price = auction.price(bids)
    assert price == found or (price > 4_200 and not found)


HUNDREDTHS = range(1_010, 4_210, 10)
RESTING = st.lists(st.tuples(st.sampled_from(HUNDREDTHS), st.integers(1, 3_000)), max_size=5)


@settings(max_examples=40)
@example([(BACK, 1_010, 1, False), (LAY, 2_000, 1, False)], [(1_010, 1)], [])  # balanced at 2.00, and better at 1.01
@given(BIDS, RESTING, RESTING)
def test_the_near_price_is_where_the_average_of_what_is_needed_meets_it(
    drawn: list[tuple[Side, int, int, bool]], there: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    """Every hundredth gone through, with fractions."""
    start = bids_of([(side, limit // 10 * 10, amount, True) for side, limit, amount, _ in drawn])
    lays = sorted(wanted, reverse=True)
    backs = sorted(level for level in there if not lays or level[0] > lays[0][0])
    told = auction.near(start, backs, lays)
    if not start:
        assert told == ((backs[0][0] + lays[0][0]) // 20 * 10 if backs and lays else 0)
        return
    seen = [(at, *lean_of(start, backs, lays, at)) for at in HUNDREDTHS]
    above = [at for at, lean, _ in seen if lean >= 0]
    if above and above[-1] == HUNDREDTHS[-1]:
        return  # it is beyond what this goes through
    last = above[-1] if above else 1_000
    assert above == [at for at in HUNDREDTHS if at <= last], "beyond the first price above the average all are"
    matched = {at: size for at, _, size in seen if at in (last, last + 10)}
    best = max(matched, key=lambda at: (matched[at], -at))
    assert told == (best if matched[best] >= 1 else 0)


def lean_of(
    start: list[Bid], backs: list[tuple[int, int]], lays: list[tuple[int, int]], at: int
) -> tuple[Fraction, Fraction]:
    """By how much the average of what rests and is needed lies above a price, and how much is matched there."""
    nothing = Fraction()
    wanted, offered = (
        sum((Fraction(bid.size_at(at, 1_000), 1_000) for bid in start if bid.side is side), nothing)
        for side in (BACK, LAY)
    )
    left, taken = abs(wanted - offered), list[tuple[Fraction, int]]()
    if not left:
        better = [price - at for price, _ in lays if price > at] + [price - at for price, _ in backs if price < at]
        return Fraction(better[0] if better else 0), wanted
    for price, size in lays if wanted > offered else backs:
        taken.append((min(Fraction(size), left - sum((part for part, _ in taken), nothing)), price))
    filled = sum((part for part, _ in taken), nothing)
    if filled == 0:
        return offered - wanted, min(wanted, offered)
    average = sum((part * price for part, price in taken), nothing) / filled
    return average - at, min(wanted, offered) + filled


@given(BIDS)
def test_nobody_gets_a_price_beyond_the_limit_nor_more_than_was_wanted(
    drawn: list[tuple[Side, int, int, bool]],
) -> None:
    bids = bids_of(drawn)
    price = auction.price(bids)
    if not price:
        return
    met = auction.allot(bids, price)
    got = {bid.order: sum(one.size_minor for one in met if bid.order in (one.back, one.lay)) for bid in bids}
    for bid in bids:
        assert got[bid.order] <= bid.size_at(price)
        if bid.by_liability:
            assert got[bid.order] * (price - 1_000) <= bid.amount_minor * 1_000
        if got[bid.order]:
            assert price >= bid.limit_milli if bid.side is BACK else price <= bid.limit_milli
    wanted = [sum(bid.size_at(price) for bid in bids if bid.side is side) for side in Side]
    assert sum(one.size_minor for one in met) == min(wanted)


@given(
    st.lists(st.tuples(st.sampled_from(CLASSIC[90:160]), st.integers(1, 400)), max_size=6),
    SIDES,
    st.sampled_from(CLASSIC[90:160]),
    st.integers(1, 1_500),
)
def test_the_average_of_a_fill_or_kill_keeps_its_limit_and_no_more_could_be_filled(
    there: list[tuple[int, int]], side: Side, limit: int, size: int
) -> None:
    book = RunnerBook()
    for number, (price, left) in enumerate(there, 1):
        against = book.against(side)
        against.rest(Order(number, 2, 1, 0, against.side, OrderType.LIMIT, price, left, 0, remaining_minor=left))
    want = AverageWant(Target.SIZE, size, side, limit)
    fills = matching.match([book], 0, side, matching.any_price(side), want, {})
    met = [fill.price_milli for fill in fills for _ in range(fill.size_minor)]
    pennies = sorted((price for price, left in there for _ in range(left)), reverse=side is BACK)
    assert met == pennies[: len(met)], "the best come first"
    assert _keeps(side, met, limit)
    assert len(met) == min(size, len(pennies)) or not _keeps(side, pennies[: len(met) + 1], limit)


def _keeps(side: Side, prices: list[int], limit: int) -> bool:
    average = Fraction(sum(prices), len(prices) or 1)
    return not prices or (average >= limit if side is BACK else average <= limit)


@given(
    st.lists(st.tuples(st.sampled_from(CLASSIC), st.integers(1, 50_000)), min_size=1, max_size=5),
    SIDES,
    st.sampled_from(CLASSIC),
    st.integers(1, 50_000),
)
def test_whoever_wins_a_cross_match_costs_the_house_nothing(
    others: list[tuple[int, int]], side: Side, price: int, size: int
) -> None:
    books = [RunnerBook() for _ in range(len(others) + 1)]
    for runner, (resting, amount) in enumerate(others, 1):
        books[runner].half(side).rest(
            Order(runner, 2, 1, runner, side, OrderType.LIMIT, resting, amount, 0, remaining_minor=amount)
        )
    fills = matching.match_across(
        books, range(len(books)), Ladder(), 1, 0, side, price, Want(Target.SIZE, size), {}
    )  # fmt: skip
    assert sum(fill.size_minor for fill in fills) <= size
    for fill in fills:
        assert fill.price_milli >= price if side is BACK else fill.price_milli <= price
        legs = [(fill.price_milli, fill.size_minor), *((order.price_milli, part) for order, part in fill.others)]
        stakes = 1_000 * sum(part for _, part in legs)
        for paid, part in legs:
            assert paid * part <= stakes if side is BACK else paid * part >= stakes


def test_what_is_worth_a_pound_finds_its_cross_match() -> None:
    """Most of it: at the virtual price or a step or two of the ladder beside it."""
    rng = random.Random(3)
    for _ in range(3_000):
        side, size = rng.choice(list(Side)), rng.choice((300, 5_000, 20_000))
        prices = [rng.choice(CLASSIC[:250]) for _ in range(rng.randint(1, 5))]
        left = [rng.randint(300, 2 * size) for _ in prices]
        virtual = matching.virtual_milli(prices, side, Ladder())
        ideal = min(size * virtual, *(part * price for part, price in zip(left, prices, strict=True))) // (virtual or 1)
        if ideal < 100:
            continue
        books = [RunnerBook() for _ in range(len(prices) + 1)]
        for runner, (price, part) in enumerate(zip(prices, left, strict=True), 1):
            order = Order(runner, 2, 1, runner, side, OrderType.LIMIT, price, part, 0, remaining_minor=part)
            books[runner].half(side).rest(order)
        worst = CLASSIC[0] if side is BACK else CLASSIC[-1]
        want = Want(Target.SIZE, size)
        fills = matching.match_across(books, range(len(books)), Ladder(), 1, 0, side, worst, want, {})
        assert sum(fill.size_minor for fill in fills) > ideal * 4 // 5, (side, prices, left, size)


class ExchangeModel(RuleBasedStateMachine):
    """One market in words: orders as (customer, side, price, left), money as what each would have. Everything the house
    does is audited by going through every outcome; the model holds sizes, holds and funds."""

    @initialize()
    def open(self) -> None:
        self.house = Exchange()
        self.market = self.house.exchange_market(terms=MarketTerms("Win", crossing=True))
        self.house.do(SetMinimums("GBP", Minimums(1, 0, 1, 1)))
        self.people = [self.house.trader(20_000) for _ in range(3)]
        self.placed: dict[int, int] = {}
        self.open_now = True

    @rule(
        who=st.integers(0, 2),
        side=SIDES,
        tick=st.integers(95, 140),
        size=st.integers(1, 5_000),
        runner=st.integers(0, 2),
    )
    def place(self, who: int, side: Side, tick: int, size: int, runner: int) -> None:
        customer = self.people[who]
        free = self.house.wallet(customer, "GBP").cash.available_minor
        answer = self.house.place(customer, self.market, side, CLASSIC[tick], size, runner=runner)
        if isinstance(answer, Refused):
            assert self.house.wallet(customer, "GBP").cash.available_minor == free
            assert self.open_now or answer.code == "market_suspended"
        else:
            self.placed[answer.reports[0].order_id] = size

    @rule(which=st.integers(0, 60), part=st.integers(0, 500))
    def cancel(self, which: int, part: int) -> None:
        if not self.placed:
            return
        order = list(self.placed)[which % len(self.placed)]
        left = self.house.order_of(order).remaining_minor
        answer = self.house.cancel(self.house.order_of(order).customer_id, self.market, (order, part))
        taken = min(part or left, left)
        assert answer.reports[0].cancelled_minor == taken
        assert self.house.order_of(order).remaining_minor == left - taken

    @rule()
    def suspend_or_open(self) -> None:
        self.house.do(SuspendExchangeMarket(self.market, "var") if self.open_now else OpenExchangeMarket(self.market))
        self.open_now = not self.open_now

    @invariant()
    def nothing_is_lost(self) -> None:
        for order, size in self.placed.items():
            found = self.house.order_of(order)
            assert size == found.matched_minor + found.remaining_minor + found.cancelled_minor + found.lapsed_minor
        assert sum(self.house.pounds(customer) for customer in self.people) == 60_000


TestExchangeModel = ExchangeModel.TestCase
TestExchangeModel.settings = settings(max_examples=12, stateful_step_count=25)
