"""What came of a replay: hold against the odds, every payout against the file, every account against its bets."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from overround.feeds.football_csv import Match, Odds
from overround.feeds.recount import Claim, Difference, SlipClaim, recount, recount_slips
from overround.feeds.replay import Played, Settled, SlipTaken, Taken
from overround.trading import Hold, Joint, Kind, Method, Position, compare, fair, fit_joint, overround, variance

USUAL_RESULT: Final = (0.45, 0.27, 0.28)
"""Home, draw and away where a match had no 1X2 odds; only the standard error depends on it."""

MAX_DIFFERENCES: Final = 20
"""Differences that a report lists; it counts all."""

RISK_HALVES: Final = {"won": 2, "lost": 2, "void": 0, "half_won": 1, "half_lost": 1}
"""Halves of the stake that an outcome left at risk."""


class HoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of market, or all. Holds are parts of one, on the stakes at risk; money in minor units.

    `overround` is the mean over the stakes at risk. `expected_power` is the expectation with the margin taken out by
    the power method. `errors_apart` is realised less expected in standard errors.
    """

    kind: str
    bets: int
    turnover_minor: int
    paid_minor: int
    overround: float
    expected: float
    expected_power: float
    realised: float
    standard_error: float
    errors_apart: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A replay in numbers. It is clean when nothing differs from the files and nothing was refused."""

    files: tuple[str, ...]
    bookmaker: str
    seed: int
    matches: int
    bettors: int
    bets: int
    slips: int
    refused: dict[str, int]
    turnover_minor: int
    paid_minor: int
    currency: str
    bets_per_s: float
    seconds: float
    hold: tuple[HoldLine, ...]
    recounted_bets: int
    accounts: int
    differences: int
    first_differences: tuple[Difference, ...]
    notes: dict[str, int]

    @property
    def is_clean(self) -> bool:
        return not self.differences and not self.refused and self.recounted_bets == self.bets


def make_report(
    played: Played,
    *,
    paths: Sequence[Path],
    matches: Sequence[Match],
    notes: Mapping[str, int],
    bookmaker: str,
    seed: int,
    currency: str,
) -> Report:
    """Compare what the house reported with what the files say."""
    settled = {bet.bet_id: bet for bets in played.bets.values() for bet in bets}
    differences = [*_unlike(played, settled)]
    known = [taken for taken in played.taken if taken.bet_id in settled]
    paid: dict[int, int] = {}
    recounted = 0
    for path in paths:
        claims = [_claim(taken, settled[taken.bet_id]) for taken in known if taken.match.file == str(path)]
        counted = recount(path, claims)
        recounted += counted.bets
        differences += counted.differences
        for customer_id, amount in counted.paid_minor.items():
            paid[customer_id] = paid.get(customer_id, 0) + amount
    slips = recount_slips(_slip_claim(slip, settled[slip.bet_id]) for slip in played.slips if slip.bet_id in settled)
    recounted += slips.bets
    differences += slips.differences
    for customer_id, amount in slips.paid_minor.items():
        paid[customer_id] = paid.get(customer_id, 0) + amount
    differences += _accounts(played, paid)
    return Report(
        files=tuple(path.name for path in paths),
        bookmaker=bookmaker,
        seed=seed,
        matches=len(matches),
        bettors=len(played.bettors),
        bets=len(played.taken) + len(played.slips),
        slips=len(played.slips),
        refused=played.refused,
        turnover_minor=sum(bet.stake_minor for bet in played.everything),
        paid_minor=sum(bet.payout_minor for bet in settled.values()),
        currency=currency,
        bets_per_s=(len(played.taken) + len(played.slips)) / played.placing_s if played.placing_s else 0.0,
        seconds=played.seconds,
        hold=hold_lines(known, settled),
        recounted_bets=recounted,
        accounts=len(played.bettors),
        differences=len(differences),
        first_differences=tuple(differences[:MAX_DIFFERENCES]),
        notes=dict(sorted(notes.items())),
    )


def _claim(taken: Taken, settled: Settled) -> Claim:
    """Where in the file the bet stands comes from what was asked; all else is the house's word."""
    return Claim(
        bet_id=settled.bet_id,
        customer_id=taken.customer_id,
        line=taken.match.line,
        kind=taken.kind,
        side=taken.side,
        price_column=taken.odds.columns[taken.side],
        line_column=taken.odds.line_column,
        stake_minor=settled.stake_minor,
        price_milli=settled.price_milli,
        outcome=settled.outcome or settled.status,
        payout_minor=settled.payout_minor,
    )


def _slip_claim(slip: SlipTaken, settled: Settled) -> SlipClaim:
    return SlipClaim(
        bet_id=slip.bet_id,
        customer_id=slip.customer_id,
        legs=tuple(
            (Path(leg.match.file), _claim(leg, msgspec.structs.replace(settled, price_milli=leg.price_milli)))
            for leg in slip.legs
        ),
        folds=slip.folds,
        stake_minor=settled.stake_minor,
        outcome=settled.outcome or settled.status,
        payout_minor=settled.payout_minor,
    )


