"""Commands drawn by chance over a small prepared world, so that most of them meet something that matters."""

import random
from collections.abc import Callable

from overround.book.bets import OddsChange
from overround.book.catalogue import Ending, EventStatus, MarketStatus, MarketTerms, Moment, Side
from overround.book.limits import HouseTerms, LimitKind
from overround.book.machine import State
from overround.book.machine import commands as c
from overround.book.machine import desk_commands as d
from overround.book.settlement import Finish, Goal, Result, Score, Void, Winners
from overround.kernel.instant import DAY_US, HOUR_US, SECOND_US
from overround.kernel.level import Level

PRICES = (1_001, 1_333, 1_905, 2_000, 2_001, 2_625, 3_005, 17_500, 1_000_000)
STAKES = (1, 9, 10, 33, 101, 1_000, 2_500, 9_999, 40_000, 250_000)
WAITS_US = (0, 0, 0, 1_000, SECOND_US, 4 * SECOND_US, 6 * SECOND_US, 19 * SECOND_US, 21 * SECOND_US, HOUR_US)
ALIVE = (MarketStatus.OPEN, MarketStatus.SUSPENDED)
LONG_WAITS_US = (9 * HOUR_US, 13 * HOUR_US, DAY_US, 25 * HOUR_US, 8 * DAY_US)


def prelude() -> list[c.AnyCommand]:
    """Three customers, two currencies, an event under way and one to come, every type of market."""
    return [
        c.OpenCustomer("EUR"),
        c.OpenCustomer("EUR"),
        c.OpenCustomer("GBP"),
        c.OpenWallet(3, "EUR"),
        *(c.MoveFunds(customer, "EUR", 100_000, "deposit") for customer in (1, 2, 3)),
        c.MoveFunds(3, "GBP", 50_000, "deposit"),
        c.SetHouseTerms("EUR", HouseTerms(10, 50_000, 2_000_000, 60_000, 90_000)),
        c.CreateSport("Football"),
        c.CreateCompetition(1, "Premier League"),
        c.CreateEvent(1, "Arsenal – Chelsea", 0),
        c.CreateEvent(1, "Leeds – Everton", 0),
        c.FeedHeartbeat("odds"),
        c.CreateMarket(1, "1x2", prices_milli=(2_000, 3_005, 4_000), feed="odds", in_play=True, delay_us=5 * SECOND_US),
        c.CreateMarket(1, "total", {"line_quarters": 9}, prices_milli=(1_905, 1_905), in_play=True, delay_us=SECOND_US),
        c.CreateMarket(1, "asian_handicap", {"line_quarters": -1}, prices_milli=(2_001, 1_800), in_play=True),
        c.CreateMarket(2, "winner", selections=("A", "B", "C", "D"), prices_milli=(1_001, 3_000, 17_500, 0)),
        c.CreateMarket(2, "asian_handicap", {"line_quarters": 3}, prices_milli=(1_333, 3_000), liability_minor=700),
        c.CreateMarket(2, "1x2", prices_milli=(2_500, 3_100, 2_900)),
        c.StartEvent(1),
        c.ResumeEvent(1),
        c.ResumeEvent(2),
    ]


def wait_us(rng: random.Random) -> int:
    return rng.choice(LONG_WAITS_US) if rng.random() < 0.02 else rng.choice(WAITS_US)


def wish(rng: random.Random, state: State) -> c.AnyCommand:
    """One command: a bet more often than not, and now and then what keeps the world going."""
    if not state.catalogue.markets or rng.random() < 0.3:
        return _keep_going(rng, state)
    if rng.random() < 0.6:
        return bet(rng, state)
    drawn = rng.choice(OTHERS)(rng, state)
    return drawn or bet(rng, state)


def _keep_going(rng: random.Random, state: State) -> c.AnyCommand:
    """What an operator and a feed do all day: speak, resume, and open something new where little is left."""
    catalogue = state.catalogue
    going = [event.id for event in catalogue.events.values() if event.status is not EventStatus.ENDED]
    alive = [market for market in catalogue.markets.values() if market.status in ALIVE]
    if not going:
        return c.CreateEvent(1, "Spurs – Fulham", 0)
    if catalogue.control.approval_required and rng.random() < 0.3:
        return d.ApproveCompetition(1, True)
    if catalogue.control.stopped and rng.random() < 0.5:
        return _resume(rng, state)
    if len(alive) < 5:
        return new_market(rng, rng.choice(going))
    if rng.random() < 0.1:
        return c.StartEvent(rng.choice(going))
    silent = [market for market in alive if not catalogue.is_available(market)]
    if not silent or rng.random() < 0.3:
        return c.FeedHeartbeat("odds")
    market = rng.choice(silent)
    return c.ResumeMarket(market.id) if rng.random() < 0.8 else c.StartEvent(market.event_id)


