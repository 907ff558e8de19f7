"""One producer's life as playbooks: what it says and how time passes on the left, what is to be done on the right."""

import random

import pytest
from tests.book.tables import table
from tests.feeds.uof.words import alive, complete, odds

from overround.feeds.uof.messages import ProductDown, ProductUp
from overround.feeds.uof.producer import (
    FIRST_RETRY_US,
    LIFE,
    LONGEST_RETRY_US,
    RECOVERY_US,
    SILENCE_US,
    Action,
    Distrust,
    Phase,
    Producer,
    Recover,
    Signal,
    Trust,
)
from overround.kernel.instant import HOUR_US, SECOND_US


class Playbook:
    """A producer on a clock of its own; the provider's clock is the same."""

    def __init__(self) -> None:
        self.producer = Producer(1, request_id=7)
        self.at_s = 1_000_000

    def says(self, message: object) -> tuple[Action, ...]:
        return self.producer.receive(message, now_us=self.at_s * SECOND_US)  # type: ignore[arg-type]  # any message

    def alive(self, *, subscribed: bool = True) -> tuple[Action, ...]:
        return self.says(alive(self.at_s, subscribed=subscribed))

    def waits(self, seconds: int) -> tuple[Action, ...]:
        self.at_s += seconds
        return self.producer.tick(now_us=self.at_s * SECOND_US)

    def up(self) -> "Playbook":
        """After a first recovery."""
        self.alive()
        self.says(complete(self.producer.request_id))
        assert self.producer.is_up
        return self


def recover(request_id: int, after_s: int = 0) -> Recover:
    return Recover(product=1, request_id=request_id, after_ms=after_s * 1_000)


def distrust(reason: Signal) -> Distrust:
    return Distrust(product=1, reason=reason)


def test_the_page_and_the_table_are_the_same() -> None:
    told = {
        (Phase(row["phase"]), Signal(column)): Phase(cell)
        for row in table("../feeds.md", "The life of a producer")
        for column, cell in row.items()
        if column != "phase" and cell != "–"
    }
    assert told == LIFE


def test_the_first_life_sign_asks_for_everything() -> None:
    book = Playbook()
    assert book.waits(3_600) == ()
    assert book.alive() == (recover(7),)
    assert book.alive() == ()
    assert book.says(odds(1)) == ()
    assert book.says(complete(6)) == ()
    assert book.says(complete(7)) == (Trust(product=1, everything_told=True),)
    assert book.says(complete(7)) == ()


def test_a_gap_in_life_signs_is_recovered_from_the_last_one() -> None:
    book = Playbook().up()
    book.waits(10)
    book.alive()
    last_s = book.at_s
    assert book.waits(19) == ()
    assert book.waits(1) == (distrust(Signal.SILENCE),)
    assert book.waits(1) == ()
    book.waits(30)
    assert book.alive() == (recover(8, last_s),)
    assert book.says(complete(8)) == (Trust(product=1, everything_told=False),)


def test_odds_are_no_life_sign() -> None:
    book = Playbook().up()
    book.waits(15)
    assert book.says(odds(book.at_s)) == ()
    assert book.waits(5) == (distrust(Signal.SILENCE),)


def test_a_provider_that_lost_us_is_asked_at_once() -> None:
    book = Playbook().up()
    since_s = book.at_s
    book.waits(10)
    assert book.alive(subscribed=False) == (distrust(Signal.UNSUBSCRIBED), recover(8, since_s))
    book.waits(10)
    assert book.alive(subscribed=False) == ()  # the request may have crossed it
    book.waits(10)
    assert book.alive(subscribed=False) == (recover(9, since_s),)
    assert book.says(complete(8)) == ()
    assert book.says(complete(9)) == (Trust(product=1, everything_told=False),)


def test_a_gap_within_a_recovery_begins_it_again_from_the_same_instant() -> None:
    book = Playbook().up()
    since_s = book.at_s
    assert book.producer.disconnected(now_us=book.at_s * SECOND_US) == (distrust(Signal.DISCONNECTED),)
    assert book.waits(60) == ()
    assert book.alive() == (recover(8, since_s),)
    assert book.waits(20) == ()
    assert book.producer.phase is Phase.AWAY
    assert book.says(complete(8)) == ()
    assert book.alive() == (recover(9, since_s),)


def test_a_request_that_is_not_taken_is_made_again_with_growing_pauses() -> None:
    book = Playbook()
    asked = book.alive()
    pauses = []
    for _ in range(9):
        (request,) = asked
        assert isinstance(request, Recover)
        assert book.producer.refused(request.request_id, now_us=book.at_s * SECOND_US) == ()
        began_s = book.at_s
        while not (asked := book.waits(1)):
            book.alive()
        pauses.append(book.at_s - began_s)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert (FIRST_RETRY_US, LONGEST_RETRY_US) == (5 * SECOND_US, 300 * SECOND_US)
    assert book.producer.refused(1, now_us=0) == ()


def test_a_recovery_that_does_not_end_is_asked_for_again() -> None:
    book = Playbook()
    book.alive()
    for _ in range(RECOVERY_US // SECOND_US // 10 - 1):
        assert book.waits(10) == ()
        book.alive()
    assert book.waits(10) == (recover(8),)


def test_what_lies_far_back_is_recovered_as_a_whole() -> None:
    book = Playbook().up()
    book.waits(20)
    book.waits(10 * HOUR_US // SECOND_US - 20)
    assert book.alive() == (recover(8, book.at_s - 36_000),)
    again = Playbook().up()
    again.waits(20)
    again.waits(10 * HOUR_US // SECOND_US)
    assert again.alive() == (recover(8),)
    assert again.says(complete(8)) == (Trust(product=1, everything_told=True),)


def test_a_producer_may_say_that_it_is_down() -> None:
    book = Playbook().up()
    assert book.says(ProductDown(product=1)) == (distrust(Signal.DOWN),)
    (asked,) = book.says(ProductUp(product=1))
    assert isinstance(asked, Recover)
    assert book.says(ProductDown(product=1)) == ()
    assert book.producer.phase is Phase.AWAY


def test_an_old_life_sign_says_nothing() -> None:
    book = Playbook().up()
    assert book.says(alive(book.at_s - 5, subscribed=False)) == ()
    assert book.producer.is_up


@pytest.mark.parametrize("seed", range(20))
def test_in_any_story_trust_comes_only_from_the_last_recovery(seed: int) -> None:
    """Beside a plain count: markets take bets exactly from a snapshot of the last request until the next doubt."""
    chance, book = random.Random(seed), Playbook()
    trusted, asked, heard_s = False, 0, 0
    for _ in range(400):
        match chance.randrange(7):
            case 0 | 1:
                actions = book.waits(chance.choice((1, 9, 10, 20, 25)))
            case 2 | 3:
                actions, heard_s = book.alive(subscribed=chance.random() < 0.8), book.at_s
            case 4:
                actions = book.says(complete(book.producer.request_id - chance.choice((0, 0, 1))))
                heard_s = book.at_s if any(isinstance(each, Trust) for each in actions) else heard_s
            case 5:
                actions = book.producer.disconnected(now_us=book.at_s * SECOND_US)
            case _:
                actions = book.producer.refused(book.producer.request_id, now_us=book.at_s * SECOND_US)
        for action in actions:
            match action:
                case Recover():
                    assert action.request_id == max(asked + 1, 7)
                    asked = action.request_id
                case Trust():
                    assert not trusted
                    trusted = True
                case Distrust():
                    assert trusted
                    trusted = False
        assert trusted == book.producer.is_up
    assert SILENCE_US == 20 * SECOND_US
