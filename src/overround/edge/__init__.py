"""The edge: HTTP and the stream, for customers, operators and feeds.

Invariants: nothing is decided here; no body, password or token is ever logged; every reply is what one table of
operations says it may be; whatever waits has a deadline and whatever queues a limit, and when one is reached the client
is told so; nobody is shown a price as live that may be old.
"""

from overround.edge.gateway import Gateway, Limits
from overround.edge.wire import ReplyProtocol, StreamProtocol

__all__ = ["Gateway", "Limits", "ReplyProtocol", "StreamProtocol"]
