"""The dialect's rooms wired together: the board beside the live view, the operations, the stream."""

import asyncio
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from overround.edge.access import Door
from overround.edge.asking import Asker
from overround.edge.betfair.accounts import Accounts
from overround.edge.betfair.board import Board
from overround.edge.betfair.books import Books
from overround.edge.betfair.calls import Calls
from overround.edge.betfair.cleared import Cleared
from overround.edge.betfair.current import Current
from overround.edge.betfair.finals import Finals
from overround.edge.betfair.http import Dialect
from overround.edge.betfair.identity import Identity
from overround.edge.betfair.inplay import InPlay
from overround.edge.betfair.listing import Listing
from overround.edge.betfair.navigation import Navigation
from overround.edge.betfair.operations import Handlers, operations
from overround.edge.betfair.placing import Orders
from overround.edge.betfair.scores import Scores
from overround.edge.betfair.server import Server
from overround.edge.betfair.telling import Teller
from overround.edge.live import Live
from overround.edge.reading import Reading
from overround.edge.sessions import Sessions


class Exchange:
    """`application` answers over HTTP; `stream` listens on its own port. `run` must run beside them."""

    def __init__(
        self, live: Live, asker: Asker, reading: Reading, sessions: Sessions, door: Door, *, now_us: Callable[[], int]
    ) -> None:
        self.board = Board(lambda: live.state)
        live.follow(self.board)
        accounts = Accounts(asker, reading, sessions, self.board)
        orders = Orders(asker, self.board, currency_of=accounts.currency_of, now_us=now_us, wait_for=live.wait_for)
        handlers = Handlers(
            accounts=accounts,
            books=Books(self.board),
            cleared=Cleared(self.board, reading),
            current=Current(self.board, live.wait_for),
            listing=Listing(self.board),
            orders=orders,
            scores=Scores(self.board, lambda: live.state),
        )
        calls = self._calls = Calls(operations(handlers), door, sessions)
        finals = Finals(lambda: live.state, now_us=now_us)
        live.follow(finals)
        inplay = InPlay(lambda: live.state, finals)
        self.application = Dialect(
            calls, Identity(sessions, door), Navigation(self.board), inplay, is_ready=lambda: live.built
        )
        self._teller = Teller(self.board, now_us=now_us)
        self.stream = Server(self._teller, calls, door, is_ready=lambda: live.built)

    async def run(self) -> None:
        """Everything that goes on by itself, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._teller.beat())
            tasks.create_task(self.stream.watch())

    def metrics(self) -> Iterator[Metric]:
        """What was asked, and who listens."""
        counts = CounterMetricFamily(
            "overround_gateway_dialect_calls", "Calls by operation and outcome", labels=("operation", "outcome")
        )
        for (service, name), bound in self._calls.bound.items():
            for outcome, count in (("answered", bound.answered), ("failed", bound.failed)):
                if count:
                    counts.add_metric((f"{service}{name}", outcome), count)
        yield counts
        yield GaugeMetricFamily(
            "overround_gateway_dialect_stream_clients",
            "Connections of the exchange stream",
            value=len(self.stream.connections),
        )
