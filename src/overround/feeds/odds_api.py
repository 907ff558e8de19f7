"""The Odds API's JSON (version 4) read as offers and results. Pure: bytes and instants in, values out, no floats.

Several bookmakers quote each market; ours is the median of those that are fresh, for each selection by itself, the
lower of the two in the middle. A market whose medians add up to less than one (the house would lose on any result) is
not offered.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeVar

import msgspec

from overround.book.catalogue import MARKET_TYPES
from overround.feeds.changes import Change, Details, Offer, Question, SettleScore, Start, State
from overround.kernel import price
from overround.kernel.instant import MINUTE_US

FRESH_US: Final = 10 * MINUTE_US
"""A bookmaker's market that was updated longer ago is no source."""


class Sport(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    group: str
    title: str
    active: bool = True
    has_outrights: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    price: Decimal
    point: Decimal | None = None


class Market(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    outcomes: tuple[Outcome, ...]
    last_update: datetime | None = None


class Bookmaker(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    markets: tuple[Market, ...]
    last_update: datetime | None = None


class OddsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One of `GET /v4/sports/{sport}/odds`. Teams are null where there are none, as for outrights."""

    id: str
    sport_key: str
    commence_time: datetime
    sport_title: str = ""
    home_team: str | None = None
    away_team: str | None = None
    bookmakers: tuple[Bookmaker, ...] = ()


class Score(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    score: str


class ScoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One of `GET /v4/sports/{sport}/scores`."""

    id: str
    sport_key: str
    commence_time: datetime
    completed: bool
    home_team: str | None = None
    away_team: str | None = None
    scores: tuple[Score, ...] | None = None


class Malformed(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal of bytes, with a few words for the log."""

    detail: str


class LeftOut(StrEnum):
    """Why a market, or an event, is not offered."""

    NO_TEAMS = "no_teams"
    MARKET_UNKNOWN = "market_unknown"
    TYPE_MISSING = "type_missing"
    STALE = "stale"
    OUTCOMES = "outcomes"
    FEW_BOOKMAKERS = "few_bookmakers"
    UNDERROUND = "underround"
    STARTED = "started"
    SCORE_UNCLEAR = "score_unclear"


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Sports whose keys begin alike: what the house calls the sport, and each of their markets' type with us."""

    sport: str
    types: dict[str, str]


_POINTS: Final = {"h2h": "moneyline", "spreads": "spread", "totals": "total_points"}
_GOALS: Final = {"h2h": "1x2", "spreads": "asian_handicap", "totals": "total", "btts": "both_teams_to_score"}
FAMILIES: Final = {
    "soccer": Family(sport="Football", types=_GOALS),
    "basketball": Family(sport="Basketball", types=_POINTS),
    "americanfootball": Family(sport="American football", types=_POINTS),
    "baseball": Family(sport="Baseball", types=_POINTS),
    "tennis": Family(sport="Tennis", types={"h2h": "match_winner"}),
}
"""By the first part of a sport's key. A sport or market that is not here is not offered."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How offers are made: the fewest bookmakers that quote a market, and whether after the start."""

    bookmakers: int = 3
    in_play: bool = False
    fresh_us: int = FRESH_US


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is, what changes, and what was left out."""

    details: Details | None
    changes: tuple[Change, ...]
    left_out: tuple[LeftOut, ...] = ()


T = TypeVar("T")

_odds = msgspec.json.Decoder(tuple[OddsEvent, ...])
_scores = msgspec.json.Decoder(tuple[ScoredEvent, ...])
_sports = msgspec.json.Decoder(tuple[Sport, ...])


def read_odds(body: bytes) -> tuple[OddsEvent, ...] | Malformed:
    return _read(_odds, body)


def read_scores(body: bytes) -> tuple[ScoredEvent, ...] | Malformed:
    return _read(_scores, body)


def read_sports(body: bytes) -> tuple[Sport, ...] | Malformed:
    return _read(_sports, body)


def _read(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T | Malformed:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, RecursionError) as wrong:
        return Malformed(detail=str(wrong)[:200])


# ------------------------------------------------------------------ odds


def offers(event: OddsEvent, *, feed: str, terms: Terms, now_us: int) -> Read:
    """What the bookmakers' odds of an event are with us; `feed` keeps the markets."""
    details = details_of(event)
    if details is None:
        return Read(details=None, changes=(), left_out=(LeftOut.NO_TEAMS,))
    started = details.starts_at_us <= now_us
    changes: list[Change] = [Start()] if started else []
    left_out: list[LeftOut] = []
    if started and not terms.in_play:
        return Read(details=details, changes=tuple(changes), left_out=(LeftOut.STARTED,))
    quotes = _quotes(event, left_out, fresh_since_us=now_us - terms.fresh_us)
    for quoted in quotes.values():
        offer = _offer(quoted, feed, terms)
        if isinstance(offer, LeftOut):
            left_out.append(offer)
        else:
            changes.append(offer)
    return Read(details=details, changes=tuple(changes), left_out=tuple(left_out))


def details_of(event: OddsEvent) -> Details | None:
    """None for what is no match of two teams in a sport of ours."""
    family = FAMILIES.get(event.sport_key.partition("_")[0])
    if family is None or not event.home_team or not event.away_team:
        return None
    return Details(
        ref=event.id,
        sport=family.sport,
        competition=event.sport_title or event.sport_key,
        name=f"{event.home_team} – {event.away_team}",
        starts_at_us=micros(event.commence_time),
    )


class _Quoted(msgspec.Struct):
    """What bookmakers quote for one market of ours: prices by selection, one of each bookmaker."""

    question: Question
    prices_milli: dict[str, list[int]] = {}
    bookmakers: int = 0


def _quotes(event: OddsEvent, left_out: list[LeftOut], *, fresh_since_us: int) -> dict[object, _Quoted]:
    types = FAMILIES[event.sport_key.partition("_")[0]].types
    quotes: dict[object, _Quoted] = {}
    for bookmaker in event.bookmakers:
        for market in bookmaker.markets:
            kind = MARKET_TYPES.get(types.get(market.key, ""))
            updated = market.last_update or bookmaker.last_update
            if kind is None:
                left_out.append(LeftOut.TYPE_MISSING if market.key in types else LeftOut.MARKET_UNKNOWN)
            elif updated is not None and micros(updated) < fresh_since_us:
                left_out.append(LeftOut.STALE)
            elif not sum(_add(quotes, kind.name, book) for book in _books(event, market)):
                left_out.append(LeftOut.OUTCOMES)
    return quotes


Book = tuple[dict[str, int], dict[str, int]]
"""A market of a bookmaker's: its specifiers, and prices by the names of our selections."""


def _books(event: OddsEvent, market: Market) -> Iterator[Book]:
    """A bookmaker's market by our names, one for each line in it."""
    names = {event.home_team: "home", event.away_team: "away", "Draw": "draw"}
    names |= {"Over": "over", "Under": "under", "Yes": "yes", "No": "no"}
    lines: dict[int | None, dict[str, int]] = {}
    for outcome in market.outcomes:
        name, price_milli = names.get(outcome.name), _price_milli(outcome.price)
        quarters = None if outcome.point is None else _quarters(outcome.point)
        if name is None or price_milli is None or (outcome.point is not None and quarters is None):
            return
        # A handicap is the home side's: the away side of −1.5 is quoted at +1.5.
        line = -quarters if quarters is not None and name == "away" else quarters
        lines.setdefault(line, {})[name] = price_milli
    for line, prices in lines.items():
        yield ({} if line is None else {"line_quarters": line}), prices


def _add(quotes: dict[object, _Quoted], kind: str, book: Book) -> bool:
    """Whether a bookmaker quotes the whole of a market."""
    specifiers, prices = book
    if set(prices) != set(MARKET_TYPES[kind].outcomes) or set(specifiers) != set(MARKET_TYPES[kind].specifiers):
        return False
    question = Question(type=kind, specifiers=specifiers)
    quoted = quotes.setdefault(question.key, _Quoted(question=question))
    quoted.bookmakers += 1
    for name, price_milli in prices.items():
        quoted.prices_milli.setdefault(name, []).append(price_milli)
    return True


def _offer(quoted: _Quoted, feed: str, terms: Terms) -> Offer | LeftOut:
    if quoted.bookmakers < terms.bookmakers:
        return LeftOut.FEW_BOOKMAKERS
    outcomes = MARKET_TYPES[quoted.question.type].outcomes
    prices = {name: median(quoted.prices_milli[name]) for name in outcomes}
    if sum(Fraction(price.UNIT, each) for each in prices.values()) < 1:
        return LeftOut.UNDERROUND
    return Offer(question=quoted.question, selections=outcomes, prices_milli=prices, state=State.OPEN, feed=feed)


def median(prices_milli: Iterable[int]) -> int:
    """The price in the middle, of an even number the lower of the two: always one that somebody quotes.

    >>> median([2_100, 2_300, 1_900]), median([2_100, 2_300])
    (2100, 2100)
    """
    ordered = sorted(prices_milli)
    return ordered[(len(ordered) - 1) // 2]


# ------------------------------------------------------------------ results


def results(event: ScoredEvent) -> Read:
    """The final score, once the event is completed."""
    if not event.completed:
        return Read(details=None, changes=())
    told = Counter(score.name for score in event.scores or ())
    points = {score.name: score.score for score in event.scores or ()}
    home, away = points.get(event.home_team or "", ""), points.get(event.away_team or "", "")
    if len(told) != 2 or max(told.values()) > 1 or not _is_score(home) or not _is_score(away):
        return Read(details=None, changes=(), left_out=(LeftOut.SCORE_UNCLEAR,))
    return Read(details=None, changes=(SettleScore(home=int(home), away=int(away)),))


def _is_score(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3


# ------------------------------------------------------------------ numbers


def micros(at: datetime) -> int:
    """Microseconds since the epoch; an instant without an offset is UTC."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _plain(value: Decimal) -> str | None:
    """Its digits as they were sent; None for what has too many, or is no number."""
    exponent = value.as_tuple().exponent
    if not value.is_finite() or not isinstance(exponent, int) or not -20 <= exponent <= 6 or value.adjusted() > 8:
        return None
    return format(value, "f")


def _price_milli(value: Decimal) -> int | None:
    text = _plain(value)
    if text is None or value <= 0:
        return None
    price_milli = price.parse(text)
    return price_milli if price.is_price(price_milli) else None


def _quarters(value: Decimal) -> int | None:
    """A line in quarters; None where it lies between them."""
    text = _plain(value)
    quarters = None if text is None else 4 * Fraction(text)
    return None if quarters is None or quarters.denominator != 1 else quarters.numerator
