"""What operators and feeds do: the rows of `operations` as handlers, many commands at once, and opening customers."""

import re
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from overround.book.machine import Answer, Balances, Done, Proposed
from overround.book.machine.commands import Command, GetBalances, OpenCustomer
from overround.edge.asking import Asker, unexpected
from overround.edge.bodies import Body
from overround.edge.desk import ALL_OPERATIONS
from overround.edge.operations import Operation
from overround.edge.problems import Problem, refusal
from overround.edge.routes import Call, Handler, Reply
from overround.edge.sessions import Sessions
from overround.edge.values import AtText, Currency, Id, KeyText, Secret, Text, at_text
from overround.kernel.refusal import Refused

MAX_COMMANDS: Final = 200


class DoneBody(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Done; `seq` is the fact that says so, and one id is of what was made or changed."""

    seq: int
    customer_id: int | None = None
    sport_id: int | None = None
    competition_id: int | None = None
    event_id: int | None = None
    market_id: int | None = None
    proposal_id: int | None = None
    ticket_id: int | None = None
    builder_id: int | None = None
    grant_id: int | None = None


class ProposedBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It changes so much that it waits for another operator, until then."""

    seq: int
    proposal_id: int
    expires_at: AtText

    @staticmethod
    def of(proposed: Proposed) -> "ProposedBody":
        return ProposedBody(
            seq=proposed.seq, proposal_id=proposed.proposal_id, expires_at=at_text(proposed.expires_at_us)
        )


class CustomerAsked(Body, frozen=True):
    """A customer with a wallet and, with `username` and `password`, a login."""

    currency: Currency
    username: Text = ""
    password: Secret | None = None


class CustomerMade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`account_id` is the account of the customer's cash."""

    customer_id: int
    account_id: int
    seq: int


class Keyed(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", forbid_unknown_fields=True):
    """One command of many, with its own key."""

    key: KeyText


_KINDS: Final = {
    "customer_id": Id,
    "competition_id": Id,
    "event_id": Id,
    "market_id": Id,
    "proposal_id": Id,
    "ticket_id": Id,
    "grant_id": Id,
    "currency": Currency,
    "feed": Text,
}


def _keyed(row: Operation) -> type[Keyed]:
    """A row's body and the parameters of its path, as one struct with a key."""
    parameters = [(name, _KINDS[name]) for name in re.findall(r"\{(\w+)", row.path)]
    own = [
        (each.name, each.type, msgspec.field(default=each.default))
        if each.default is not msgspec.NODEFAULT
        else (each.name, each.type, msgspec.field(default_factory=each.default_factory))
        if each.default_factory is not msgspec.NODEFAULT
        else (each.name, each.type)
        for each in msgspec.structs.fields(row.body)
    ]
    name = row.command.__name__
    return msgspec.defstruct(  # type: ignore[return-value]  # it derives from Keyed
        name,
        [*parameters, *own],
        bases=(Keyed,),
        tag=name,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        module=__name__,
        namespace={"__doc__": row.doc},
    )


KEYED: Final = {_keyed(row): row for row in ALL_OPERATIONS}
AnyKeyed: Any = reduce(or_, KEYED)


class CommandsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 200 commands, each decided by itself, in their order."""

    commands: Annotated[tuple[AnyKeyed, ...], Meta(min_length=1, max_length=MAX_COMMANDS)]


class CommandResult(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """`done` with the id of what was made or changed, `proposed` with the id of the proposal that waits for another
    operator, `refused` with a problem's code, or `unknown`: ask again with the same key."""

    key: str
    status: str
    id: int | None = None
    seq: int | None = None
    code: str | None = None
    detail: dict[str, int | str] | None = None


class CommandResults(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """In the order of the request."""

    results: list[CommandResult]


class Operating:
    """The handlers."""

    def __init__(self, asker: Asker, sessions: Sessions) -> None:
        self._asker, self._sessions = asker, sessions

    def handler(self, row: Operation) -> Handler:
        """What a row's address does."""
        created = row.method == "POST" and "{" not in row.path

        async def handle(call: Call) -> Reply:
            done = await self._asker.ask(row.asked(call.body, dict(call.path)), actor=call.actor, key=call.key)
            if isinstance(done, Proposed):
                return Reply(202, ProposedBody.of(done))
            if not isinstance(done, Done):
                raise unexpected(done)
            shown = {row.shows: call.path.get(row.shows, done.id)} if row.shows else {}
            return Reply(201 if created else 200, DoneBody(seq=done.seq, **shown))  # type: ignore[arg-type]

        return handle

    async def _done(self, command: Command, call: Call) -> Done:
        answer = await self._asker.ask(command, actor=call.actor, key=call.key)
        if not isinstance(answer, Done):
            raise unexpected(answer)
        return answer

    async def commands(self, call: Call) -> Reply:
        asked = [(_command(each), each.key) for each in call.body.commands]
        answers = await self._asker.ask_many(asked, actor=call.actor)
        results = [_result(key, answer) for (_, key), answer in zip(asked, answers, strict=True)]
        return Reply(200, CommandResults(results=results))

    async def open_customer(self, call: Call) -> Reply:
        """The customer first, then the login: whoever asks again with the same key gets the same customer."""
        body = call.body
        if bool(body.username) != bool(body.password):
            raise Problem("body_invalid", "username and password come together")
        if body.username and await self._sessions.is_retry(username=body.username, password=body.password):
            done = await self._done(OpenCustomer(body.currency), call)
            if await self._sessions.customer_of(body.username) != done.id:
                raise Problem("username_taken")
            return Reply(201, await self._made(done))
        done = await self._done(OpenCustomer(body.currency), call)
        if body.username:
            await self._sessions.add_login(customer_id=done.id, username=body.username, password=body.password)
        return Reply(201, await self._made(done))

    async def _made(self, done: Done) -> CustomerMade:
        balances = await self._asker.ask(GetBalances(done.id), actor=done.id)
        if not isinstance(balances, Balances):
            raise unexpected(balances)
        return CustomerMade(customer_id=done.id, account_id=balances.wallets[0].account_id, seq=done.seq)


def _command(each: Keyed) -> Command:
    row = KEYED[type(each)]
    own = row.body.__struct_fields__
    body = row.body(**{name: getattr(each, name) for name in own})
    path = {name: getattr(each, name) for name in each.__struct_fields__ if name not in own and name != "key"}
    return row.asked(body, path)


def _result(key: str, answer: Answer | None) -> CommandResult:
    if isinstance(answer, Done):
        return CommandResult(key=key, status="done", id=answer.id or None, seq=answer.seq)
    if isinstance(answer, Proposed):
        return CommandResult(key=key, status="proposed", id=answer.proposal_id, seq=answer.seq)
    if isinstance(answer, Refused):
        return CommandResult(key=key, status="refused", code=refusal(answer).code, detail=answer.detail or None)
    return CommandResult(key=key, status="unknown", code="outcome_unknown")
