"""What is on offer: sports, competitions, events, markets, selections; market types as data; lives as tables."""

from enum import StrEnum
from typing import Final

import msgspec

MAX_SPORTS: Final = 1_000
MAX_COMPETITIONS: Final = 100_000
MAX_EVENTS: Final = 10_000_000
MAX_FEEDS: Final = 100
"""Few, as every step of the machine's own looks at each of them."""

MAX_SELECTIONS: Final = 20_000
MAX_MARKETS_PER_EVENT: Final = 2_000
MAX_NAME_LENGTH: Final = 200
MAX_DELAY_US: Final = 12_000_000
"""The longest in-play delay a market may ask for: 12 seconds, the longest in use on the exchanges."""


class EventStatus(StrEnum):
    SCHEDULED = "scheduled"
    IN_PLAY = "in_play"
    ENDED = "ended"


class EventAction(StrEnum):
    START = "start"
    END = "end"


EVENT_LIFE: Final = {
    (EventStatus.SCHEDULED, EventAction.START): EventStatus.IN_PLAY,
    (EventStatus.SCHEDULED, EventAction.END): EventStatus.ENDED,
    (EventStatus.IN_PLAY, EventAction.END): EventStatus.ENDED,
}
"""An event's life. What is not in the table is refused."""


class MarketStatus(StrEnum):
    SUSPENDED = "suspended"
    OPEN = "open"
    CLOSED = "closed"
    RESULTED = "resulted"


class MarketAction(StrEnum):
    RESUME = "resume"
    SUSPEND = "suspend"
    CLOSE = "close"
    RESULT = "result"
    ROLL_BACK = "roll_back"


MARKET_LIFE: Final = {
    (MarketStatus.SUSPENDED, MarketAction.RESUME): MarketStatus.OPEN,
    (MarketStatus.OPEN, MarketAction.RESUME): MarketStatus.OPEN,
    (MarketStatus.OPEN, MarketAction.SUSPEND): MarketStatus.SUSPENDED,
    (MarketStatus.SUSPENDED, MarketAction.SUSPEND): MarketStatus.SUSPENDED,
    (MarketStatus.OPEN, MarketAction.CLOSE): MarketStatus.CLOSED,
    (MarketStatus.SUSPENDED, MarketAction.CLOSE): MarketStatus.CLOSED,
    (MarketStatus.OPEN, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.SUSPENDED, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.CLOSED, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.RESULTED, MarketAction.RESULT): MarketStatus.RESULTED,
    (MarketStatus.RESULTED, MarketAction.ROLL_BACK): MarketStatus.CLOSED,
}
"""A market's life. It is born suspended; a result may be corrected or taken back until the market is archived; there
is no way back to open."""


class Rule(StrEnum):
    """How a market type turns a result into outcomes. The arithmetic is in `settlement`."""

    MATCH_RESULT = "match_result"
    DOUBLE_RESULT = "double_result"
    BOTH_SCORE = "both_score"
    ODD_EVEN = "odd_even"
    CORRECT_SCORE = "correct_score"
    NEXT_GOAL = "next_goal"
    FIRST_SCORER = "first_scorer"
    SCORER = "scorer"
    TOTAL = "total"
    HANDICAP = "handicap"
    WINNER = "winner"
    FINISH = "finish"
    ORDER = "order"


class Period(StrEnum):
    """Which part of a match a rule looks at."""

    FULL_TIME = "full_time"
    FIRST_HALF = "first_half"
    SECOND_HALF = "second_half"


class Side(StrEnum):
    HOME = "home"
    AWAY = "away"


class Names(StrEnum):
    """How a market's own selections are named: anything, a score (`2-1`), or runners (`3-7`)."""

    FREE = "free"
    SCORES = "scores"
    RUNNERS = "runners"


class MarketType(msgspec.Struct, frozen=True):
    """A type is data. `outcomes` names the selections, in order, with ids from 1; empty means that each market brings
    its own. `specifiers` are whole numbers that the rule reads; a line is in quarters of a goal (2.5 is 10).

    A rule that finds words in a score (the side ahead, the score itself, a scorer) pays the selections of that name,
    or, with `wins`, those whose words are there, a tuple for each outcome. Where no selection is named, a type with
    `void_unnamed` gives all stakes back; otherwise `any_other` wins, if there is such a selection.
    """

    name: str
    title: str
    rule: Rule
    sports: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    wins: tuple[tuple[str, ...], ...] = ()
    void_unnamed: bool = False
    names: Names = Names.FREE
    specifiers: tuple[str, ...] = ()
    period: Period = Period.FULL_TIME
    side: Side | None = None
    picks: int = 1
    ordered: bool = True
    rule_4: bool = False
    certainty: int = 2


