"""Certificates as the settings name them, read before anything listens or connects, so a wrong one is said at once."""

import ipaddress
import ssl
from pathlib import Path

from overround.apps.settings import InvalidSetting, Settings
from overround.infra.certificate import self_signed


def check_door(settings: Settings) -> None:
    """The gateway's certificate and key fit, and nothing is said in the clear to other machines unless that is wanted.

    Raises InvalidSetting.
    """
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise InvalidSetting("OVERROUND_TLS_CERTIFICATE and OVERROUND_TLS_KEY go together; one of them is not set")
    if settings.tls_certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _load_pair(context, "OVERROUND_TLS", settings.tls_certificate, settings.tls_key)
        if settings.client_ca is not None:
            trusting(settings.client_ca, "OVERROUND_CLIENT_CA")
    elif settings.client_ca is not None:
        raise InvalidSetting("OVERROUND_CLIENT_CA is set, so the gateway needs OVERROUND_TLS_CERTIFICATE and _KEY")
    elif not is_loopback(settings.host) and not settings.allow_plaintext:
        raise InvalidSetting(
            f"OVERROUND_HOST is {settings.host!r}, which other machines reach, and there is no TLS: set"
            " OVERROUND_TLS_CERTIFICATE and OVERROUND_TLS_KEY, or OVERROUND_ALLOW_PLAINTEXT=1 behind a proxy with TLS"
        )


def for_stream(settings: Settings, *, now_us: int) -> ssl.SSLContext:
    """The exchange stream's certificate: its own, or the gateway's, or one that this house signs for itself.

    Raises InvalidSetting.
    """
    if (settings.stream_certificate is None) != (settings.stream_key is None):
        raise InvalidSetting(
            "OVERROUND_STREAM_CERTIFICATE and OVERROUND_STREAM_KEY go together; one of them is not set"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.stream_certificate is not None:
        _load_pair(context, "OVERROUND_STREAM", settings.stream_certificate, settings.stream_key)
    elif settings.tls_certificate is not None:
        _load_pair(context, "OVERROUND_TLS", settings.tls_certificate, settings.tls_key)
    else:
        certificate, key = self_signed(settings.data, host=settings.host, now_us=now_us)
        _load_pair(context, "the house's own certificate", certificate, key)
    return context


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. A name other than localhost may be anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def for_nats(settings: Settings) -> ssl.SSLContext | None:
    """What NATS must show, and what we show it; None: whatever this machine trusts. Raises InvalidSetting."""
    if (settings.nats_certificate is None) != (settings.nats_key is None):
        raise InvalidSetting("OVERROUND_NATS_CERTIFICATE and OVERROUND_NATS_KEY go together; one of them is not set")
    if settings.nats_ca is None and settings.nats_certificate is None:
        return None
    if not all(server.strip().startswith("tls://") for server in settings.bus_url.split(",")):
        raise InvalidSetting("OVERROUND_NATS_CA or OVERROUND_NATS_CERTIFICATE is set, so OVERROUND_NATS_URL is tls://…")
    context = trusting(settings.nats_ca, "OVERROUND_NATS_CA")
    if settings.nats_certificate is not None:
        _load_pair(context, "OVERROUND_NATS", settings.nats_certificate, settings.nats_key)
    return context


def for_gateway(settings: Settings) -> ssl.SSLContext | bool:
    """What a gateway elsewhere must show: a certificate of OVERROUND_GATEWAY_CA, or of whom this machine trusts.

    The house's own gateway on loopback, whose address is in `endpoints.json`, may show any. Raises InvalidSetting.
    """
    if settings.gateway_ca is not None:
        return trusting(settings.gateway_ca, "OVERROUND_GATEWAY_CA")
    return settings.gateway_url is not None


def trusting(authorities: Path | None, name: str) -> ssl.SSLContext:
    """A context that takes certificates of these authorities alone; None: of whom this machine trusts."""
    try:
        return ssl.create_default_context(cafile=authorities)
    except OSError as wrong:
        raise InvalidSetting(f"{name} is {str(authorities)!r}: {wrong}") from wrong


def _load_pair(context: ssl.SSLContext, name: str, certificate: Path, key: Path | None) -> None:
    for part, file in (("CERTIFICATE", certificate), ("KEY", key)):
        if file is None or not file.is_file():
            raise InvalidSetting(f"{name}_{part} is {str(file)!r}: there is no such file")
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as wrong:
        raise InvalidSetting(f"{name}_CERTIFICATE and {name}_KEY do not fit: {wrong}") from wrong


def _no_password() -> str:
    """For an encrypted key, instead of asking the terminal."""
    return ""
