"""Houses that are broken on purpose. Each breaks one promise, in a simulated port or in a subclass of the machine."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from overround.book import ledger
from overround.book.archive import BetsArchived
from overround.book.bets import Bet, BetDelayed, BetStatus, DelayedBetAccepted, DelayedBetRefused
from overround.book.cashout import CashedOut, CashOutRefused, CashOutRulesSeen
from overround.book.catalogue import MarketStatus
from overround.book.control import ControlState
from overround.book.machine import Answer, Machine, Pending, decode_snapshot, encode_snapshot
from overround.book.machine.cash_commands import QuoteCashOut, TakeCashOut
from overround.book.machine.commands import PlaceBet, PlaceTicket, Request
from overround.book.machine.memory import scope
from overround.book.settlement import BetsSettled, MarketBetsCancelled, SettledBet
from overround.kernel.fact import Fact
from overround.kernel.ids import InvalidKey
from overround.sim.journal import JournalServer


class Unfenced(JournalServer):
    """Takes rows from whoever comes, and numbers them itself, as a table with a serial key would."""

    def fits(self, epoch: int, facts: Sequence[Pending]) -> bool:  # noqa: ARG002  that is the point
        return True

    def store(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        first = len(self.rows) + 1
        numbered = [msgspec.structs.replace(fact, seq=seq) for seq, fact in enumerate(facts, first)]
        super().store(writer, epoch, numbered)


class Asynchronous(JournalServer):
    """Says that a commit is through before it is, as with `synchronous_commit = off`: a crash loses it."""

    def append(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        self.later(0.05, self._really_append, writer, epoch, facts)

    def _really_append(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        if self.fits(epoch, facts):
            self.store(writer, epoch, facts)


class ForgetfulSnapshots(JournalServer):
    """Keeps snapshots without the memory of keys."""

    def newest_snapshot(self) -> bytes | None:
        body = super().newest_snapshot()
        if body is None:
            return None
        state = decode_snapshot(body)
        state.memory.entries.clear()
        state.memory.order.clear()
        return encode_snapshot(state)


class Lossy(JournalServer):
    """Says that the disk is full only after having dropped a commit that it had acknowledged."""

    def append(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        if self.chance.random() < 0.02 and self.fits(epoch, facts):
            return
        super().append(writer, epoch, facts)


class Forgetful(Machine):
    """Looks no key up: every message is a new request."""

    def execute(self, request: Request, now_us: int) -> Answer:
        with suppress(InvalidKey):
            self.state.memory.entries.pop(scope(request.actor, request.key), None)
        return super().execute(request, now_us)


class Careless(Machine):
    """Sets nothing aside for a bet that waits, so its stake may be spent twice."""

    def record(self, fact: Fact, now_us: int) -> None:
        match fact:
            case DelayedBetAccepted() | DelayedBetRefused():
                self._hold(fact.bet_id, 1)
                super().record(fact, now_us)
            case BetDelayed():
                super().record(fact, now_us)
                self._hold(fact.bet_id, -1)
            case _:
                super().record(fact, now_us)

    def _hold(self, bet_id: int, sign: int) -> None:
        bet = self.state.bets.bets[bet_id]
        self.state.ledger.wallets[bet.customer_id, bet.currency].cash.held_minor += sign * bet.stake_minor


class PaysTwice(Machine):
    """Pays each settled bet twice."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, BetsSettled):
            fact = msgspec.structs.replace(fact, transfers=fact.transfers * 2)
        super().record(fact, now_us)