SPECIFIERS: Final = {"line_quarters": (-10_000, 10_000), "goal_number": (1, 100), "places": (1, 100)}
"""The least and the most that each specifier may be."""

ANY_OTHER: Final = "any_other"
NO_GOALSCORER: Final = "no_goalscorer"
MAX_CERTAINTY: Final = 2
"""How sure a result is: 1 from scouts at the ground, 2 confirmed (as the Unified Odds Feed counts)."""

_LINE: Final = ("line_quarters",)
_OVER_UNDER: Final = ("over", "under")
_SIDES: Final = ("home", "away")
_RESULTS: Final = ("home", "draw", "away")
_DOUBLE_RESULTS: Final = tuple(f"{half}/{full}" for half in _RESULTS for full in _RESULTS)
_GOALS: Final = ("football", "ice hockey", "handball")
_SETS: Final = ("tennis", "darts", "volleyball")
_POINTS: Final = ("basketball", "baseball", "american football")
_RACES: Final = ("horse racing", "greyhounds")

_ALL_TYPES: Final = (
    MarketType("1x2", "Match result", Rule.MATCH_RESULT, _GOALS, _RESULTS),
    MarketType(
        "double_chance",
        "Double chance",
        Rule.MATCH_RESULT,
        _GOALS,
        ("home_or_draw", "home_or_away", "draw_or_away"),
        wins=(("home", "draw"), ("home", "away"), ("draw", "away")),
    ),
    MarketType("draw_no_bet", "Draw no bet", Rule.MATCH_RESULT, _GOALS, _SIDES, void_unnamed=True),
    MarketType("half_time_result", "Half-time result", Rule.MATCH_RESULT, _GOALS, _RESULTS, period=Period.FIRST_HALF),
    MarketType(
        "second_half_result", "Second-half result", Rule.MATCH_RESULT, _GOALS, _RESULTS, period=Period.SECOND_HALF
    ),
    MarketType("half_time_full_time", "Half-time/full-time", Rule.DOUBLE_RESULT, _GOALS, _DOUBLE_RESULTS),
    MarketType("total", "Over/under", Rule.TOTAL, _GOALS, _OVER_UNDER, specifiers=_LINE),
    MarketType("asian_total", "Asian total", Rule.TOTAL, _GOALS, _OVER_UNDER, specifiers=_LINE),
    MarketType(
        "half_time_total",
        "Half-time over/under",
        Rule.TOTAL,
        _GOALS,
        _OVER_UNDER,
        specifiers=_LINE,
        period=Period.FIRST_HALF,
    ),
    MarketType("home_total", "Home side over/under", Rule.TOTAL, _GOALS, _OVER_UNDER, specifiers=_LINE, side=Side.HOME),
    MarketType("away_total", "Away side over/under", Rule.TOTAL, _GOALS, _OVER_UNDER, specifiers=_LINE, side=Side.AWAY),
    MarketType("asian_handicap", "Asian handicap", Rule.HANDICAP, _GOALS, _SIDES, specifiers=_LINE),
    MarketType("both_teams_to_score", "Both teams to score", Rule.BOTH_SCORE, _GOALS, ("yes", "no")),
    MarketType("odd_even", "Odd or even goals", Rule.ODD_EVEN, _GOALS, ("odd", "even")),
    MarketType("correct_score", "Correct score", Rule.CORRECT_SCORE, _GOALS, names=Names.SCORES),
    MarketType(
        "next_goal",
        "Next goal",
        Rule.NEXT_GOAL,
        _GOALS,
        ("home", "none", "away"),
        specifiers=("goal_number",),
        certainty=1,
    ),
    MarketType("first_goalscorer", "First goalscorer", Rule.FIRST_SCORER, _GOALS),
    MarketType("anytime_goalscorer", "Anytime goalscorer", Rule.SCORER, _GOALS),
    MarketType("to_qualify", "To qualify", Rule.WINNER, _GOALS, _SIDES),
    MarketType("winner", "Winner", Rule.WINNER),
    MarketType("winners", "Winners", Rule.WINNER, specifiers=("places",)),
    MarketType("outright", "Outright, by places", Rule.FINISH),
    MarketType("top_places", "Top finish", Rule.FINISH, specifiers=("places",)),
    MarketType("race_win", "To win", Rule.FINISH, _RACES, rule_4=True),
    MarketType("race_place", "To be placed", Rule.FINISH, _RACES, specifiers=("places",), rule_4=True),
    MarketType("forecast", "Forecast", Rule.ORDER, _RACES, names=Names.RUNNERS, picks=2),
    MarketType("reverse_forecast", "Reverse forecast", Rule.ORDER, _RACES, names=Names.RUNNERS, picks=2, ordered=False),
    MarketType("tricast", "Tricast", Rule.ORDER, _RACES, names=Names.RUNNERS, picks=3),
    MarketType("match_winner", "Match winner", Rule.MATCH_RESULT, _SETS, _SIDES, void_unnamed=True),
    MarketType("set_betting", "Set betting", Rule.CORRECT_SCORE, _SETS, names=Names.SCORES),
    MarketType("moneyline", "Moneyline", Rule.MATCH_RESULT, _POINTS, _SIDES, void_unnamed=True),
    MarketType("spread", "Point spread", Rule.HANDICAP, _POINTS, _SIDES, specifiers=_LINE),
    MarketType("total_points", "Total points", Rule.TOTAL, _POINTS, _OVER_UNDER, specifiers=_LINE),
)

