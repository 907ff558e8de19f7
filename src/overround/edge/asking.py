"""Asking the book: a command or query goes out, an answer comes back, and everything else is a problem."""

from collections.abc import Sequence

from overround.book import archive
from overround.book.machine import Answer
from overround.book.machine.commands import Command
from overround.edge.problems import Problem, refusal
from overround.host import Desk, NoAnswer, Overloaded
from overround.kernel.refusal import Refused


class Asker:
    """The desk, with its surprises as problems."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return self._desk.waiting

    async def ask(self, command: Command, *, actor: int, key: str = "") -> Answer:
        """Raises Problem: overloaded, outcome_unknown."""
        try:
            return await self._desk.ask(command, actor=actor, key=key)
        except Overloaded:
            raise Problem("overloaded") from None
        except NoAnswer:
            raise Problem("outcome_unknown") from None

    async def ask_many(self, commands: Sequence[tuple[Command, str]], *, actor: int) -> list[Answer | None]:
        """Every answer in its place, None where the outcome is unknown. Raises Problem: overloaded."""
        try:
            return await self._desk.ask_many(commands, actor=actor)
        except Overloaded:
            raise Problem("overloaded") from None


def is_archived(answer: Answer) -> bool:
    """Whether the book has let go of the bet that was asked for."""
    return isinstance(answer, Refused) and answer.code == archive.Refusal.BET_ARCHIVED


def unexpected(answer: Answer) -> Problem:
    """An answer that is not what was asked for: a refusal as its problem, anything else is a fault of ours."""
    return refusal(answer) if isinstance(answer, Refused) else Problem("internal")
