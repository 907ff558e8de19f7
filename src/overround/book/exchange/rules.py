"""The rules of the exchange: what may be asked, what a result makes of a position, commission, reductions.

Worked numbers: docs/rules/exchange.md.
"""

from collections.abc import Sequence
from enum import StrEnum
from math import lcm
from operator import mul
from typing import Final

from overround.book.catalogue import is_name
from overround.book.exchange.types import (
    BOOK_CURRENCY,
    MAX_BET_DELAY_US,
    MAX_CROSSING_RUNNERS,
    MAX_EACH_WAY_DIVISOR,
    MAX_HANDICAP_QUARTERS,
    MAX_LINES,
    MAX_RUNNERS,
    MIN_REDUCED_MILLI,
    MIN_REDUCTION_BP,
    ON_RUNNERS,
    WHOLE_BP,
    Betting,
    ExchangeMarket,
    ExchangeResult,
    MarketTerms,
    NumberResult,
    Rate,
    Runner,
    RunnersResult,
    RunnerStatus,
    RunnerTerms,
    Share,
    VoidResult,
)
from overround.book.exposure import Cells, asian_state, line_state
from overround.kernel.instant import DAY_US
from overround.kernel.ladder import LadderKind, is_line_range
from overround.kernel.money import MAX_MONEY_MINOR, is_currency
from overround.kernel.rounding import half_even

LATEST_START_US: Final = 100 * 366 * DAY_US
"""Nothing starts after about 2070: a later instant is a mistake of units."""

MAX_SELECTION_ID: Final = (1 << 53) - 1
"""The largest number that every JSON reader keeps exactly."""


class Refusal(StrEnum):
    """Every way the exchange says no. Where Betfair has a code for it, this is that code in lower case."""

    EXCHANGE_FULL = "exchange_full"
    EXCHANGE_TERMS_INVALID = "exchange_terms_invalid"
    RUNNERS_INVALID = "runners_invalid"
    RATE_INVALID = "rate_invalid"
    MINIMUMS_INVALID = "minimums_invalid"
    DISCOUNT_INVALID = "discount_invalid"
    FACTOR_INVALID = "factor_invalid"
    NOT_IN_PLAY_MARKET = "not_in_play_market"
    HEARTBEAT_INVALID = "heartbeat_invalid"
    INVALID_MARKET_ID = "invalid_market_id"
    CURRENCY_FIXED = "currency_fixed"
    NO_RATE = "no_rate"
    TOO_MANY_INSTRUCTIONS = "too_many_instructions"
    MARKET_NOT_OPEN_FOR_BETTING = "market_not_open_for_betting"
    MARKET_SUSPENDED = "market_suspended"
    BET_ACTION_ERROR = "bet_action_error"
    DUPLICATE_BETIDS = "duplicate_betids"
    INVALID_RUNNER = "invalid_runner"
    RUNNER_REMOVED = "runner_removed"
    RUNNER_NOT_REMOVED = "runner_not_removed"
    INVALID_ORDER_TYPE = "invalid_order_type"
    INVALID_CUSTOMER_ORDER_REF = "invalid_customer_order_ref"
    MARKET_NOT_OPEN_FOR_BSP_BETTING = "market_not_open_for_bsp_betting"
    INVALID_ODDS = "invalid_odds"
    INVALID_BET_SIZE = "invalid_bet_size"
    INVALID_PERSISTENCE_TYPE = "invalid_persistence_type"
    UNEXPECTED_PERSISTENCE_TYPE = "unexpected_persistence_type"
    TIME_IN_FORCE_CONFLICT = "time_in_force_conflict"
    INVALID_MIN_FILL_SIZE = "invalid_min_fill_size"
    UNEXPECTED_MIN_FILL_SIZE = "unexpected_min_fill_size"
    INVALID_BACK_LAY_COMBINATION = "invalid_back_lay_combination"
    TOO_MANY_ORDERS = "too_many_orders"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    INVALID_BET_ID = "invalid_bet_id"
    BET_TAKEN_OR_LAPSED = "bet_taken_or_lapsed"
    BET_IN_PROGRESS = "bet_in_progress"
    INVALID_PRICE_EDIT = "invalid_price_edit"
    NO_ACTION_REQUIRED = "no_action_required"
    CANCELLED_NOT_PLACED = "cancelled_not_placed"
    RELATED_ACTION_FAILED = "related_action_failed"


# ---------------------------------------------------------------- markets


def terms_refusal(terms: MarketTerms, runners: tuple[RunnerTerms, ...]) -> Refusal | None:
    """Whether a market may be made like this."""
    words = (terms.name, terms.market_type, terms.timezone, terms.country)
    extras = (terms.venue, terms.race_type, terms.line_unit, *terms.regulators)
    named = all(map(is_name, words)) and all(not word or is_name(word) for word in extras)
    numbers = (
        0 <= terms.base_rate_bp <= WHOLE_BP
        and 0 <= terms.bet_delay_us <= MAX_BET_DELAY_US
        and 0 <= terms.starts_at_us <= LATEST_START_US
        and len(terms.regulators) <= 10
    )
    if not (named and numbers and is_currency(terms.currency) and _betting_fits(terms)):
        return Refusal.EXCHANGE_TERMS_INVALID
    return None if _runners_fit(terms, runners) else Refusal.RUNNERS_INVALID


