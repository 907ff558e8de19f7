"""Before a provider's prices are published: does each market agree with what the match's main markets say?

Before the match, the goals model is fitted to its 1X2 and its total of 2.5, as the provider has them now, and every
other market on goals must be within the sanity band of what that model would ask at the same margin; without the total,
only those that the 1X2 alone implies. In play nobody here knows the score, and only the sum of a market's implied
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
UNSCREENED: Final = frozenset({Kind.CORRECT_SCORE, Kind.NEXT_GOAL})
"""Each market lists its own scores, or asks for a goal of which nobody here knows whether it has fallen."""

UNIT: Final = 1_000
MOST_MARGIN: Final = 0.6

Prices = tuple[int, ...]


def screened(event: ShownEvent, changes: Iterable[Change]) -> list[tuple[Change, Finding]]:
    """Each change, an offer suspended and without its prices where they are out of the band, and what was found."""
    together = list(changes)
    offers = {each.question.key: each for each in together if isinstance(each, Offer)}
    main, total = (_prices(event, question, offers.get(question.key)) for question in (MAIN, MAIN_TOTAL))
    return [_screened(event, each, main, total) if isinstance(each, Offer) else (each, SANE) for each in together]


def _screened(event: ShownEvent, offer: Offer, main: Prices, total: Prices) -> tuple[Offer, Finding]:
    found = _look(event, offer, main, total)
    if found.is_sane:
        return offer, found
    return msgspec.structs.replace(offer, state=State.SUSPENDED, prices_milli={}, reason=OUT_OF_BAND), found


def _look(event: ShownEvent, offer: Offer, main: Prices, total: Prices) -> Finding:
    """What the sanity band says of an offer; nothing of one that is not to be open or not on goals."""
    kind = _kind(offer.question)
    if kind is None or offer.state is not State.OPEN:
        return SANE
    prices = _prices(event, offer.question, offer)
    if not any(prices) or min(price for price in prices if price) <= UNIT:
        return SANE  # the house refuses what is no price at all
    model: Prices = (0,) * len(prices)
    is_implied = all(main) and (all(total) or kind in OF_RESULT)
    if is_implied and event.status == "scheduled" and offer.question not in (MAIN, MAIN_TOTAL):
        table = _fitted(main, total if all(total) else (), of_halves=kind in HALVES)
        model = _model_milli(table, offer.question, kind, prices)
    return market_within_band(prices, model_milli=model, winners=2 if kind is Kind.DOUBLE_CHANCE else 1)


def _kind(question: Question) -> Kind | None:
    try:
        kind = Kind(question.type)
    except ValueError:
        return None
    return None if kind in UNSCREENED else kind


def _prices(event: ShownEvent, question: Question, offer: Offer | None) -> Prices:
    """The market's prices with the offer's, in the order of its type's outcomes; 0 where there is none."""
    market = event.market(question)
    shown = {each.name: each.price_milli for each in market.selections} if market is not None else {}
    said = offer.prices_milli if offer is not None else {}
    return tuple(said.get(name, shown.get(name, 0)) for name in MARKET_TYPES[question.type].outcomes)


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
