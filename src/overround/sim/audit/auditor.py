"""Looks at every commit the moment it happens, hears every answer, and goes over all of it again at the end."""

import json
from collections.abc import Callable, Sequence

from overround.book.machine import (
    Answer,
    Balances,
    BetFound,
    CashOutValue,
    GrantsNow,
    LimitsNow,
    Machine,
    Pending,
    decode_snapshot,
    empty,
    state_hash,
)
from overround.kernel.refusal import Refused
from overround.sim.audit.archive import Archive
from overround.sim.audit.bets import Bets
from overround.sim.audit.cashouts import CashOuts
from overround.sim.audit.exchange import Exchange
from overround.sim.audit.money import Money, Wallet
from overround.sim.audit.offer import Offer
from overround.sim.audit.players import Players
from overround.sim.audit.promotions import Promotions
from overround.sim.audit.replay import Replay, replayed
from overround.sim.audit.requests import Asked, Requests
from overround.sim.audit.tickets import TicketBet
from overround.sim.audit.words import Plain, hold


class Auditor:
    """Knows the journal, what was asked and what was told; nothing of how the house decides."""

    def __init__(self, *, epochs_checked: bool = True) -> None:
        """`epochs_checked`: whether the journal refuses an older epoch, or is fenced by the dense sequence alone."""
        self._epochs_checked = epochs_checked
        self.requests = Requests()
        self.money, self.offer, self.players = Money(), Offer(), Players()
        self.bets = Bets(self.money, self.offer, self.players)
        self.cashouts = CashOuts(self.bets, self.money, self.offer, self.players)
        self.promotions = Promotions(self.bets, self.money)
        self.exchange = Exchange(self.money, self.requests)
        self.archive = Archive(self.bets, self.offer, self.exchange)
        self.replay = Replay()
        self.bodies: list[bytes] = []
        self.epochs: list[int] = []
        self._writer = ("", 0)
        self.at_us = 0
        self._steps: dict[str, Callable[[Plain, int], None]] = {
            "currency_opened": lambda fact, _: self.money.open_currency(fact),
            "wallet_opened": lambda fact, _: self.money.open_wallet(fact),
            "funds_moved": lambda fact, _: self.money.funds_moved(fact),
            "limit_set": self.players.limit_set,
            "cooling_off": self.players.shut_out,
            "self_excluded": self.players.shut_out,
            "player_blocked": self.players.block,
            "player_unblocked": self.players.block,
            "player_terms_set": self.players.player_terms_set,
            "house_terms_set": self._house_terms_set,
            "delayed_bet_accepted": self.bets.delayed_accepted,
            "delayed_bet_refused": self.bets.delayed_refused,
            "bets_settled": self._bets_settled,
            **self.exchange.steps,
            **self.cashouts.steps,
            **self.promotions.steps,
            "ticket_offered": lambda fact, _: self.bets.tickets.offered(fact),
            "waiting_ticket_accepted": self._waiting_ticket_accepted,
            "waiting_ticket_refused": self._waiting_ticket_refused,
        }

    @property
    def seq(self) -> int:
        """The last fact committed."""
        return len(self.bodies)

    def committed(self, writer: str, epoch: int, facts: Sequence[Pending]) -> None:
        """A commit happened. Raises Broken at the first fact that should not be."""
        for row in facts:
            hold(row.seq == self.seq + 1, "a row out of order", row.seq, "after", self.seq)
            hold(row.at_us >= self.at_us, "time ran backwards", row, self.at_us)
            self.bodies.append(row.body)
            self.at_us = row.at_us
            fact: Plain = json.loads(row.body)
            hold(fact["kind"] == row.kind, "a row of another kind than its body", row)
            if fact["kind"] == "term_began":
                self._term_began(fact, writer, epoch)
            hold((writer, epoch) == self._writer, "two writers both appended", (writer, epoch), self._writer, fact)
            self._apply(fact, row)
        self.money.balanced()
        self.replay.follow(facts)
        if self.replay.is_at_rest:
            self.cashouts.rules_are_kept(self.at_us)
            self.promotions.bonuses_are_kept()

    def _term_began(self, fact: Plain, writer: str, epoch: int) -> None:
        newest = max(self.epochs, default=0)
        hold(epoch == fact["epoch"] and epoch not in self.epochs, "a term of another epoch, or twice", fact, writer)
        hold(epoch > newest or not self._epochs_checked, "a term that is not newer than the last", fact, newest)
        self._writer = (writer, epoch)
        self.epochs.append(epoch)

    def _apply(self, fact: Plain, row: Pending) -> None:
        asked = self.requests.decide(fact, row.seq, row.at_us) if "cause" in fact else None
        if fact["kind"] in ("bet_accepted", "bet_delayed"):
            hold(asked is not None, "a bet that nobody asked for", fact)
            assert asked is not None
            step = self.bets.accepted if fact["kind"] == "bet_accepted" else self.bets.delayed
            step(fact, asked.command, row.at_us)
        elif fact["kind"] in ("ticket_accepted", "ticket_delayed", "ticket_referred"):
            hold(asked is not None, "a ticket that nobody asked for", fact)
            assert asked is not None
            self._ticket(fact, asked.command, row.at_us)
        elif fact["kind"] in self._steps:
            self._steps[fact["kind"]](fact, row.at_us)
        self.offer.apply(fact, row.at_us)
        self.archive.apply(fact, row.at_us)
        if asked is not None:
            self.archive.refused(fact, asked.command)
        self._remember_balances(fact, row.seq)

    def _ticket(self, fact: Plain, asked: Plain, at_us: int) -> None:
        hold(fact["ticket_id"] == self.bets.count + 1, "a ticket's number is out of order", fact, self.bets.count)
        tickets = self.bets.tickets
        take = {
            "ticket_accepted": tickets.taken,
            "ticket_delayed": tickets.delayed,
            "ticket_referred": tickets.referred,
        }
        made = take[fact["kind"]](fact, asked, at_us)
        self.promotions.taken(fact, made, self._prices_milli(made), at_us)
        if fact["kind"] == "ticket_accepted":
            self.bets.ticket_stands(made, fact)

    def _waiting_ticket_accepted(self, fact: Plain, at_us: int) -> None:
        """Only what waited for a delay alone must be within the house's limits: a trader may go over them."""
        waits = self.bets.tickets.of(fact["ticket_id"])
        was, promised = waits[0].status, [leg.price_milli for bet in waits for leg in bet.legs]
        made = self.bets.tickets.waiting_accepted(fact, at_us)
        self.promotions.waiting_accepted(made, promised if was == "offered" else self._prices_milli(made))
        if was == "delayed":
            self.bets.ticket_stands(made, fact)

    def _waiting_ticket_refused(self, fact: Plain, at_us: int) -> None:
        self.bets.tickets.waiting_refused(fact, at_us)
        self.promotions.waiting_refused(self.bets.tickets.of(fact["ticket_id"]))

    def _prices_milli(self, made: Sequence[TicketBet]) -> list[int]:
        """What is on offer for the legs of a ticket."""
        return [self.offer.markets[leg.market].prices[leg.selection] for bet in made for leg in bet.legs]

    def _bets_settled(self, fact: Plain, at_us: int) -> None:
        self.promotions.settles(fact, at_us)
        self.bets.settled(fact, at_us)
        self.promotions.settled(fact)
        self.cashouts.settled(fact)

    def _house_terms_set(self, fact: Plain, _: int) -> None:
        self.bets.terms[fact["currency"]] = tuple(fact["terms"])

    def _remember_balances(self, fact: Plain, seq: int) -> None:
        touched: dict[Wallet, None] = {}
        if "bet_id" in fact:
            touched[self._wallet(fact["bet_id"])] = None
        elif "ticket_id" in fact:
            touched[self._wallet(fact["ticket_id"])] = None
        elif "customer_id" in fact and "currency" in fact:
            touched[fact["customer_id"], fact["currency"]] = None
        for market, customer, *_ in fact.get("holds", ()):
            touched[customer, self.exchange.markets[market].currency] = None
        for customer, *_ in fact.get("positions", ()):
            touched[customer, self.exchange.markets[fact["market_id"]].currency] = None
        if fact["kind"] == "bets_settled":
            for row in (*fact["bets"], *fact.get("reopened", ())):
                touched[self._wallet(row[0])] = None
        for wallet in touched:
            self.money.remember(seq, wallet)

    def _wallet(self, bet_id: int) -> Wallet:
        bet = self.bets.bets.get(bet_id)
        return bet.wallet if bet else self.bets.tickets.bets[bet_id].wallet

    def told(self, asked: Asked, answer: Answer) -> None:
        """Somebody was told what became of a request."""
        self.requests.told(asked, answer)

    def shown(self, answer: Answer, *, known_seq: int) -> None:
        """Somebody was shown something, who had been told of `known_seq` before asking."""
        match answer:
            case Balances():
                hold(known_seq <= answer.seq <= self.seq, "shown another time's balance", answer, known_seq, self.seq)
                for wallet in answer.wallets:
                    was = self.money.was(answer.seq, (answer.customer_id, wallet.currency))
                    amounts = (wallet.cash_minor, wallet.held_minor, wallet.owed_minor)
                    hold(amounts == was, "shown a wrong balance", answer, was)
            case BetFound():
                if answer.bet_id in self.bets.tickets.bets:
                    owner = self.bets.tickets.bets[answer.bet_id].wallet[0]
                    hold(answer.customer_id == owner, "shown another's bet", answer)
                    return
                bet = self.bets.bets.get(answer.bet_id)
                hold(bet is not None, "shown a bet that is not in the journal", answer)
                assert bet is not None
                shown = (answer.customer_id, answer.market_id, answer.selection_id, answer.stake_minor)
                hold(shown == (bet.wallet[0], bet.market, bet.selection, bet.stake_minor), "shown another bet", answer)
            case LimitsNow():
                hold(known_seq <= answer.seq <= self.seq, "shown another time's limits", answer, known_seq, self.seq)
            case CashOutValue():
                hold(known_seq <= answer.seq <= self.seq, "shown another time's value", answer, known_seq, self.seq)
                self.cashouts.shown(answer, is_now=answer.seq == self.seq)
            case GrantsNow():
                hold(known_seq <= answer.seq <= self.seq, "shown another time's grants", answer, known_seq, self.seq)
                self.promotions.shown(answer, is_now=answer.seq == self.seq)
            case Refused():
                pass
            case _:
                hold(False, "a question answered with a decision", answer)

    def published(self, facts: Sequence[Pending]) -> None:
        """What everybody is told was committed, each fact as it is."""
        for fact in facts:
            known = fact.seq <= self.seq and self.bodies[fact.seq - 1] == fact.body
            hold(known, "published what is not in the journal", fact)

    def looked_at(self, machine: Machine) -> None:
        """A book that leads, with nothing on its way, at the journal's end."""
        if machine.state.seq == self.seq and not machine.outbox:
            self.replay.same_as(machine)

    def saved(self) -> tuple[int, bytes]:
        """A snapshot of everything committed so far."""
        return self.seq, self.replay.snapshot()

    @property
    def unfinished(self) -> str:
        """What the house still has to do by itself."""
        waiting = [bet.id for bet in self.bets.bets.values() if bet.status == "delayed"] + self.bets.tickets.waiting
        if waiting:
            return f"bets {waiting} are still delayed"
        if self.cashouts.waiting:
            return f"cash-outs of bets {list(self.cashouts.waiting)} still wait"
        if self.bets.unsettled:
            return f"markets {self.bets.unsettled} are not settled"
        return self.exchange.unfinished

    def close(self, rows: Sequence[Pending], snapshots: Sequence[tuple[int, bytes]]) -> None:
        """At the end: from zero and from every snapshot the journal folds to one state, and the money is all there."""
        hold([row.body for row in rows] == self.bodies, "the journal changed after a commit")
        hold(not self.unfinished, "something was never finished", self.unfinished)
        self.bets.tickets.closed()
        self.cashouts.rules_are_kept(self.at_us)
        self.promotions.bonuses_are_kept()
        self.archive.is_done(self.at_us)
        self.replay.books_balance(self.money)
        live = state_hash(self.replay.state)
        hold(replayed(rows, empty()) == live, "a replay from zero is another state")
        for seq, body in snapshots:
            hold(replayed(rows, decode_snapshot(body)) == live, "a snapshot and its tail are another state", seq)
        for (actor, key), by_content in self.requests.asked.items():
            for asked in by_content.values():
                decided = self.requests.decided.get((actor, key))
                hold(asked.first is None or decided is not None, "an acknowledged request is lost", asked)
