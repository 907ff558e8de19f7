"""Who asks: bearer tokens to principals, remembered for a few seconds; and how often they may.

Invariants: a token is held as its hash only; a token that was revoked is refused after one message or, should that be
lost, after `REMEMBER_S`; one lookup at a time for one token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from hashlib import sha256
from typing import Final

from overround.edge.problems import Problem
from overround.identity import Scope, Token
from overround.identity.tokens import SECRET_LENGTH

REMEMBER_S: Final = 5.0
MAX_REMEMBERED: Final = 100_000
MAX_ADDRESSES: Final = 50_000


class Need(StrEnum):
    """What an operation asks of whoever calls it. A customer's token never reaches what is an operator's, whatever
    its scopes, and the other way round."""

    NOTHING = "nothing"
    CUSTOMER = "customer"
    CUSTOMER_READ = "customer_read"
    SESSION = "session"
    OPERATOR = "operator"
    OPERATOR_READ = "operator_read"


def needs_met(token: Token) -> frozenset[Need]:
    """What a token may be used for.

    | scopes    | a customer's               | an operator's           |
    | customer  | customer, customer_read    |                         |
    | operator  |                            | operator, operator_read |
    | read_only | customer_read              | operator_read           |
    """
    side = (Need.CUSTOMER, Need.CUSTOMER_READ) if token.customer_id is not None else (Need.OPERATOR, Need.OPERATOR_READ)
    full = Scope.CUSTOMER if token.customer_id is not None else Scope.OPERATOR
    met = {Need.NOTHING, Need.SESSION}
    if full in token.scopes:
        met |= {*side}
    if Scope.READ_ONLY in token.scopes:
        met.add(side[1])
    return frozenset(met)


class Bucket:
    """A token bucket: `burst` at once, `per_s` from then on."""

    __slots__ = ("at_s", "burst", "left", "per_s")

    def __init__(self, *, per_s: float, burst: float, now_s: float) -> None:
        self.per_s, self.burst, self.left, self.at_s = per_s, burst, burst, now_s

    def take(self, now_s: float, cost: float = 1.0) -> bool:
        """Whether one more is allowed at this (monotonic) second."""
        left = self.left + (now_s - self.at_s) * self.per_s
        self.at_s = now_s
        if left > self.burst:
            left = self.burst
        if left < cost:
            self.left = left
            return False
        self.left = left - cost
        return True


class Pass:
    """A token while it is remembered: what it may be used for, and how often."""

    __slots__ = ("bucket", "may", "token", "until_s")

    def __init__(self, token: Token, bucket: Bucket, until_s: float) -> None:
        self.token, self.bucket, self.until_s = token, bucket, until_s
        self.may = needs_met(token)


Lookup = Callable[[bytes], Awaitable[Token | None]]
"""Asks identity for a token by its SHA-256."""


class Door:
    """Lets requests in."""

    def __init__(self, lookup: Lookup, *, per_token_s: float, per_address_s: float, now_us: Callable[[], int]) -> None:
        self._lookup = lookup
        self._per_token_s, self._per_address_s, self._now_us = per_token_s, per_address_s, now_us
        self._passes: dict[bytes, Pass] = {}
        self._asking: dict[bytes, asyncio.Future[Token | None]] = {}
        self._addresses: dict[str, Bucket] = {}
        self._clock = asyncio.get_running_loop().time

    async def enter(self, secret: bytes, address: str) -> Pass:
        """Whose token this is. Raises Problem: token_invalid, rate_limited."""
        digest = sha256(secret).digest()
        now_s = self._clock()
        found = self._passes.get(digest)
        if found is None or now_s >= found.until_s:
            found = await self._ask(digest, secret, address)
            now_s = self._clock()
        if not found.bucket.take(now_s):
            raise Problem("rate_limited")
        return found

    async def _ask(self, digest: bytes, secret: bytes, address: str) -> Pass:
        if len(secret) != SECRET_LENGTH:
            raise Problem("token_invalid")
        asking = self._asking.get(digest)
        if asking is None:
            if digest not in self._passes:
                self.address(address)
            asking = self._asking[digest] = asyncio.ensure_future(self._lookup(digest))
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        token = await asyncio.shield(asking)
        if token is None:
            self._passes.pop(digest, None)
            raise Problem("token_invalid")
        return self._remember(digest, token)

    def _remember(self, digest: bytes, token: Token) -> Pass:
        now_s = self._clock()
        left_s = (token.expires_at_us - self._now_us()) / 1e6 if token.expires_at_us else REMEMBER_S
        before = self._passes.pop(digest, None)
        if len(self._passes) >= MAX_REMEMBERED:
            del self._passes[next(iter(self._passes))]
        bucket = before.bucket if before else Bucket(per_s=self._per_token_s, burst=self._per_token_s, now_s=now_s)
        fresh = self._passes[digest] = Pass(token, bucket, now_s + min(left_s, REMEMBER_S))
        return fresh

    def forget(self, token_id: int) -> None:
        """A token was revoked: its next use asks identity."""
        for digest in [digest for digest, each in self._passes.items() if each.token.id == token_id]:
            self._passes[digest].until_s = 0.0

    def address(self, address: str) -> None:
        """Count something that no token stands for. Raises Problem: rate_limited."""
        now_s = self._clock()
        bucket = self._addresses.get(address)
        if bucket is None:
            if len(self._addresses) >= MAX_ADDRESSES:
                del self._addresses[next(iter(self._addresses))]
            bucket = Bucket(per_s=self._per_address_s, burst=self._per_address_s, now_s=now_s)
            self._addresses[address] = bucket
        if not bucket.take(now_s):
            raise Problem("rate_limited")
