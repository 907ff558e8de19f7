"""Every bet, by id and by market, what each market and level owes, and how facts change them."""

from collections.abc import Iterable

import msgspec

from overround.book.bets.events import (
    BetAccepted,
    BetDelayed,
    BuilderPriced,
    DelayedBetAccepted,
    DelayedBetRefused,
    TicketAccepted,
    TicketBet,
    TicketDelayed,
    TicketOffered,
    TicketReferred,
    WaitingTicketAccepted,
)
from overround.book.bets.rules import above, is_void, is_withdrawn, markets_of
from overround.book.bets.types import (
    BET_LIFE,
    STOOD,
    Bet,
    BetAction,
    BetStatus,
    Cashed,
    Counted,
    Exposure,
    Exposures,
    Pair,
    Placed,
    Scope,
    Tally,
    Ticket,
)
from overround.book.catalogue import CatalogueState, winners
from overround.book.tickets import Outcome
from overround.kernel.level import Level


class BetsState(msgspec.Struct):
    """`bets` is the truth, `made` the last id. `by_market` (bets that stood, in the order accepted) is found again.

    `exposures` are what markets without a result owe on plain singles, `carried` what they would owe on all other bets
    if the rest of each won, without the place parts of each-way bets: those are in `placed`. `worst` (`tallied` so far)
    is, by level, id and currency, the sum of the worst cases of the markets below on singles, and of the largest loss
    of each other open bet with a leg there. What is on a withdrawn selection counts in none of these. `builders` are
    the prices of bet builders that may still be asked for, oldest first."""

    bets: dict[int, Bet] = {}
    exposures: Exposures = {}
    carried: Exposures = {}
    placed: Placed = {}
    worst: dict[Scope, Tally] = {}
    builders: dict[int, BuilderPriced] = {}
    builders_made: int = 0
    made: int = 0
    tallied: int = 0
    by_market: dict[int, list[Bet]] = {}
    levels: dict[int, dict[str, tuple[Tally, ...]]] = {}

    def next_id(self) -> int:
        return self.made + 1

    def exposure(self, market_id: int, currency: str) -> Exposure | None:
        by_currency = self.exposures.get(market_id)
        return by_currency.get(currency) if by_currency else None

    def lost_minor(self, market_id: int, selection_id: int, currency: str) -> int:
        """What the house loses on a market at most if this selection wins, every other leg of its bets included."""
        found = (kept.get(market_id, {}).get(currency) for kept in (self.exposures, self.carried))
        lost_minor = sum(exposure.lost_minor(selection_id) for exposure in found if exposure is not None)
        return lost_minor + self.placed_minor(market_id, selection_id, currency)

    def placed_minor(self, market_id: int, selection_id: int, currency: str) -> int:
        """What the place parts on a market pay at most if this selection is placed."""
        by_places = self.placed.get(market_id)
        if not by_places:
            return 0
        return sum(each.lost_minor(selection_id) for (own, _), each in by_places.items() if own == currency)

    def lost_if_placed_minor(self, market_id: int, selection_id: int, currency: str) -> int:
        """What the house loses on a market at most if this selection is placed, whatever wins."""
        found = (kept.get(market_id, {}).get(currency) for kept in (self.exposures, self.carried))
        lost_minor = sum(each.largest_payout_minor - each.stakes_minor for each in found if each is not None)
        return lost_minor + self.placed_minor(market_id, selection_id, currency)

    def worst_minor(self, level: Level, id: int, currency: str) -> int:
        """What a level may lose, in minor units."""
        tally = self.worst.get((level, id, currency))
        return tally.minor if tally else 0

    def house_worst_minor(self, market_id: int, currency: str) -> int:
        """What the house may lose, asked for a market; at the price of two look-ups."""
        by_currency = self.levels.get(market_id)
        tallies = by_currency.get(currency) if by_currency else None
        return tallies[-1].minor if tallies else self.worst_minor(Level.PLATFORM, 0, currency)


