"""What operators' requests have in their bodies, and how a body's fields become those of the book's command."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from overround.book.catalogue import EachWay, Ending, Market, MarketTerms, Side, certainty_of, has_rule_4
from overround.book.catalogue import Moment as GameMoment
from overround.book.limits import HouseTerms
from overround.book.machine.commands import Command, SetHouseTerms
from overround.book.settlement import Finish, Goal, Outcomes, Result, Score, Void, Winners
from overround.book.tickets import Outcome
from overround.edge.values import Currency, Id, Moment, Natural, Text, Whole, micros_of

Fields = dict[str, Any]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of operators' bodies."""


class Nothing(Body, frozen=True):
    """No body, or an empty object."""


class WalletBody(Body, frozen=True):
    currency: Currency


class FundsBody(Body, frozen=True):
    """Above zero is a credit, below zero a debit. `note` is kept for ever: no personal data."""

    currency: Currency
    amount_minor: Whole
    note: Text


class PlayerTermsBody(Body, frozen=True):
    """0 goes back to the house's default."""

    currency: Currency
    max_stake_minor: Natural
    max_payout_minor: Natural


class HouseTermsBody(Body, frozen=True):
    """What the bets of a ticket, and those that a customer strikes in a UTC day, may pay together; 0 bounds nothing."""

    min_stake_minor: Natural = 10
    max_stake_minor: Natural = 1_000_000
    max_payout_minor: Natural = 50_000_000
    market_liability_minor: Natural = 200_000_000
    house_liability_minor: Natural = 20_000_000_000
    cash_out_margin_bps: Natural = 500
    max_ticket_payout_minor: Natural = 0
    max_day_payout_minor: Natural = 0


class SportAsked(Body, frozen=True):
    name: Text


class CompetitionAsked(Body, frozen=True):
    sport_id: Id
    name: Text


class StartsBody(Body, frozen=True):
    """One of the two."""

    starts_at: Moment | UnsetType = UNSET
    starts_at_us: Natural | UnsetType = UNSET


class EventAsked(StartsBody, frozen=True, kw_only=True):
    """One of `starts_at` and `starts_at_us`."""

    competition_id: Id
    name: Text


class FeedBody(Body, frozen=True):
    """`feed` of "" is an operator by hand."""

    feed: Text


class WindowBody(Body, frozen=True, kw_only=True):
    """Instants in microseconds since the epoch, the last not included."""

    from_us: Natural
    until_us: Natural


class CancelBody(WindowBody, frozen=True, kw_only=True):
    reason: Text


class BeganBody(Body, frozen=True):
    began_at_us: Natural


class ReasonBody(Body, frozen=True):
    reason: Text


class MomentBody(Body, frozen=True):
    """What the game is at: the markets' in-play delays for it hold from now on."""

    moment: GameMoment


class EachWayBody(Body, frozen=True, gc=False):
    """The place part wins `numerator/denominator` of the odds, for the first `places`."""

    numerator: Natural
    denominator: Natural
    places: Natural


class TermsBody(Body, frozen=True):
    """What bets are offered beside the prices, and how the market is settled. Fields left out are as in every market.

    `rule_4` and `certainty` are those of the market's type unless they are given; `rule_set` names the void rules.
    """

    each_way: EachWayBody | None = None
    starting_prices: bool = False
    best_odds: bool = False
    rule_4: bool | None = None
    certainty: Natural = 0
    moment_delays_ms: dict[GameMoment, Natural] = {}
    rule_set: Text = ""


class MarketAsked(Body, frozen=True):
    """A market, suspended at birth. `prices_milli` is empty or one for each selection, 0 for none."""

    event_id: Id
    type: Text
    specifiers: dict[Text, Whole] = {}
    selections: Annotated[tuple[Text, ...], Meta(max_length=20_000)] = ()
    prices_milli: Annotated[tuple[Natural, ...], Meta(max_length=20_000)] = ()
    feed: Text = ""
    in_play: bool = False
    delay_ms: Natural = 0
    liability_minor: Natural = 0
    terms: TermsBody | UnsetType = UNSET


