"""What an operator can put right is told in one line, with exit code 2; and every command shows an example."""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.outside.roles import Outside, outside, until_ready

from overround.apps import settings as settings_door
from overround.apps.cli import cli
from overround.infra.ports import free_port

pytestmark = pytest.mark.xdist_group("outside")

OPERATING = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
NOWHERE = "postgresql://house:very+secret@127.0.0.1:1/house"
NO_BUS = "nats://very+secret@127.0.0.1:1"

# What is wrong, the command, and what must be in the line.
WRONG = {
    "no database": ({}, "run book", "OVERROUND_DATABASE_URL is not set"),
    "no bus": ({"OVERROUND_NATS_URL": "nats://x:99999"}, "up --no-feed", "OVERROUND_NATS_URL cannot be used"),
    "no gateway": ({}, "run feed", "OVERROUND_GATEWAY_URL"),
    "not a database": ({"OVERROUND_DATABASE_URL": "mysql://x"}, "migrate", "OVERROUND_DATABASE_URL cannot be used"),
    "database away": ({"OVERROUND_DATABASE_URL": NOWHERE}, "migrate", "ConnectionRefusedError"),
    "several away": ({"OVERROUND_DATABASE_URL": NOWHERE.replace(":1/", ":1,127.0.0.1:2/")}, "migrate", "127.0.0.1:2: "),
    "no tokens": ({"OVERROUND_DATABASE_URL": NOWHERE}, "token list", "ConnectionRefusedError"),
    "no audit": ({"OVERROUND_DATABASE_URL": NOWHERE}, "audit verify", "could not be audited"),
    "no journal": ({"OVERROUND_DATABASE_URL": NOWHERE}, "journal show", "ConnectionRefusedError"),
    "up without database": ({"OVERROUND_DATABASE_URL": NOWHERE}, "up", "ConnectionRefusedError"),
    "in the open": ({"OVERROUND_HOST": "0.0.0.0"}, "up", "OVERROUND_ALLOW_PLAINTEXT=1"),  # noqa: S104  # refused
    "no such host": ({"OVERROUND_HOST": "nowhere.invalid", "OVERROUND_ALLOW_PLAINTEXT": "1"}, "up", "OVERROUND_HOST"),
    "half a pair": ({"OVERROUND_TLS_CERTIFICATE": "/x"}, "up", "go together"),
    "no such file": ({"OVERROUND_TLS_CERTIFICATE": "/x", "OVERROUND_TLS_KEY": "/y"}, "up", "no such file"),
    "not a port": ({"OVERROUND_PORT": "http"}, "up", "OVERROUND_PORT"),
    "not a folder": ({"OVERROUND_DATA": "/dev/null/x"}, "up", "OVERROUND_DATA"),
}


@pytest.fixture
def place(data_folder: Path) -> Iterator[Outside]:
    with outside(data_folder, {}) as here:
        yield here


def is_one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(r"overround: [^\n]+\n", done.stderr), done.stderr
    assert words in done.stderr
    assert "very+secret" not in done.stderr


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_one_line(place: Outside, name: str) -> None:
    settings, words, told = WRONG[name]
    place.environment.update(settings)
    is_one_line(place.call(*words.split()), told)


def test_a_bus_that_is_away(place: Outside) -> None:
    place.environment["OVERROUND_NATS_URL"] = NO_BUS
    refused = place.call("up", "--no-feed")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "very+secret" not in refused.stderr
    assert refused.stderr.splitlines()[-1] == "overround: NATS does not answer; the lines above may say why"


def test_a_port_that_somebody_has(place: Outside) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        is_one_line(place.call("up", "--no-feed"), f"port {place.port} of 127.0.0.1 is taken")


async def test_one_house_on_one_folder(place: Outside) -> None:
    place.start("up", "--no-feed")
    await until_ready(place, "--no-feed")
    place.environment["OVERROUND_PORT"] = str(free_port())
    is_one_line(place.call("up", "--no-feed"), "a house already runs on")
    # its own commands find it by its folder
    assert place.call("audit", "verify").returncode == 0
    assert place.call("journal", "show").stdout.startswith("journal ")
    assert place.call("token", "list").stdout.endswith("overround up\n")
    place.stop("--no-feed")


def commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


@pytest.mark.parametrize("words", list(commands(cli, ())), ids=" ".join)
def test_every_command_shows_an_example(words: tuple[str, ...]) -> None:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    shown = command.get_help(click.Context(command, info_name=" ".join(("overround", *words))))
    assert re.search(r"Example: .*overround", shown, re.DOTALL)


class Watched(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: object = None) -> None:  # type: ignore[override]  # nothing is set
        assert default is None
        self.asked.add(key)


def test_every_setting_is_explained() -> None:
    watched = Watched()
    settings_door.read(watched)
    explained = re.findall(r"^\| `(OVERROUND_\w+)` \|", OPERATING.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted(watched.asked)


def test_what_is_read_can_be_handed_to_a_child() -> None:
    told = {f"OVERROUND_{name}": value for name, value in EVERYTHING.items()}
    settings = settings_door.read(told)
    assert settings_door.environment(settings) == told
    assert settings_door.read(settings_door.environment(settings)) == settings


EVERYTHING = {
    "DATA": "/data",
    "HOST": "::1",
    "PORT": "1",
    "DATABASE_URL": "postgresql://a,b/c",
    "NATS_URL": "tls://d",
    "CELL": "e",
    "NAME": "f",
    "LEASE_MS": "2000",
    "LOG_STYLE": "json",
    "LOG_LEVEL": "DEBUG",
    "TLS_CERTIFICATE": "/g",
    "TLS_KEY": "/h",
    "ALLOW_PLAINTEXT": "1",
    "NATS_CA": "/i",
    "NATS_CERTIFICATE": "/j",
    "NATS_KEY": "/k",
    "GATEWAY_CA": "/l",
    "GATEWAY_URL": "https://m",
    "OPERATOR_TOKEN": "n",
    "TRUSTED_PROXIES": "127.0.0.1",
    "STREAM_PORT": "2",
    "STREAM_CERTIFICATE": "/o",
    "STREAM_KEY": "/p",
    "CLIENT_CA": "/q",
    "UOF_URL": "amqp://r",
    "UOF_API_URL": "http://s",
    "UOF_TOKEN": "t",
    "ODDS_API_URL": "http://u",
    "ODDS_API_KEY": "v",
    "MOVE_PRICES": "1",
}
