"""What a message that counts means for the house: changes of one event, and what had to be left out. Pure."""

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction
from typing import Final

import msgspec

from overround.book.tickets import Outcome
from overround.feeds.changes import (
    Cancel,
    Change,
    End,
    Offer,
    Question,
    Reschedule,
    Restore,
    Settle,
    Start,
    State,
    Stop,
    Unsettle,
    Verdict,
)
from overround.feeds.uof.mapping import Mapping, Unmapped
from overround.feeds.uof.messages import (
    BetCancel,
    BetSettlement,
    BetStop,
    EventMessage,
    EventStatus,
    FixtureChange,
    MarketName,
    MarketOdds,
    MarketResult,
    MarketStatus,
    OddsChange,
    OutcomeResult,
    RollbackBetCancel,
    RollbackBetSettlement,
)
from overround.feeds.uof.ordering import Sifted, reaches

US: Final = 1_000
"""Microseconds in one of the provider's milliseconds."""

MOST_TIED: Final = 20
"""A dead-heat factor is sent as a decimal that was rounded; it stands for the fraction below this denominator."""

NEAR: Final = Fraction(1, 200)

EVENT_CANCELLED: Final = 3
"""The type of a fixture change that says that the event will not be."""

BET_STOP: Final = "feed: bet stop"


class LeftOut(StrEnum):
    """Why a part of a message made no change, beside what a market cannot be mapped for."""

    OUTCOME_UNKNOWN = "outcome_unknown"
    RESULT_UNCLEAR = "result_unclear"


STATES: Final = {
    MarketStatus.ACTIVE: (State.OPEN, ""),
    MarketStatus.INACTIVE: (State.SUSPENDED, "feed: inactive"),
    MarketStatus.SUSPENDED: (State.SUSPENDED, "feed: suspended"),
    MarketStatus.HANDED_OVER: (State.SUSPENDED, "feed: handed over"),
    MarketStatus.SETTLED: (State.CLOSED, "feed: settled"),
    MarketStatus.CANCELLED: (State.CLOSED, "feed: cancelled"),
}
"""A market's status as the house has it, and the reason that a suspension gives."""

STATUSES: Final[dict[EventStatus, Change]] = {
    EventStatus.LIVE: Start(),
    EventStatus.ENDED: End(),
    EventStatus.CLOSED: End(),
    EventStatus.CANCELLED: Stop(reason="feed: cancelled"),
    EventStatus.POSTPONED: Stop(reason="feed: postponed"),
    EventStatus.ABANDONED: Stop(reason="feed: abandoned"),
}
"""What a status of the event changes by itself. Of the others (delayed, interrupted) the markets tell."""

LAST: Final = (End, Stop)


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """Changes of an event, in their order, and what was left out of them."""

    ref: str
    changes: tuple[Change, ...]
    left_out: tuple[Unmapped | LeftOut, ...] = ()