class MarketTermsBody(Body, frozen=True):
    """`liability_minor` of 0 is the house's default. Where `terms` are given they replace all that the market has; bets
    keep those on which they were struck."""

    delay_ms: Natural
    liability_minor: Natural
    terms: TermsBody | UnsetType = UNSET


class SelectionsBody(Body, frozen=True):
    """More selections of a market that brings its own. `prices_milli` is empty or one for each, 0 for none."""

    selections: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=20_000)]
    prices_milli: Annotated[tuple[Natural, ...], Meta(max_length=20_000)] = ()


class WithdrawalBody(Body, frozen=True):
    """`price_milli` is the price at which the runner went, for Rule 4; 0 deducts nothing. With `from_start` the
    starting prices were returned with it in."""

    selection_id: Id
    price_milli: Natural
    from_start: bool = False


class Price(Body, frozen=True, gc=False):
    """0 takes the price away."""

    selection_id: Id
    price_milli: Natural


class PricesBody(Body, frozen=True):
    prices: Annotated[tuple[Price, ...], Meta(min_length=1, max_length=20_000)]


class SidesBody(Body, frozen=True, gc=False):
    home: Whole
    away: Whole


class GoalBody(Body, frozen=True, gc=False):
    """For a side. `scorer` is the name of a selection on scorers. An `own` goal counts for no scorer."""

    side: Side
    scorer: Text = ""
    own: bool = False


class ScoreBody(Body, frozen=True, gc=False):
    """At full time, or where the match ended. Some markets need more: `half_time`, or all `goals` in order."""

    home: Whole
    away: Whole
    half_time: SidesBody | None = None
    goals: Annotated[tuple[GoalBody, ...], Meta(max_length=1_998)] | None = None
    absent: Annotated[tuple[Text, ...], Meta(max_length=100)] = ()
    late: Annotated[tuple[Text, ...], Meta(max_length=100)] = ()
    ending: Ending = Ending.FINISHED


class VoidBody(Body, frozen=True, gc=False):
    note: Text


class WinnersBody(Body, frozen=True, gc=False):
    """Selections that won, each paid in full, and those that are void; ascending."""

    selections: Annotated[tuple[Id, ...], Meta(max_length=20_000)]
    void: Annotated[tuple[Id, ...], Meta(max_length=20_000)] = ()


class StartingPriceBody(Body, frozen=True, gc=False):
    runner: Id
    price_milli: Natural


class FinishBody(Body, frozen=True, gc=False):
    """The order of finish by runner number, those level together: `[[4], [1, 7]]`. A runner's number is its selection
    id in the markets that list the runners."""

    positions: Annotated[tuple[Annotated[tuple[Id, ...], Meta(max_length=1_000)], ...], Meta(max_length=1_000)]
    non_runners: Annotated[tuple[Id, ...], Meta(max_length=1_000)] = ()
    starting_prices: Annotated[tuple[StartingPriceBody, ...], Meta(max_length=1_000)] = ()


class OutcomeBody(Body, frozen=True, gc=False):
    """What became of a selection; `places` in `tied` is the share of a dead heat."""

    selection_id: Id
    outcome: Outcome
    places: Natural = 1
    tied: Natural = 1


class CertainBody(Body, frozen=True, kw_only=True):
    """One result. `certainty` is 1 from scouts, 2 confirmed; less than what a market wants pays nobody."""

    score: ScoreBody | UnsetType = UNSET
    finish: FinishBody | UnsetType = UNSET
    void: VoidBody | UnsetType = UNSET
    certainty: Natural = 2


class EventResultBody(CertainBody, frozen=True):
    """One of `score`, `finish` and `void`."""


