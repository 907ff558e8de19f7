"""What a gateway asks whoever prices bet builders, and what it is told: JSON over the bus, a question and a reply."""

from typing import Final

import msgspec

SUBJECT: Final = "{cell}.pricing.builder"

NOT_POSSIBLE: Final = "builder_not_possible"
"""These selections can never all win, or are of kinds that do not go together."""

NO_PRICE: Final = "no_builder_price"
"""They could, but nobody has a price for them now."""


class BuilderWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Selections of one event, (market_id, selection_id), that a customer wants as one."""

    event_id: int
    parts: tuple[tuple[int, int], ...]


class BuilderOffered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The price that the book has for them at least until `expires_at_us`; or `code` says why there is none."""

    builder_id: int = 0
    price_milli: int = 0
    expires_at_us: int = 0
    code: str = ""
