"""What a trading desk reads: the API's answers as tables in a terminal."""

from collections.abc import Callable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

Json = Any
Words = Callable[[Json], None]


def money(amount_minor: int) -> str:
    """In hundredths, as most currencies have them; the exact number is in the API's answer."""
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{abs(amount_minor) // 100:,}.{abs(amount_minor) % 100:02d}"


def odds(price_milli: int) -> str:
    return f"{price_milli / 1000:.3f}".rstrip("0").ljust(4, "0") if price_milli else "–"


def _table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def joined(pages: list[Json]) -> Json:
    """The pages of one field sheet as one: their markets after one another, their scores added up."""
    scores: dict[tuple[str, int, int], Json] = {}
    for each in (each for page in pages for each in page["scores"]):
        so_far = scores.setdefault(
            (each["currency"], each["home"], each["away"]), {**each, "lost_minor": 0, "others_minor": 0}
        )
        for name in ("lost_minor", "others_minor"):
            so_far[name] += each[name]
    markets = [market for page in pages for market in page["markets"]]
    return {**pages[-1], "markets": markets, "scores": list(scores.values())}


def field_sheet(sheet: Json) -> None:
    """A table for each market, then for each currency one of final scores, and the levels above."""
    console = Console()
    if not sheet["markets"]:
        console.print("no markets")
    for market in sheet["markets"]:
        console.print(_market(market))
    for currency in dict.fromkeys(each["currency"] for each in sheet["scores"]):
        scores = [each for each in sheet["scores"] if each["currency"] == currency]
        console.print(_grid(f"house at each final score, singles, {currency}", scores, "lost_minor"))
        if any(each["others_minor"] for each in scores):
            console.print(_grid(f"the same, other bets at worst, {currency}", scores, "others_minor"))
    levels = _table("at worst", "level", "id", "house", "currency", right=("house",))
    for each in sheet["levels"]:
        levels.add_row(each["level"], str(each["id"]), money(-each["worst_minor"]), each["currency"])
    if sheet["levels"]:
        console.print(levels)


def _grid(title: str, scores: list[Json], name: str) -> Table:
    """Home goals downwards, away goals across."""
    across = list(dict.fromkeys(each["away"] for each in scores))
    table = _table(title, "home / away", *map(str, across), right=tuple(map(str, across)))
    for home in dict.fromkeys(each["home"] for each in scores):
        table.add_row(str(home), *(money(-each[name]) for each in scores if each["home"] == home))
    return table


def _market(market: Json) -> Table:
    stopped = f", suspended at {market['suspended_at']}" if market["suspended_at"] else ""
    head = f"market {market['market_id']} {market['type']} ({market['status']}{stopped})"
    numbers = ("price", "pays", "not singles", "house if it wins")
    table = _table(head, "", "selection", *numbers, "currency", right=numbers)
    for book in market["books"] or [{"currency": "", "lines": []}]:
        by_id = {line["selection_id"]: line for line in book["lines"]}
        for selection in market["selections"]:
            line = by_id.get(selection["selection_id"])
            table.add_row(
                str(selection["selection_id"]),
                selection["name"],
                odds(selection["price_milli"]) + (" *" if selection["override_milli"] else ""),
                money(line["payout_minor"]) if line else "",
                money(line["others_minor"]) if line else "",
                money(-line["lost_minor"]) if line else "",
                book["currency"],
            )
        if book["currency"]:
            table.add_section()
            worst = f"worst {money(-book['worst_minor'])}"
            table.add_row("", f"stakes {money(book['stakes_minor'])}", "", "", "", worst, book["currency"])
    return table


def preview(answer: Json) -> None:
    """What a result would pay, and the largest winners."""
    console = Console()
    console.print("A correction." if answer["is_correction"] else "A first result.")
    numbers = ("bets", "stakes", "pays", "paid before", "house", "debts")
    table = _table(f"{answer['bets']:,} bets", "currency", *numbers, right=numbers)
    for each in answer["sums"]:
        amounts = ("stakes_minor", "payouts_minor", "previous_minor", "house_minor", "debts_minor")
        table.add_row(each["currency"], f"{each['bets']:,}", *(money(each[name]) for name in amounts))
    console.print(table)
    winners = _table("largest winners", "bet", "customer", "stake", "pays", "currency", right=("stake", "pays"))
    for each in answer["winners"]:
        ids = str(each["bet_id"]), str(each["customer_id"])
        winners.add_row(*ids, money(each["stake_minor"]), money(each["payout_minor"]), each["currency"])
    if answer["winners"]:
        console.print(winners)
    if not answer["is_whole"]:
        console.print(f"Only {answer['looked_at']:,} of {answer['bets']:,} bets were looked at.")
    if answer["needs_approval"]:
        console.print("It would wait for a second operator.")


def controls(answer: Json) -> None:
    console = Console()
    if answer["approval_required"]:
        console.print("Competitions take bets only once they are approved.")
    table = _table("suspended", "level", "id", "reason", "since")
    for each in answer["suspensions"]:
        table.add_row(each["level"], str(each["id"]), each["reason"], each["since"])
    console.print(table if answer["suspensions"] else "Nothing is suspended above the selections.")
    margins = _table("margins", "level", "id", "basis points")
    for each in answer["margins"]:
        margins.add_row(each["level"], str(each["id"]), str(each["margin_bps"]))
    if answer["margins"]:
        console.print(margins)
    amounts = ("max_stake_minor", "max_payout_minor", "max_liability_minor")
    caps = _table("limits", "level", "id", "currency", "stake", "payout", "liability")
    for each in answer["caps"]:
        number = f"{each['id']}/{each['selection_id']}" if each["selection_id"] else str(each["id"])
        bounds = (money(each[name]) if each[name] else "–" for name in amounts)
        caps.add_row(each["level"], number, each["currency"], *bounds)
    if answer["caps"]:
        console.print(caps)


def actions(page: Json) -> None:
    table = _table("", "fact", "at", "actor", "what", "about", "before", "after")
    for each in page["items"]:
        about, before, after = (_words(each[name]) for name in ("subject", "before", "after"))
        table.add_row(str(each["seq"]), each["at"], str(each["actor"]), each["kind"], about, before, after)
    Console().print(table)


def proposals(answer: Json) -> None:
    table = _table("", "proposal", "by", "what", "changes", "bets", "until")
    for each in answer["proposals"]:
        changes = ", ".join(f"{money(minor)} {currency}" for currency, minor in each["change_minor"].items())
        what = f"{each['command']} {_words(each['about'])}"
        bets = f"{each['bets']:,}" + ("" if each["is_whole"] else " (not all looked at)")
        table.add_row(str(each["proposal_id"]), str(each["actor"]), what, changes, bets, each["expires_at"])
    Console().print(table if answer["proposals"] else "Nothing waits.")


def _words(fields: Json) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())
