"""The worst case over all outcomes, exact. Worked numbers: docs/rules/exchange.md.

Every order adds to its runner's cells, linearly in its size: a matched one what it loses in each state (gains below
zero), an unmatched one the same with the gains left out, since it may be matched or not. So the sum over any outcome is
the most that can be lost in it, and matching an order at its price or better never raises it.
"""

from functools import lru_cache
from typing import Final

from overround.book.exposure.types import Cells, Game, Position, Shape, Side
from overround.kernel.price import UNIT

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
BACK: Final = Side.BACK
WINNERS: Final = Shape.WINNERS
LINE: Final = Shape.LINE

STATES: Final = {Shape.WINNERS: 2, Shape.EACH_WAY: 3, Shape.ASIAN: 5, Shape.LINE: 3}
QUARTERS: Final = 4
NOTHING: Final = (0, 0)


@lru_cache(maxsize=20_000)
def matched(game: Game, side: Side, price_milli: int) -> tuple[int, ...]:
    """The loss in each state of one minor unit of size matched at a price, gains below zero. The size of an each-way
    order is the stake of each of its two parts."""
    losses = _backed(game, price_milli - UNIT)
    return losses if side is BACK else tuple(-loss for loss in losses)


def _backed(game: Game, gain: int) -> tuple[int, ...]:
    match game.shape:
        case Shape.WINNERS:
            return UNIT, -gain
        case Shape.EACH_WAY:
            stake = UNIT * game.divisor
            return 2 * stake, stake - gain, -gain * game.divisor - gain
        case Shape.ASIAN:
            return 2 * UNIT, UNIT, 0, -gain, -2 * gain
        case Shape.LINE:
            return -UNIT, 0, UNIT