Book = tuple[BetsState, CatalogueState]
"""The bets, and what they are on."""


def accept(
    state: BetsState,
    catalogue: CatalogueState,
    fact: BetAccepted,
    *,
    at_us: int,
    seq: int,
    key: bytes,
    content: int,
    most_minor: int,
) -> Bet:
    """A bet taken at once, that may pay `most_minor`."""
    bet = state.bets[fact.bet_id] = Bet(
        fact.bet_id,
        fact.customer_id,
        fact.market_id,
        fact.selection_id,
        fact.currency,
        fact.stake_minor,
        fact.price_milli,
        fact.market_version,
        fact.odds_change,
        at_us,
        seq,
        key,
        content,
    )
    state.made = fact.bet_id
    _append(state.by_market, bet.market_id, bet)
    _count_single((state, catalogue), bet, most_minor)
    return bet


def delay(state: BetsState, fact: BetDelayed, *, at_us: int, seq: int, key: bytes, content: int) -> Bet:
    """A bet that waits for its in-play delay."""
    bet = state.bets[fact.bet_id] = Bet(
        id=fact.bet_id,
        customer_id=fact.customer_id,
        market_id=fact.market_id,
        selection_id=fact.selection_id,
        currency=fact.currency,
        stake_minor=fact.stake_minor,
        price_milli=fact.price_milli,
        market_version=fact.market_version,
        odds_change=fact.odds_change,
        placed_at_us=at_us,
        seq=seq,
        key=key,
        content=content,
        status=BetStatus.DELAYED,
        decide_at_us=fact.decide_at_us,
    )
    state.made = fact.bet_id
    return bet


def accept_delayed(state: BetsState, catalogue: CatalogueState, fact: DelayedBetAccepted, *, seq: int) -> Bet:
    bet = state.bets[fact.bet_id]
    bet.status = BET_LIFE[bet.status, BetAction.ACCEPT]
    bet.price_milli, bet.seq = fact.price_milli, seq
    stand((state, catalogue), bet)
    return bet


def refuse_delayed(state: BetsState, fact: DelayedBetRefused) -> Bet:
    bet = state.bets[fact.bet_id]
    bet.status = BET_LIFE[bet.status, BetAction.REFUSE]
    return bet


def take_ticket(
    state: BetsState,
    fact: TicketAccepted | TicketDelayed | TicketReferred,
    *,
    status: BetStatus,
    at_us: int,
    seq: int,
    key: bytes,
    content: int,
) -> list[Bet]:
    """The bets of a ticket, new: open, or waiting for what is due at the fact's `decide_at_us`."""
    ticket = Ticket(fact.ticket_id, tuple(each.bet_id for each in fact.bets), fact.stake_kind, fact.grant_id)
    decide_at_us = 0 if isinstance(fact, TicketAccepted) else fact.decide_at_us
    taken = [
        Bet(
            id=each.bet_id,
            customer_id=fact.customer_id,
            market_id=0,
            selection_id=0,
            currency=fact.currency,
            stake_minor=each.slip.stake_minor,
            price_milli=0,
            market_version=0,
            odds_change=fact.odds_change,
            placed_at_us=at_us,
            seq=seq,
            key=key,
            content=content,
            status=status,
            decide_at_us=decide_at_us,
            slip=each.slip,
            ticket=ticket,
            potential_minor=each.potential_minor,
        )
        for each in fact.bets
    ]
    state.bets.update((bet.id, bet) for bet in taken)
    state.made = taken[-1].id
    return taken


def offer_ticket(state: BetsState, fact: TicketOffered) -> list[Bet]:
    """A trader's terms for a referred ticket, until the new `decide_at_us`."""
    offered = [_on_terms(state, each, BetAction.OFFER) for each in fact.bets]
    for bet in offered:
        bet.decide_at_us = fact.decide_at_us
    return offered


