"""The machine and its plain twin are told the same wishes, and answer and hold the same, command by command."""

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.book.auditing import audit
from tests.book.house import NOON_US
from tests.book.plain import Plain
from tests.book.twin import Twin
from tests.book.wishes import prelude, wait_us, wish

from overround.book.archive import MAX_ARCHIVE_AFTER_US
from overround.book.bets import Bet
from overround.book.machine import Answer, BetAnswer, Done, Machine, request
from overround.book.machine import commands as c
from overround.book.machine.desk_commands import SetArchiveAfter
from overround.kernel.ids import make_key
from overround.kernel.level import Level
from overround.kernel.refusal import Refused

ACTOR = 7


def plain(answer: Answer) -> Plain:
    """An answer without its sequence, which only a journal knows."""
    match answer:
        case Refused(code=code, detail=detail):
            return ("refused", str(code), detail)
        case Done(id=id):
            return ("done", id)
        case BetAnswer():
            return ("bet", *(getattr(answer, name) for name in answer.__struct_fields__[:-1]))
        case _:
            raise TypeError(answer)


class Pair:
    """A machine and its twin under one clock. `rng` decides what the world does."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.machine, self.twin = Machine(), Twin()
        self.at_us = NOON_US
        self.codes: Counter[str] = Counter()
        self.sent: list[tuple[str, c.AnyCommand]] = []
        keep = SetArchiveAfter(MAX_ARCHIVE_AFTER_US)  # the twin forgets nothing, and `test_archive` is about that
        self.machine.execute(request(actor=ACTOR, key=self.key(), command=keep), self.at_us)
        for command in prelude():
            self.send(command, make_key(at_us=self.at_us, chance=rng.getrandbits(74)))

    def key(self) -> str:
        """Nearly always new and timely; sometimes of yesterday or of the future."""
        made_at_us = self.at_us
        if self.rng.random() < 0.02:
            made_at_us += self.rng.choice((-86_400, -86_401, 300, 301)) * 1_000_000
        return make_key(at_us=made_at_us, chance=self.rng.getrandbits(74))

    def send(self, command: c.AnyCommand, key: str = "") -> None:
        key = key or self.key()
        self.sent.append((key, command))
        answer = self.machine.execute(request(actor=ACTOR, key=key, command=command), self.at_us)
        self.codes[str(getattr(answer, "code", "done"))] += 1
        assert plain(answer) == self.twin.execute(ACTOR, key, command, self.at_us), command
        self.compare()

    def repeat(self) -> None:
        """A key seen before, with its own command or with another's."""
        key, command = self.rng.choice(self.sent[-40:])
        self.send(command if self.rng.random() < 0.7 else wish(self.rng, self.machine.state), key)

    def pass_time(self) -> None:
        self.at_us += wait_us(self.rng)
        if self.rng.random() < 0.9:
            self.settle()

    def settle(self) -> None:
        """All that is due. The twin needs nobody to tell it that a feed is silent."""
        while self.machine.advance(self.at_us):
            pass
        while self.twin.advance(self.at_us):
            pass
        self.twin.last_fact = self.machine.state.at_us
        self.compare()

    def compare(self) -> None:
        state, twin = self.machine.state, self.twin
        self.machine.drain()
        audit(state)
        for (customer, currency), wallet in state.ledger.wallets.items():
            entries = twin.wallets[customer, currency]
            assert wallet.cash.balance_minor == sum(entries.cash)
            assert wallet.cash.held_minor == twin.held(customer, currency)
            assert -wallet.debt.balance_minor == sum(entries.debt)
        for currency, house in state.ledger.house.items():
            accounts = house.open_stakes, house.trading, house.clearing
            assert tuple(account.balance_minor for account in accounts) == twin.house(currency)
            worst = sum(twin.worst(market, currency) for market in twin.markets)
            assert state.bets.worst_minor(Level.PLATFORM, 0, currency) == worst
        assert [seen(bet) for bet in state.bets.bets.values()] == [
            (bet.id, bet.status, bet.price, bet.outcome, bet.payout) for bet in twin.bets
        ]
        for market in state.catalogue.markets.values():
            other = twin.markets[market.id]
            assert (market.status, market.version, market.revision) == (other.status, other.version, len(other.results))


def seen(bet: Bet) -> tuple[object, ...]:
    return bet.id, bet.status, bet.price_milli, bet.outcome, bet.payout_minor


def live(seed: int | random.Random, *, commands: int) -> Pair:
    pair = Pair(seed if isinstance(seed, random.Random) else random.Random(seed))
    for _ in range(commands):
        pair.pass_time()
        if pair.rng.random() < 0.06:
            pair.repeat()
        else:
            pair.send(wish(pair.rng, pair.machine.state))
    pair.at_us += 60_000_000
    pair.settle()
    return pair


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(min_value=0, max_value=60))
def test_machine_and_twin_agree(rng: random.Random, commands: int) -> None:
    live(rng, commands=commands)


def test_machine_and_twin_agree_over_long_lives() -> None:
    """Long enough that all of this happens in them, or the agreement would say little."""
    happened: set[str] = set()
    for seed in (*range(13), 25):
        pair = live(seed, commands=400)
        happened |= set(pair.codes)
        happened |= {bet.status for bet in pair.twin.bets} | {str(bet.outcome) for bet in pair.twin.bets}
        happened |= {"debt" for wallet in pair.twin.wallets.values() if any(wallet.debt)}
        happened |= {"correction" for market in pair.twin.markets.values() if len(market.results) > 1}
    assert happened >= {
        "debt", "correction", "open", "settled", "refused", "won", "lost", "void", "half_won", "half_lost",
        "stake_limit", "payout_limit", "market_liability", "house_liability", "insufficient_funds", "price_changed",
        "market_suspended", "market_closed", "market_changed", "no_price", "selection_not_found", "key_expired",
        "key_from_the_future", "stake_below_minimum", "wallet_not_found", "customer_not_found", "result_unchanged",
        "result_invalid", "cooling_off", "player_blocked", "not_approved", "not_suspended", "not_overridden",
        "expiry_invalid",
    }  # fmt: skip
