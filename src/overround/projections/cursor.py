"""Where a page of a list ended: an opaque string that a client hands back to read on from there."""

import base64
import binascii
from typing import Final

import msgspec

MAX_CURSOR_LENGTH: Final = 120
MAX_PAGE: Final = 200
DEFAULT_PAGE: Final = 50
_PLACE_LIMIT: Final = 1 << 63


class InvalidCursor(ValueError):
    """The text is no cursor of this list."""


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`of` names the list; `place` is the key of the last row shown."""

    of: str
    place: tuple[int, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cursor)


def encode(of: str, *place: int) -> str:
    """The cursor after a row."""
    return base64.urlsafe_b64encode(_encoder.encode(Cursor(of, place))).rstrip(b"=").decode()


def decode(text: str, of: str, *, width: int) -> tuple[int, ...]:
    """The key in a cursor that `encode` made for this list. Raises InvalidCursor."""
    if len(text) > MAX_CURSOR_LENGTH or not text.isascii():
        raise InvalidCursor(text[:MAX_CURSOR_LENGTH])
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = _decoder.decode(packed)
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidCursor(text) from None
    fits = len(cursor.place) == width and all(0 <= place < _PLACE_LIMIT for place in cursor.place)
    if cursor.of != of or not fits or encode(of, *cursor.place) != text:
        raise InvalidCursor(text)
    return cursor.place


def before(text: str | None, of: str, *, width: int) -> tuple[int, ...]:
    """The key that the next rows are below; without a cursor, above every key. Raises InvalidCursor."""
    return decode(text, of, width=width) if text else (_PLACE_LIMIT - 1,) * width