def accept_waiting(state: BetsState, catalogue: CatalogueState, fact: WaitingTicketAccepted, *, seq: int) -> list[Bet]:
    accepted = [_on_terms(state, each, BetAction.ACCEPT) for each in fact.bets]
    for bet in accepted:
        bet.seq = seq
        stand((state, catalogue), bet)
    return accepted


def _on_terms(state: BetsState, terms: TicketBet, action: BetAction) -> Bet:
    bet = state.bets[terms.bet_id]
    bet.status = BET_LIFE[bet.status, action]
    bet.slip, bet.stake_minor, bet.potential_minor = terms.slip, terms.slip.stake_minor, terms.potential_minor
    return bet


def refuse_waiting(state: BetsState, ticket_id: int) -> list[Bet]:
    ticket = state.bets[ticket_id].ticket
    refused = [state.bets[bet_id] for bet_id in ticket.bet_ids] if ticket else []
    for bet in refused:
        bet.status = BET_LIFE[bet.status, BetAction.REFUSE]
    return refused


def settle(book: Book, bet: Bet, *, outcome: Outcome, payout_minor: int) -> None:
    if bet.status is BetStatus.OPEN and (bet.slip is not None or not book[1].markets[bet.market_id].resulted):
        release_bet(book, bet)
    bet.status = BET_LIFE[bet.status, BetAction.SETTLE]
    bet.outcome, bet.payout_minor = outcome, payout_minor


def reopen(book: Book, bet: Bet) -> None:
    """What settled a bet was taken back: it runs again, and counts again."""
    bet.status = BET_LIFE[bet.status, BetAction.REOPEN]
    bet.outcome, bet.payout_minor = None, 0
    count_bet(book, bet)


def cash_out(book: Book, bet: Bet, *, stake_minor: int, paid_minor: int) -> None:
    """A part of an open bet's stake is gone, and paid for. With the last of it the bet is over."""
    release_bet(book, bet)
    before = bet.cashed or Cashed(0, 0)
    bet.cashed = Cashed(before.stake_minor + stake_minor, before.paid_minor + paid_minor)
    if bet.running_minor:
        count_bet(book, bet)
    else:
        bet.status = BET_LIFE[bet.status, BetAction.CASH_OUT]


def stand(book: Book, bet: Bet) -> None:
    """From now on the bet is its markets', and they owe on it."""
    by_market = book[0].by_market
    if bet.slip is None:
        _append(by_market, bet.market_id, bet)
        _count_single(book, bet, bet.most_minor)
        return
    for market_id in markets_of(bet):
        _append(by_market, market_id, bet)
    _count_slip(book, bet, 1)


def _append(by_market: dict[int, list[Bet]], market_id: int, bet: Bet) -> None:
    stood = by_market.get(market_id)
    if stood is None:
        stood = by_market[market_id] = []
    stood.append(bet)


# ---------------------------------------------------------------- what is owed


def count_bet(book: Book, bet: Bet) -> None:
    """An open bet counts in what its markets and levels owe."""
    if bet.slip is not None:
        _count_slip(book, bet, 1)
    elif not book[1].markets[bet.market_id].resulted:
        _count_single(book, bet, bet.most_minor)


def release_bet(book: Book, bet: Bet) -> None:
    """An open bet does not count any longer, before its market has a result: it was settled early or cashed out."""
    if bet.slip is None:
        _release_single(book, bet)
    else:
        _count_slip(book, bet, -1)


def _exposure(kept: Exposures, catalogue: CatalogueState, market_id: int, currency: str) -> Exposure:
    by_currency = kept.get(market_id)
    if by_currency is None:
        by_currency = kept[market_id] = {}
    exposure = by_currency.get(currency)
    if exposure is None:
        exposure = by_currency[currency] = Exposure(winners=winners(catalogue.markets[market_id]))
    return exposure


