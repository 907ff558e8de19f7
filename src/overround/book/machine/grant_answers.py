"""What is answered about promotions."""

import msgspec

from overround.book.promotions import GrantKind, GrantStatus


class GrantNow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A grant as it is. `available` says whether a ticket may name it now; what is not of its kind is 0."""

    grant_id: int
    currency: str
    kind: GrantKind
    status: GrantStatus
    available: bool
    amount_minor: int
    min_price_milli: int
    percent_bps: int
    required_minor: int
    wagered_minor: int
    granted_at_us: int
    expires_at_us: int


class GrantsNow(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="grants"):
    """Of a customer's grants the newest, at most 200."""

    customer_id: int
    grants: tuple[GrantNow, ...]
    seq: int
