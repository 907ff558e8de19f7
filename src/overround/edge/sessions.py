"""Identity as the gateway uses it: logging in and out, issuing and revoking tokens, with its refusals as problems."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from overround import identity
from overround.edge.problems import Problem
from overround.edge.reading import UNREACHABLE
from overround.edge.routes import Call, Reply
from overround.edge.values import SAFE_INTEGER, AtText, Secret, Text, at_text
from overround.identity import AppKey, AppKeys, IdentityRefused, Issued, Scope, Token
from overround.kernel.instant import HOUR_US, SECOND_US

if TYPE_CHECKING:
    from asyncpg import Pool, Record

SESSION_US: Final = 12 * HOUR_US
"""How long a customer stays logged in."""


class LoginBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    username: Text
    password: Secret


class SessionBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The token is shown this once."""

    token: str
    token_id: int
    customer_id: int
    expires_at: AtText


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A session that was just opened. `secret` is shown this once."""

    secret: str
    token_id: int
    customer_id: int
    expires_at_us: int


class TokenBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The token is shown this once. `actor` is who speaks with it: a customer's id, or below zero an operator."""

    token: str
    token_id: int
    actor: int


class TokenAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`name` is for people. Without `scopes`: customer for a customer's token, operator for others."""

    name: Text
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=3)] = ()


class OperatorTokenAsked(TokenAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`operator` is whose token it is, a number below zero; without it, one more operator's. Where a decision needs a
    second pair of eyes, one operator's tokens are one pair."""

    operator: Annotated[int, Meta(ge=-SAFE_INTEGER, le=-1)] | None = None


class Sessions:
    """The handlers, and identity on a pool of connections. `tell` says to the other gateways that a token is over."""

    def __init__(
        self,
        pool: "Pool[Record]",
        *,
        now_us: Callable[[], int],
        tell: Callable[[int], Awaitable[None]],
    ) -> None:
        self._pool, self._now_us, self._tell = pool, now_us, tell

    async def resolve(self, digest: bytes) -> Token | None:
        """The token with this hash, if it may be used now. Raises Problem: unavailable."""
        async with _asked():
            return await identity.resolve_hash(self._pool, digest)
        raise AssertionError

    async def log_in(self, call: Call) -> Reply:
        opened = await self.open(call.body.username, call.body.password)
        body = SessionBody(
            token=opened.secret,
            token_id=opened.token_id,
            customer_id=opened.customer_id,
            expires_at=at_text(opened.expires_at_us),
        )
        return Reply(201, body)

    async def open(self, username: str, password: str) -> Opened:
        """A new session of whoever's name and password these are.

        Raises Problem: credentials_wrong, locked_out, too_busy, too_many_tokens, unavailable.
        """
        now_us = self._now_us()
        expires_at_us = now_us + SESSION_US
        async with _asked(now_us):
            customer_id = await identity.verify_password(
                self._pool, username=username, password=password, now_us=now_us
            )
            issued = await identity.issue_token(
                self._pool,
                actor=customer_id,
                scopes=(Scope.CUSTOMER,),
                name="session",
                now_us=now_us,
                expires_at_us=expires_at_us,
            )
            return Opened(issued.secret, issued.id, customer_id, expires_at_us)
        raise AssertionError

    async def prolong(self, token_id: int) -> None:
        """Let a session last as long as if it began now; tokens without an end are left alone.

        Raises Problem: unavailable.
        """
        async with _asked():
            await identity.extend_token(self._pool, token_id, expires_at_us=self._now_us() + SESSION_US)

    async def close(self, token_id: int) -> None:
        """Raises Problem: token_not_found, unavailable."""
        await self._revoke(token_id)

    async def app_key(self, key: str) -> AppKey | None:
        """What an application key names. Raises Problem: unavailable."""
        async with _asked():
            return await identity.resolve_app_key(self._pool, key)
        raise AssertionError

    async def app_keys(self, customer_id: int) -> AppKeys | None:
        """A customer's application keys, if they were made. Raises Problem: unavailable."""
        async with _asked():
            return await identity.app_keys_of(self._pool, customer_id=customer_id)
        raise AssertionError

    async def make_app_keys(self, customer_id: int, name: str) -> AppKeys:
        """The same, made where there are none. Raises Problem: name_invalid, unavailable."""
        async with _asked():
            return await identity.make_app_keys(self._pool, customer_id=customer_id, name=name, now_us=self._now_us())
        raise AssertionError

    async def log_out(self, call: Call) -> Reply:
        assert call.token is not None
        await self._revoke(call.token.id)
        return Reply(204, b"")

    async def issue(self, *, actor: int, name: str, scopes: tuple[Scope, ...]) -> Issued:
        """Raises Problem: scopes_invalid, name_invalid, too_many_tokens, unavailable."""
        async with _asked():
            return await identity.issue_token(self._pool, actor=actor, scopes=scopes, name=name, now_us=self._now_us())
        raise AssertionError

    async def issue_for_operator(self, call: Call) -> Reply:
        scopes = call.body.scopes or (Scope.OPERATOR,)
        actor = call.body.operator or await self._new_operator()
        issued = await self.issue(actor=actor, name=call.body.name, scopes=scopes)
        return Reply(201, TokenBody(token=issued.secret, token_id=issued.id, actor=actor))

    async def _new_operator(self) -> int:
        async with _asked():
            return await identity.new_operator(self._pool)
        raise AssertionError

    async def issue_for_customer(self, call: Call) -> Reply:
        scopes = call.body.scopes or (Scope.CUSTOMER,)
        customer_id = call.number("customer_id")
        issued = await self.issue(actor=customer_id, name=call.body.name, scopes=scopes)
        return Reply(201, TokenBody(token=issued.secret, token_id=issued.id, actor=customer_id))

    async def revoke(self, call: Call) -> Reply:
        await self._revoke(call.number("token_id"))
        return Reply(204, b"")

    async def add_login(self, *, customer_id: int, username: str, password: str) -> None:
        """Raises Problem: username_invalid, password_invalid, username_taken, login_exists, too_busy, unavailable."""
        async with _asked():
            await identity.create_login(
                self._pool, customer_id=customer_id, username=username, password=password, now_us=self._now_us()
            )

    async def customer_of(self, username: str) -> int | None:
        """Whose login this is."""
        async with _asked():
            return await identity.customer_of(self._pool, username=username)
        raise AssertionError

    async def is_retry(self, *, username: str, password: str) -> bool:
        """Whether a username is taken by a login with this very password, as when a request to open a customer is
        repeated. Raises Problem: username_taken, locked_out, too_busy, unavailable."""
        if await self.customer_of(username) is None:
            return False
        now_us = self._now_us()
        try:
            async with _asked(now_us):
                await identity.verify_password(self._pool, username=username, password=password, now_us=now_us)
        except Problem as problem:
            raise (Problem("username_taken") if problem.code == "credentials_wrong" else problem) from None
        return True

    async def _revoke(self, token_id: int) -> None:
        async with _asked():
            revoked = await identity.revoke_token(self._pool, token_id, now_us=self._now_us())
        if not revoked:
            raise Problem("token_not_found")
        await self._tell(token_id)


@asynccontextmanager
async def _asked(now_us: int = 0) -> AsyncIterator[None]:
    """Identity's refusals, and a database that cannot be reached, as problems."""
    try:
        yield
    except IdentityRefused as refused:
        problem = Problem(refused.code.value)
        if refused.until_us:
            problem.retry_after_s = max(1, -(-(refused.until_us - now_us) // SECOND_US))
        raise problem from None
    except UNREACHABLE:
        raise Problem("unavailable") from None
