"""The command line: `overround COMMAND`. Every command has --help with an example."""

import asyncio
import importlib
import sys
from typing import NoReturn

import click

from overround.apps import settings as settings_door
from overround.apps.roles import ROLES, run_role

LAZY = {
    "feed": ("overround.apps.feeding", "command", "Odds, fixtures and results in, from providers and files."),
    "replay": ("overround.apps.replay", "command", "Play recorded matches and exchange streams through a house."),
    "record": ("overround.apps.record", "command", "Write the exchange's stream to a file, as historical files are."),
    "audit": ("overround.apps.audit", "command", "Prove that the journal and everything folded from it agree."),
    "desk": (
        "overround.apps.desk",
        "command",
        "What a trading desk does: look, suspend, price, result, approve, block.",
    ),
    "connect": ("overround.apps.connect", "command", "Point a client of Betfair's API at this house."),
    "token": ("overround.apps.token", "command", "Operators' and services' tokens: create, list, revoke."),
    "journal": ("overround.apps.upkeep", "journal_group", "Look at the journal, and take old parts out of it."),
    "projections": ("overround.apps.upkeep", "projections_group", "The tables that people query."),
    "pricing": ("overround.apps.pricing", "command", "Prices of a match from the model, and how good the model is."),
    "sim": ("overround.sim.cli", "command", "A whole house in one thread, from a seed."),
}
"""Commands whose modules are only loaded when they are called."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *LAZY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in LAZY:
            module, name, _ = LAZY[cmd_name]
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, _, text) in LAZY.items()]
        rows += [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="overround")
def cli() -> None:
    """Overround: a self-hosted betting house.

    Example: overround up
    """


@cli.command()
@click.option("--followers", type=click.IntRange(0, 4), default=0, help="Hot followers of the book.")
@click.option("--feed/--no-feed", default=True, help="Play the simulated match day, with demo customers.")
@click.option("--move-prices", is_flag=True, help="Its prices move with what the house stands to lose.")
def up(followers: int, feed: bool, move_prices: bool) -> None:
    """Run the whole house on this machine.

    Starts PostgreSQL and NATS (unless OVERROUND_DATABASE_URL and OVERROUND_NATS_URL name existing ones), the book,
    the worker, the gateway, and a simulated match day. Ctrl-C stops everything; starting again continues.

    Example: overround up --followers 1
    """
    from msgspec.structs import replace
    from rich.console import Console

    from overround.apps import up as house

    settings = _settings()
    if move_prices:
        settings = replace(settings, move_prices=True)
    asyncio.run(house.run(settings, followers=followers, feed=feed, console=Console()))


@cli.command()
@click.argument("role", type=click.Choice(ROLES))
def run(role: str) -> None:
    """Run one role alone, against the engines that the environment names.

    Needs OVERROUND_DATABASE_URL and OVERROUND_NATS_URL; the schema is made by `overround migrate`. The feed needs
    OVERROUND_GATEWAY_URL and OVERROUND_OPERATOR_TOKEN instead. SIGTERM or Ctrl-C ends it in order.

    Example: OVERROUND_DATABASE_URL=postgresql://… OVERROUND_NATS_URL=nats://… overround run book
    """
    run_role(role, _settings())


@cli.command()
def migrate() -> None:
    """Bring the database's schemas up to date. Safe to run at any time, by several at once.

    Example: OVERROUND_DATABASE_URL=postgresql://… overround migrate
    """
    from overround.apps.house import migrate as bring_up_to_date

    asyncio.run(bring_up_to_date(_settings().dsn))
    click.echo("up to date")


def _settings() -> settings_door.Settings:
    return settings_door.read()


def main() -> None:
    """The console script. What an operator can put right is one line and exit code 2, not a stack trace."""
    try:
        cli(standalone_mode=True)
    except settings_door.InvalidSetting as wrong:
        _fail(wrong)
    except _to_put_right() as wrong:
        _fail(wrong)


def _to_put_right() -> tuple[type[Exception], ...]:
    """What may keep a house from standing on this machine. Imported only when something went wrong."""
    from overround.apps.engines import EngineTrouble
    from overround.apps.house import PortTaken
    from overround.identity import IdentityRefused
    from overround.infra.lodging import NoLodging
    from overround.infra.nats import NoServer
    from overround.infra.postgres import AlreadyRunning
    from overround.infra.supervisor import ChildFailed

    return (EngineTrouble, PortTaken, IdentityRefused, NoLodging, NoServer, AlreadyRunning, ChildFailed)


def _fail(wrong: Exception) -> NoReturn:
    from overround.infra.telemetry import redact

    click.echo(f"overround: {redact(str(wrong))}", err=True)
    sys.exit(2)
