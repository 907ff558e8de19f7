"""What protects customers, in plain code: limits by calendar window, added up anew from every stake and return."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from overround.sim.audit.money import Wallet
from overround.sim.audit.words import Plain, hold

DAY_US = 86_400_000_000
NOTHING = 10**15 + 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Use:
    """A stake (until its bet is refused) or a return, in minor units."""

    at_us: int
    staked_minor: int = 0
    returned_minor: int = 0


@dataclass
class Limit:
    amount_minor: int
    later_minor: int = NOTHING
    later_at_us: int = 0

    def at(self, at_us: int) -> int:
        return self.later_minor if self.later_at_us and at_us >= self.later_at_us else self.amount_minor


class Players:
    """Limits, use of them, and who is shut out until when."""

    def __init__(self) -> None:
        self.limits: dict[Wallet, dict[str, Limit]] = {}
        self.uses: dict[Wallet, list[Use]] = {}
        self.shut_until_us: dict[int, int] = {}
        self.terms: dict[Wallet, tuple[int, int]] = {}
        self.blocked: dict[int, str] = {}

    def limit_set(self, fact: Plain, at_us: int) -> None:
        """Tighter at once, looser after a day."""
        limits = self.limits.setdefault((fact["customer_id"], fact["currency"]), {})
        now = limits.get(fact["limit"], Limit(NOTHING)).at(at_us)
        amount, since_us = fact["amount_minor"], fact["effective_at_us"]
        hold(since_us == (at_us if amount <= now else at_us + DAY_US), "a limit at a wrong time", fact, now, at_us)
        limits[fact["limit"]] = Limit(amount) if since_us == at_us else Limit(now, amount, since_us)

    def shut_out(self, fact: Plain, at_us: int) -> None:
        before = self.shut_until_us.get(fact["customer_id"], 0)
        hold(fact["until_us"] > at_us, "shut out until the past", fact)
        self.shut_until_us[fact["customer_id"]] = max(before, fact["until_us"])

    def block(self, fact: Plain, _: int) -> None:
        before = self.blocked.get(fact["customer_id"], "")
        hold(fact.get("before", "") == before, "another block before", fact, before)
        self.blocked[fact["customer_id"]] = fact.get("reason", "")

    def player_terms_set(self, fact: Plain, _: int) -> None:
        self.terms[fact["customer_id"], fact["currency"]] = (fact["max_stake_minor"], fact["max_payout_minor"])

    def use(self, wallet: Wallet, use: Use) -> Use:
        self.uses.setdefault(wallet, []).append(use)
        return use

    def may_bet(self, customer: int, at_us: int, fact: Plain) -> None:
        until_us = self.shut_until_us.get(customer, 0)
        hold(at_us >= until_us, "a bet of a customer who is shut out", until_us, fact)
        hold(not self.blocked.get(customer), "a bet of a customer who is blocked", fact)

    def within(self, wallet: Wallet, at_us: int, fact: Plain) -> None:
        """No limit of the customer's own is exceeded by what was staked (or lost) in its window."""
        for kind, limit in self.limits.get(wallet, {}).items():
            what, window = kind.split("_")
            begins_us = window_begins_us(window, at_us)
            uses = [use for use in self.uses.get(wallet, ()) if begins_us <= use.at_us]
            used = sum(use.staked_minor - (use.returned_minor if what == "loss" else 0) for use in uses)
            hold(used <= limit.at(at_us), f"the limit {kind} is exceeded", used, limit, fact)


def window_begins_us(window: str, at_us: int) -> int:
    """When the UTC day, ISO week or month of an instant began."""
    midnight = (EPOCH + timedelta(microseconds=at_us)).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "week":
        midnight -= timedelta(days=midnight.weekday())
    if window == "month":
        midnight = midnight.replace(day=1)
    return (midnight - EPOCH) // timedelta(microseconds=1)
