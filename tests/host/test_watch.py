"""The house's time beside a clock that is wrong."""

from overround.host.watch import Watch

SECOND_US = 1_000_000


class Hands:
    """A clock whose hands a story moves."""

    def __init__(self) -> None:
        self.at_us, self.ran_s = 100 * SECOND_US, 0.0

    def now_us(self) -> int:
        return self.at_us

    def monotonic(self) -> float:
        return self.ran_s

    def run(self, seconds: float) -> None:
        self.ran_s += seconds
        self.at_us += round(seconds * SECOND_US)


def test_a_right_clock_is_believed() -> None:
    clock = Hands()
    watch = Watch(clock, not_before_us=90 * SECOND_US)
    assert watch.now_us() == 100 * SECOND_US
    clock.run(3)
    assert watch.now_us() == 103 * SECOND_US


def test_a_clock_behind_the_journal_is_waited_for_at_half_speed() -> None:
    clock = Hands()
    watch = Watch(clock, not_before_us=110 * SECOND_US)
    assert watch.now_us() == 110 * SECOND_US
    clock.run(4)
    assert watch.now_us() == 112 * SECOND_US
    clock.run(16)
    assert watch.now_us() == 120 * SECOND_US  # caught up: both say 120
    clock.run(1)
    assert watch.now_us() == 121 * SECOND_US


def test_a_clock_that_is_set_back_does_not_turn_time_back() -> None:
    clock = Hands()
    watch = Watch(clock, not_before_us=0)
    clock.run(10)
    before = watch.now_us()
    clock.at_us -= 60 * SECOND_US
    assert watch.now_us() == before
    clock.run(2)
    assert watch.now_us() == before + SECOND_US


def test_reading_it_ever_so_often_does_not_stop_it() -> None:
    clock = Hands()
    watch = Watch(clock, not_before_us=200 * SECOND_US)
    for _ in range(1_000_000):
        clock.ran_s += 1e-6
        watch.now_us()
    assert 200.4 * SECOND_US < watch.now_us() <= 200.5 * SECOND_US
