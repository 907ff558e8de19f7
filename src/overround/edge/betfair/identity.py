"""Logging in and out in the dialect: the interactive form, the form with a client certificate, keepAlive and logout.

A session is a bearer token like any other: kept as a hash, good for 12 hours or until it is logged out. keepAlive lets
it last 12 hours from then on.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from overround.edge.access import Door, Need
from overround.edge.betfair.calls import MAX_APP_KEY_LENGTH, Caller
from overround.edge.problems import Problem
from overround.edge.sessions import Sessions
from overround.identity import Token
from overround.identity.types import MAX_PASSWORD_LENGTH, MAX_USERNAME_LENGTH

MAX_FIELDS: Final = 20


class LoginCode(StrEnum):
    """Every error that an endpoint answers; NO_SESSION is of keepAlive and logout."""

    INPUT_VALIDATION_ERROR = "INPUT_VALIDATION_ERROR"
    INVALID_USERNAME_OR_PASSWORD = "INVALID_USERNAME_OR_PASSWORD"  # noqa: S105  # no password
    CERT_AUTH_REQUIRED = "CERT_AUTH_REQUIRED"
    TEMPORARY_BAN_TOO_MANY_REQUESTS = "TEMPORARY_BAN_TOO_MANY_REQUESTS"
    NO_SESSION = "NO_SESSION"
    INTERNAL_ERROR = "INTERNAL_ERROR"


LOGIN_ERRORS: Final = {
    "credentials_wrong": LoginCode.INVALID_USERNAME_OR_PASSWORD,
    "locked_out": LoginCode.TEMPORARY_BAN_TOO_MANY_REQUESTS,
    "rate_limited": LoginCode.TEMPORARY_BAN_TOO_MANY_REQUESTS,
    "too_many_tokens": LoginCode.TEMPORARY_BAN_TOO_MANY_REQUESTS,
}
"""Our problems as the login answers them; whatever else is INTERNAL_ERROR."""


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What login, keepAlive and logout answer. `token` and `error` are empty where they say nothing."""

    token: str = ""
    product: str = ""
    status: str = "SUCCESS"
    error: str = ""


class CertSession(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """What certlogin answers."""

    login_status: str
    session_token: str = ""


def failed_login(name: str) -> Session | CertSession:
    """What an endpoint answers where the house is too busy, or broken."""
    if name == "certlogin":
        return CertSession(login_status=LoginCode.INTERNAL_ERROR)
    return Session(status="FAIL", error=LoginCode.INTERNAL_ERROR)


class Peer(msgspec.Struct, frozen=True):
    """What the connection shows: whether it is TLS, and the common name of its certificate, empty without one."""

    is_tls: bool
    common_name: str


class Identity:
    """The four endpoints."""

    def __init__(self, sessions: Sessions, door: Door) -> None:
        self._sessions, self._door = sessions, door

    async def answer(self, name: str, body: bytes, caller: Caller, peer: Peer) -> Session | CertSession | None:
        """What an endpoint answers, or None where there is none of that name."""
        match name:
            case "login":
                token, error = await self._log_in(body, caller)
                status = "FAIL" if error else "SUCCESS"
                return Session(token=token, product=caller.app_key, status=status, error=error or "")
            case "certlogin":
                token, error = await self._log_in(body, caller, peer=peer)
                return CertSession(login_status=error or "SUCCESS", session_token=token)
            case "keepAlive":
                return await self._keep_alive(caller)
            case "logout":
                return await self._log_out(caller)
            case _:
                return None

    async def _log_in(self, body: bytes, caller: Caller, *, peer: Peer | None = None) -> tuple[str, LoginCode | None]:
        """The token, or why there is none."""
        form = _form(body)
        username, password = form.get("username", ""), form.get("password", "")
        fits = 0 < len(username) <= MAX_USERNAME_LENGTH and 0 < len(password) <= MAX_PASSWORD_LENGTH
        if not fits or not 0 < len(caller.app_key) <= MAX_APP_KEY_LENGTH:
            return "", LoginCode.INPUT_VALIDATION_ERROR
        if peer is not None and peer.is_tls and peer.common_name.casefold() != username.casefold():
            return "", LoginCode.CERT_AUTH_REQUIRED
        try:
            self._door.address(caller.address)
            opened = await self._sessions.open(username, password)
        except Problem as problem:
            return "", LOGIN_ERRORS.get(problem.code, LoginCode.INTERNAL_ERROR)
        return opened.secret, None

    async def _keep_alive(self, caller: Caller) -> Session:
        token, failed = await self._session(caller)
        if token is None:
            return failed
        try:
            await self._sessions.prolong(token.id)
        except Problem:
            return _failed(caller, LoginCode.INTERNAL_ERROR)
        self._door.forget(token.id)
        return Session(token=caller.session.decode("latin-1"), product=caller.app_key)

    async def _log_out(self, caller: Caller) -> Session:
        token, failed = await self._session(caller)
        if token is None:
            return failed
        try:
            await self._sessions.close(token.id)
        except Problem as problem:
            if problem.code != "token_not_found":
                return _failed(caller, LoginCode.INTERNAL_ERROR)
        return Session(token=caller.session.decode("latin-1"), product=caller.app_key)

    async def _session(self, caller: Caller) -> tuple[Token | None, Session]:
        """The customer's token, or what to answer without one."""
        if not caller.app_key:
            return None, _failed(caller, LoginCode.INPUT_VALIDATION_ERROR)
        if not caller.session:
            return None, _failed(caller, LoginCode.NO_SESSION)
        try:
            entered = await self._door.enter(caller.session, caller.address)
        except Problem as problem:
            return None, _failed(
                caller, LoginCode.NO_SESSION if problem.code == "token_invalid" else LoginCode.INTERNAL_ERROR
            )
        if Need.CUSTOMER_READ not in entered.may:
            return None, _failed(caller, LoginCode.NO_SESSION)
        return entered.token, Session()


def _failed(caller: Caller, error: LoginCode) -> Session:
    return Session(product=caller.app_key, status="FAIL", error=error)


def _form(body: bytes) -> Mapping[str, str]:
    """The fields of an urlencoded form; of one that cannot be read, none."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    return dict(pairs)


def peer_of(transport: Any) -> Peer:
    """What a connection's transport shows. The certificate was checked in the handshake."""
    ssl_object = transport.get_extra_info("ssl_object") if transport is not None else None
    if ssl_object is None:
        return Peer(False, "")
    certificate = ssl_object.getpeercert() or {}
    names = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    return Peer(True, names[0] if names else "")
