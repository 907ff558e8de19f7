"""The one door for settings: environment variables, read once, frozen, handed down."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080
DEFAULT_STREAM_PORT = 8443
DEFAULT_CELL = "overround"
ODDS_API = "https://api.the-odds-api.com"


class InvalidSetting(ValueError):
    """A setting that cannot be: its name, and why."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is told. An address of None means: bring your own engine (`overround up` only).

    `trusted_proxies` (addresses, separated by commas) are believed when they say who their client is. `stream_port` is
    the exchange stream's; a gateway without one has no such stream, and `overround up` finds one.
    """

    data: Path
    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    stream_port: int | None = None
    stream_certificate: Path | None = None
    stream_key: Path | None = None
    client_ca: Path | None = None
    database_url: str | None = None
    nats_url: str | None = None
    cell: str = DEFAULT_CELL
    name: str = ""
    lease_s: float = 1.0
    log_style: Literal["human", "json"] = "human"
    log_level: str = "INFO"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allow_plaintext: bool = False
    nats_ca: Path | None = None
    nats_certificate: Path | None = None
    nats_key: Path | None = None
    gateway_ca: Path | None = None
    trusted_proxies: str = ""
    gateway_url: str | None = None
    operator_token: str | None = None
    uof_url: str | None = None
    uof_api_url: str | None = None
    uof_token: str | None = None
    odds_api_url: str = ODDS_API
    odds_api_key: str | None = None
    move_prices: bool = False

    @property
    def dsn(self) -> str:
        """The database's address, for a role that needs one. Raises InvalidSetting without."""
        if self.database_url is None:
            raise InvalidSetting("OVERROUND_DATABASE_URL is not set (a role alone needs an existing PostgreSQL)")
        return self.database_url

    @property
    def bus_url(self) -> str:
        """The NATS address, for a role that needs one. Raises InvalidSetting without."""
        if self.nats_url is None:
            raise InvalidSetting("OVERROUND_NATS_URL is not set (a role alone needs an existing NATS)")
        return self.nats_url

    @property
    def endpoints_file(self) -> Path:
        """Where `overround up` writes every address, the operator's token and the demo customers."""
        return self.data / "endpoints.json"


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Read `OVERROUND_*`. Raises InvalidSetting."""
    given = os.environ if environment is None else environment

    def value(name: str) -> str | None:
        return given.get(f"OVERROUND_{name}") or None

    return Settings(
        data=Path(value("DATA") or ".overround").expanduser().absolute(),
        host=value("HOST") or LOOPBACK,
        port=_whole(value("PORT"), "OVERROUND_PORT", DEFAULT_PORT, least=1, most=65_535),
        stream_port=_whole(value("STREAM_PORT"), "OVERROUND_STREAM_PORT", 0, least=1, most=65_535) or None,
        stream_certificate=_path(value("STREAM_CERTIFICATE")),
        stream_key=_path(value("STREAM_KEY")),
        client_ca=_path(value("CLIENT_CA")),
        database_url=value("DATABASE_URL"),
        nats_url=value("NATS_URL"),
        cell=value("CELL") or DEFAULT_CELL,
        name=value("NAME") or f"{socket.gethostname()}-{os.getpid()}",
        lease_s=_whole(value("LEASE_MS"), "OVERROUND_LEASE_MS", 1_000, least=200, most=60_000) / 1_000,
        log_style="json"
        if _one_of(value("LOG_STYLE"), "OVERROUND_LOG_STYLE", ("human", "json")) == "json"
        else "human",
        log_level=_one_of(value("LOG_LEVEL"), "OVERROUND_LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR")),
        tls_certificate=_path(value("TLS_CERTIFICATE")),
        tls_key=_path(value("TLS_KEY")),
        allow_plaintext=_one_of(value("ALLOW_PLAINTEXT"), "OVERROUND_ALLOW_PLAINTEXT", ("0", "1")) == "1",
        nats_ca=_path(value("NATS_CA")),
        nats_certificate=_path(value("NATS_CERTIFICATE")),
        nats_key=_path(value("NATS_KEY")),
        gateway_ca=_path(value("GATEWAY_CA")),
        trusted_proxies=value("TRUSTED_PROXIES") or "",
        gateway_url=value("GATEWAY_URL"),
        operator_token=value("OPERATOR_TOKEN"),
        uof_url=value("UOF_URL"),
        uof_api_url=value("UOF_API_URL"),
        uof_token=value("UOF_TOKEN"),
        odds_api_url=value("ODDS_API_URL") or ODDS_API,
        odds_api_key=value("ODDS_API_KEY"),
        move_prices=_one_of(value("MOVE_PRICES"), "OVERROUND_MOVE_PRICES", ("0", "1")) == "1",
    )


def _whole(text: str | None, name: str, default: int, *, least: int, most: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
        raise InvalidSetting(f"{name} is {text!r}; it must be a whole number from {least} to {most}")
    return int(text)


def _one_of(text: str | None, name: str, known: tuple[str, ...]) -> str:
    if text is None:
        return known[0]
    if text not in known:
        raise InvalidSetting(f"{name} is {text!r}; it must be one of {', '.join(known)}")
    return text


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process read these settings again."""
    pairs = {
        "DATA": str(settings.data),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "STREAM_PORT": settings.stream_port,
        "STREAM_CERTIFICATE": settings.stream_certificate,
        "STREAM_KEY": settings.stream_key,
        "CLIENT_CA": settings.client_ca,
        "DATABASE_URL": settings.database_url,
        "NATS_URL": settings.nats_url,
        "CELL": settings.cell,
        "NAME": settings.name,
        "LEASE_MS": str(round(settings.lease_s * 1_000)),
        "LOG_STYLE": settings.log_style,
        "LOG_LEVEL": settings.log_level,
        "TLS_CERTIFICATE": settings.tls_certificate,
        "TLS_KEY": settings.tls_key,
        "ALLOW_PLAINTEXT": "1" if settings.allow_plaintext else None,
        "NATS_CA": settings.nats_ca,
        "NATS_CERTIFICATE": settings.nats_certificate,
        "NATS_KEY": settings.nats_key,
        "GATEWAY_CA": settings.gateway_ca,
        "TRUSTED_PROXIES": settings.trusted_proxies or None,
        "GATEWAY_URL": settings.gateway_url,
        "OPERATOR_TOKEN": settings.operator_token,
        "UOF_URL": settings.uof_url,
        "UOF_API_URL": settings.uof_api_url,
        "UOF_TOKEN": settings.uof_token,
        "ODDS_API_URL": settings.odds_api_url,
        "ODDS_API_KEY": settings.odds_api_key,
        "MOVE_PRICES": "1" if settings.move_prices else None,
    }
    return {f"OVERROUND_{name}": str(told) for name, told in pairs.items() if told is not None}
