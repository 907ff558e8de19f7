"""What a world suffers. Each draws its own mix of faults, from none to all (swarm testing, Groce et al. 2012)."""

from random import Random

import msgspec


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities are per message or per commit; `_every_s` is the mean time between faults, 0 for never."""

    books: int = 1
    gateways: int = 1
    epochs_checked: bool = True
    waiting_facts: int = 20_000
    waiting_steps: int = 8
    poll_s: float = 0.1
    settle_step: int = 200

    lost: float = 0.0
    repeated: float = 0.0
    late: float = 0.0
    late_s: float = 0.0
    cut_every_s: float = 0.0

    crashed_before_commit: float = 0.0
    crashed_after_commit: float = 0.0
    committed_in_limbo: float = 0.0
    slow_commit: float = 0.0
    slow_s: float = 0.0
    journal_freezes_every_s: float = 0.0
    journal_fills_every_s: float = 0.0
    lost_connection: float = 0.0
    snapshot_every_s: float = 0.0

    killed_every_s: float = 0.0
    frozen_every_s: float = 0.0
    frozen_s: float = 0.0
    gateway_killed_every_s: float = 0.0
    stopped_every_s: float = 0.0

    skew_s: float = 0.0
    jump_every_s: float = 0.0
    jump_s: float = 0.0

    feed_stalls: float = 0.0
    rubbish: float = 0.0

    @property
    def calmed(self) -> "Weather":
        """The same house in a world where nothing goes wrong."""
        return Weather(
            books=self.books,
            gateways=self.gateways,
            epochs_checked=self.epochs_checked,
            waiting_facts=self.waiting_facts,
            waiting_steps=self.waiting_steps,
            poll_s=self.poll_s,
            settle_step=self.settle_step,
            snapshot_every_s=self.snapshot_every_s,
        )


def draw(chance: Random) -> Weather:
    """One world in eight is calm, one in eight has everything; in the others each fault is there or not."""
    mood = chance.random()
    share = 0.0 if mood < 1 / 8 else 1.0 if mood > 7 / 8 else chance.choice((0.2, 0.5, 0.8))

    def some(low: float, high: float) -> float:
        """A rate between two bounds, small ones as likely as large ones; or none."""
        value = low * (high / low) ** chance.random()
        return value if chance.random() < share else 0.0

    weather = Weather(
        books=chance.choice((1, 2, 2, 3)),
        gateways=chance.choice((1, 2, 2)),
        epochs_checked=chance.random() < 0.5,
        waiting_facts=chance.choice((8, 30)) if chance.random() < share / 3 else 20_000,
        waiting_steps=chance.choice((1, 8)),
        poll_s=chance.choice((0.05, 0.1, 0.3)),
        settle_step=chance.choice((1, 2, 5, 200)),
        lost=some(0.001, 0.3),
        repeated=some(0.01, 0.5),
        late=some(0.01, 0.5),
        late_s=chance.choice((0.1, 1.0, 8.0)),
        cut_every_s=some(4, 30),
        crashed_before_commit=some(0.003, 0.1),
        crashed_after_commit=some(0.001, 0.05),
        committed_in_limbo=chance.choice((0.1, 0.5, 0.9)),
        slow_commit=some(0.01, 0.6),
        slow_s=chance.choice((0.02, 0.3, 1.5)),
        journal_freezes_every_s=some(10, 40),
        journal_fills_every_s=some(10, 40),
        lost_connection=some(0.0005, 0.02),
        snapshot_every_s=chance.choice((0.0, 3.0, 15.0)),
        killed_every_s=some(3, 30),
        frozen_every_s=some(3, 30),
        frozen_s=chance.choice((0.3, 1.5, 5.0)),
        gateway_killed_every_s=some(5, 30),
        stopped_every_s=some(5, 30),
        skew_s=some(0.001, 3.0),
        jump_every_s=some(5, 30),
        jump_s=chance.choice((0.5, 20.0, 200.0)),
        feed_stalls=some(0.03, 0.3),
        rubbish=some(0.001, 0.02),
    )
    return weather if share else weather.calmed
