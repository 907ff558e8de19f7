"""The navigation menu: sports, competitions, events and their markets as one tree."""

from typing import Any

from overround.edge.betfair.board import Board, MarketView
from overround.edge.betfair.definitions import is_over, starts_at_us
from overround.edge.betfair.figures import date, market_name
from overround.edge.betfair.sports import name_of, number_of, place_of


class Navigation:
    """The handler."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def menu(self) -> dict[str, Any]:
        """The whole tree of markets that are not closed."""
        sports: dict[int, dict[str, Any]] = {}
        groups: dict[int, dict[str, Any]] = {}
        events: dict[int, dict[str, Any]] = {}
        for view in self._board.markets.values():
            if is_over(view.market):
                continue
            sport, competition, event = place_of(view.catalogue, view.market.event_id)
            top = sports.setdefault(number_of(sport), _node("EVENT_TYPE", number_of(sport), name_of(sport)))
            if competition.id not in groups:
                group = groups[competition.id] = _node("GROUP", competition.id, competition.name)
                top["children"].append(group)
            if event.id not in events:
                node = events[event.id] = _node("EVENT", event.id, event.name)
                node["countryCode"] = view.market.terms.country
                groups[competition.id]["children"].append(node)
            events[event.id]["children"].append(_market(view))
        return {"type": "GROUP", "name": "ROOT", "id": 0, "children": list(sports.values())}


def _node(kind: str, number: int, name: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "id": str(number), "children": []}


def _market(view: MarketView) -> dict[str, Any]:
    terms = view.market.terms
    return {
        "type": "MARKET",
        "name": terms.name,
        "id": market_name(view.id),
        "exchangeId": "1",
        "marketType": terms.market_type,
        "marketStartTime": date(starts_at_us(view.market, view.catalogue)),
        "numberOfWinners": terms.winners,
    }
