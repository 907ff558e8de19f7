"""Kinds of values that requests of the dialect carry, each with its bounds. Numbers may come as text, as on Betfair."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from overround.edge.values import NO_CONTROLS, SAFE_INTEGER

MAX_IDS = 250
"""Ids in one request, of markets and bets together: more is REQUEST_SIZE_EXCEEDS_LIMIT."""

MAX_BET_IDS = 1_000

Number = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
"""Ids of events, competitions, bets, selections."""

Count = Annotated[int, Meta(ge=0, le=SAFE_INTEGER)]
Name = Annotated[str, Meta(max_length=200, pattern=NO_CONTROLS)]
Ref = Annotated[str, Meta(max_length=200)]
"""A customer's own reference. Its length is checked by the operation, which has a word for one that is too long."""

Amount = Decimal
Moment = datetime


class Params(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of what read operations take. A member that is not known is left alone."""


class StrictParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The base of what moves money: a member that is not known refuses the whole."""


class Shape(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """The base of what is answered. What is None is not written."""
