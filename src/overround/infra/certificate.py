"""A certificate that a house signs for itself, for the exchange stream, which is TLS always."""

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

VALID_DAYS: Final = 3_650
NAME: Final = "overround stream"

USES: Final = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
"""It signs itself, and what it serves. Python 3.13 looks for this, and for whose key is whose (RFC 5280, 4.2.1)."""


def self_signed(folder: Path, *, host: str, now_us: int) -> tuple[Path, Path]:
    """The house's own certificate and key, made where there are none. Clients that check certificates get the file;
    those of Betfair's API for Python check none."""
    certificate, key = folder / "stream.crt", folder / "stream.key"
    if not (certificate.is_file() and key.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        made, secret = _make(host, now_us)
        _write(key, secret)
        _write(certificate, made)
    return certificate, key


def _make(host: str, now_us: int) -> tuple[bytes, bytes]:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    begins = datetime.fromtimestamp(now_us // 1_000_000, UTC) - timedelta(days=1)
    own = x509.SubjectKeyIdentifier.from_public_key(secret.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(USES, critical=True)
        .add_extension(own, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
        .sign(secret, hashes.SHA256())
    )
    key = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), key


def _names(host: str) -> list[x509.GeneralName]:
    """What the certificate is for: this machine, and the address that the house listens on."""
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    addresses = {"127.0.0.1", "::1"}
    try:
        addresses.add(str(ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return names + [x509.IPAddress(ip_address(each)) for each in sorted(addresses)]


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, for its owner alone."""
    fresh = file.with_suffix(f".new-{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:  # noqa: PTH123  # a descriptor
        out.write(content)
    fresh.replace(file)
