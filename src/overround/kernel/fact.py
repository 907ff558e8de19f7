"""A fact is one event of the journal: something the house decided, in the past tense, never edited."""

import msgspec


class Cause(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Whose request led to a fact. With it the journal alone rebuilds the memory of every key.

    `actor` is a customer's id, or below zero for an operator or service; `key` a canonical UUIDv7;
    `content` 48 bits of BLAKE2b over the request's bytes.
    """

    actor: int
    key: str
    content: int


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", omit_defaults=True):
    """The base of all facts. In the journal it is one JSON object; `kind` names it. Fields are only ever added."""

    cause: Cause | None = None
