"""A refusal is a value: a stable code, and the numbers a client needs to do better."""

import msgspec


class Refused(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="refused"):
    """Why a command changed nothing. `code` is the value of a room's Refusal enum and never changes meaning."""

    code: str
    detail: dict[str, int | str] = {}
