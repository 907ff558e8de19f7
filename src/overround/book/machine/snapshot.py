"""The state as bytes and back. Equal states have equal bytes, whatever process and hash seed made them."""

import heapq
from collections import deque
from hashlib import sha256
from typing import Final

import msgspec

from overround.book import archive, bets, cashout, exchange, promotions
from overround.book.bets import WAITING, Bet, BetsState, BuilderPriced, Exposure, Placed, Tally
from overround.book.catalogue import CatalogueState
from overround.book.ledger import Account, AccountKind, HouseAccounts, LedgerState, Wallet
from overround.book.limits import Cap, HouseTerms, LimitsState, Player, Scope
from overround.book.machine import archive_folding
from overround.book.machine.memory import (
    KEY_SKEW_US,
    KEY_WINDOW_US,
    Memory,
    Remembered,
    arrived_at_us,
)
from overround.book.machine.proposals import Proposals
from overround.book.machine.state import State, find_overrides
from overround.book.settlement import Heard, Result, SettlementState, Settling
from overround.kernel.level import Level

FORMAT: Final = 11
"""Rises when the shape below or what it counts changes; a snapshot of another format is ignored and the
journal folded from zero."""


class Snapshot(msgspec.Struct, array_like=True):
    """What cannot be found again from the rest. Indexes are not here."""

    seq: int
    at_us: int
    customers: int
    accounts: list[Account]
    catalogue: CatalogueState
    players: dict[int, Player]
    terms: dict[str, HouseTerms]
    bets: list[Bet]
    exposures: dict[int, dict[str, Exposure]]
    carried: dict[int, dict[str, Exposure]]
    placed: Placed
    worst: dict[tuple[Level, int, str], Tally]
    builders: dict[int, BuilderPriced]
    builders_made: int
    bets_made: int
    tallied: int
    caps: dict[Scope, Cap]
    results: dict[int, Result]
    heard: dict[int, Heard]
    settling: dict[int, Settling]
    exchange: exchange.Kept
    cashout: cashout.Kept
    promotions: promotions.Kept
    remembered: list[Remembered]
    proposals: Proposals
    archive: archive.Kept


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Snapshot)


def encode(state: State) -> bytes:
    """The whole state as MessagePack."""
    remembered = [entry for entry in state.memory.entries.values() if isinstance(entry, Remembered)]
    remembered.sort(key=_by_arrival)  # a bet that left has its place among them only while its book lives
    return _encoder.encode(
        Snapshot(
            seq=state.seq,
            at_us=state.at_us,
            customers=state.ledger.customers,
            accounts=list(state.ledger.accounts.values()),
            catalogue=state.catalogue,
            players=state.limits.players,
            terms=state.limits.terms,
            bets=list(state.bets.bets.values()),
            exposures=state.bets.exposures,
            carried=state.bets.carried,
            placed=state.bets.placed,
            worst=state.bets.worst,
            builders=state.bets.builders,
            builders_made=state.bets.builders_made,
            bets_made=state.bets.made,
            tallied=state.bets.tallied,
            caps=state.limits.caps,
            results=state.settlement.results,
            heard=state.settlement.heard,
            settling=state.settlement.settling,
            exchange=exchange.keep(state.exchange),
            cashout=state.cashout.keep(),
            promotions=state.promotions.keep(),
            remembered=remembered,
            proposals=state.proposals,
            archive=state.archive.keep(),
        )
    )


def _by_arrival(entry: Remembered) -> tuple[int, bytes]:
    return entry.at_us, entry.key


def state_hash(state: State) -> bytes:
    """SHA-256 of the encoded state: equal on every process that folded the same facts."""
    return sha256(encode(state)).digest()


def decode(body: bytes) -> State:
    """The state again, indexes and all. Raises msgspec.DecodeError on what is no snapshot."""
    try:
        return _state(_decoder.decode(body))
    except (KeyError, UnicodeDecodeError) as broken:
        raise msgspec.DecodeError(f"no snapshot: {broken!r}") from None


def _state(taken: Snapshot) -> State:
    state = State(
        seq=taken.seq,
        at_us=taken.at_us,
        ledger=_ledger(taken),
        catalogue=taken.catalogue,
        limits=LimitsState(players=taken.players, terms=taken.terms, caps=taken.caps),
        bets=BetsState(
            bets={bet.id: bet for bet in taken.bets},
            exposures=taken.exposures,
            carried=taken.carried,
            placed=taken.placed,
            worst=taken.worst,
            builders=taken.builders,
            builders_made=taken.builders_made,
            made=taken.bets_made,
            tallied=taken.tallied,
        ),
        settlement=SettlementState(results=taken.results, heard=taken.heard, settling=taken.settling),
        exchange=exchange.restore(taken.exchange),
        cashout=cashout.index(taken.cashout),
        promotions=promotions.index(taken.promotions),
        memory=_memory(taken),
        delays=[(bet.decide_at_us, bet.id) for bet in taken.bets if bet.status in WAITING and _is_first(bet)],
    )
    heapq.heapify(state.delays)
    state.proposals = taken.proposals
    find_overrides(state)
    state.archive = archive.restore(taken.archive)
    bets.index(state.bets, state.catalogue)
    archive_folding.index(state)
    return state


def _is_first(bet: Bet) -> bool:
    """Whether a bet stands for its ticket."""
    return bet.ticket is None or bet.ticket.id == bet.id


def _ledger(taken: Snapshot) -> LedgerState:
    grouped: dict[tuple[int, str], dict[AccountKind, Account]] = {}
    for account in taken.accounts:
        grouped.setdefault((account.owner, account.currency), {})[account.kind] = account
    wallets = {
        name: Wallet(cash=own[AccountKind.CASH], bonus=own[AccountKind.BONUS], debt=own[AccountKind.DEBT])
        for name, own in grouped.items()
        if name[0]
    }
    house = {
        currency: HouseAccounts(
            open_stakes=own[AccountKind.OPEN_STAKES],
            trading=own[AccountKind.TRADING],
            clearing=own[AccountKind.CLEARING],
            exchange=own.get(AccountKind.EXCHANGE),
        )
        for (owner, currency), own in grouped.items()
        if not owner
    }
    accounts = {account.id: account for account in taken.accounts}
    return LedgerState(accounts=accounts, wallets=wallets, house=house, customers=taken.customers)


def _memory(taken: Snapshot) -> Memory:
    """Singles taken at once remember themselves while their keys may be used; every other answer is apart."""
    horizon_us = taken.at_us - KEY_WINDOW_US - KEY_SKEW_US
    singles = [bet for bet in taken.bets if bet.slip is None and not bet.decide_at_us]
    own: list[Bet | Remembered] = [bet for bet in singles if bet.placed_at_us >= horizon_us]
    entries = sorted([*own, *taken.remembered], key=arrived_at_us)
    return Memory(entries={entry.key: entry for entry in entries}, order=deque(entry.key for entry in entries))