class SettlesTwice(Machine):
    """Does a finished settlement once more."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, BetsSettled) and fact.bets:
            super().record(msgspec.structs.replace(fact, last=False), now_us)
            self.state.settlement.settling[fact.market_id].done = 0
        super().record(fact, now_us)


class NeverSuspends(Machine):
    """Takes bets on any market that was ever open."""

    def execute(self, request: Request, now_us: int) -> Answer:
        command = request.command
        market = self.state.catalogue.markets.get(command.market_id) if isinstance(command, PlaceBet) else None
        if market is None or market.status is not MarketStatus.SUSPENDED:
            return super().execute(request, now_us)
        market.status = MarketStatus.OPEN
        answer = super().execute(request, now_us)
        market.status = MarketStatus.SUSPENDED
        return answer


class DeafToTheDesk(Machine):
    """Takes bets whatever the desk has suspended or not approved."""

    def execute(self, request: Request, now_us: int) -> Answer:
        if not isinstance(request.command, PlaceBet):
            return super().execute(request, now_us)
        control, self.state.catalogue.control = self.state.catalogue.control, ControlState()
        try:
            return super().execute(request, now_us)
        finally:
            self.state.catalogue.control = control


class SleepsThrough(Machine):
    """Forgets what was suspended while a bet waited, once it is resumed."""

    def advance(self, now_us: int) -> int:
        every = (stop for stops in self.state.catalogue.control.stops.values() for stop in stops.values())
        over = [(stop, stop.since_us) for stop in every if not stop.is_active]
        for stop, _ in over:
            stop.since_us = 0
        made = super().advance(now_us)
        for stop, since_us in over:
            stop.since_us = since_us
        return made


class Extravagant(Machine):
    """Forgets what markets owe, so no liability limit is ever reached."""

    def execute(self, request: Request, now_us: int) -> Answer:
        self.state.bets.exposures.clear()
        self.state.bets.worst.clear()
        self.state.bets.levels.clear()
        return super().execute(request, now_us)


class Spendthrift(Machine):
    """Knows no customer's own limits."""

    def execute(self, request: Request, now_us: int) -> Answer:
        for player in self.state.limits.players.values():
            for purse in player.purses.values():
                purse.limits.clear()
        return super().execute(request, now_us)


class Generous(Machine):
    """Pays one minor unit more to every third bet that won."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, BetsSettled):
            rows = [
                msgspec.structs.replace(bet, payout_minor=bet.payout_minor + (bet.bet_id % 3 == 0)) for bet in fact.bets
            ]
            fact = msgspec.structs.replace(fact, bets=tuple(rows))
        super().record(fact, now_us)


class Stubborn(Machine):
    """Keeps what a result had paid after the result was taken back."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, BetsSettled) and fact.reopened:
            fact = msgspec.structs.replace(fact, reopened=(), transfers=())
        super().record(fact, now_us)


class Unmoved(Machine):
    """Says that the bets of a window are cancelled, and cancels none."""

    def record(self, fact: Fact, now_us: int) -> None:
        super().record(fact, now_us)
        if isinstance(fact, MarketBetsCancelled):
            self.state.catalogue.markets[fact.market_id].cancelled.clear()


class PaysSalesTwice(Machine):
    """Pays what is cashed out twice."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, CashedOut):
            fact = msgspec.structs.replace(fact, transfers=fact.transfers * 2)
        super().record(fact, now_us)


class SellsWhatIsSuspended(Machine):
    """Cashes out bets whose markets are suspended."""

    def execute(self, request: Request, now_us: int) -> Answer:
        markets = self.state.catalogue.markets.values()
        suspended = [market for market in markets if market.status is MarketStatus.SUSPENDED]
        if not isinstance(request.command, QuoteCashOut | TakeCashOut):
            return super().execute(request, now_us)
        for market in suspended:
            market.status = MarketStatus.OPEN
        answer = super().execute(request, now_us)
        for market in suspended:
            market.status = MarketStatus.SUSPENDED
        return answer


class SettlesWhatWasSold(Machine):
    """Settles bets for the whole stake, though a part of it is sold."""

    def advance(self, now_us: int) -> int:
        self._sold = [(bet, bet.cashed) for bet in self.state.bets.bets.values() if bet.cashed]
        for bet, _ in self._sold:
            bet.cashed = None
        made = super().advance(now_us)
        self._remember()
        return made

    def record(self, fact: Fact, now_us: int) -> None:
        self._remember()
        super().record(fact, now_us)

    def _remember(self) -> None:
        for bet, cashed in getattr(self, "_sold", ()):
            bet.cashed = cashed
        self._sold = []


class PaysForTheSold(Machine):
    """Settles bets that were cashed out whole, as if they still ran."""

    def record(self, fact: Fact, now_us: int) -> None:
        super().record(fact, now_us)
        if isinstance(fact, CashedOut) and not fact.running_minor:
            bet = self.state.bets.bets[fact.bet_id]
            bet.cashed, bet.status = None, BetStatus.OPEN


class SleepsThroughTheGoal(Machine):
    """Pays what waited for its delay, whatever happened meanwhile."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, CashOutRefused):
            bet, waiting = self.state.bets.bets[fact.bet_id], self.state.cashout.waiting[fact.bet_id]
            if bet.status is BetStatus.OPEN:
                fact = self._paid(bet, stake_minor=waiting.stake_minor, amount_minor=waiting.amount_minor, fact=fact)
        super().record(fact, now_us)

    def _paid(self, bet: Bet, *, stake_minor: int, amount_minor: int, fact: CashOutRefused) -> CashedOut:
        wallet = self.state.ledger.wallets[bet.customer_id, bet.currency]
        transfers = ledger.cash_out(
            wallet,
            self.state.ledger.house[bet.currency],
            stake_minor=stake_minor,
            amount_minor=amount_minor,
            owed_minor=-wallet.debt.balance_minor,
            ref=bet.id,
        )
        return CashedOut(
            quote_id=fact.quote_id,
            bet_id=bet.id,
            customer_id=bet.customer_id,
            currency=bet.currency,
            stake_minor=stake_minor,
            amount_minor=amount_minor,
            running_minor=bet.running_minor - stake_minor,
            by_rule=self.state.cashout.waiting[bet.id].by_rule,
            transfers=transfers,
        )


