"""The levels at which a house bounds, stops and sums: from one customer or selection up to everything there is."""

from enum import StrEnum


class Level(StrEnum):
    """From the narrowest to the widest, in the order in which limits speak where several are as narrow."""

    PLAYER = "player"
    SELECTION = "selection"
    MARKET = "market"
    EVENT = "event"
    COMPETITION = "competition"
    SPORT = "sport"
    PLATFORM = "platform"