def _count_single(book: Book, bet: Bet, most_minor: int) -> None:
    state, catalogue = book
    if is_withdrawn(catalogue, bet.market_id, bet.selection_id):
        return
    exposure = _exposure(state.exposures, catalogue, bet.market_id, bet.currency)
    before = exposure.worst_minor
    exposure.add(bet.selection_id, stake_minor=bet.running_minor, payout_minor=most_minor)
    grown_minor = exposure.worst_minor - before
    for tally in _above(state, catalogue, bet.market_id, bet.currency):
        tally.minor += grown_minor


def _above(state: BetsState, catalogue: CatalogueState, market_id: int, currency: str) -> tuple[Tally, ...]:
    """The sums of the levels above a market, the platform's last. A market never changes its place, so they are kept
    from its first bet on."""
    by_currency = state.levels.get(market_id)
    if by_currency is None:
        by_currency = state.levels[market_id] = {}
    found = by_currency.get(currency)
    if found is None:
        scopes = above(catalogue, (market_id,))
        found = by_currency[currency] = tuple(_tally(state, level, id, currency) for level, id in scopes)
    return found


def _tally(state: BetsState, level: Level, id: int, currency: str) -> Tally:
    scope = level, id, currency
    tally = state.worst.get(scope)
    if tally is None:
        tally = state.worst[scope] = Tally(state.tallied)
        state.tallied += 1
    return tally


def _release_single(book: Book, bet: Bet) -> None:
    state, catalogue = book
    exposure = state.exposure(bet.market_id, bet.currency)
    if exposure is None or is_withdrawn(catalogue, bet.market_id, bet.selection_id):
        return
    before = exposure.worst_minor
    exposure.take(bet.selection_id, stake_minor=bet.running_minor, payout_minor=bet.most_minor)
    for tally in _above(state, catalogue, bet.market_id, bet.currency):
        tally.minor += exposure.worst_minor - before


def _count_slip(book: Book, bet: Bet, sign: int) -> None:
    """A bet of several legs counts in each market without a result as if the rest of it had won; above the markets it
    counts once, with its largest loss. `sign` of −1 takes it away."""
    state, catalogue = book
    counted = bet.counted
    for market_id, selection_id in bet.selections:
        if not catalogue.markets[market_id].resulted:
            _carry(book, bet, (market_id, selection_id), counted, sign)
    loss_minor = 0 if is_void(catalogue, bet) else sign * max(0, counted[1] - counted[0])
    for tally in _above_all(state, catalogue, bet):
        tally.minor += loss_minor


def _carry(book: Book, bet: Bet, pair: Pair, counted: Counted, sign: int) -> None:
    """A bet counts in one market as if the rest of it had won; with a withdrawn selection nothing there decides it."""
    state, catalogue = book
    (market_id, selection_id), (stake_minor, most_minor, placed_minor) = pair, counted
    if is_withdrawn(catalogue, market_id, selection_id):
        return
    exposure = _exposure(state.carried, catalogue, market_id, bet.currency)
    change = exposure.add if sign > 0 else exposure.take
    change(selection_id, stake_minor=stake_minor, payout_minor=most_minor - placed_minor)
    if placed_minor:
        _count_placed(state, bet, market_id, placed_minor, sign)


def _count_placed(state: BetsState, bet: Bet, market_id: int, placed_minor: int, sign: int) -> None:
    """The place part of an each-way bet is paid for each of the places at which it was struck. Its stake is counted
    with the win part."""
    leg = next(leg for leg in bet.slip.legs if leg.market_id == market_id) if bet.slip else None
    if leg is None or leg.each_way is None:
        return
    by_places = state.placed.setdefault(market_id, {})
    places = leg.each_way.places
    exposure = by_places.setdefault((bet.currency, places), Exposure(winners=places))
    change = exposure.add if sign > 0 else exposure.take
    change(leg.selection_id, stake_minor=0, payout_minor=placed_minor)