class Actor:
    """Reads messages as changes. `feed` is the beginning of our feeds' names: producer 3 is `<feed>-3`."""

    def __init__(self, mapping: Mapping, *, feed: str) -> None:
        self._mapping, self._feed = mapping, feed

    def feed_of(self, product: int) -> str:
        return f"{self._feed}-{product}"

    def act(self, sifted: Sifted) -> Acted | None:
        """The changes that the part of a message that counts asks for. None where nothing counts."""
        message = sifted.message
        if message is None:
            return None
        left_out: list[Unmapped | LeftOut] = []
        changes = tuple(self._changes(message, sifted, left_out))
        return Acted(ref=message.event, changes=changes, left_out=tuple(left_out))

    def _changes(self, message: EventMessage, sifted: Sifted, left_out: list[Unmapped | LeftOut]) -> Iterator[Change]:
        match message:
            case OddsChange():
                yield from self._odds_change(message, left_out)
            case BetStop():
                yield self._bet_stop(message, sifted.spared)
            case BetSettlement(markets=results):
                for result in results:
                    yield from self._settle(result, message.certainty, left_out)
            case RollbackBetSettlement(markets=markets):
                yield from (Unsettle(question=question) for question in self._questions(markets, left_out))
            case BetCancel(markets=markets):
                from_us, until_us = _window(message)
                for question in self._questions(markets, left_out):
                    yield Cancel(question=question, from_us=from_us, until_us=until_us, reason=_why(message))
            case RollbackBetCancel(markets=markets):
                from_us, until_us = _window(message)
                for question in self._questions(markets, left_out):
                    yield Restore(question=question, from_us=from_us, until_us=until_us)
            case FixtureChange(start_ms=start_ms, change_type=change_type):
                if change_type == EVENT_CANCELLED:
                    yield Stop(reason="feed: cancelled")
                if start_ms > 0:
                    yield Reschedule(starts_at_us=start_ms * US)
            case _:
                pass

    def _questions(self, markets: tuple[MarketName, ...], left_out: list[Unmapped | LeftOut]) -> Iterator[Question]:
        for market in markets:
            question = self._mapping.question(market)
            if isinstance(question, Unmapped):
                left_out.append(question)
            else:
                yield question

    # -------------------------------------------------------------- odds and stops

    def _odds_change(self, message: OddsChange, left_out: list[Unmapped | LeftOut]) -> Iterator[Change]:
        status = None if message.status is None else STATUSES.get(message.status)
        if status is not None and not isinstance(status, LAST):
            yield status
        for odds in message.markets:
            for question in self._questions((odds.market,), left_out):
                yield self._offer(message.product, question, odds, left_out)
        if isinstance(status, LAST):
            yield status

    def _offer(self, product: int, question: Question, odds: MarketOdds, left_out: list[Unmapped | LeftOut]) -> Offer:
        prices: dict[str, int] = {}
        for outcome in odds.outcomes:
            name = self._mapping.selection(odds.market.id, outcome.id)
            if name is None:
                left_out.append(LeftOut.OUTCOME_UNKNOWN)
            else:
                prices[name] = outcome.price_milli if outcome.active else 0
        state, reason = STATES[odds.status]
        return Offer(
            question=question,
            selections=self._mapping.selections(odds.market.id),
            prices_milli=prices,
            state=state,
            feed=self.feed_of(product),
            reason=reason,
        )

    def _bet_stop(self, message: BetStop, spared: tuple[MarketName, ...]) -> Stop:
        """Of some groups: of the types whose markets are in them. A stop is a stop, whatever status it names."""
        everything = "all" in message.groups
        return Stop(
            reason=BET_STOP,
            types=() if everything else self._types(message.groups),
            spared=tuple(self._questions(spared, [])),
        )

    def _types(self, groups: tuple[str, ...]) -> tuple[str, ...]:
        """With a type that no market has where none is reached, for an empty tuple means all of them."""
        found = [row.type for row in self._mapping.rows.values() if reaches(groups, row.groups)]
        return tuple(dict.fromkeys(found)) or ("",)

    # -------------------------------------------------------------- results

    def _settle(self, result: MarketResult, certainty: int, left_out: list[Unmapped | LeftOut]) -> Iterator[Settle]:
        for question in self._questions((result.market,), left_out):
            verdicts: dict[str, Verdict] = {}
            for outcome in result.outcomes:
                name = self._mapping.selection(result.market.id, outcome.id)
                verdict = verdict_of(outcome)
                if name is None:
                    left_out.append(LeftOut.OUTCOME_UNKNOWN)
                elif verdict is None:
                    left_out.append(LeftOut.RESULT_UNCLEAR)
                    return
                else:
                    verdicts[name] = verdict
            if verdicts:
                yield Settle(question=question, verdicts=verdicts, certainty=certainty)


def verdict_of(outcome: OutcomeResult) -> Verdict | None:
    """Result × void factor × dead-heat factor as one verdict. None where they do not make one.

    | result | void factor | dead heat | verdict |
    | 1 | none, 0 | none, 1 | won |
    | 1 | none, 0 | f       | won on f of the stake |
    | 0 | none, 0 |         | lost |
    | any | 1     |         | void |
    | 1 | 0.5     |         | half won |
    | 0 | 0.5     |         | half lost |
    """
    void = Fraction(outcome.void_factor or 0)
    if void == 1:
        return Verdict(outcome=Outcome.VOID)
    if outcome.result not in (0, 1) or void not in (0, Fraction(1, 2)):
        return None
    if void:
        return Verdict(outcome=Outcome.HALF_WON if outcome.result else Outcome.HALF_LOST)
    if not outcome.result:
        return Verdict(outcome=Outcome.LOST)
    share = _share(outcome.dead_heat_factor)
    if share is None:
        return None
    return Verdict(outcome=Outcome.WON, places=share.numerator, tied=share.denominator)


def _share(text: str) -> Fraction | None:
    """`0.33` is a third. None where it is no share of a stake, or near no small fraction."""
    if not text:
        return Fraction(1)
    sent = Fraction(text)
    share = sent.limit_denominator(MOST_TIED)
    return share if 0 < share <= 1 and abs(share - sent) < NEAR else None


def _window(message: BetCancel | RollbackBetCancel) -> tuple[int | None, int | None]:
    return message.start_ms * US or None, message.end_ms * US or None


def _why(message: BetCancel) -> str:
    if message.superseded_by:
        return f"superseded by {message.superseded_by}"
    return "cancelled by the feed" if message.void_reason is None else f"void reason {message.void_reason}"
