"""Draws `house.svg`: what `overround up` shows, from a real house on a free port, secrets masked.

Example: PYTHONPATH=src .venv/bin/python docs/pictures/house.py
"""

import asyncio
import re
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console

from overround.apps import demo, up
from overround.apps.house import Endpoints, House, write_endpoints
from overround.apps.settings import Settings
from overround.infra import nats as nats_server
from overround.infra.ports import free_port

LIVE_LINES = 6
EVERY_S = 20.0
PICTURE = Path(__file__).with_suffix(".svg")


async def draw(folder: Path, console: Console) -> None:
    """Run a house for two minutes and keep what it prints."""
    settings = Settings(data=folder / "data", port=free_port())
    house = House(settings, followers=1)
    try:
        endpoints = await demo.seed(await house.start())
        write_endpoints(settings.endpoints_file, endpoints)
        await house.start_feed()
        market = await up.first_market(endpoints, asyncio.Event())
        shown = msgspec.structs.replace(settings, data=Path(".overround"))
        up.show_banner(console, shown, masked(endpoints), market, ready_s=house.ready_s)
        client = await nats_server.connect(house.settings.bus_url, name="picture")
        watch = up.Watch()
        await up.listen(client, settings.cell, watch)
        for _ in range(LIVE_LINES):
            await asyncio.sleep(EVERY_S)
            watch.sums = await up.ledger_sums(house.settings.dsn)
            console.print(watch.line())
        await client.close()
    finally:
        await house.stop()


def masked(endpoints: Endpoints) -> Endpoints:
    """No secrets, not even a demo's, and the usual port."""
    customers = tuple(
        msgspec.structs.replace(customer, password="•" * 16, token=f"ovr_{'•' * 20}")
        for customer in endpoints.customers
    )
    usual = {name: re.sub(r":\d+", ":8080", getattr(endpoints, name)) for name in ("http", "stream", "docs", "metrics")}
    return msgspec.structs.replace(endpoints, customers=customers, **usual)


def without_fonts(svg: str) -> str:
    """The picture uses the reader's own fixed-width font; nothing is fetched."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    console = Console(record=True, width=118)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        asyncio.run(draw(Path(folder), console))
    PICTURE.write_text(without_fonts(console.export_svg(title="make up")), encoding="utf-8")
    console.print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()
