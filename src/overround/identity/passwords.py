"""Hashing passwords: scrypt (RFC 7914), on a few threads of its own, never on the event loop."""

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from overround.identity.types import IdentityRefused, Refusal

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
MAX_MEMORY_BYTES: Final = 256 * 1024 * 1024
HASHING_THREADS: Final = 2
MAX_WAITING: Final = 64
"""Passwords that may wait for a thread; more are refused at once."""


class Cost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one guess costs: 128 × n × r bytes of memory, p times in a row."""

    n: int = 1 << 14
    r: int = 8
    p: int = 5


DEFAULT_COST: Final = Cost()
"""16 MiB, five times: the OWASP Password Storage Cheat Sheet's scrypt setting for this memory."""


class Hashed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A password as it is kept, with what it was hashed with."""

    salt: bytes
    cost: Cost
    hash: bytes


DECOY: Final = Hashed(salt=bytes(SALT_BYTES), cost=DEFAULT_COST, hash=bytes(HASH_BYTES))
"""What the password of an unknown user is compared with: as much work, never a match."""


class _Hashers:
    """The threads, and how many passwords wait for one."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="scrypt")
        self._waiting = 0

    async def derive(self, password: str, *, salt: bytes, cost: Cost) -> bytes:
        if self._waiting >= MAX_WAITING:
            raise IdentityRefused(Refusal.TOO_BUSY)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _derive, password, salt, cost)
        finally:
            self._waiting -= 1


_hashers = _Hashers()


async def hash_password(password: str, *, cost: Cost = DEFAULT_COST) -> Hashed:
    """Hash a new password with a salt of its own. Raises IdentityRefused (too_busy)."""
    salt = secrets.token_bytes(SALT_BYTES)
    return Hashed(salt=salt, cost=cost, hash=await _hashers.derive(password, salt=salt, cost=cost))


async def matches(password: str, hashed: Hashed) -> bool:
    """Whether it is this password, compared in constant time. Raises IdentityRefused (too_busy)."""
    derived = await _hashers.derive(password, salt=hashed.salt, cost=hashed.cost)
    return hmac.compare_digest(derived, hashed.hash)


def _derive(password: str, salt: bytes, cost: Cost) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        maxmem=MAX_MEMORY_BYTES,
        dklen=HASH_BYTES,
    )