def _unlike(played: Played, settled: Mapping[int, Settled]) -> Iterable[Difference]:
    """Acknowledged bets that the house does not report as asked, and bets that nobody asked for."""
    for taken in played.taken:
        bet = settled.get(taken.bet_id)
        asked = (taken.market_id, taken.side + 1, taken.stake_minor)
        found = () if bet is None else (bet.market_id, bet.selection_id, bet.stake_minor)
        if found != asked:
            yield Difference(bet_id=taken.bet_id, what="bet", file=str(asked), house=str(found or "not there"))
    asked_for = [bet.bet_id for bet in played.everything]
    for bet_id in sorted(settled.keys() - set(asked_for)):
        yield Difference(bet_id=bet_id, what="bet", file="nobody asked for it", house=settled[bet_id].status)
    reported = sum(map(len, played.bets.values()))
    if len(set(asked_for)) != len(asked_for) or reported != len(settled):
        yield Difference(bet_id=0, what="bets", file=f"{len(asked_for)} each once", house=f"{reported}")


def _accounts(played: Played, paid_minor: Mapping[int, int]) -> Iterable[Difference]:
    """Cash of each customer: funds less stakes plus what the file says was won."""
    staked: dict[int, int] = {}
    for taken in played.everything:
        staked[taken.customer_id] = staked.get(taken.customer_id, 0) + taken.stake_minor
    for bettor in played.bettors:
        customer_id = bettor.customer_id
        due = bettor.funds_minor - staked.get(customer_id, 0) + paid_minor.get(customer_id, 0)
        have = played.cash_minor[customer_id]
        if have != due:
            yield Difference(bet_id=0, what=f"cash of customer {customer_id}", file=str(due), house=str(have))


# ------------------------------------------------------------------ hold


def hold_lines(taken: Sequence[Taken], settled: Mapping[int, Settled]) -> tuple[HoldLine, ...]:
    """A line for each kind of market, and one for all."""
    kinds = [kind for kind in ("1x2", "total", "asian_handicap") if any(bet.kind == kind for bet in taken)]
    spread = _Spread(taken)
    lines = [_hold_line(kind, [bet for bet in taken if bet.kind == kind], settled, spread) for kind in kinds]
    return (*lines, _hold_line("all", list(taken), settled, spread))


class _Spread:
    """How far chance carries the bets of a match, from the goals model fitted to that match's prices."""

    def __init__(self, taken: Sequence[Taken]) -> None:
        self._tables = {match: _table(match) for match in dict.fromkeys(bet.match for bet in taken)}

    def variance(self, taken: Sequence[Taken]) -> float:
        by_match: dict[Match, list[Position]] = {}
        for bet in taken:
            by_match.setdefault(bet.match, []).append(_position(bet))
        return sum(variance(_merged(positions), self._tables[match]) for match, positions in by_match.items())


def _hold_line(kind: str, taken: list[Taken], settled: Mapping[int, Settled], spread: _Spread) -> HoldLine:
    risked = returned = expected = expected_power = books = 0.0
    for bet in taken:
        house = settled[bet.bet_id]
        at_risk = house.stake_minor * RISK_HALVES.get(house.outcome or "", 0) / 2
        price = bet.price_milli / 1_000
        prices = bet.odds.prices_milli
        risked += at_risk
        returned += house.payout_minor - (house.stake_minor - at_risk)
        expected += at_risk * _fair(prices, Method.MULTIPLICATIVE)[bet.side] * price
        expected_power += at_risk * _fair(prices, Method.POWER)[bet.side] * price
        books += at_risk * overround(prices)
    hold: Hold = compare(risked=risked, returned=returned, expected_return=expected, variance=spread.variance(taken))
    return HoldLine(
        kind=kind,
        bets=len(taken),
        turnover_minor=sum(bet.stake_minor for bet in taken),
        paid_minor=sum(settled[bet.bet_id].payout_minor for bet in taken),
        overround=books / risked if risked else 0.0,
        expected=hold.expected,
        expected_power=1.0 - expected_power / risked if risked else 0.0,
        realised=hold.realised,
        standard_error=hold.error,
        errors_apart=hold.errors_apart,
    )


@lru_cache(maxsize=65_536)
def _fair(prices_milli: tuple[int, ...], method: Method) -> tuple[float, ...]:
    """Many bets are at the same prices."""
    return fair(prices_milli, method)


def _position(bet: Taken) -> Position:
    return Position(
        kind=Kind(bet.kind),
        selection=bet.side + 1,
        line_quarters=bet.odds.line_quarters,
        stake_minor=bet.stake_minor,
        price_milli=bet.price_milli,
        fair=_fair(bet.odds.prices_milli, Method.MULTIPLICATIVE)[bet.side],
    )


def _merged(positions: Iterable[Position]) -> list[Position]:
    """Positions that differ in their stakes alone, put together."""
    stakes: dict[Position, int] = {}
    for position in positions:
        alike = position._replace(stake_minor=0)
        stakes[alike] = stakes.get(alike, 0) + position.stake_minor
    return [alike._replace(stake_minor=stake) for alike, stake in stakes.items()]


def _table(match: Match) -> Joint:
    result = _fair_of(match, "1x2")
    over = _fair_of(match, "total")
    home, draw, away = result or USUAL_RESULT
    return fit_joint((home, draw, away), over_two_and_a_half=over[0] if over else None)


def _fair_of(match: Match, kind: str) -> tuple[float, ...]:
    """The fair probabilities at the closing odds, or the opening ones."""
    for offer in match.offers:
        odds: Odds | None = offer.closing or offer.opening
        if offer.kind == kind and odds is not None:
            return fair(odds.prices_milli)
    return ()
