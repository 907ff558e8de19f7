"""The base of everything that may be asked of the machine."""

import msgspec


class Command(
    msgspec.Struct,
    frozen=True,
    array_like=True,
    gc=False,
    tag_field="command",
    tag=True,
    forbid_unknown_fields=True,
):
    """The base of all commands: a tagged array on the wire, decoded strictly."""
