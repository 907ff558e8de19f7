"""Which markets a filter means, for the stream and for the lists."""

from collections.abc import Iterable, Sequence

from overround.book.catalogue import CatalogueState
from overround.book.exchange import ExchangeMarket
from overround.edge.betfair import asked, bettingparams
from overround.edge.betfair.board import MarketView
from overround.edge.betfair.definitions import PASSIVE, betting_type, starts_at_us
from overround.edge.betfair.figures import market_name, micros
from overround.edge.betfair.sports import number_of, place_of


def fits(wanted: Sequence[object] | None, value: object) -> bool:
    """Whether a value is one of those wanted; none wanted means any."""
    return not wanted or value in wanted


def matches(wanted: asked.MarketFilter, view: MarketView) -> bool:
    """Whether a market is one that a subscription asks for."""
    market, terms = view.market, view.market.terms
    if not fits(wanted.market_ids, market_name(market.id)):
        return False
    return (
        wanted.bsp_market in (None, terms.bsp)
        and wanted.turn_in_play_enabled in (None, terms.turn_in_play)
        and fits(wanted.betting_types, betting_type(terms.betting))
        and fits(wanted.event_ids, market.event_id)
        and (not wanted.event_type_ids or _event_type(market, view.catalogue) in wanted.event_type_ids)
        and fits(wanted.market_types, terms.market_type)
        and fits(wanted.venues, terms.venue)
        and fits(wanted.country_codes, terms.country)
        and fits(wanted.race_types, terms.race_type)
        and _models_fit(wanted.bet_delay_models, market)
    )


def chosen(wanted: bettingparams.MarketFilter, views: Iterable[MarketView]) -> list[MarketView]:
    """The markets that a list asks for."""
    return [view for view in views if _is_listed(wanted, view)]


def _is_listed(wanted: bettingparams.MarketFilter, view: MarketView) -> bool:
    market, terms, catalogue = view.market, view.market.terms, view.catalogue
    if not fits(wanted.market_ids, market_name(market.id)) or not fits(wanted.event_ids, market.event_id):
        return False
    sport, competition, event = place_of(catalogue, market.event_id)
    between = wanted.market_start_time
    starts_us = starts_at_us(market, catalogue)
    return (
        wanted.bsp_only in (None, terms.bsp)
        and wanted.turn_in_play_enabled in (None, terms.turn_in_play)
        and wanted.in_play_only in (None, market.in_play)
        and fits(wanted.event_type_ids, number_of(sport))
        and fits(wanted.competition_ids, competition.id)
        and fits(wanted.market_betting_types, betting_type(terms.betting))
        and fits(wanted.market_countries, terms.country)
        and fits(wanted.market_type_codes, terms.market_type)
        and fits(wanted.venues, terms.venue)
        and fits(wanted.race_types, terms.race_type)
        and _models_fit(wanted.bet_delay_models, market)
        and (not wanted.text_query or _is_named(wanted.text_query, event.name, terms.name))
        and is_between(between, starts_us)
    )


def is_between(between: bettingparams.TimeRange | None, at_us: int) -> bool:
    """Whether an instant is in a range, ends included; no range is any time."""
    if between is None:
        return True
    after = between.from_ is None or at_us >= micros(between.from_)
    return after and (between.to is None or at_us <= micros(between.to))


def _is_named(query: str, *names: str) -> bool:
    """Whether every word of a query, `*` at its end or not, is in one of the names."""
    text = " ".join(names).casefold()
    return all(word.strip("*") in text for word in query.casefold().split())


def _event_type(market: ExchangeMarket, catalogue: CatalogueState) -> int:
    return number_of(place_of(catalogue, market.event_id)[0])


def _models_fit(wanted: Sequence[str] | None, market: ExchangeMarket) -> bool:
    return not wanted or (PASSIVE in wanted and market.passive)
