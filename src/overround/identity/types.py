"""What crosses identity's door: scopes, tokens, and what can go wrong."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Asker: TypeAlias = Connection[Record] | Pool[Record] | PoolConnectionProxy[Record]

OPERATOR_ACTOR: Final = -1
"""The operator who made the house. Further operators and services are other numbers below zero."""

MIN_PASSWORD_LENGTH: Final = 8
MAX_PASSWORD_LENGTH: Final = 256
MAX_USERNAME_LENGTH: Final = 64
MAX_TOKEN_NAME_LENGTH: Final = 100
MAX_TOKENS_PER_ACTOR: Final = 1_000
"""Tokens of one actor that can be used at a time."""


class Scope(StrEnum):
    """What a token may be used for."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    READ_ONLY = "read_only"


class Refusal(StrEnum):
    """Every way identity says no."""

    USERNAME_INVALID = "username_invalid"
    PASSWORD_INVALID = "password_invalid"  # noqa: S105  # a code, no password
    USERNAME_TAKEN = "username_taken"
    LOGIN_EXISTS = "login_exists"
    CREDENTIALS_WRONG = "credentials_wrong"
    LOCKED_OUT = "locked_out"
    TOO_BUSY = "too_busy"
    SCOPES_INVALID = "scopes_invalid"
    NAME_INVALID = "name_invalid"
    TOO_MANY_TOKENS = "too_many_tokens"


class IdentityRefused(Exception):
    """Nothing was changed. `until_us` says when to try again, 0 where that is no matter of time."""

    def __init__(self, code: Refusal, *, until_us: int = 0) -> None:
        super().__init__(code.value)
        self.code, self.until_us = code, until_us


class Issued(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new token. `secret` is shown this once and kept nowhere."""

    id: int
    secret: str

    def __repr__(self) -> str:
        return f"Issued(id={self.id})"


class AppKeys(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The two keys of a customer's programs, under a name for people."""

    customer_id: int
    name: str
    live: str
    delayed: str
    created_at_us: int


class AppKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One key as it comes with a request: whose program it names, and whether it sees prices late."""

    owner_id: int
    is_delayed: bool


class Token(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A token as it is kept. `customer_id` is None for operators and services; `expires_at_us` of 0 is never."""

    id: int
    actor: int
    scopes: tuple[Scope, ...]
    customer_id: int | None
    name: str
    created_at_us: int
    expires_at_us: int
    revoked_at_us: int
