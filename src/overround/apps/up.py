"""`overround up`: the whole house on this machine, a banner, and a calm live line until Ctrl-C."""

import asyncio
import signal
import time
from collections import deque

import httpx
import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from overround import journal
from overround.apps import demo, engines
from overround.apps.book import Status
from overround.apps.house import Endpoints, House, write_endpoints
from overround.apps.settings import Settings
from overround.infra import telemetry
from overround.infra.supervisor import ChildEvent, ChildState
from overround.kernel.ids import make_key

REFRESH_S = 1.0
SUMS_EVERY = 5


async def run(settings: Settings, *, followers: int, feed: bool, console: Console) -> None:
    """Start, show, wait for Ctrl-C or SIGTERM, stop cleanly."""
    telemetry.set_up(style=settings.log_style, level="WARNING", role="up")
    opened = False
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    house = House(settings, followers=followers, on_event=_Restarts(console))
    try:
        with console.status("starting PostgreSQL, NATS, book, worker, gateway …"):
            endpoints = await house.start()
            if feed:
                endpoints = await demo.seed(endpoints)
                write_endpoints(settings.endpoints_file, endpoints)
                await house.start_feed()
                market = await first_market(endpoints, stop)
            else:
                market = None
        opened = True
        show_banner(console, settings, endpoints, market, ready_s=house.ready_s)
        await show_live(console, house.settings, stop)
    finally:
        with console.status("stopping …"):
            await house.stop()
        if opened:
            console.print("stopped; start again and it continues where it was.")


class _Restarts:
    """Says when a child died and came back."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: ChildEvent) -> None:
        if event.state is ChildState.WAITING:
            self._console.print(f"[yellow]{event.name} ended ({event.exit_code}); starting it again[/]")


async def first_market(endpoints: Endpoints, stop: asyncio.Event) -> dict[str, int] | None:
    """A market that takes bets, for the banner's example. Waits some seconds for the feed to open one."""
    async with httpx.AsyncClient(base_url=endpoints.http, timeout=5.0, verify=False) as client:  # noqa: S501  # our own
        for _ in range(100):
            if stop.is_set():
                return None
            found = await _open_market(client)
            if found is not None:
                return found
            await asyncio.sleep(0.1)
    return None


async def _open_market(client: httpx.AsyncClient) -> dict[str, int] | None:
    events = (await client.get("/v1/events", params={"status": "scheduled", "limit": 20})).json()["items"]
    for event in events:
        for market in (await client.get(f"/v1/events/{event['event_id']}")).json()["markets"]:
            priced = [each for each in market["selections"] if each["price_milli"]]
            if market["available"] and priced:
                return {
                    "market_id": market["market_id"],
                    "selection_id": priced[0]["selection_id"],
                    "price_milli": priced[0]["price_milli"],
                }
    return None


def show_banner(
    console: Console, settings: Settings, endpoints: Endpoints, market: dict[str, int] | None, *, ready_s: float
) -> None:
    """Where everything is, who may play, and three lines to try."""
    console.rule(f"[bold]Overround is open[/] · ready in {ready_s:.1f} s")
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("API", endpoints.http),
        ("Docs", endpoints.docs),
        ("Stream", endpoints.stream),
        ("Exchange", f"{endpoints.exchange_stream}  (Betfair-API compatible: overround connect flumine)"),
        ("Metrics", endpoints.metrics),
        ("Files", str(settings.endpoints_file) + "  (addresses, operator token, customers)"),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    console.print(table)
    if endpoints.customers:
        people = Table("customer", "password", "token", title="Demo customers", title_justify="left", box=None)
        for customer in endpoints.customers[:3]:
            people.add_row(customer.username, customer.password, customer.token)
        console.print(people)
    console.print("[dim]Try:[/]")
    for line in _examples(endpoints, market):
        console.print(Text(line), soft_wrap=True)
    console.rule()


