"""The feed process: a simulated match day, with an operator's token, over HTTP like any provider's adapter."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

import msgspec
from nats.aio.msg import Msg

from overround.apps import engines, tls
from overround.apps.house import read_endpoints
from overround.apps.settings import InvalidSetting, Settings
from overround.feeds import builders
from overround.feeds.client import Door, Unreachable, open_door
from overround.feeds.maker import Exchange
from overround.feeds.matchday import House
from overround.feeds.simulator import FEED, MatchDay, Simulator
from overround.host.builders import SUBJECT
from overround.trading import Shade

log = logging.getLogger(__name__)

PATIENCE_S = 30.0


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Play until told to stop. Raises InvalidSetting where no gateway is named."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log a line for every request
    base_url, token = gateway_of(settings)
    async with door_of(settings) as operator:
        plan = match_day(token, move_prices=settings.move_prices)
        simulator = Simulator(operator=operator, plan=plan, now_us=_now_us, chance=random.Random())  # noqa: S311  # names
        exchange = Exchange(operator=operator, plan=plan, now_us=_now_us, chance=random.Random())  # noqa: S311  # a game
        log.info("the match day goes on at %s", base_url)
        async with _pricing(settings, simulator, stop), asyncio.TaskGroup() as playing:
            playing.create_task(exchange.run(stop))
            playing.create_task(simulator.run(stop))


@asynccontextmanager
async def _pricing(settings: Settings, simulator: Simulator, stop: asyncio.Event) -> AsyncIterator[None]:
    """Answer what gateways ask about bet builders, where the settings name a bus."""
    client = await engines.connect_bus(settings, stop) if settings.nats_url else None
    if client is None:
        yield
        return

    async def answer(message: Msg) -> None:
        try:
            offered = await simulator.offer_builder(builders.decode(message.data))
        except (msgspec.DecodeError, Unreachable) as trouble:
            log.warning("a bet builder was not priced: %s", trouble)
            return
        await message.respond(msgspec.json.encode(offered))

    await client.subscribe(SUBJECT.format(cell=settings.cell), queue="pricing", cb=answer)
    try:
        yield
    finally:
        await client.close()


def door_of(settings: Settings) -> Door:
    """An operator's door to the house that the settings name. Raises InvalidSetting where they name none."""
    base_url, token = gateway_of(settings)
    return open_door(
        base_url,
        token=token,
        now_us=_now_us,
        chance=random.SystemRandom(),
        patience_s=PATIENCE_S,
        verify=tls.for_gateway(settings),
    )


def gateway_of(settings: Settings) -> tuple[str, str]:
    """Where to speak, and with which token: the settings' own, or what `overround up` wrote down."""
    endpoints = read_endpoints(settings.endpoints_file)
    base_url = settings.gateway_url or (endpoints.http if endpoints else None)
    token = settings.operator_token or (endpoints.operator_token if endpoints else None)
    if base_url is None or token is None:
        raise InvalidSetting(
            "OVERROUND_GATEWAY_URL and OVERROUND_OPERATOR_TOKEN are not set, and there is no endpoints.json"
        )
    return base_url, token


def match_day(token: str, *, move_prices: bool = False) -> MatchDay:
    """Matches and bettors follow from the operator's token: the same after a restart, and nobody else can tell them."""
    seed = blake2b(token.encode(), digest_size=8, person=b"match day").digest()
    secret = blake2b(token.encode(), digest_size=32, person=b"bettors").digest()
    house = House(feed=FEED, shade=Shade() if move_prices else None)
    return MatchDay(seed=int.from_bytes(seed), secret=secret, house=house)


def _now_us() -> int:
    return time.time_ns() // 1_000
