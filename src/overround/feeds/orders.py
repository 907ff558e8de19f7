"""What a feed asks of the house: an operator's commands as the batch endpoint takes them, one plain dict each."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from overround.feeds.changes import Verdict
from overround.kernel.instant import DAY_US, text

Order = Mapping[str, Any]


def create_event(*, competition_id: int, name: str, starts_at_us: int) -> Order:
    return {
        "command": "CreateEvent",
        "competition_id": competition_id,
        "name": name,
        "starts_at": text(starts_at_us),
    }


def create_market(
    *,
    event_id: int,
    kind: str,
    prices_milli: Iterable[int],
    line_quarters: int | None = None,
    goal_number: int | None = None,
    selections: Iterable[str] = (),
    feed: str = "",
    in_play: bool = False,
    delay_ms: int = 0,
) -> Order:
    """`line_quarters` and `goal_number` are for the market types that have them, `selections` for those that bring
    their own."""
    specifiers = {"line_quarters": line_quarters, "goal_number": goal_number}
    return {
        "command": "CreateMarket",
        "event_id": event_id,
        "type": kind,
        "specifiers": {name: value for name, value in specifiers.items() if value is not None},
        "selections": list(selections),
        "prices_milli": list(prices_milli),
        "feed": feed,
        "in_play": in_play,
        "delay_ms": delay_ms,
    }


def set_prices(*, market_id: int, prices_milli: Iterable[int]) -> Order:
    """Prices of all selections, whose ids count from 1; 0 takes one away."""
    prices = [
        {"selection_id": number, "price_milli": price_milli} for number, price_milli in enumerate(prices_milli, 1)
    ]
    return {"command": "SetPrices", "market_id": market_id, "prices": prices}


def resume_market(market_id: int) -> Order:
    return {"command": "ResumeMarket", "market_id": market_id}


def suspend_event(event_id: int, *, reason: str) -> Order:
    return {"command": "SuspendEvent", "event_id": event_id, "reason": reason}


def close_market(market_id: int) -> Order:
    return {"command": "CloseMarket", "market_id": market_id}


def start_event(event_id: int) -> Order:
    return {"command": "StartEvent", "event_id": event_id}


def end_event(event_id: int) -> Order:
    return {"command": "EndEvent", "event_id": event_id}


def record_event_result(
    event_id: int, *, home: int, away: int, half_time: tuple[int, int] | None = None, sides: Iterable[str] | None = None
) -> Order:
    """Full time: the event ends and its bets are settled.

    Some markets want the score at half time, or which side scored each goal ("home", "away"), in order.
    """
    score: dict[str, Any] = {"home": home, "away": away}
    if half_time is not None:
        score["half_time"] = {"home": half_time[0], "away": half_time[1]}
    if sides is not None:
        score["goals"] = [{"side": side} for side in sides]
    return {"command": "RecordEventResult", "event_id": event_id, "score": score}


def heartbeat(feed: str) -> Order:
    return {"command": "FeedHeartbeat", "feed": feed}


# ------------------------------------------------------------------ what providers' feeds ask for beside


def starts_at(at_us: int) -> str:
    """An instant as the house writes it."""
    return text(at_us)


def create_named_market(
    *,
    event_id: int,
    kind: str,
    specifiers: Mapping[str, int],
    prices_milli: Mapping[str, int],
    feed: str,
    in_play: bool,
    delay_ms: int,
) -> Order:
    """`prices_milli` are by the selections' names, in their order."""
    return {
        "command": "CreateMarket",
        "event_id": event_id,
        "type": kind,
        "specifiers": dict(specifiers),
        "selections": list(prices_milli),
        "prices_milli": list(prices_milli.values()),
        "feed": feed,
        "in_play": in_play,
        "delay_ms": delay_ms,
    }


def set_some_prices(*, market_id: int, prices_milli: Mapping[int, int]) -> Order:
    """Prices by selection id; 0 takes one away."""
    prices = [{"selection_id": number, "price_milli": price_milli} for number, price_milli in prices_milli.items()]
    return {"command": "SetPrices", "market_id": market_id, "prices": prices}


def suspend_market(market_id: int, *, reason: str) -> Order:
    return {"command": "SuspendMarket", "market_id": market_id, "reason": reason}


def hand_over_market(market_id: int, *, feed: str) -> Order:
    return {"command": "HandOverMarket", "market_id": market_id, "feed": feed}


def reschedule_event(event_id: int, *, starts_at_us: int) -> Order:
    return {"command": "RescheduleEvent", "event_id": event_id, "starts_at": text(starts_at_us)}


def record_outcomes(market_id: int, *, verdicts: Mapping[int, Verdict], certainty: int) -> Order:
    """What became of every selection, by its id."""
    outcomes = [
        {"selection_id": number, "outcome": each.outcome.value, "places": each.places, "tied": each.tied}
        for number, each in verdicts.items()
    ]
    return {"command": "RecordResult", "market_id": market_id, "outcomes": outcomes, "certainty": certainty}


def roll_back_result(market_id: int) -> Order:
    return {"command": "RollbackResult", "market_id": market_id}


def cancel_bets(market_id: int, *, from_us: int | None, until_us: int | None, reason: str) -> Order:
    """Bets struck in the window are void."""
    return {"command": "CancelMarketBets", "market_id": market_id, **_window(from_us, until_us), "reason": reason}


def restore_bets(market_id: int, *, from_us: int | None, until_us: int | None) -> Order:
    """The same cancellation taken back."""
    return {"command": "RestoreMarketBets", "market_id": market_id, **_window(from_us, until_us)}


OPEN_END_US: Final = 200 * 366 * DAY_US
"""The end of a window that has none: after every bet that there will be."""


def _window(from_us: int | None, until_us: int | None) -> Order:
    return {"from_us": from_us or 0, "until_us": until_us or OPEN_END_US}
