"""`overround token`: how an operator who only has the database lets people and programs in."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

import click
import msgspec

from overround import identity
from overround.apps import engines
from overround.apps import settings as settings_door
from overround.apps.house import known_dsn
from overround.kernel import instant

if TYPE_CHECKING:
    from overround.journal.connection import Connection

Answer = TypeVar("Answer")

SCOPES: Final = (identity.Scope.OPERATOR.value, identity.Scope.READ_ONLY.value)
MAX_DAYS: Final = 3_650


@click.group(name="token")
def command() -> None:
    """Operators' and services' tokens.

    Each command reads OVERROUND_DATABASE_URL, or else the address that a house on this machine wrote into
    OVERROUND_DATA. Customers' tokens are made over the API.

    Example: overround token create --scopes operator --name "night desk"
    """


@command.command()
@click.option("--scopes", required=True, help=f"What it may be used for, with commas between: {', '.join(SCOPES)}.")
@click.option("--name", required=True, help="Who or what holds it, for people.")
@click.option("--operator", type=click.IntRange(max=-1), help="Whose: a number below zero. Without it, a new operator.")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), help="It ends by itself after so many days.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of words.")
def create(scopes: str, name: str, operator: int | None, days: int | None, as_json: bool) -> None:
    """Make a token and print its secret, this once: only a hash is kept.

    Each token is a new operator's unless --operator names whose it is: where a decision needs a second pair of eyes,
    one operator's tokens are one pair.

    Example: overround token create --scopes operator --name feed --days 90
    """
    now_us = time.time_ns() // 1_000
    expires_at_us = now_us + days * instant.DAY_US if days else 0

    async def issue(connection: "Connection") -> tuple[int, identity.Issued]:
        actor = operator or await identity.new_operator(connection)
        return actor, await identity.issue_token(
            connection,
            actor=actor,
            scopes=[scope.strip() for scope in scopes.split(",")],
            name=name,
            now_us=now_us,
            expires_at_us=expires_at_us,
        )

    actor, issued = _ask(issue)
    if as_json:
        made = {"token_id": issued.id, "token": issued.secret, "actor": actor, "expires_at_us": expires_at_us}
        click.echo(msgspec.json.encode(made))
    else:
        click.echo(f"{issued.secret}\n", nl=False)
        click.echo(f"token {issued.id} of operator {actor}; it is not shown again", err=True)


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of lines.")
def list_command(as_json: bool) -> None:
    """List the tokens that were not revoked, newest first. Secrets are kept nowhere.

    Example: overround token list
    """
    tokens = _ask(identity.list_operators_tokens)
    if as_json:
        click.echo(msgspec.json.encode(tokens))
        return
    for token in tokens:
        until = f"until {_utc(token.expires_at_us)}" if token.expires_at_us else "without end"
        who = f"{token.id:>6}  {token.actor:>6}  {','.join(token.scopes):<18}"
        click.echo(f"{who}  {_utc(token.created_at_us)}  {until}  {token.name}")


@command.command()
@click.argument("token_id", type=click.IntRange(1))
def revoke(token_id: int) -> None:
    """End a token. Gateways that know it forget it within seconds.

    Example: overround token revoke 7
    """
    now_us = time.time_ns() // 1_000
    done = _ask(lambda connection: identity.revoke_token(connection, token_id, now_us=now_us, operators=True))
    if not done:
        raise engines.EngineTrouble(f"there is no operator's token {token_id} that could be used")
    click.echo(f"token {token_id} is revoked")


def _ask(question: "Callable[[Connection], Awaitable[Answer]]") -> Answer:
    async def ask() -> Answer:
        async with engines.database(known_dsn(settings_door.read())) as connection:
            return await question(connection)
        raise AssertionError

    return asyncio.run(ask())


def _utc(at_us: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at_us / 1e6))