def _betting_fits(terms: MarketTerms) -> bool:
    """Each kind of betting has its ladder; only odds on runners have winners, a starting price or cross matching, and
    where each runner is by itself any number of them wins."""
    ladder = terms.ladder
    if terms.betting is Betting.LINE:
        odd = ladder.kind is LadderKind.LINE_RANGE
        fits = odd and is_line_range(low=ladder.low, high=ladder.high, step=ladder.step, most=MAX_LINES)
    else:
        fits = ladder.kind is not LadderKind.LINE_RANGE
    if terms.betting is not Betting.ODDS or terms.each_way_divisor:
        fits = fits and not terms.bsp and not terms.crossing
    if (terms.crossing and terms.winners != 1) or (terms.betting is Betting.SINGLE and terms.winners):
        return False
    return fits and 0 <= terms.winners <= MAX_RUNNERS and 0 <= terms.each_way_divisor <= MAX_EACH_WAY_DIVISOR


def _runners_fit(terms: MarketTerms, runners: tuple[RunnerTerms, ...]) -> bool:
    least, most = (
        (1, 1) if terms.betting is Betting.LINE else (2, MAX_CROSSING_RUNNERS if terms.crossing else MAX_RUNNERS)
    )
    if not max(least, terms.winners) <= len(runners) <= most or (terms.each_way_divisor and terms.winners < 2):
        return False
    if len({(runner.selection_id, runner.handicap_quarters) for runner in runners}) != len(runners):
        return False
    if not all(
        0 < runner.selection_id <= MAX_SELECTION_ID and is_name(runner.name) and 0 <= runner.factor_bp < WHOLE_BP
        for runner in runners
    ):
        return False
    if terms.betting is Betting.ASIAN:
        return _pairs_fit(runners)
    most_quarters = MAX_HANDICAP_QUARTERS if terms.betting is Betting.SINGLE else 0
    return all(abs(runner.handicap_quarters) <= most_quarters for runner in runners)


def _pairs_fit(runners: tuple[RunnerTerms, ...]) -> bool:
    """Home and away in turn, with opposite handicaps."""
    pairs = list(zip(runners[::2], runners[1::2], strict=False))
    return len(pairs) * 2 == len(runners) and all(
        home.handicap_quarters == -away.handicap_quarters and abs(home.handicap_quarters) <= MAX_HANDICAP_QUARTERS
        for home, away in pairs
    )


def active(market: ExchangeMarket) -> list[int]:
    """The runners that may still win, by their place."""
    return [number for number, runner in enumerate(market.runners) if runner.status is RunnerStatus.ACTIVE]


# ---------------------------------------------------------------- money


def rate_of(rates: dict[str, Rate], *, wallet: str, market: str) -> tuple[int, int] | None:
    """How many minor units of a wallet how many of a market are worth; None where a rate is missing."""
    if wallet == market:
        return 1, 1
    to, by = _against_book(rates, wallet), _against_book(rates, market)
    return (to.minor * by.book_minor, to.book_minor * by.minor) if to and by else None


def _against_book(rates: dict[str, Rate], currency: str) -> Rate | None:
    return rates.get(currency) or (Rate() if currency == BOOK_CURRENCY else None)


def commission_minor(net_minor: int, *, base_rate_bp: int, discount_bp: int) -> int:
    """Commission on what was won on a market: net × base rate × (1 − discount), half to even; nothing on a loss.

    >>> commission_minor(10_000, base_rate_bp=500, discount_bp=2_000)
    400
    """
    if net_minor <= 0:
        return 0
    return half_even(net_minor * base_rate_bp * (WHOLE_BP - discount_bp), WHOLE_BP * WHOLE_BP)


def reduces(factor_bp: int) -> bool:
    """Whether a removed runner of this factor reduces the prices of the others."""
    return factor_bp >= MIN_REDUCTION_BP


def reduced_milli(price_milli: int, *, factor_bp: int, whole: bool) -> int:
    """A matched price after a removal. Win markets reduce the `whole` price, others what is won; half to even, never
    below 1.01.

    >>> reduced_milli(6_000, factor_bp=2_500, whole=True), reduced_milli(3_000, factor_bp=2_500, whole=False)
    (4500, 2500)
    """
    kept = WHOLE_BP - factor_bp
    if whole:
        return max(MIN_REDUCED_MILLI, half_even(price_milli * kept, WHOLE_BP))
    return max(MIN_REDUCED_MILLI, 1_000 + half_even((price_milli - 1_000) * kept, WHOLE_BP))


# ---------------------------------------------------------------- results


