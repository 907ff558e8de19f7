"""The OpenAPI document and the docs page, made once from the table of operations."""

from overround.edge.routes import Call, Reply


class Docs:
    """The handlers; `documents` are set when the table stands."""

    def __init__(self) -> None:
        self.json = b"{}"
        self.html = b""

    async def openapi(self, _call: Call) -> Reply:
        return Reply(200, self.json)

    async def page(self, _call: Call) -> Reply:
        return Reply(200, self.html, content_type=b"text/html; charset=utf-8")
