"""The rows of the table of operations, and how a path finds its row. Routing, checks and documents come from them."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from overround.edge.access import Need
from overround.edge.problems import Problem
from overround.identity import Token

MAX_BODY_BYTES: Final = 64 * 1024
MAX_BATCH_BYTES: Final = 1024 * 1024
BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram's buckets."""

MAX_PATH_LENGTH: Final = 512
MAX_QUERY_LENGTH: Final = 2_048


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What goes back: a struct to encode, or bytes as they are with their own content type."""

    status: int
    body: Any
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = b"application/json"


class Call:
    """One request as its handler sees it: who asks, the key, the path's numbers and names, query and body decoded."""

    __slots__ = ("actor", "address", "body", "customer_id", "key", "path", "query", "token")

    def __init__(
        self, *, token: Token | None, key: str, path: dict[str, int | str], query: Any, body: Any, address: str
    ) -> None:
        self.token, self.key, self.path, self.query, self.body, self.address = token, key, path, query, body, address
        self.actor, self.customer_id = (token.actor, token.customer_id or 0) if token is not None else (0, 0)

    def number(self, name: str) -> int:
        """A number from the path."""
        return int(self.path[name])

    def text(self, name: str) -> str:
        return str(self.path[name])


Handler = Callable[[Call], Awaitable[Reply]]


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its reply, as they would be on the wire. `path` has its parameters filled in."""

    path: str
    body: Any = None
    reply: Any = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `path` may have `{name:int}` and `{name}` parts. `keyed` operations need an Idempotency-Key.
    `problems` are the codes that are this operation's own; what every operation may answer stands in `common_codes`."""

    method: str
    path: str
    name: str
    doc: str
    tag: str
    handler: Handler
    need: Need = Need.NOTHING
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    body_optional: bool = False
    replies: dict[int, Any] = {}
    content_type: str = "application/json"
    problems: tuple[str, ...] = ()
    keyed: bool = False
    max_body_bytes: int = MAX_BODY_BYTES
    example: Example | None = None


class Bound:
    """A route made ready: its decoder, its limits, and what was counted about it."""

    __slots__ = ("buckets", "counts", "decode", "names", "pattern", "route", "seconds")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.decode = msgspec.json.Decoder(route.body).decode if route.body is not None else None
        self.pattern, self.names = _pattern(route.path)
        self.counts: dict[int, int] = {}
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.seconds = 0.0

    def numbers(self, match: re.Match[str]) -> dict[str, int | str]:
        """The path's parameters."""
        return {name: int(match[name]) if whole else match[name] for name, whole in self.names}


_PART: Final = re.compile(r"\{(\w+)(:int)?\}")
_NUMBER: Final = r"(?P<{}>[1-9][0-9]{{0,14}})"
_TEXT: Final = r"(?P<{}>[^/\x00-\x1f\x7f]{{1,200}})"


def _pattern(path: str) -> tuple[re.Pattern[str], tuple[tuple[str, bool], ...]]:
    """A template as a pattern, and its parameters with whether each is a number."""
    names = tuple((match[1], bool(match[2])) for match in _PART.finditer(path))
    whole = _PART.sub(lambda match: (_NUMBER if match[2] else _TEXT).format(match[1]), path)
    return re.compile(whole), names


class Router:
    """Literal paths by one look into a dict; the others by their number of parts and first words."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.bound = [Bound(route) for route in routes]
        self._literal = {(each.route.method, each.route.path): each for each in self.bound if not each.names}
        self._templates: dict[tuple[str, int], list[Bound]] = {}
        for each in self.bound:
            if each.names:
                shape = each.route.method, each.route.path.count("/")
                self._templates.setdefault(shape, []).append(each)
        self._methods = sorted({each.route.method for each in self.bound})

    def find(self, method: str, path: str) -> tuple[Bound, dict[str, int | str]]:
        """The row for a request and the numbers in its path. Raises Problem: route_not_found, method_not_allowed."""
        found = self._literal.get((method, path))
        if found is not None:
            return found, {}
        if len(path) > MAX_PATH_LENGTH:
            raise Problem("route_not_found")
        templated = self._template(method, path)
        if templated is not None:
            return templated
        allowed = self.allowed(path)
        if allowed:
            raise Problem("method_not_allowed", allow=", ".join(allowed))
        raise Problem("route_not_found")

    def _template(self, method: str, path: str) -> tuple[Bound, dict[str, int | str]] | None:
        for each in self._templates.get((method, path.count("/")), ()):
            match = each.pattern.fullmatch(path)
            if match is not None:
                return each, each.numbers(match)
        return None

    def allowed(self, path: str) -> list[str]:
        """The methods that an address takes."""
        return [method for method in self._methods if (method, path) in self._literal or self._template(method, path)]
