"""Short words for the Unified Odds Feed's messages, and where its recorded samples are."""

import os
from pathlib import Path

from overround.feeds.uof.messages import (
    Alive,
    MarketName,
    MarketOdds,
    MarketResult,
    MarketStatus,
    OddsChange,
    OutcomeOdds,
    OutcomeResult,
    SnapshotComplete,
)

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("OVERROUND_SHARED_DATA") or ROOT.parent / "shared" / "data")
SAMPLES = SHARED / "uof" / "minus5-go-uof-sdk"

MATCH = "sr:match:18001015"
RESULT = MarketName(id=1)


def total(line: str) -> MarketName:
    return MarketName(id=18, specifiers=(("total", line),))


def alive(at_s: int, *, product: int = 1, subscribed: bool = True) -> Alive:
    return Alive(product=product, timestamp_ms=at_s * 1_000, subscribed=subscribed)


def complete(request_id: int, *, product: int = 1, at_s: int = 0) -> SnapshotComplete:
    return SnapshotComplete(product=product, timestamp_ms=at_s * 1_000, request_id=request_id)


def odds(
    at_s: int,
    market: MarketName = RESULT,
    prices: tuple[int, ...] = (2_080, 3_310, 3_370),
    *,
    status: MarketStatus = MarketStatus.ACTIVE,
    product: int = 1,
    first: int = 1,
) -> OddsChange:
    outcomes = tuple(OutcomeOdds(id=str(number), price_milli=price) for number, price in enumerate(prices, first))
    return OddsChange(
        product=product,
        timestamp_ms=at_s * 1_000,
        event=MATCH,
        markets=(MarketOdds(market=market, status=status, outcomes=outcomes),),
    )


def result(won: str = "1", market: MarketName = RESULT, outcomes: tuple[str, ...] = ("1", "2", "3")) -> MarketResult:
    return MarketResult(
        market=market, outcomes=tuple(OutcomeResult(id=each, result=int(each == won)) for each in outcomes)
    )
