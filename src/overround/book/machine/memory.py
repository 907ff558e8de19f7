"""The memory of keys: the first answer to every key for as long as the key may be used again, and exact for ever.

A key carries its own time (UUIDv7). One older than the window is refused rather than guessed at, so what is older than
window and skew together can be forgotten without ever answering wrongly.
"""

from collections import deque
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from overround.book.bets import Bet, BetStatus
from overround.book.machine.answers import Answer, BetAnswer
from overround.kernel.fact import Cause
from overround.kernel.ids import InvalidKey, key_at_us, parse_key
from overround.kernel.instant import HOUR_US, MINUTE_US

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
OPEN: Final = BetStatus.OPEN

KEY_WINDOW_US: Final = 24 * HOUR_US
KEY_SKEW_US: Final = 5 * MINUTE_US


class KeyRefusal(StrEnum):
    """Every way a key is refused, in the order checked. None of these is remembered."""

    KEY_INVALID = "key_invalid"
    KEY_REUSED = "key_reused"
    KEY_EXPIRED = "key_expired"
    KEY_FROM_THE_FUTURE = "key_from_the_future"


class Remembered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The first answer to a key, given at `at_us` to a request whose hash is `content`."""

    key: bytes
    at_us: int
    content: int
    answer: Answer


class Memory(msgspec.Struct):
    """By scoped key. A bet taken at once remembers its own request, which halves what a bet costs."""

    entries: dict[bytes, Bet | Remembered]
    order: deque[bytes]

    def remember(self, entry: Bet | Remembered) -> None:
        self.entries[entry.key] = entry
        self.order.append(entry.key)

    def latest(self) -> "Bet | Remembered":
        """What was remembered last. Raises IndexError where nothing is."""
        return self.entries[self.order[-1]]

    def forget(self, *, now_us: int) -> None:
        """Drop what no key can name any more."""
        horizon_us = now_us - KEY_WINDOW_US - KEY_SKEW_US
        entries, order = self.entries, self.order
        while order and arrived_at_us(entries[order[0]]) < horizon_us:
            del entries[order.popleft()]


def forget_bet(memory: Memory, bet: Bet) -> None:
    """A bet leaves: as long as its key may be used, its first answer stays."""
    if memory.entries.get(bet.key) is bet:
        memory.entries[bet.key] = Remembered(bet.key, bet.placed_at_us, bet.content, first_answer(bet))


def arrived_at_us(entry: Bet | Remembered) -> int:
    return entry.placed_at_us if isinstance(entry, Bet) else entry.at_us


@lru_cache(maxsize=1)
def scope(actor: int, key: str) -> bytes:
    """A key belongs to whoever uses it: 16 bytes of the key, 8 of the actor. Raises kernel.ids.InvalidKey.

    The last one is kept, as a key that was just looked up is remembered next.
    """
    if not -(1 << 63) <= actor < 1 << 63:
        raise InvalidKey(key)
    return parse_key(key) + actor.to_bytes(8, "big", signed=True)


def scope_of(cause: Cause) -> bytes:
    return scope(cause.actor, cause.key)


def first_answer(entry: Bet | Remembered) -> Answer:
    """What the first request with this key was told."""
    if isinstance(entry, Remembered):
        return entry.answer
    return BetAnswer(entry.id, OPEN, entry.stake_minor, entry.price_milli, entry.placed_at_us, 0, entry.seq)


def age_refusal(scoped: bytes, *, now_us: int) -> KeyRefusal | None:
    """Whether a key that is not remembered is too old, or too new, to be used."""
    made_at_us = key_at_us(scoped)
    if made_at_us < now_us - KEY_WINDOW_US:
        return KeyRefusal.KEY_EXPIRED
    if made_at_us > now_us + KEY_SKEW_US:
        return KeyRefusal.KEY_FROM_THE_FUTURE
    return None
