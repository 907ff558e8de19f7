"""What may be asked about cashing bets out."""

from overround.book.machine.command import Command


class QuoteCashOut(Command, frozen=True):
    """What a portion of a bet's running stake (in hundredths of a per cent) may be cashed out for, for some
    seconds."""

    customer_id: int
    bet_id: int
    portion_bps: int = 10_000


class TakeCashOut(Command, frozen=True):
    """Take a quote: at once, or after the in-play delay."""

    customer_id: int
    quote_id: int


class SetCashOutRule(Command, frozen=True):
    """Cash a portion of a bet out by itself, once that pays `at_least_minor`."""

    customer_id: int
    bet_id: int
    at_least_minor: int
    portion_bps: int = 10_000


class RemoveCashOutRule(Command, frozen=True):
    customer_id: int
    bet_id: int


class ValueCashOut(Command, frozen=True):
    """What a portion of a bet would be cashed out for now. Nothing is promised."""

    customer_id: int
    bet_id: int
    portion_bps: int = 10_000


CashOutCommand = QuoteCashOut | TakeCashOut | SetCashOutRule | RemoveCashOutRule
CashOutQuery = ValueCashOut
