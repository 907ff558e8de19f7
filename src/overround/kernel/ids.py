"""Idempotency keys are UUIDs of version 7 (RFC 9562): 48 bits of Unix milliseconds, then chance (an argument)."""

from typing import Final

KEY_TEXT_LENGTH: Final = 36


class InvalidKey(ValueError):
    """The text is not a canonical UUID of version 7."""


def parse_key(text: str) -> bytes:
    """The 16 bytes of a canonical, hyphenated UUIDv7, upper or lower case. Raises InvalidKey.

    >>> parse_key("018f2d9a-7c31-7abc-8def-0123456789ab").hex()
    '018f2d9a7c317abc8def0123456789ab'
    """
    if len(text) != KEY_TEXT_LENGTH or text[14] != "7" or text[8:24:5] != "----":
        raise InvalidKey(text)
    try:
        key = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        raise InvalidKey(text) from None
    if len(key) != 16 or key[8] >> 6 != 0b10:
        raise InvalidKey(text)
    return key


def key_at_us(key: bytes) -> int:
    """The instant, in microseconds, at which the key says it was made (to the millisecond)."""
    return int.from_bytes(key[:6], "big") * 1_000


def make_key(*, at_us: int, chance: int) -> str:
    """The canonical text of a UUIDv7 of this instant with the low 74 bits of `chance`."""
    value = (at_us // 1_000 & (1 << 48) - 1) << 80 | 7 << 76 | (chance >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | chance & (1 << 62) - 1
    return key_text(value.to_bytes(16, "big"))


def key_text(key: bytes) -> str:
    """The canonical, hyphenated text of 16 bytes."""
    digits = key.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
