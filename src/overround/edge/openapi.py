"""The OpenAPI 3.1 document, made from the table of operations: schemas from the structs, problems from their table."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

import msgspec

from overround.edge.access import Need
from overround.edge.problems import KINDS, phrase
from overround.edge.routes import Route

Json = dict[str, Any]

API_VERSION: Final = "1.0.0"

REF: Final = "#/components/schemas/{name}"

ABOUT: Final = """\
Money is in integer minor units with its ISO 4217 currency; prices are integer thousandths of decimal odds (2.15 is
2150). Instants go out as RFC 3339 in UTC with milliseconds. There are no floats.

Every change needs an `Idempotency-Key` header with a UUID of version 7. The same key again gets the same answer; after
a timeout or a 503, send the same request with the same key. Keys are good for 24 hours.

Errors are RFC 9457 problems with a stable `code`. Replies carry `seq`, the place in the journal; lists take `min_seq`
to show at least that. Reading the catalogue needs no token; a reply that may be old carries `Overround-Stale: true`.\
"""

FIELD_NOTES: Final = {
    "cursor": "From `next_cursor` of the page before.",
    "limit": "At most so many items.",
    "min_seq": "Show at least what this `seq` says; 503 `projection_behind` where that takes too long.",
}


PROBLEM: Final[Json] = {
    "type": "object",
    "description": "RFC 9457 problem details. Some codes have further members: numbers that help.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, from the list of error codes."},
        "detail": {"type": "string"},
    },
}


def codes_of(route: Route) -> list[str]:
    """Every code that an operation may answer with: its own, and what comes with having a body, a key or a token."""
    codes = ["query_invalid", "rate_limited", "overloaded", "token_invalid", "token_required", "unavailable"]
    if route.body is not None:
        codes += ["body_invalid", "body_too_large", "body_too_slow"]
    if route.need is not Need.NOTHING:
        codes += ["scope_required", "outcome_unknown"]
    if route.keyed:
        codes += ["idempotency_key_required", "key_invalid", "key_expired", "key_from_the_future", "key_reused"]
        codes += ["request_invalid"]
    if "{" in route.path:
        codes += ["route_not_found"]
    return list(dict.fromkeys([*codes, *route.problems, "internal"]))


def document(routes: Iterable[Route]) -> Json:
    """The whole document."""
    table = list(routes)
    named = _types(table)
    shown, components = msgspec.json.schema_components(named, ref_template=REF)
    schema_of = dict(zip(map(repr, named), shown, strict=True))
    paths: Json = {}
    for route in table:
        path = route.path.replace(":int}", "}")
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Overround",
            "version": API_VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in table)],
    }


def _types(table: list[Route]) -> list[Any]:
    """Every type that the document names, once."""
    found: dict[str, Any] = {}
    for route in table:
        for each in (route.body, *route.replies.values(), *(field.type for field in _fields(route.query))):
            if each is not None and each is not dict:
                found[repr(each)] = each
    return list(found.values())


def _fields(query: type[msgspec.Struct] | None) -> tuple[Any, ...]:
    return msgspec.structs.fields(query) if query is not None else ()


def _operation(route: Route, schema_of: Json) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.doc.split(". ")[0].rstrip("."),
        "description": route.doc,
        "tags": [route.tag],
        "parameters": list(_parameters(route, schema_of)),
        "responses": dict(_responses(route, schema_of)),
    }
    if route.need is not Need.NOTHING:
        operation["security"] = [{"bearer": []}]
        operation["x-needs"] = route.need.value
    if route.body is not None:
        content: Json = {"schema": schema_of[repr(route.body)]}
        if route.example is not None and route.example.body is not None:
            content["example"] = route.example.body
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {"application/json": content},
        }
    return operation


def _parameters(route: Route, schema_of: Json) -> Iterator[Json]:
    parts = [part for part in route.path.split("/") if part.startswith("{")]
    filled = route.example.path.split("?")[0].split("/") if route.example is not None else []
    for part in parts:
        name, _, whole = part.strip("{}").partition(":")
        schema: Json = (
            {"type": "integer", "minimum": 1, "maximum": 10**15 - 1}
            if whole
            else {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^/\\x00-\\x1f\\x7f]+$"}
        )
        example = filled[route.path.split("/").index(part)] if filled else None
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": schema,
            "example": int(example) if whole and example else example,
        }
    for field in _fields(route.query):
        parameter = {
            "name": field.name,
            "in": "query",
            "required": field.required,
            "schema": _without_null(schema_of[repr(field.type)]),
        }
        if field.name in FIELD_NOTES:
            parameter["description"] = FIELD_NOTES[field.name]
        yield parameter
    if route.keyed:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "A UUID of version 7 (RFC 9562), made now.",
            "schema": {"type": "string", "format": "uuid", "minLength": 36, "maxLength": 36},
        }


def _without_null(schema: Json) -> Json:
    """A query parameter is left out, not null."""
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return choices[0] if len(choices) == 1 else schema


def _responses(route: Route, schema_of: Json) -> Iterator[tuple[str, Json]]:
    example = route.example.reply if route.example is not None else None
    for place, (status, shape) in enumerate(route.replies.items()):
        response: Json = {"description": phrase(status)}
        if status != HTTPStatus.NO_CONTENT:
            schema = schema_of.get(repr(shape), {"type": "object"} if shape is dict else {"type": "string"})
            content: Json = {"schema": schema}
            if example is not None and place == 0:
                content["example"] = example
            response["content"] = {route.content_type: content}
        yield str(status), response
    by_status: dict[int, list[str]] = {}
    for code in codes_of(route):
        by_status.setdefault(KINDS[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        yield str(status), _problems(status, codes)


def _problems(status: int, codes: list[str]) -> Json:
    examples = {
        code: {"value": {"type": f"/docs#{code}", "title": KINDS[code].title, "status": status, "code": code}}
        for code in codes
    }
    problem = {"schema": {"$ref": REF.format(name="Problem")}, "examples": examples}
    response: Json = {
        "description": f"{phrase(status)}: " + ", ".join(f"`{code}`" for code in codes),
        "content": {"application/problem+json": problem},
    }
    if any(KINDS[code].retry_after_s for code in codes):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return response