class DeafToPrices(Machine):
    """Says of standing rules that it looked at them, and does not."""

    def advance(self, now_us: int) -> int:
        due = list(self.state.cashout.scans)
        for market_id in due:
            self.record(CashOutRulesSeen(market_id=market_id, after=0, last=True), now_us)
        return len(due) or super().advance(now_us)


class SellsForMore(Machine):
    """Keeps no margin when it says what a bet is worth."""

    def execute(self, request: Request, now_us: int) -> Answer:
        terms = self.state.limits.terms
        kept = dict(terms)
        if isinstance(request.command, QuoteCashOut):
            for currency, each in kept.items():
                terms[currency] = msgspec.structs.replace(each, cash_out_margin_bps=0)
        answer = super().execute(request, now_us)
        terms.update(kept)
        return answer


class ReturnsFreeStakes(Machine):
    """Pays the stake of a free bet, too."""

    def record(self, fact: Fact, now_us: int) -> None:
        if isinstance(fact, BetsSettled):
            rows = [msgspec.structs.replace(row, payout_minor=row.payout_minor + self._free(row)) for row in fact.bets]
            fact = msgspec.structs.replace(fact, bets=tuple(rows))
        super().record(fact, now_us)

    def _free(self, row: SettledBet) -> int:
        bet = self.state.bets.bets[row.bet_id]
        return bet.stake_minor if bet.stake_kind is ledger.StakeKind.FREE_BET and row.payout_minor else 0


class GivesForEver(Machine):
    """Forgets which free bets and boosts are used."""

    def execute(self, request: Request, now_us: int) -> Answer:
        if isinstance(request.command, PlaceTicket):
            for grant in self.state.promotions.grants.values():
                grant.uses, grant.held = 0, False
        return super().execute(request, now_us)


class Impatient(Machine):
    """Makes cash of a bonus as soon as any of it is staked."""

    def advance(self, now_us: int) -> int:
        for bonus in self.state.promotions.bonuses.values():
            if bonus.wagered_minor:
                self.state.promotions.ripe[bonus.id] = None
        return super().advance(now_us)


class Hasty(Machine):
    """Archives a market the moment it is settled."""

    def advance(self, now_us: int) -> int:
        markets = self.state.archive.markets
        for market_id in list(markets.since):
            markets.put(market_id, now_us - self.state.archive.after_us)
        return super().advance(now_us)


class LetsRunningTicketsGo(Machine):
    """Writes of a ticket that still runs that it is archived, with the first others that are."""

    def record(self, fact: Fact, now_us: int) -> None:
        super().record(fact, now_us)
        if isinstance(fact, BetsArchived) and fact.market_id:
            runs = [bet.id for bet in self.state.bets.bets.values() if bet.status is BetStatus.OPEN]
            more = msgspec.structs.replace(fact, bets=(*fact.bets, *runs[:1]))
            self.outbox[-1] = (*self.outbox[-1][:2], more)
