"""The demo house: customers with money and tokens, made once through the HTTP API like anybody would."""

import secrets
import time
from typing import Any

import httpx
import msgspec

from overround.apps.house import Customer, Endpoints
from overround.kernel.ids import make_key

NAMES = ("alice", "bruno", "chloe", "david", "emma", "farid", "greta", "hugo", "ines", "jonas")
CURRENCY = "EUR"
FUNDS_MINOR = 1_000_000
RATE = {"minor": 117, "book_minor": 100}
"""Euros for pounds, so that demo customers trade on markets in pounds, too."""


async def seed(endpoints: Endpoints) -> Endpoints:
    """Make the demo customers that are not there yet. Each has 10,000.00 EUR, a password and a token. With the first of
    them comes a rate of exchange."""
    known = {customer.username for customer in endpoints.customers}
    missing = [name for name in NAMES if name not in known]
    headers = {"Authorization": f"Bearer {endpoints.operator_token}"}
    base_url = f"{endpoints.http}/v1/operator"
    # Our own gateway on this machine, whatever name its certificate is for.
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=15.0, verify=False) as client:  # noqa: S501
        made = [await _customer(client, name) for name in missing]
        if len(missing) == len(NAMES):
            await _send(client, "PUT", f"/exchange/rates/{CURRENCY}", **RATE)
    return msgspec.structs.replace(endpoints, customers=(*endpoints.customers, *made))


async def _customer(client: httpx.AsyncClient, name: str) -> Customer:
    password = secrets.token_urlsafe(12)
    username = name if await _is_free(client, name) else f"{name}-{secrets.token_hex(3)}"
    opened = await _post(client, "/customers", currency=CURRENCY, username=username, password=password)
    customer_id = opened["customer_id"]
    await _post(
        client, f"/customers/{customer_id}/funds", currency=CURRENCY, amount_minor=FUNDS_MINOR, note="demo money"
    )
    token = await _post(client, f"/customers/{customer_id}/tokens", name="demo")
    balance = (await client.get(f"/customers/{customer_id}/balance")).raise_for_status().json()
    return Customer(
        username=username,
        password=password,
        token=token["token"],
        customer_id=customer_id,
        account_id=balance["wallets"][0]["account_id"],
    )


async def _is_free(client: httpx.AsyncClient, name: str) -> bool:
    found = await client.get("/customers", params={"username": name})
    return found.status_code == httpx.codes.OK and not found.json()["items"]


async def _post(client: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    return await _send(client, "POST", path, **body)


async def _send(client: httpx.AsyncClient, method: str, path: str, **body: object) -> dict[str, Any]:
    key = make_key(at_us=time.time_ns() // 1_000, chance=secrets.randbits(74))
    answer = await client.request(method, path, json=body, headers={"Idempotency-Key": key})
    answer.raise_for_status()
    made: dict[str, Any] = answer.json()
    return made
