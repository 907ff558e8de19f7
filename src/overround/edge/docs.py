"""The OpenAPI document and the page made from it: plain HTML, whole in itself, without a script."""

import re
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

import msgspec

from overround.edge import messages, problems
from overround.edge.changes import Delta
from overround.edge.routes import Call, Reply

Json = dict[str, Any]

HTML: Final = b"text/html; charset=utf-8"
POLICY: Final = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")

STREAM_IN: Final[tuple[tuple[str, Any], ...]] = (
    ("Hear two markets and the customer's own bets and balance", {
        "op": "subscribe", "id": "a", "markets": [7, 8], "bets": True, "balance": True, "conflate_ms": 50,
    }),
    ("Hear a whole event, and of its markets those that changed after 5120", {
        "op": "subscribe", "id": "b", "events": [3], "seq": 5_120,
    }),
    ("Hear less", {"op": "unsubscribe", "id": "a", "markets": [8]}),
    ("Where no header and no ?token= can be given", {"op": "auth", "token": "ovr_…"}),
)  # fmt: skip

STREAM_OUT: Final[tuple[tuple[str, Any], ...]] = (
    ("Heard from here on; images follow", {"op": "subscribed", "id": "a", "seq": 5_120}),
    ("A market, whole", {"op": "image", "seq": 5_101, "market": {"market_id": 7, "status": "open", "…": "…"}}),
    ("What is different since", {
        "op": "delta", "seq": 5_130, "at_ms": 1_795_449_600_000, "market_id": 7, "prices": [[1, 2_200]],
    }),
    ("One of the customer's own bets", {
        "op": "bet", "seq": 5_131, "at_ms": 1_795_449_600_050, "bet_id": 901, "status": "settled", "outcome": "won",
        "payout_minor": 2_150,
    }),
    ("The customer's wallets", {"op": "balance", "seq": 5_131, "balance": {"customer_id": 42, "wallets": ["…"]}}),
    ("Every 5 seconds: all changes up to here were told", {
        "op": "heartbeat", "seq": 5_140, "at_ms": 1_795_449_605_000,
    }),
    ("The gateway is cut off: what was shown may be old", {"op": "stale", "since_ms": 1_795_449_606_000}),
    ("It has caught up; everything up to here was told", {"op": "live", "seq": 5_150}),
    ("Too slow to hear of each bet: list them instead", {"op": "missed", "of": "bets", "seq": 5_150}),
    ("Something is wrong; `closes` says whether the connection ends", {
        "op": "error", "code": "message_invalid", "closes": True, "title": "…",
    }),
)  # fmt: skip


class Docs:
    """The handlers; `json` and `html` are set when the table stands."""

    def __init__(self) -> None:
        self.json = b"{}"
        self.html = b""

    def show(self, document: Json) -> None:
        """Make both from the document."""
        self.json = msgspec.json.encode(document)
        self.html = page(document).encode()

    async def openapi(self, _call: Call) -> Reply:
        return Reply(200, self.json)

    async def page(self, _call: Call) -> Reply:
        return Reply(200, self.html, (POLICY,), content_type=HTML)