class MarketResultBody(CertainBody, frozen=True):
    """One of `score`, `finish`, `void`, `winners` and `outcomes`. `winners` is a list of ids or an object."""

    winners: Annotated[tuple[Id, ...], Meta(max_length=20_000)] | WinnersBody | UnsetType = UNSET
    outcomes: Annotated[tuple[OutcomeBody, ...], Meta(max_length=20_000)] | UnsetType = UNSET


def _prices(prices: tuple[Price, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((price.selection_id, price.price_milli) for price in prices)


def _score(score: ScoreBody) -> Result:
    half, goals = score.half_time, score.goals
    return Score(
        score.home,
        score.away,
        (half.home, half.away) if half is not None else None,
        tuple(Goal(goal.side, goal.scorer, goal.own) for goal in goals) if goals is not None else None,
        score.absent,
        score.ending,
        score.late,
    )


def _winners(winners: tuple[int, ...] | WinnersBody) -> Result:
    return Winners(winners.selections, winners.void) if isinstance(winners, WinnersBody) else Winners(winners)


def _finish(finish: FinishBody) -> Result:
    priced = tuple((each.runner, each.price_milli) for each in finish.starting_prices)
    return Finish(finish.positions, finish.non_runners, priced)


def _outcomes(outcomes: tuple[OutcomeBody, ...]) -> Result:
    return Outcomes(tuple((each.selection_id, each.outcome, each.places, each.tied) for each in outcomes))


def _terms(terms: TermsBody) -> MarketTerms:
    each_way = terms.each_way
    return MarketTerms(
        each_way=EachWay(each_way.numerator, each_way.denominator, each_way.places) if each_way is not None else None,
        starting_prices=terms.starting_prices,
        best_odds=terms.best_odds,
        rule_4=terms.rule_4,
        certainty=terms.certainty,
        moment_delays_us={moment: _milliseconds(delay_ms) for moment, delay_ms in terms.moment_delays_ms.items()},
        rule_set=terms.rule_set,
    )


def _void(void: VoidBody) -> Result:
    return Void(void.note)


def _milliseconds(delay_ms: int) -> int:
    return delay_ms * 1_000


def terms_body(market: Market) -> TermsBody:
    """A market's terms as they hold, what its type says among them."""
    terms, each_way = market.terms, market.terms.each_way
    return TermsBody(
        each_way=EachWayBody(numerator=each_way.numerator, denominator=each_way.denominator, places=each_way.places)
        if each_way is not None
        else None,
        starting_prices=terms.starting_prices,
        best_odds=terms.best_odds,
        rule_4=has_rule_4(market),
        certainty=certainty_of(market),
        moment_delays_ms={moment: delay_us // 1_000 for moment, delay_us in terms.moment_delays_us.items()},
        rule_set=terms.rule_set,
    )


def as_it_is(value: Any) -> Any:
    return value


BECOMES: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "starts_at": ("starts_at_us", micros_of),
    "starts_at_us": ("starts_at_us", as_it_is),
    "expires_at": ("expires_at_us", micros_of),
    "expires_at_us": ("expires_at_us", as_it_is),
    "until": ("until_us", micros_of),
    "until_us": ("until_us", as_it_is),
    "delay_ms": ("delay_us", _milliseconds),
    "after_ms": ("after_us", _milliseconds),
    "prices": ("prices", _prices),
    "score": ("result", _score),
    "void": ("result", _void),
    "winners": ("result", _winners),
    "finish": ("result", _finish),
    "outcomes": ("result", _outcomes),
    "terms": ("terms", _terms),
}
"""Fields that a command has under another name or in another shape. All others go as they are."""

ONE_OF: Final = {
    "starts_at_us": "starts_at or starts_at_us",
    "until_us": "until or until_us",
    "result": "score, winners, finish, outcomes or void",
}


def house_terms(fields: Fields) -> Command:
    currency = fields.pop("currency")
    return SetHouseTerms(currency, HouseTerms(**fields))