def _above_all(state: BetsState, catalogue: CatalogueState, bet: Bet) -> Iterable[Tally]:
    """The sums of the levels above the markets of a bet, each once, whatever markets share it."""
    found: dict[int, Tally] = {}
    for market_id, _ in bet.selections:
        for tally in _above(state, catalogue, market_id, bet.currency):
            found[tally.number] = tally
    return found.values()


def release(book: Book, market_id: int) -> None:
    """A result is in: the market's exposure leaves every level. A correction has nothing more to release."""
    state, catalogue = book
    state.carried.pop(market_id, None)
    state.placed.pop(market_id, None)
    for currency, exposure in state.exposures.pop(market_id, {}).items():
        for tally in _above(state, catalogue, market_id, currency):
            tally.minor -= exposure.worst_minor


def expose(book: Book, market_id: int) -> None:
    """A result was taken back: what is still open on the market counts again. Looks at each bet of the market once."""
    state, _ = book
    for bet in state.by_market.get(market_id, ()):
        if bet.status is not BetStatus.OPEN:
            continue
        if bet.slip is None:
            _count_single(book, bet, bet.most_minor)
            continue
        for market, selection_id in bet.selections:
            if market == market_id:
                _carry(book, bet, (market, selection_id), bet.counted, 1)


def withdraw(book: Book, market_id: int, selection_id: int) -> None:
    """A selection was withdrawn, which is for good: what its bets brought to the market and cost it counts no longer.
    Looks at each bet of the market once."""
    state, _ = book
    singles: dict[str, int] = {}
    others: dict[str, int] = {}
    for bet in state.by_market.get(market_id, ()):
        times = bet.selections.count((market_id, selection_id)) if bet.status is BetStatus.OPEN else 0
        if not times:
            continue
        if bet.slip is None:
            singles[bet.currency] = singles.get(bet.currency, 0) + bet.running_minor
        else:
            others[bet.currency] = others.get(bet.currency, 0) + bet.counted[0] * times
            _leave_levels(book, bet)
    _void_singles(book, (market_id, selection_id), singles)
    for currency, stakes_minor in others.items():
        state.carried[market_id][currency].void(selection_id, stakes_minor=stakes_minor)
    for placed in state.placed.get(market_id, {}).values():
        placed.void(selection_id, stakes_minor=0)


def _leave_levels(book: Book, bet: Bet) -> None:
    """The last of a bet's selections was withdrawn: the levels do not lose by it."""
    state, catalogue = book
    if is_void(catalogue, bet):
        stake_minor, most_minor, _ = bet.counted
        for tally in _above_all(state, catalogue, bet):
            tally.minor -= max(0, most_minor - stake_minor)


def _void_singles(book: Book, pair: Pair, stakes_minor: dict[str, int]) -> None:
    state, catalogue = book
    market_id, selection_id = pair
    for currency, staked_minor in stakes_minor.items():
        exposure = state.exposures[market_id][currency]
        before = exposure.worst_minor
        exposure.void(selection_id, stakes_minor=staked_minor)
        for tally in _above(state, catalogue, market_id, currency):
            tally.minor += exposure.worst_minor - before


def price_builder(state: BetsState, fact: BuilderPriced, *, at_us: int) -> None:
    """A bet builder may be asked for; those whose time is over are forgotten."""
    expired = [id for id, builder in state.builders.items() if builder.expires_at_us <= at_us]
    for id in expired:
        del state.builders[id]
    state.builders[fact.builder_id] = fact
    state.builders_made = fact.builder_id


def index(state: BetsState, catalogue: CatalogueState) -> None:
    """Find `by_market` and `levels` again from the bets, in the order in which they were accepted."""
    state.by_market, state.levels = {}, {}
    stood = [bet for bet in state.bets.values() if bet.status in STOOD]
    stood.sort(key=_order)
    for bet in stood:
        for market_id in markets_of(bet):
            _append(state.by_market, market_id, bet)
            _above(state, catalogue, market_id, bet.currency)


def _order(bet: Bet) -> tuple[int, int]:
    return bet.seq, bet.id