def page(document: Json) -> str:
    """The document as HTML."""
    by_tag: dict[str, list[tuple[str, str, Json]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_tag[operation["tags"][0]].append((method.upper(), path, operation))
    template = Template(files("overround.edge").joinpath("docs.html").read_text())
    return template.substitute(
        version=escape(document["info"]["version"]),
        about="".join(f"<p>{_marked(part)}</p>" for part in document["info"]["description"].split("\n\n")),
        menu="".join(_menu(tag, rows) for tag, rows in by_tag.items()),
        operations="".join(_section(tag, rows) for tag, rows in by_tag.items()),
        stream_in="".join(_message(*row) for row in STREAM_IN),
        stream_out="".join(_message(*row) for row in STREAM_OUT),
        stream_limits=_stream_limits(),
        problems="".join(_problem_rows()),
    )


def _marked(text: str) -> str:
    """Text with `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _anchor(operation: Json) -> str:
    return f"op-{operation['operationId']}"


def _menu(tag: str, rows: list[tuple[str, str, Json]]) -> str:
    links = "".join(
        f'<a href="#{_anchor(operation)}"><b class="{method.lower()}">{method}</b> {escape(_short(path))}</a>'
        for method, path, operation in rows
    )
    return f"<h2>{escape(tag)}</h2>{links}"


def _short(path: str) -> str:
    return path.removeprefix("/v1").removeprefix("/operator")


def _section(tag: str, rows: list[tuple[str, str, Json]]) -> str:
    return f"<h2>{escape(tag)}</h2>" + "".join(_operation(*row) for row in rows)


def _operation(method: str, path: str, operation: Json) -> str:
    needs = operation.get("x-needs")
    badge = f'<span class="needs">{escape(needs.replace("_", " "))}</span>' if needs else ""
    return (
        f'<article id="{_anchor(operation)}"><h3><b class="{method.lower()}">{method}</b> '
        f"<code>{escape(path)}</code>{badge}</h3><p>{_marked(operation['description'])}</p>"
        f"{_parameters(operation)}<div class=pair>{_request(method, path, operation)}{_reply(operation)}</div>"
        f"{_codes(operation)}</article>"
    )


def _parameters(operation: Json) -> str:
    rows = [
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td><td>{escape(_kind(each['schema']))}"
        f"{'' if each['required'] else ', optional'}</td><td>{_marked(each.get('description', ''))}</td></tr>"
        for each in operation["parameters"]
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    return str(schema.get("type", "value"))


def _request(method: str, path: str, operation: Json) -> str:
    """The request as a line for curl."""
    for each in operation["parameters"]:
        if each["in"] == "path":
            path = path.replace("{" + each["name"] + "}", str(each["example"]))
    words = ["curl" + ("" if method == "GET" else f" -X {method}") + f" http://127.0.0.1:8080{path}"]
    if "security" in operation:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if any(each["in"] == "header" for each in operation["parameters"]):
        words.append('-H "Idempotency-Key: $KEY"')
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    if body is not None:
        words.append(f"-d '{_pretty(body)}'")
    lines = " \\\n  ".join(words)
    return f"<div><h4>Request</h4><pre>{escape(lines, quote=False)}</pre></div>"


def _reply(operation: Json) -> str:
    for status, response in operation["responses"].items():
        for content in response.get("content", {}).values():
            if "example" in content:
                shown = escape(_pretty(content["example"]), quote=False)
                return f"<div><h4>Reply {status}</h4><pre>{shown}</pre></div>"
    return ""


def _codes(operation: Json) -> str:
    codes = [
        f'<a href="#{code}">{code}</a>'
        for response in operation["responses"].values()
        for code in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    ]
    return f"<details><summary>{len(codes)} problems</summary><p class=codes>{' '.join(codes)}</p></details>"


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _message(doc: str, message: Json) -> str:
    shown = escape(msgspec.json.encode(message).decode(), quote=False)
    return f"<p>{_marked(doc)}</p><pre>{shown}</pre>"


def _stream_limits() -> str:
    return (
        f"At most {messages.MAX_MARKETS} markets and {messages.MAX_EVENTS} events on one connection. Conflation is one "
        f"of {', '.join(map(str, messages.INTERVALS_MS))} ms; {messages.DEFAULT_CONFLATE_MS} unless asked for. Fields "
        f"of a delta: {', '.join(f'<code>{name}</code>' for name in Delta.__struct_fields__)}."
    )


def _problem_rows() -> Iterator[str]:
    tables = (
        ("From the gateway", problems.EDGE),
        ("On the stream", problems.STREAM),
        ("From identity", problems.IDENTITY),
        ("From the book", problems.MACHINE),
    )
    for title, kinds in tables:
        yield f'<tr><th colspan="3">{title}</th></tr>'
        for code, kind in sorted(kinds.items(), key=lambda row: (row[1].status, row[0])):
            yield (
                f'<tr id="{code}"><td><code>{code}</code></td><td>{kind.status}</td><td>{_marked(kind.title)}</td></tr>'
            )
