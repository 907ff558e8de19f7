"""The embedded NATS: closed to strangers, back at the same address, and connections that never give up."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from overround.infra.nats import EmbeddedNats, connect


async def test_a_message_goes_round(nats_url: str) -> None:
    client = await connect(nats_url, name="test")
    subscription = await client.subscribe("round.trip")
    await client.publish("round.trip", b"hello")
    assert (await subscription.next_msg(timeout=30)).data == b"hello"
    await client.close()


async def test_jetstream_is_on(nats_url: str) -> None:
    client = await connect(nats_url, name="test")
    bucket = await client.jetstream().create_key_value(bucket="sessions_of_a_test")
    await bucket.put("a", b"1")
    assert (await bucket.get("a")).value == b"1"
    await client.jetstream().delete_key_value("sessions_of_a_test")
    await client.close()


async def test_nobody_gets_in_without_the_token(nats_url: str) -> None:
    server = urlsplit(nats_url)
    for words in (b"{}", b'{"auth_token":"wrong"}'):
        incoming, outgoing = await asyncio.open_connection(server.hostname, server.port)
        outgoing.write(b"CONNECT " + words + b"\r\nPING\r\n")
        greeting, answer = await incoming.readline(), await incoming.readline()
        assert b'"auth_required":true' in greeting
        assert b"Authorization Violation" in answer
        outgoing.close()
        await outgoing.wait_closed()


async def test_a_connection_survives_a_restart_of_the_server(data_folder: Path) -> None:
    server = EmbeddedNats(data_folder)
    url = server.start()
    lost, back = asyncio.Event(), asyncio.Event()

    async def on_disconnected() -> None:
        lost.set()

    async def on_reconnected() -> None:
        back.set()

    client = await connect(url, name="test", on_disconnected=on_disconnected, on_reconnected=on_reconnected)
    try:
        subscription = await client.subscribe("still.there")
        await asyncio.to_thread(server.stop)
        await lost.wait()
        assert server.start() == url
        await back.wait()
        await client.publish("still.there", b"yes")
        assert (await subscription.next_msg(timeout=30)).data == b"yes"
    finally:
        await client.close()
        server.stop()
    assert (data_folder / "nats" / "nats.conf").stat().st_mode & 0o077 == 0
