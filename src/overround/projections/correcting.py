"""How what is taken back, what is bounded and what is quoted changes the tables."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from overround.book import catalogue
from overround.book.bets import BuilderPriced
from overround.book.limits import CapSet
from overround.book.settlement import MarketBetsCancelled, MarketBetsRestored, ResultRolledBack
from overround.projections.underway import Folding, act, as_json, market_changed


def _result_rolled_back(at: Folding, fact: ResultRolledBack) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.roll_market_back(market)
    at.known.resulted[market.id].result = None
    at.changes.results.append((market.id, fact.revision, at.seq, at.at_us, None, 0))
    market_changed(at, market, before)
    act(at, fact)


def _bets_cancelled(at: Folding, fact: MarketBetsCancelled) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.cancel_window(market, fact.from_us, fact.until_us)
    window = market.id, fact.revision, at.seq, at.at_us, fact.from_us, fact.until_us, fact.reason, True
    at.changes.windows.append(window)
    market_changed(at, market, before)
    act(at, fact)


def _bets_restored(at: Folding, fact: MarketBetsRestored) -> None:
    market = at.known.catalogue.markets[fact.market_id]
    before = market.version
    catalogue.restore_window(market, fact.from_us, fact.until_us)
    at.changes.windows.append((market.id, fact.revision, at.seq, at.at_us, fact.from_us, fact.until_us, "", False))
    market_changed(at, market, before)
    act(at, fact)


def _cap_set(at: Folding, fact: CapSet) -> None:
    scope = fact.level, fact.id, fact.selection_id, fact.currency
    at.changes.caps[scope] = (*scope, *msgspec.structs.astuple(fact.cap))
    act(at, fact)


def _builder_priced(at: Folding, fact: BuilderPriced) -> None:
    parts, versions = as_json(fact.parts), as_json(fact.versions)
    at.changes.builders.append(
        (fact.builder_id, fact.event_id, parts, versions, fact.price_milli, fact.expires_at_us, at.seq, at.at_us)
    )


CORRECTIONS: Final[dict[type, Callable[[Folding, Any], None]]] = {
    ResultRolledBack: _result_rolled_back,
    MarketBetsCancelled: _bets_cancelled,
    MarketBetsRestored: _bets_restored,
    CapSet: _cap_set,
    BuilderPriced: _builder_priced,
}
