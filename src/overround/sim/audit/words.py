"""What the auditor's parts share: the exception that says what broke, and a fact as plain JSON."""

from typing import Any

Plain = dict[str, Any]
"""A fact as the journal has it: the members of one JSON object."""


class Broken(Exception):
    """An invariant does not hold. The text says which, where, and by how much."""


def hold(true: bool, what: str, *about: object) -> None:
    """Raise Broken unless it is true."""
    if not true:
        raise Broken(f"{what}: {' '.join(map(repr, about))}")
