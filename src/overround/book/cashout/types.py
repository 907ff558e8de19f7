"""What a cash-out is made of: quotes, what waits for its in-play delay, standing rules, and how far these are seen."""

from typing import Final

import msgspec

from overround.kernel.instant import SECOND_US

QUOTE_US: Final = 10 * SECOND_US
"""How long a quote may be taken."""

MAX_QUOTES: Final = 100_000
"""Quotes that may be taken at a time. Each lasts seconds, and a bet has one."""

MAX_RULES: Final = 1_000_000
"""Standing rules of the whole house; a bet has one."""

RULE_STEP: Final = 50
"""Rules looked at by one fact, so that a market with a million of them never keeps placing waiting."""


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was offered for a part of a bet's stake, until an instant."""

    id: int
    bet_id: int
    customer_id: int
    stake_minor: int
    amount_minor: int
    expires_at_us: int


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A cash-out that waits for its in-play delay. `versions` are those of the markets of its open legs when it was
    asked for: (market_id, version). `by_rule` says that a standing rule asked."""

    id: int
    bet_id: int
    stake_minor: int
    amount_minor: int
    asked_at_us: int
    decide_at_us: int
    versions: tuple[tuple[int, int], ...]
    by_rule: bool = False


class Rule(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Cash out this portion of what runs of a bet, as soon as it pays `at_least_minor`. `markets` are the bet's."""

    id: int
    bet_id: int
    at_least_minor: int
    portion_bps: int
    markets: tuple[int, ...]


class Scan(msgspec.Struct, array_like=True, gc=False):
    """How far the rules of a market are seen, in the order of their ids. Those after `after` come next, to the end and
    from the start again, up to and with `until`; `wrapped` says that the end was passed."""

    after: int = 0
    until: int = 0
    wrapped: bool = False


class Kept(msgspec.Struct, array_like=True):
    """What a snapshot keeps."""

    made: int
    rules_made: int
    quotes: list[Quote]
    waiting: list[Waiting]
    rules: list[Rule]
    scans: dict[int, Scan]