OWN = {
    "winner": ("A", "B", "C", "D"),
    "winners": ("A", "B", "C", "D"),
    "race_win": ("A", "B", "C", "D"),
    "race_place": ("A", "B", "C", "D"),
    "forecast": ("1-2", "2-1", "1-3", "4-1"),
    "correct_score": ("0-0", "1-0", "2-1", "any_other"),
    "first_goalscorer": ("Kane", "Saka", "no_goalscorer", "any_other"),
}
COUNTS = {"1x2": 3, "double_chance": 3, "half_time_result": 3, "half_time_full_time": 9, "next_goal": 3}
LINES = ("total", "asian_handicap", "home_total")
OFTEN = ("1x2", "total", "asian_handicap", "asian_handicap", "winner")
SELDOM = ("draw_no_bet", "both_teams_to_score", "to_qualify", "home_total", *list(COUNTS)[1:], *list(OWN)[1:])


def new_market(rng: random.Random, event_id: int) -> c.CreateMarket:
    kind = rng.choice(OFTEN if rng.random() < 0.7 else SELDOM)
    specifiers = {"line_quarters": rng.randint(-6, 10)} if kind in LINES else {}
    if kind in ("next_goal", "race_place", "winners"):
        specifiers = {"goal_number" if kind == "next_goal" else "places": rng.randint(1, 3)}
    own = OWN.get(kind, ())
    return c.CreateMarket(
        event_id,
        kind,
        specifiers,
        own,
        tuple(rng.choice(PRICES) for _ in range(len(own) or COUNTS.get(kind, 2))),
        feed=rng.choice(("", "", "odds")),
        in_play=rng.random() < 0.7,
        delay_us=rng.choice((0, SECOND_US, 5 * SECOND_US)),
        liability_minor=rng.choice((0, 0, 700, 30_000)),
        terms=terms(rng),
    )


def terms(rng: random.Random) -> MarketTerms | None:
    """Mostly none; else what the twin knows of."""
    if rng.random() < 0.6:
        return None
    delays = {moment: rng.choice((0, 3 * SECOND_US)) for moment in Moment if rng.random() < 0.4}
    return MarketTerms(certainty=rng.choice((0, 1, 2)), moment_delays_us=delays)


def bet(rng: random.Random, state: State) -> c.PlaceBet:
    """A bet as a customer would make it, with a mistake now and then."""
    markets = [market for market in state.catalogue.markets.values() if state.catalogue.is_available(market)]
    every = list(state.catalogue.markets.values())
    market = rng.choice(markets if markets and rng.random() < 0.9 else every)
    selection = rng.choice(list(market.selections.values()))
    customer_id, currency = rng.choice(list(state.ledger.wallets))
    return c.PlaceBet(
        customer_id=customer_id if rng.random() < 0.99 else 9,
        market_id=market.id if rng.random() < 0.99 else 0,
        selection_id=selection.id if rng.random() < 0.98 else 9,
        currency=currency if rng.random() < 0.98 else "JPY",
        stake_minor=rng.choice(STAKES),
        price_milli=selection.price_milli if rng.random() < 0.8 else rng.choice(PRICES),
        odds_change=rng.choice(tuple(OddsChange)),
        market_version=rng.choice((0, 0, 0, market.version, market.version, 2)),
    )


def result(rng: random.Random) -> Result:
    kind = rng.random()
    if kind < 0.6:
        return score(rng)
    if kind < 0.75:
        return Void("abandoned")
    if kind < 0.9:
        return finish(rng)
    return Winners(rng.choice(((1,), (2,), (1, 3), (2, 2), ())), rng.choice(((), (), (2,), (4,), (9,))))


def score(rng: random.Random) -> Score:
    """Now and then with half-time and goals, now and then without what it needs, or of a match broken off."""
    home, away = rng.randint(0, 3), rng.randint(0, 2)
    half_time = (rng.randint(0, home), rng.randint(0, away)) if rng.random() < 0.7 else None
    goals = [Goal(Side.HOME, *_scorer(rng)) for _ in range(home)] + [
        Goal(Side.AWAY, *_scorer(rng)) for _ in range(away)
    ]
    rng.shuffle(goals)
    ending = rng.choice((*[Ending.FINISHED] * 6, *Ending))
    return Score(home, away, half_time, tuple(goals) if rng.random() < 0.7 else None, ending=ending)