def matched_in_all(game: Game, side: Side, size_minor: int, value: int) -> tuple[int, ...]:
    """As `matched`, for a size that was matched at several prices of which the sizes times them add up to `value`."""
    if game.shape is WINNERS:  # what follows written out
        staked, gained = size_minor * UNIT, value - size_minor * UNIT
        return (staked, -gained) if side is BACK else (-staked, gained)
    even, double = matched(game, side, UNIT), matched(game, side, 2 * UNIT)
    gained = value - size_minor * UNIT  # in thousandths: how much at prices above evens it would have won
    return tuple(at * size_minor + (more - at) * gained // UNIT for at, more in zip(even, double, strict=True))


@lru_cache(maxsize=20_000)
def unmatched(game: Game, side: Side, price_milli: int) -> tuple[int, ...]:
    """As `matched`, for a size that may yet be matched or not: no gains."""
    return tuple(max(0, loss) for loss in matched(game, side, price_milli))


@lru_cache(maxsize=8)
def at_start(side: Side) -> tuple[int, ...]:
    """The loss in each state of a minor unit of *liability* at the starting price, which is not known yet."""
    return (UNIT, 0) if side is BACK else (0, UNIT)


def cell_of(game: Game, runner: int, price_milli: int) -> int:
    """Under which cell a runner, or on a line market a line, is kept."""
    return price_milli if game.shape is LINE else runner


def add(cells: Cells, game: Game, cell: int, losses: tuple[int, ...], size_minor: int) -> None:
    """Add `size_minor` (below zero takes back) of a contribution to a runner's cells."""
    before = cells.get(cell) or (0,) * STATES[game.shape]
    cells[cell] = tuple(found + loss * size_minor for found, loss in zip(before, losses, strict=True))


def add_matched(cells: Cells, game: Game, runner: int, side: Side, price_milli: int, size_minor: int) -> None:
    """Add a size matched at a price, or (below zero) take it back."""
    if game.shape is WINNERS:  # `matched` written out: what nearly every market is
        lost, won = cells.get(runner, NOTHING)
        size = size_minor if side is BACK else -size_minor
        cells[runner] = lost + size * UNIT, won - size * (price_milli - UNIT)
    else:
        add(cells, game, cell_of(game, runner, price_milli), matched(game, side, price_milli), size_minor)


def add_unmatched(cells: Cells, game: Game, runner: int, side: Side, price_milli: int, size_minor: int) -> None:
    """Add a size that waits at a price, or (below zero) take it back."""
    if game.shape is WINNERS:  # `unmatched` written out
        lost, won = cells.get(runner, NOTHING)
        if side is BACK:
            cells[runner] = lost + size_minor * UNIT, won
        else:
            cells[runner] = lost, won + size_minor * (price_milli - UNIT)
    else:
        add(cells, game, cell_of(game, runner, price_milli), unmatched(game, side, price_milli), size_minor)


def worst(game: Game, cells: Cells, active: int, handicaps: tuple[int, ...] = ()) -> int:
    """The largest loss over all outcomes in units of risk, 0 where nothing can be lost. `active` runners may win, and
    removed ones have no cells; `handicaps` (quarters, of the runner on whose side it counts) are read by ASIAN."""
    match game.shape:
        case Shape.WINNERS:
            return max(0, _winners(cells, game.winners, active))
        case Shape.EACH_WAY:
            return max(0, _each_way(cells, game.winners, active))
        case Shape.ASIAN:
            return max(0, _asian(cells, handicaps))
        case Shape.LINE:
            return max(0, _line(cells))


def _winners(cells: Cells, winners: int, active: int) -> int:
    """All lose, then the runners that cost most win instead: as many as must, untouched runners costing nothing
    more."""
    lost = 0
    if winners == 1:
        costliest = 0 if len(cells) < active else None
        for losing, winning in cells.values():
            lost += losing
            more = winning - losing
            if costliest is None or more > costliest:
                costliest = more
        return lost + (costliest or 0)
    changes = []
    for losing, winning in cells.values():
        lost += losing
        changes.append(winning - losing)
    if not winners:
        return lost + sum(change for change in changes if change > 0)
    changes += [0] * min(winners, active - len(cells))
    changes.sort(reverse=True)
    return lost + sum(changes[:winners])


def _each_way(cells: Cells, places: int, active: int) -> int:
    """One wins, and it and the next are placed: for each winner the costliest others that may be placed beside it."""
    rows = [tuple(row) for row in cells.values()] + [(0, 0, 0)] * min(places, active - len(cells))
    lost = sum(row[0] for row in rows)
    placed = sorted(((row[1] - row[0], number) for number, row in enumerate(rows)), reverse=True)
    others = min(places, len(rows)) - 1
    first = placed[: max(0, others)]
    among = {number: change for change, number in first}
    top = sum(among.values())
    spare = placed[others][0] if 0 <= others < len(placed) else 0
    costs = [
        row[2] - row[0] + (top - among[number] + spare if number in among else top) for number, row in enumerate(rows)
    ]
    return lost + max(costs, default=0)


def margin_state(quarters: int) -> int:
    """The state of an Asian selection from its margin in quarters of a goal: 0 lost, 1 half lost, 2 void, 3, 4 won."""
    return max(-2, min(2, quarters)) + 2


def _asian(cells: Cells, handicaps: tuple[int, ...]) -> int:
    """Every goal difference at which some state changes, and one beyond on either side. Home runners have even numbers
    and count the difference as it is, away runners odd ones and count it from the other side."""
    lines = [abs(handicaps[runner]) // QUARTERS + 2 for runner in cells]
    reach = max(lines, default=0)
    return max(
        sum(losses[asian_state(runner, handicaps[runner], goals)] for runner, losses in cells.items())
        for goals in range(-reach, reach + 1)
    )


def asian_state(runner: int, handicap_quarters: int, goals: int) -> int:
    """What a goal difference (home less away) makes of a runner."""
    return margin_state((goals if runner % 2 == 0 else -goals) * QUARTERS + handicap_quarters)


def line_state(line_milli: int, number_milli: int) -> int:
    """Whether a number came below, on or above a line: 0, 1, 2."""
    return 1 + (number_milli > line_milli) - (number_milli < line_milli)


def _line(cells: Cells) -> int:
    """Below every line, then line by line on it and above it: all that can be told apart."""
    current = sum(losses[0] for losses in cells.values())
    largest = current
    for line in sorted(cells):
        below, on, above = cells[line]
        largest = max(largest, current - below + on, current - below + above)
        current += above - below
    return largest


def needed_minor(position: Position, risk: int, unit: int) -> int:
    """What a worst case takes of the wallet, in its own minor units: rounded up, once, for the house."""
    return -(-risk * position.rate_to // (unit * position.rate_from))


def net_minor(position: Position, loss: int, unit: int) -> int:
    """What a loss (gains below zero) comes to in the wallet's minor units: rounded down, once, for the house."""
    return -loss * position.rate_to // (unit * position.rate_from)
