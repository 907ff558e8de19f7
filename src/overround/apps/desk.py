"""`overround desk`: what a trading desk does, from the command line, over the house's own API."""

import re
import secrets
import time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

import click
import httpx
import msgspec

from overround.apps import settings as settings_door
from overround.apps import sheets, tls
from overround.apps.engines import EngineTrouble
from overround.apps.feed import gateway_of
from overround.kernel.ids import make_key
from overround.kernel.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US

Json = Any

LEVELS: Final = ("platform", "sport", "competition", "event", "market", "selection")
UNITS: Final = {"s": SECOND_US, "m": MINUTE_US, "h": HOUR_US, "d": DAY_US}
TIMEOUT_S: Final = 15.0

AS_JSON = click.option("--json", "as_json", is_flag=True, help="The API's own answer instead of words.")


class Span(click.ParamType[int]):
    """A length of time: 60s, 5m, 2h, 1d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is no length of time such as 60s, 5m, 2h or 1d", param, ctx)
        return int(match[1]) * UNITS[match[2]]


class Milli(click.ParamType[int]):
    """Decimal odds, to thousandths: 1.85."""

    name = "price"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            milli = Decimal(str(value)) * 1_000
        except InvalidOperation:
            self.fail(f"{value!r} is no price such as 1.85", param, ctx)
        if milli != int(milli):
            self.fail(f"{value!r} has more than three decimals", param, ctx)
        return int(milli)


class Score(click.ParamType[dict[str, int]]):
    """Goals of both sides: 2-1."""

    name = "score"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        match = re.fullmatch(r"(\d{1,3})[-:](\d{1,3})", str(value))
        if match is None:
            self.fail(f"{value!r} is no score such as 2-1", param, ctx)
        return {"home": int(match[1]), "away": int(match[2])}


class House:
    """The gateway, for one operator."""

    def __init__(self) -> None:
        self._settings = settings_door.read()
        self._base_url, self._token = gateway_of(self._settings)

    def _connected(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self._base_url}/v1/operator",
            headers={"authorization": f"Bearer {self._token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
            verify=tls.for_gateway(self._settings),
        )

    def get(self, path: str, **query: Json) -> Json:
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def send(self, method: str, path: str, body: Json = None) -> Json:
        """A command under a fresh key. Where no answer comes, the key says how to ask again."""
        key = make_key(at_us=time.time_ns() // 1_000, chance=secrets.randbits(74))
        content = msgspec.json.encode(body if body is not None else {})
        headers = {"idempotency-key": key, "content-type": "application/json"}
        return self._ask(method, path, content=content, headers=headers)

    def _ask(self, method: str, path: str, **more: Json) -> Json:
        try:
            with self._connected() as http:
                reply = http.request(method, path, **more)
        except httpx.TransportError as error:
            raise EngineTrouble(f"the house does not answer: {type(error).__name__}: {error}") from error
        if not reply.is_success:
            _refused(reply)
        return msgspec.json.decode(reply.content) if reply.content else {}


def _refused(reply: httpx.Response) -> NoReturn:
    """The problem in one line, with its numbers."""
    try:
        problem = msgspec.json.decode(reply.content, type=dict[str, Any])
    except msgspec.DecodeError:
        raise EngineTrouble(f"the house answered {reply.status_code}") from None
    numbers = {name: value for name, value in problem.items() if name not in ("type", "title", "status", "code")}
    told = "".join(f", {name} {value}" for name, value in numbers.items())
    raise EngineTrouble(f"{problem.get('code')}: {problem.get('title')}{told}")


@click.group(name="desk")
def command() -> None:
    """What a trading desk does: look, suspend, price, result, approve, block.

    Speaks to the house that OVERROUND_GATEWAY_URL and OVERROUND_OPERATOR_TOKEN name, or else to the one on this machine
    that wrote its endpoints into OVERROUND_DATA.

    Example: overround desk field-sheet 12
    """


def _show(answer: Json, *, as_json: bool, words: str = "done") -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
    elif "expires_at" in answer:
        click.echo(f"waits for another operator as proposal {answer['proposal_id']}")
    else:
        click.echo(f"{words} (fact {answer.get('seq')})")


def _place(level: str, number: int, selection: int | None) -> dict[str, Json]:
    return {"level": level, "id": number, **({"selection_id": selection} if selection else {})}


@command.command()
@click.argument("level", type=click.Choice(LEVELS))
@click.argument("number", metavar="ID", type=click.IntRange(0))
@click.option("--selection", type=click.IntRange(1), help="Which of the market's, at the level of a selection.")
@click.option("--reason", required=True, help="Why, for whoever reads the journal.")
@AS_JSON
def suspend(level: str, number: int, selection: int | None, reason: str, as_json: bool) -> None:
    """Take no bets at a level and below it. The platform's ID is 0; a selection's is its market's.

    Example: overround desk suspend sport 1 --reason floodlights
    """
    body = {**_place(level, number, selection), "reason": reason}
    _show(House().send("POST", "/suspensions", body), as_json=as_json, words=f"{level} {number} is suspended")


@command.command()
@click.argument("level", type=click.Choice(LEVELS))
@click.argument("number", metavar="ID", type=click.IntRange(0))
@click.option("--selection", type=click.IntRange(1), help="Which of the market's, at the level of a selection.")
@AS_JSON
def resume(level: str, number: int, selection: int | None, as_json: bool) -> None:
    """End the suspension of just this level.

    Example: overround desk resume sport 1
    """
    answer = House().send("POST", "/resumptions", _place(level, number, selection))
    _show(answer, as_json=as_json, words=f"{level} {number} is suspended no more")


@command.command()
@click.argument("market", type=click.IntRange(1))
@click.argument("selection", type=click.IntRange(1))
@click.argument("price", type=Milli())
@click.option("--for", "span_us", type=Span(), required=True, help="How long: 60s, 5m, 2h, up to 7d.")
@AS_JSON
def price(market: int, selection: int, price: int, span_us: int, as_json: bool) -> None:
    """Offer a price for a while, whatever the feed says.

    Example: overround desk price 7 1 1.85 --for 60s
    """
    until_us = time.time_ns() // 1_000 + span_us
    body = {"selection_id": selection, "price_milli": price, "until_us": until_us}
    _show(House().send("POST", f"/markets/{market}/override", body), as_json=as_json, words="on offer")


@command.command()
@click.argument("market", type=click.IntRange(1))
@click.argument("selection", type=click.IntRange(1))
@AS_JSON
def lift(market: int, selection: int, as_json: bool) -> None:
    """End a price set by hand: what the feed said last is on offer again.

    Example: overround desk lift 7 1
    """
    answer = House().send("POST", f"/markets/{market}/lift", {"selection_id": selection})
    _show(answer, as_json=as_json, words="the feed's price is on offer")


@command.command()
@click.argument("level", type=click.Choice(LEVELS[:-1]))
@click.argument("number", metavar="ID", type=click.IntRange(0))
@click.argument("bps", type=click.IntRange(0, 10_000), required=False)
@AS_JSON
def margin(level: str, number: int, bps: int | None, as_json: bool) -> None:
    """Set the margin with which prices below a level are made, in hundredths of a per cent; without one, take it away.

    Example: overround desk margin competition 3 450
    """
    body = {"level": level, "id": number, "margin_bps": bps}
    _show(House().send("PUT", "/margins", body), as_json=as_json)


@command.command()
@click.argument("level", type=click.Choice(LEVELS))
@click.argument("number", metavar="ID", type=click.IntRange(0))
@click.option("--selection", type=click.IntRange(1), help="Which of the market's, at the level of a selection.")
@click.option("--currency", required=True, help="Such as EUR.")
@click.option("--stake", type=click.IntRange(0), default=0, help="The largest stake of a bet, in minor units.")
@click.option("--payout", type=click.IntRange(0), default=0, help="The largest payout of a bet, in minor units.")
@click.option("--liability", type=click.IntRange(0), default=0, help="What may be lost there, in minor units.")
@AS_JSON
def limits(
    level: str,
    number: int,
    selection: int | None,
    currency: str,
    stake: int,
    payout: int,
    liability: int,
    as_json: bool,
) -> None:
    """Set what the house takes at a level; 0 bounds nothing, and without any the level has no limits of its own.

    Example: overround desk limits event 12 --currency EUR --liability 5000000
    """
    amounts = {"max_stake_minor": stake, "max_payout_minor": payout, "max_liability_minor": liability}
    body = {**_place(level, number, selection), "currency": currency, **amounts}
    _show(House().send("PUT", "/caps", body), as_json=as_json)


@command.command()
@click.argument("competition", type=click.IntRange(1))
@click.option("--withdraw", is_flag=True, help="Take an approval back.")
@AS_JSON
def admit(competition: int, withdraw: bool, as_json: bool) -> None:
    """Approve a competition for betting, where the house asks for approval.

    Example: overround desk admit 3
    """
    answer = House().send("PUT", f"/competitions/{competition}/approval", {"approved": not withdraw})
    _show(answer, as_json=as_json)


@command.command()
@click.argument("player", type=click.IntRange(1))
@click.option("--reason", required=True, help="A code that is kept for ever: no personal data.")
@AS_JSON
def block(player: int, reason: str, as_json: bool) -> None:
    """Take no more bets of a customer.

    Example: overround desk block 42 --reason chargeback
    """
    answer = House().send("POST", f"/customers/{player}/block", {"reason": reason})
    _show(answer, as_json=as_json, words=f"customer {player} is blocked")


@command.command()
@click.argument("player", type=click.IntRange(1))
@AS_JSON
def unblock(player: int, as_json: bool) -> None:
    """Take a customer's bets again.

    Example: overround desk unblock 42
    """
    answer = House().send("POST", f"/customers/{player}/unblock")
    _show(answer, as_json=as_json, words=f"customer {player} is blocked no more")


@command.command()
@click.argument("market", type=click.IntRange(1))
@click.option("--score", type=Score(), help="Goals of home and away: 2-1.")
@click.option("--winners", help="The selections that won, with commas between.")
@click.option("--void", help="Nothing counts; why.")
@click.option("--preview", is_flag=True, help="Only say what it would pay.")
@AS_JSON
def result(market: int, score: Json, winners: str | None, void: str | None, preview: bool, as_json: bool) -> None:
    """Record a market's result, or correct it; or look first at what it would pay.

    Example: overround desk result 7 --score 2-1 --preview
    """
    given = {"score": score, "winners": _numbers(winners), "void": {"note": void} if void is not None else None}
    body = {name: value for name, value in given.items() if value is not None}
    if len(body) != 1:
        raise click.UsageError("one of --score, --winners and --void")
    answer = House().send("POST", f"/markets/{market}/{'preview' if preview else 'result'}", body)
    if preview and not as_json:
        sheets.preview(answer)
    else:
        _show(answer, as_json=as_json, words="recorded")


@command.command(name="exchange-result")
@click.argument("market", type=click.IntRange(1))
@click.option("--winners", help="The runners that won, by their place in the market from 0, with commas between.")
@click.option("--tied", is_flag=True, help="They share one place: a dead heat.")
@click.option("--number", type=int, help="Home goals less away goals; of a line, the number in thousandths.")
@click.option("--void", help="Every match is off; why.")
@AS_JSON
def exchange_result(
    market: int, winners: str | None, tied: bool, number: int | None, void: str | None, as_json: bool
) -> None:
    """Record the result of a market of the exchange, or correct it.

    Example: overround desk exchange-result 3 --winners 0
    """
    if [winners, number, void].count(None) != 2:
        raise click.UsageError("one of --winners, --number and --void")
    if winners is not None:
        places = _places(winners)
        shares = [{"runner": each, "tied": len(places) if tied else 1} for each in places]
        result: Json = {"kind": "runners", "winners": shares}
    else:
        result = {"kind": "number", "number": number} if void is None else {"kind": "void", "note": void}
    answer = House().send("POST", f"/exchange/markets/{market}/result", {"result": result})
    _show(answer, as_json=as_json, words="recorded")


def _places(text: str) -> list[int]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise click.UsageError("--winners takes places with commas between: 0,2")
    return [int(each) for each in text.split(",")]


def _numbers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", text):
        raise click.UsageError("--winners takes selections with commas between: 1,4")
    return sorted(int(each) for each in text.split(","))


@command.command(name="field-sheet")
@click.argument("event", type=click.IntRange(1))
@AS_JSON
def field_sheet(event: int, as_json: bool) -> None:
    """What the house wins and loses on each selection of an event, and at each final score of a football match.

    Example: overround desk field-sheet 12
    """
    house, pages, after = House(), list[Json](), 0
    while after or not pages:
        pages.append(house.get(f"/events/{event}/field-sheet", after=after))
        after = pages[-1]["next"]
    _print(sheets.joined(pages), as_json=as_json, words=sheets.field_sheet)


@command.command()
@AS_JSON
def controls(as_json: bool) -> None:
    """What is suspended, and which margins and limits are set.

    Example: overround desk controls
    """
    house = House()
    answer = {**house.get("/controls"), "caps": house.get("/caps")["items"]}
    _print(answer, as_json=as_json, words=sheets.controls)


@command.command()
@click.option("--actor", type=int, help="Only one operator's.")
@click.option("--kind", help="Only one kind, such as level_suspended.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@AS_JSON
def actions(actor: int | None, kind: str | None, limit: int, as_json: bool) -> None:
    """What operators decided, newest first, with what was before.

    Example: overround desk actions --limit 5
    """
    _print(House().get("/actions", actor=actor, kind=kind, limit=limit), as_json=as_json, words=sheets.actions)


@command.command()
@AS_JSON
def proposals(as_json: bool) -> None:
    """Corrections that wait for a second operator.

    Example: overround desk proposals
    """
    _print(House().get("/proposals"), as_json=as_json, words=sheets.proposals)


@command.command()
@click.argument("proposal", type=click.IntRange(1))
@AS_JSON
def approve(proposal: int, as_json: bool) -> None:
    """Let a correction be made that another operator proposed.

    Example: overround desk approve 4
    """
    _show(House().send("POST", f"/proposals/{proposal}/approve"), as_json=as_json, words="approved")


@command.command()
@click.argument("proposal", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why not.")
@AS_JSON
def reject(proposal: int, reason: str, as_json: bool) -> None:
    """Turn a proposed correction down.

    Example: overround desk reject 4 --reason "the first result stands"
    """
    answer = House().send("POST", f"/proposals/{proposal}/reject", {"reason": reason})
    _show(answer, as_json=as_json, words="rejected")


def _print(answer: Json, *, as_json: bool, words: sheets.Words) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
    else:
        words(answer)