def _examples(endpoints: Endpoints, market: dict[str, int] | None) -> list[str]:
    lines = [f"curl -s {endpoints.http}/v1/events?limit=3"]
    if endpoints.customers:
        bearer = f"-H 'Authorization: Bearer {endpoints.customers[0].token}'"
        lines.append(f"curl -s {endpoints.http}/v1/balance {bearer}")
        if market is not None:
            key = make_key(at_us=time.time_ns() // 1_000, chance=time.monotonic_ns())
            bet = {**market, "stake_minor": 500, "currency": demo.CURRENCY, "odds_change": "any"}
            body = msgspec.json.encode(bet).decode()
            lines.append(
                f"curl -s {endpoints.http}/v1/bets {bearer} -H 'Idempotency-Key: {key}' "
                f"-H 'Content-Type: application/json' -d '{body}'"
            )
    return lines


async def show_live(console: Console, settings: Settings, stop: asyncio.Event) -> None:
    """One line, once a second: bets a second, commit time, matches in play, sequence, and that the ledger is level."""
    client = await engines.connect_bus(settings, stop)
    if client is None:
        return
    watch = Watch()
    try:
        await listen(client, settings.cell, watch)
        with Live(watch.line(), console=console, refresh_per_second=4, transient=True) as live:
            turn = 0
            while not stop.is_set():
                if turn % SUMS_EVERY == 0:
                    watch.sums = await ledger_sums(settings.dsn)
                turn += 1
                live.update(watch.line())
                if not console.is_terminal and turn % 30 == 1:
                    console.print(watch.line(), soft_wrap=True)
                await _pause(stop)
    finally:
        await client.close()


async def _pause(stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting}, timeout=REFRESH_S)
    waiting.cancel()


async def listen(client: Client, cell: str, watch: "Watch") -> None:
    async def hear(message: Msg) -> None:
        watch.hear(msgspec.json.decode(message.data, type=Status))

    await client.subscribe(f"{cell}.status", cb=hear)


async def ledger_sums(dsn: str) -> dict[str, int] | None:
    """The ledger's sum by currency, from the projections: a second opinion, not the machine's own."""
    try:
        connection = await journal.connect(dsn, within_s=2.0)
    except journal.LOST:
        return None
    try:
        rows = await connection.fetch("SELECT currency, sum(balance_minor)::bigint FROM read.account GROUP BY currency")
        return dict(map(tuple, rows))
    except journal.LOST:
        return None
    finally:
        connection.terminate()


class Watch:
    """What the live line knows."""

    def __init__(self) -> None:
        self.sums: dict[str, int] | None = None
        self._heard: deque[tuple[float, Status]] = deque(maxlen=6)
        self._names: dict[str, float] = {}

    def hear(self, status: Status) -> None:
        self._names[status.name] = time.monotonic()
        if status.active:
            if self._heard and self._heard[-1][1].name != status.name:
                self._heard.clear()
            self._heard.append((time.monotonic(), status))

    def line(self) -> Text:
        if not self._heard or time.monotonic() - self._heard[-1][0] > 3:
            return Text("waiting for an active book …", style="yellow")
        (first_at, first), (last_at, last) = self._heard[0], self._heard[-1]
        seconds = last_at - first_at
        rate = (last.bets - first.bets) / seconds if seconds else 0.0
        commits = last.commits - first.commits
        commit_ms = (last.commit_ms * last.commits - first.commit_ms * first.commits) / commits if commits else 0.0
        books = sum(time.monotonic() - at < 3 for at in self._names.values())
        parts = [
            f"{rate:,.1f} bets/s",
            f"commit {commit_ms:.1f} ms",
            f"{last.in_play} in play",
            f"{last.bets:,} bets",
            f"journal {last.seq:,}",
            f"{last.name} leads" + (f" ({books} books)" if books > 1 else ""),
        ]
        text = Text(" · ".join(parts))
        text.append(" · ")
        text.append_text(self._ledger())
        return text

    def _ledger(self) -> Text:
        if not self.sums:
            return Text("ledger …", style="dim")
        level = not any(self.sums.values())
        return Text("ledger sum 0", style="green") if level else Text(f"LEDGER NOT LEVEL {self.sums}", style="bold red")