def _scorer(rng: random.Random) -> tuple[str, bool]:
    return rng.choice((("Kane", False), ("Saka", False), ("Rice", False), ("", True), ("", rng.random() < 0.9)))


def finish(rng: random.Random) -> Finish:
    """Four runners with dead heats; some did not run."""
    runners = [1, 2, 3, 4]
    rng.shuffle(runners)
    out = sorted(runners.pop() for _ in range(rng.choice((0, 0, 0, 1))))
    levels = []
    while runners:
        levels.append(tuple(sorted(runners.pop() for _ in range(min(len(runners), rng.choice((1, 1, 1, 2)))))))
    return Finish(tuple(levels), tuple(out))


def _customer(rng: random.Random) -> int:
    return rng.choice((1, 2, 3)) if rng.random() < 0.97 else 9


def _currency(rng: random.Random) -> str:
    return rng.choice(("EUR", "EUR", "GBP"))


def _prices(rng: random.Random) -> tuple[tuple[int, int], ...]:
    return tuple((rng.choice((1, 2, 3, 3, 9)), rng.choice((0, 900, *PRICES))) for _ in range(rng.randint(0, 3)))


def _terms(rng: random.Random) -> HouseTerms:
    return HouseTerms(
        rng.choice((0, 10, 100)),
        rng.choice((5_000, 50_000, 10**15)),
        rng.choice((100_000, 2_000_000)),
        rng.choice((0, 10_000, 60_000, 10**12)),
        rng.choice((0, 20_000, 90_000, 10**12, 10**15)),
    )


def _withdrawal(rng: random.Random, state: State) -> c.MoveFunds:
    """All that a customer can take."""
    (customer_id, currency), wallet = rng.choice(list(state.ledger.wallets.items()))
    return c.MoveFunds(customer_id, currency, -wallet.cash.available_minor, "withdrawal")


def _result(rng: random.Random, state: State) -> c.AnyCommand:
    """A result, a correction as often as a first one."""
    resulted = list(state.settlement.results)
    if resulted and rng.random() < 0.5:
        return c.RecordResult(rng.choice(resulted), result(rng), _certainty(rng))
    return c.RecordResult(_market(rng, state), result(rng), _certainty(rng))


def _certainty(rng: random.Random) -> int:
    return rng.choice((2, 2, 2, 2, 1, 1, 3))


def _withdrawn(rng: random.Random, state: State) -> c.AnyCommand | None:
    """A runner is out, of a race more often than not."""
    races = [market.id for market in state.catalogue.markets.values() if market.type.startswith("race")]
    market = rng.choice(races) if races and rng.random() < 0.8 else _market(rng, state)
    if rng.random() < 0.5:
        return None
    return c.WithdrawSelection(market, rng.choice((1, 2, 3, 4, 9)), rng.choice((0, *PRICES)))


def _added(rng: random.Random, state: State) -> c.AnyCommand:
    names = ("A", "E") if rng.random() < 0.5 else ("3-1",)
    return c.AddSelections(_market(rng, state), names[-1:], rng.choice(((), (2_000,))))


def _market(rng: random.Random, state: State) -> int:
    return rng.randint(1, len(state.catalogue.markets) + (rng.random() < 0.02))


def _event(rng: random.Random, state: State) -> int:
    return rng.randint(1, len(state.catalogue.events) + (rng.random() < 0.02))


def _place(rng: random.Random, state: State) -> tuple[Level, int, int]:
    """A level that suspensions are seldom at, the wider the seldomer, or no level at all."""
    drawn = rng.random()
    if drawn < 0.5:
        return Level.SELECTION, _market(rng, state), rng.choice((1, 1, 2, 3, 9))
    if drawn < 0.7:
        return Level.MARKET, _market(rng, state), 0
    if drawn < 0.9:
        return Level.EVENT, _event(rng, state), 0
    level = rng.choice((Level.PLATFORM, Level.SPORT, Level.COMPETITION))
    return level, 0 if level is Level.PLATFORM else 1, rng.choice((0, 0, 0, 1))


def _suspend(rng: random.Random, state: State) -> c.AnyCommand:
    level, number, selection = _place(rng, state)
    return d.SuspendLevel(level, number, "desk", selection)