def fits(market: ExchangeMarket, result: ExchangeResult) -> bool:
    """Whether a result is one that this market can have: its kind, its runners, and as many places as are paid."""
    match result:
        case VoidResult(note=note):
            return not note or is_name(note)
        case NumberResult(number=number):
            return market.terms.betting not in ON_RUNNERS and abs(number) <= MAX_MONEY_MINOR
        case RunnersResult(winners=winners, placed=placed):
            if market.terms.betting not in ON_RUNNERS or not _shares_fit(market, winners):
                return False
            if market.terms.each_way_divisor:
                return _shares_fit(market, placed) and _add_up(winners, 1) and _placed_fit(market, winners, placed)
            wanted = min(market.terms.winners, len(active_or_decided(market)))
            return not placed and (not market.terms.winners or _add_up(winners, wanted))


def active_or_decided(market: ExchangeMarket) -> list[Runner]:
    return [runner for runner in market.runners if runner.status is not RunnerStatus.REMOVED]


def _shares_fit(market: ExchangeMarket, shares: tuple[Share, ...]) -> bool:
    runners = [share.runner for share in shares]
    return len(set(runners)) == len(runners) and all(
        0 <= share.runner < len(market.runners)
        and market.runners[share.runner].status is not RunnerStatus.REMOVED
        and 0 < share.places <= share.tied <= MAX_RUNNERS
        for share in shares
    )


def _placed_fit(market: ExchangeMarket, winners: tuple[Share, ...], placed: tuple[Share, ...]) -> bool:
    standing = {share.runner for share in placed}
    wanted = min(market.terms.winners, len(active_or_decided(market)))
    return _add_up(placed, wanted) and all(share.runner in standing for share in winners)


def _add_up(shares: tuple[Share, ...], wanted: int) -> bool:
    """Whether the shares make just so many places: Σ places / tied, exactly."""
    numerator, denominator = 0, 1
    for share in shares:
        numerator, denominator = numerator * share.tied + share.places * denominator, denominator * share.tied
    return numerator == wanted * denominator


def weights(market: ExchangeMarket, result: RunnersResult) -> tuple[list[tuple[int, ...]], int]:
    """For each runner the weight of each of its states, and what the weights of one runner add up to. A dead heat is
    won in one part and lost in the other."""
    whole = lcm(*(share.tied for share in (*result.winners, *result.placed)))
    won = {share.runner: share.places * whole // share.tied for share in result.winners}
    placed = {share.runner: share.places * whole // share.tied for share in result.placed}
    runners = range(len(market.runners))
    if market.terms.each_way_divisor:
        return [_each_way_weights(won.get(n, 0), placed.get(n, 0), whole) for n in runners], whole
    return [(whole - won.get(n, 0), won.get(n, 0)) for n in runners], whole


def _each_way_weights(won: int, placed: int, whole: int) -> tuple[int, int, int]:
    """What won is placed too: placed alone is what is placed more than won."""
    return whole - placed, placed - won, won


def state_weights(
    market: ExchangeMarket, result: ExchangeResult, cell: int, whole: list[tuple[int, ...]]
) -> tuple[int, ...]:
    """The weight of each state of one cell."""
    if isinstance(result, RunnersResult):
        return whole[cell]
    assert isinstance(result, NumberResult)
    if market.terms.betting is Betting.ASIAN:
        state, states = asian_state(cell, market.runners[cell].handicap_quarters, result.number), 5
    else:
        state, states = line_state(cell, result.number), 3
    return tuple(int(number == state) for number in range(states))


class Outcome:
    """A result at hand, to ask what it makes of cells and trades. Losses are in units of risk times `whole`."""

    def __init__(self, market: ExchangeMarket, result: ExchangeResult) -> None:
        self._market, self._result = market, result
        self._weights, self.whole = weights(market, result) if isinstance(result, RunnersResult) else ([], 1)

    def loss(self, cells: Cells) -> int:
        """What a position loses, gains below zero."""
        return sum(self.of_cell(cell, losses) for cell, losses in cells.items())

    def of_cell(self, cell: int, losses: Sequence[int]) -> int:
        """What one cell loses."""
        if isinstance(self._result, VoidResult):
            return 0
        found = state_weights(self._market, self._result, cell, self._weights)
        return sum(map(mul, found, losses))


def runner_outcome(market: ExchangeMarket, number: int, result: ExchangeResult) -> RunnerStatus:
    """How a runner is shown when the market has closed. A void market shows no winner."""
    match result:
        case RunnersResult(winners=winners, placed=placed):
            if any(share.runner == number for share in winners):
                return RunnerStatus.WINNER
            return RunnerStatus.PLACED if any(share.runner == number for share in placed) else RunnerStatus.LOSER
        case NumberResult(number=goals) if market.terms.betting is Betting.ASIAN:
            won = asian_state(number, market.runners[number].handicap_quarters, goals) > 2
            return RunnerStatus.WINNER if won else RunnerStatus.LOSER
        case _:
            return RunnerStatus.LOSER