MARKET_TYPES: Final = {kind.name: kind for kind in _ALL_TYPES}


class Ending(StrEnum):
    """How a match came to its score."""

    FINISHED = "finished"
    ABANDONED = "abandoned"
    POSTPONED = "postponed"
    RETIRED = "retired"


class Treatment(StrEnum):
    """What becomes of a market when its match did not finish, or of a bet on somebody who took no part.

    Stands: the score there is counts. Decided: what nothing could change any more counts, the rest is void.
    """

    VOID = "void"
    DECIDED = "decided"
    STANDS = "stands"


class VoidRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of `VOID_RULES`. `absent` is for bets on a player who took no part."""

    abandoned: Treatment = Treatment.DECIDED
    postponed: Treatment = Treatment.VOID
    retired: Treatment = Treatment.VOID
    absent: Treatment = Treatment.VOID

    def at(self, ending: Ending) -> Treatment:
        match ending:
            case Ending.FINISHED:
                return Treatment.STANDS
            case Ending.ABANDONED:
                return self.abandoned
            case Ending.POSTPONED:
                return self.postponed
            case Ending.RETIRED:
                return self.retired


HOUSE_RULES: Final = ""
"""The rule set of a market that names none."""

VOID_RULES: Final = {
    (HOUSE_RULES, ""): VoidRule(),
    (HOUSE_RULES, "set_betting"): VoidRule(abandoned=Treatment.VOID),
    ("void_unfinished", ""): VoidRule(abandoned=Treatment.VOID),
    ("official_score", ""): VoidRule(abandoned=Treatment.VOID),
    ("official_score", "moneyline"): VoidRule(abandoned=Treatment.STANDS, retired=Treatment.STANDS),
    ("official_score", "match_winner"): VoidRule(abandoned=Treatment.STANDS, retired=Treatment.STANDS),
    ("official_score", "first_goalscorer"): VoidRule(abandoned=Treatment.VOID, absent=Treatment.STANDS),
    ("official_score", "anytime_goalscorer"): VoidRule(abandoned=Treatment.VOID, absent=Treatment.STANDS),
}
"""By rule set and market type ("" is every other type). A jurisdiction's markets name its rule set."""

RULE_SETS: Final = tuple(dict.fromkeys(rule_set for rule_set, _ in VOID_RULES))

MAX_TERMS: Final = 100
"""The largest number in each-way terms: parts of the odds, and places."""


class EachWay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Terms fixed at acceptance: the place part wins `numerator/denominator` of the odds for the first `places`.

    Terms of 1/1 for one place are “win only”: the place part is a second win part.
    """

    numerator: int
    denominator: int
    places: int


class Moment(StrEnum):
    """What an event in play is at, where a market may want a longer in-play delay."""

    NORMAL = "normal"
    DANGER = "danger"
    PENALTY = "penalty"
    VAR = "var"


class MarketTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What bets on a market are offered beside its prices, and how it is settled.

    `rule_4` of None and `certainty` of 0 are what the market's type says. `moment_delays_us` replaces the in-play delay
    at a moment of the game. `rule_set` names the rows of `VOID_RULES` that hold.
    """

    each_way: EachWay | None = None
    starting_prices: bool = False
    best_odds: bool = False
    rule_4: bool | None = None
    certainty: int = 0
    moment_delays_us: dict[Moment, int] = {}
    rule_set: str = HOUSE_RULES


