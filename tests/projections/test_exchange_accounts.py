"""What the exchange holds and settles is in the accounts that people read."""

import random

from tests.book.exchange_wishes import open_exchange, wish
from tests.book.exchanging import Exchange

from overround.book.machine import decode_fact
from overround.projections.changes import Known, Recorded
from overround.projections.folding import fold


def test_balances_and_holds_are_those_of_the_ledger() -> None:
    house, rng = Exchange(audited=False), random.Random(5)
    open_exchange(house)
    for _ in range(600):
        house.ask(wish(rng, house.machine.state))
        house.wait(rng.choice((0, 0, 5_000_000)))
    known = Known()
    fold(known, [Recorded(fact.seq, fact.at_us, decode_fact(fact.body)) for fact in house.journal])
    assert known.accounts == house.machine.state.ledger.accounts
    assert {fact.kind for fact in house.journal} >= {"orders_placed", "exchange_settled", "orders_cancelled"}
