"""Sports by the numbers that Betfair gives them, since programs ask for these. A sport that Betfair has no number for
is among the special bets."""

from typing import Final

from overround.book.catalogue import CatalogueState, Competition, Event, Sport

SPECIALS: Final = 10
HORSES: Final = 7
GREYHOUNDS: Final = 4_339

NUMBERS: Final = {
    "football": 1, "soccer": 1, "tennis": 2, "golf": 3, "cricket": 4, "rugby union": 5, "boxing": 6,
    "horse racing": HORSES, "motor sport": 8, "special bets": SPECIALS, "cycling": 11, "rugby league": 1477,
    "darts": 3503, "athletics": 3988, "greyhound racing": GREYHOUNDS, "greyhounds": GREYHOUNDS, "snooker": 6422,
    "american football": 6423, "baseball": 7511, "basketball": 7522, "ice hockey": 7524, "australian rules": 61420,
    "poker": 315220, "handball": 468328, "politics": 2378961, "table tennis": 2593174, "volleyball": 998917,
    "esports": 27454571, "mixed martial arts": 26420387,
}  # fmt: skip

NAMES: Final = {1: "Soccer", SPECIALS: "Special Bets", GREYHOUNDS: "Greyhound Racing"}
"""Where the dialect's name is another than ours."""


def number_of(sport: Sport) -> int:
    """The number of a sport."""
    return NUMBERS.get(sport.name.casefold(), SPECIALS)


def name_of(sport: Sport) -> str:
    """What the dialect calls it."""
    return NAMES.get(number_of(sport), sport.name)


def place_of(catalogue: CatalogueState, event_id: int) -> tuple[Sport, Competition, Event]:
    """Where an event stands in the catalogue."""
    event = catalogue.events[event_id]
    competition = catalogue.competitions[event.competition_id]
    return catalogue.sports[competition.sport_id], competition, event