class Withdrawn(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A selection that was withdrawn, when, and at which price (0 for none: nothing is deducted).

    With `from_start` the starting prices were returned with it in, so that they bear the deduction too.
    """

    selection_id: int
    at_us: int
    price_milli: int
    from_start: bool = False


class Sport(msgspec.Struct, array_like=True, gc=False):
    id: int
    name: str


class Competition(msgspec.Struct, array_like=True, gc=False):
    """`approved` matters where the house asks for approval."""

    id: int
    sport_id: int
    name: str
    approved: bool = False


class Event(msgspec.Struct, array_like=True):
    """`markets` are those in memory; as many as `archived` says were let go."""

    id: int
    competition_id: int
    name: str
    starts_at_us: int
    status: EventStatus = EventStatus.SCHEDULED
    markets: list[int] = []
    moment: Moment = Moment.NORMAL
    archived: int = 0


class Selection(msgspec.Struct, array_like=True, gc=False):
    """`price_milli` is what is on offer, 0 while there is no price: the override while there is one, else what the feed
    said last (`feed_price_milli`), and nothing while the selection is suspended (`stopped` is the reason) or withdrawn
    (since `withdrawn_at_us`)."""

    id: int
    name: str
    price_milli: int = 0
    withdrawn_at_us: int = 0
    feed_price_milli: int = 0
    override_milli: int = 0
    override_until_us: int = 0
    stopped: str = ""

    @property
    def is_the_feeds(self) -> bool:
        """Whether what the feed says is what is on offer."""
        return not self.is_off and not self.override_milli

    @property
    def is_off(self) -> bool:
        """Whether nothing is on offer, whatever anybody says."""
        return bool(self.stopped or self.withdrawn_at_us)

    def offer(self) -> None:
        """Put on offer what is to be on offer."""
        self.price_milli = 0 if self.is_off else self.override_milli or self.feed_price_milli


MAX_WINDOWS: Final = 100
"""Windows in which the bets on one market are cancelled."""


class Market(msgspec.Struct, array_like=True):
    """`version` rises with every change but a price's; a bet may ask for the version that its customer saw.

    `feed` names who keeps the market ("" is an operator by hand). `confirmed_at_us` is when it was last priced or
    resumed. `liability_minor` of 0 means the house's default. `owes_starting_prices` says that bets at the starting
    price were on offer once, so that its result must name them.
    """

    id: int
    event_id: int
    type: str
    specifiers: dict[str, int]
    selections: dict[int, Selection]
    feed: str
    in_play: bool
    delay_us: int
    liability_minor: int
    status: MarketStatus = MarketStatus.SUSPENDED
    reason: str = "new"
    version: int = 1
    confirmed_at_us: int = 0
    revision: int = 0
    terms: MarketTerms = MarketTerms()
    withdrawals: list[Withdrawn] = []
    owes_starting_prices: bool = False
    cancelled: list[tuple[int, int]] = []

    @property
    def each_way(self) -> EachWay | None:
        """The each-way terms on offer."""
        return self.terms.each_way

    @property
    def starting_prices(self) -> bool:
        """Whether bets at the starting price are taken."""
        return self.terms.starting_prices

    @property
    def best_odds(self) -> bool:
        """Whether best odds are guaranteed."""
        return self.terms.best_odds

    def cancels(self, struck_at_us: int) -> bool:
        """Whether bets struck at an instant were cancelled."""
        return any(from_us <= struck_at_us < until_us for from_us, until_us in self.cancelled)

    @property
    def resulted(self) -> bool:
        """Whether a result is in."""
        return self.status is MarketStatus.RESULTED


class Feed(msgspec.Struct, array_like=True, gc=False):
    """A source of prices. Silent for `FEED_SILENCE_US`, its markets are suspended until it speaks of each."""

    name: str
    seen_at_us: int
    silent: bool = False
    back_at_us: int = 0


FEED_SILENCE_US: Final = 20_000_000
"""How long a feed may say nothing: 20 seconds, usual for the Unified Odds Feed's `alive`."""
