"""Before a provider's prices are published: does each market agree with what the match's main markets say?

Before the match, the goals model is fitted to its 1X2 and its total of 2.5, as the provider has them now, and every
other market on goals must be within the sanity band of what that model would ask at the same margin; without the total,
only those that the 1X2 alone implies. If most of them contradict a new 1X2, the error is rather there (the sides are
swapped, say), and it waits too. In play nobody here knows the score, and only the sum of a market's implied
probabilities is looked at. A market that is out of the band is suspended until a later word of the provider's is sane,
or a trader takes it over.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from overround.book.catalogue.types import MARKET_TYPES
from overround.feeds.changes import Change, Offer, Question, State
from overround.feeds.planning import OWN, ShownEvent
from overround.trading import (
    SANE,
    Finding,
    Joint,
    Kind,
    Method,
    Verdict,
    fair,
    fair_of,
    fit_joint,
    fit_rates,
    joint,
    market_within_band,
    overround,
    prices_milli,
)
from overround.trading import Question as Asked

OUT_OF_BAND: Final = f"{OWN}price_band"
MAIN: Final = Question(type="1x2")
MAIN_TOTAL: Final = Question(type="total", specifiers={"line_quarters": 10})
HALVES: Final = frozenset(
    {Kind.HALF_TIME_RESULT, Kind.SECOND_HALF_RESULT, Kind.HALF_TIME_FULL_TIME, Kind.HALF_TIME_TOTAL}
)
OF_RESULT: Final = frozenset({Kind.DOUBLE_CHANCE, Kind.DRAW_NO_BET})
FEWEST_OTHERS: Final = 2
UNSCREENED: Final = frozenset({Kind.CORRECT_SCORE, Kind.NEXT_GOAL})
"""Each market lists its own scores, or asks for a goal of which nobody here knows whether it has fallen."""

UNIT: Final = 1_000
MOST_MARGIN: Final = 0.6

Prices = tuple[int, ...]


def screened(event: ShownEvent, changes: Iterable[Change]) -> list[tuple[Change, Finding]]:
    """Each change, an offer suspended and without its prices where they are out of the band, and what was found."""
    together = list(changes)
    match = _Match(event, [each for each in together if isinstance(each, Offer)])
    return [_held_back(each, match.finding(each)) if isinstance(each, Offer) else (each, SANE) for each in together]


def _held_back(offer: Offer, found: Finding) -> tuple[Offer, Finding]:
    if found.is_sane:
        return offer, found
    return msgspec.structs.replace(offer, state=State.SUSPENDED, prices_milli={}, reason=OUT_OF_BAND), found


class _Match:
    """A match as it would stand with these offers."""

    def __init__(self, event: ShownEvent, offers: Iterable[Offer]) -> None:
        self._event = event
        self._offers = {offer.question.key: offer for offer in offers}
        self._main, self._total = self._prices(MAIN), self._prices(MAIN_TOTAL)

    def finding(self, offer: Offer) -> Finding:
        """What the sanity band says of an offer; nothing of one that is not to be open or not on goals."""
        if offer.state is not State.OPEN:
            return SANE
        found = self._look(offer.question)
        return self._contradiction() if found.is_sane and offer.question == MAIN else found

    def _look(self, question: Question) -> Finding:
        kind = _kind(question)
        if kind is None:
            return SANE
        prices = self._prices(question)
        if not any(prices) or min(price for price in prices if price) <= UNIT:
            return SANE  # what is no price at all the house itself refuses
        table = self._table(question, kind)
        model = _model_milli(table, question, kind, prices) if table is not None else (0,) * len(prices)
        return market_within_band(prices, model_milli=model, winners=2 if kind is Kind.DOUBLE_CHANCE else 1)

    def _contradiction(self) -> Finding:
        """Whether most other markets say otherwise than the main one, and there are at least two of them."""
        shown = (Question(type=market.type, specifiers=market.specifiers) for market in self._event.markets)
        others = {each.key: each for each in (*shown, *(offer.question for offer in self._offers.values()))}
        judged = [
            self._look(question).is_sane
            for question in others.values()
            if (kind := _kind(question)) and self._table(question, kind) and all(self._prices(question))
        ]
        against = judged.count(False)
        if len(judged) < FEWEST_OTHERS or 2 * against <= len(judged):
            return SANE
        return Finding(Verdict.CONTRADICTED, f"{against} of {len(judged)} other markets say otherwise")

    def _prices(self, question: Question) -> Prices:
        """A market's prices with the offer's, in the order of its type's outcomes; 0 where there is none."""
        market, offer = self._event.market(question), self._offers.get(question.key)
        shown = {each.name: each.price_milli for each in market.selections} if market is not None else {}
        said = offer.prices_milli if offer is not None else {}
        return tuple(said.get(name, shown.get(name, 0)) for name in MARKET_TYPES[question.type].outcomes)

    def _table(self, question: Question, kind: Kind) -> Joint | None:
        """The match as its main markets see it; none in play, nor for those markets themselves."""
        is_implied = _are_prices(self._main) and (_are_prices(self._total) or kind in OF_RESULT)
        if not is_implied or self._event.status != "scheduled" or question in (MAIN, MAIN_TOTAL):
            return None
        return _fitted(self._main, self._total if _are_prices(self._total) else (), of_halves=kind in HALVES)


def _are_prices(prices: Prices) -> bool:
    """Whether every selection has one: an offer may say what the house will refuse."""
    return min(prices) > UNIT


def _kind(question: Question) -> Kind | None:
    try:
        kind = Kind(question.type)
    except ValueError:
        return None
    return None if kind in UNSCREENED else kind


@lru_cache(maxsize=64)
def _fitted(main: Prices, total: Prices, *, of_halves: bool) -> Joint:
    """Markets at full time are held to the main market's own probabilities, those of halves to the fitted rates."""
    home, draw, away = fair(main, Method.SHIN)
    over = fair(total, Method.SHIN)[0] if total else None
    fit = (home, draw, away)
    return joint(fit_rates(fit, over_two_and_a_half=over)) if of_halves else fit_joint(fit, over_two_and_a_half=over)


def _model_milli(table: Joint, question: Question, kind: Kind, prices: Prices) -> Prices:
    """The model's prices at the margin that the market has; of a market with gaps, at none."""
    try:
        said = fair_of(table, Asked(kind, question.specifiers.get("line_quarters")))
    except ValueError:
        return (0,) * len(prices)  # a market without its line is the house's to refuse
    winners = round(sum(said))
    margin = (overround(prices) + 1.0) / winners - 1.0 if all(prices) else 0.0
    return prices_milli(said, overround=min(max(margin, 0.0), MOST_MARGIN), method=Method.POWER)