def _resume(rng: random.Random, state: State) -> c.AnyCommand:
    """What is suspended, more often than not."""
    stops = state.catalogue.control.stops
    held = [(level, number) for level, at in stops.items() for number, stop in at.items() if stop.is_active]
    if held and rng.random() < 0.8:
        return d.ResumeLevel(*rng.choice(held))
    return d.ResumeLevel(*_place(rng, state))


def _override(rng: random.Random, state: State) -> c.AnyCommand:
    until_us = state.at_us + rng.choice((-1, 1, SECOND_US, 20 * SECOND_US, HOUR_US, 8 * DAY_US))
    price = rng.choice((0, *PRICES))
    return d.OverridePrice(_market(rng, state), rng.choice((1, 1, 2, 3, 9)), price, until_us)


Wish = Callable[[random.Random, State], c.AnyCommand | None]

OTHERS: tuple[Wish, ...] = (
    lambda rng, state: rng.choice((_suspend, _resume, _override))(rng, state),
    lambda rng, state: d.LiftOverride(_market(rng, state), rng.choice((1, 1, 2, 9))) if rng.random() < 0.3 else None,
    lambda rng, state: d.RequireApproval(rng.random() < 0.5) if rng.random() < 0.2 else None,
    lambda rng, state: (
        d.ApproveCompetition(rng.choice((1, 1, 1, 9)), rng.random() < 0.6) if rng.random() < 0.3 else None
    ),
    lambda rng, state: d.BlockPlayer(2, "chargeback") if rng.random() < 0.1 else None,
    lambda rng, state: d.UnblockPlayer(rng.choice((2, 2, 2, 1, 9))),
    lambda rng, state: c.MoveFunds(
        _customer(rng), _currency(rng), rng.choice((50_000, 1_000, -1_000, -80_000, 0, 10**15)), "note"
    ),
    lambda rng, state: c.MoveFunds(_customer(rng), "EUR", 100_000, "deposit"),
    _withdrawal,
    lambda rng, state: c.SetLimit(
        _customer(rng), _currency(rng), rng.choice(tuple(LimitKind)), rng.choice((None, 0, 5_000, 20_000, 90_000, -1))
    ),
    lambda rng, state: c.CoolOff(_customer(rng), rng.choice((DAY_US, HOUR_US))) if rng.random() < 0.2 else None,
    lambda rng, state: c.SelfExclude(3, rng.choice((180 * DAY_US, DAY_US))) if rng.random() < 0.03 else None,
    lambda rng, state: c.SetPlayerTerms(
        _customer(rng), _currency(rng), rng.choice((0, 9_999)), rng.choice((0, 30_000))
    ),
    lambda rng, state: c.SetHouseTerms(_currency(rng), _terms(rng)),
    lambda rng, state: c.SetPrices(_market(rng, state), _prices(rng)),
    lambda rng, state: c.SetPrices(_market(rng, state), ((rng.randint(1, 3), rng.choice(PRICES)),)),
    lambda rng, state: c.SuspendMarket(_market(rng, state), "goal"),
    lambda rng, state: c.SuspendEvent(_event(rng, state), "var"),
    lambda rng, state: c.ResumeEvent(_event(rng, state)),
    lambda rng, state: c.ChangeMarket(
        _market(rng, state), rng.choice((0, SECOND_US, 5 * SECOND_US)), rng.choice((0, 3_000, 60_000)), terms(rng)
    ),
    _withdrawn,
    _withdrawn,
    _added,
    lambda rng, state: c.SetMoment(_event(rng, state), rng.choice(tuple(Moment))),
    lambda rng, state: new_market(rng, _event(rng, state)) if rng.random() < 0.3 else None,
    lambda rng, state: c.CloseMarket(_market(rng, state)) if rng.random() < 0.2 else None,
    lambda rng, state: c.SilenceFeed("odds") if rng.random() < 0.1 else None,
    lambda rng, state: c.HandOverMarket(_market(rng, state), rng.choice(("", "odds", "odds", "late"))),
    lambda rng, state: c.EndEvent(_event(rng, state)) if rng.random() < 0.1 else None,
    _result,
    _result,
    _result,
    lambda rng, state: (
        c.RecordEventResult(_event(rng, state), result(rng), _certainty(rng)) if rng.random() < 0.3 else None
    ),
    lambda rng, state: c.OpenWallet(_customer(rng), rng.choice(("GBP", "EUR", "XXX"))) if rng.random() < 0.1 else None,
)
