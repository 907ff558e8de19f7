"""The plain twin of the fold of grants: their rows, said by the replayed machine."""

from collections.abc import Iterator

import msgspec

from overround.book.machine import State
from overround.book.promotions import (
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    Grant,
    GrantRevoked,
)
from overround.kernel.fact import Fact


class GrantsPast(msgspec.Struct):
    """`given` are the machine's own grants, each with its note, its giver and its fact: what nobody used in time the
    machine forgets, and the table does not. `ended_us` is when some of them ended."""

    given: dict[int, tuple[Grant, str, int, int]] = {}
    ended_us: dict[int, int] = {}

    def see(self, fact: Fact, state: State) -> None:
        match fact:
            case FreeBetGranted() | BoostGranted() | BonusGranted():
                actor = fact.cause.actor if fact.cause else 0
                self.given[fact.grant_id] = state.promotions.grants[fact.grant_id], fact.note, actor, state.seq
            case BonusReleased(late=False) | BonusExpired(late=False) | GrantRevoked():
                self.ended_us[fact.grant_id] = state.at_us
            case _:
                pass

    def rows(self) -> Iterator[tuple[object, ...]]:
        for grant, note, actor, seq in self.given.values():
            yield (
                grant.id,
                grant.customer_id,
                grant.currency,
                grant.kind,
                grant.amount_minor,
                grant.min_price_milli,
                grant.percent_bps,
                grant.required_minor,
                grant.wagered_minor,
                grant.status,
                grant.granted_at_us,
                grant.expires_at_us,
                self.ended_us.get(grant.id, 0),
                note,
                actor,
                seq,
            )
