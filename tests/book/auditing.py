"""What must be true of the books after every command, recomputed from the bets with plain sums."""

from collections import defaultdict

from tests.book.exchange_audit import audit_exchange

from overround.book.bets import WAITING, Bet, BetStatus
from overround.book.ledger import AccountKind, StakeKind, sums_minor
from overround.book.machine import State
from overround.book.promotions import Grant, GrantKind
from overround.book.tickets import Outcome
from overround.kernel.level import Level


def audit(state: State) -> None:
    """Raises AssertionError where money is not conserved or an index differs from what it stands for."""
    assert not any(sums_minor(state.ledger).values()), "a currency does not sum to zero"
    _nobody_is_short(state)
    wallets = state.ledger.wallets
    assert {name: wallet.cash.held_minor for name, wallet in wallets.items()} == _held(state)
    assert {name: wallet.bonus.held_minor for name, wallet in wallets.items()} == _held_of_bonus(state)
    for currency, house in state.ledger.house.items():
        assert house.open_stakes.balance_minor == _open_stakes_minor(state, currency)
    audit_exchange(state)
    _what_is_owed(state)
    _cash_outs(state)
    _grants(state)
    waiting = {
        (bet.decide_at_us, bet.ticket.id if bet.ticket else bet.id)
        for bet in state.bets.bets.values()
        if bet.status in WAITING
    }
    assert waiting <= set(state.delays)
    assert not state.delays or state.delays[0] in waiting


def _cash_outs(state: State) -> None:
    """Quotes, waits and standing rules are each found under their bet, and rules under every market of it."""
    kept, by_id = state.cashout, state.bets.bets
    assert {quote.bet_id: quote.id for quote in kept.quotes.values()} == kept.quoted
    assert {(each.decide_at_us, bet_id) for bet_id, each in kept.waiting.items()} == set(kept.due)
    ruled: dict[int, list[int]] = defaultdict(list)
    for bet_id, rule in sorted(kept.rules.items(), key=lambda item: item[1].id):
        assert by_id[bet_id].status is BetStatus.OPEN
        assert by_id[bet_id].stake_kind is StakeKind.CASH
        for market_id in {market_id for market_id, _ in by_id[bet_id].selections}:
            ruled[market_id].append(rule.id)
    assert kept.ruled == ruled
    assert kept.scans.keys() <= ruled.keys()
    assert kept.owners == {rule.id: bet_id for bet_id, rule in kept.rules.items()}
    for bet in by_id.values():
        assert bet.cashed is None or 0 < bet.cashed.stake_minor <= bet.stake_minor
        assert (bet.status is BetStatus.CASHED_OUT) == (bet.running_minor == 0)


def _grants(state: State) -> None:
    """Tokens stand for the bets that use them, bonuses for what was staked since; indexes are what they stand for."""
    kept, all_bets = state.promotions, state.bets.bets.values()
    running = [grant for grant in kept.grants.values() if grant.kind is GrantKind.BONUS and grant.runs]
    assert {(grant.customer_id, grant.currency): grant for grant in running} == kept.bonuses
    assert {(grant.expires_at_us, grant.id) for grant in running} <= set(kept.due)
    assert set(kept.ripe) == {grant.id for grant in running if grant.wagered_minor >= grant.required_minor}
    for grant in kept.grants.values():
        own = [bet for bet in all_bets if bet.ticket is not None and bet.ticket.grant_id == grant.id]
        if grant.kind is not GrantKind.BONUS:
            stood = [bet for bet in own if bet.status in (BetStatus.OPEN, BetStatus.SETTLED, BetStatus.CASHED_OUT)]
            restores = grant.kind is GrantKind.FREE_BET
            assert grant.uses == sum(not (restores and bet.outcome is Outcome.VOID) for bet in stood)
            assert grant.held == any(bet.status in WAITING for bet in own)
        elif grant.runs:
            assert grant.wagered_minor == _wagered(state, grant)


def _wagered(state: State, bonus: Grant) -> int:
    """The settled stakes of a wallet that count towards its bonus, from the bets."""
    total = 0
    for bet in state.bets.bets.values():
        of_wallet = (bet.customer_id, bet.currency) == (bonus.customer_id, bonus.currency)
        is_since = max(bet.placed_at_us, bet.decide_at_us) >= bonus.granted_at_us
        decided = bet.status is BetStatus.SETTLED and bet.outcome is not Outcome.VOID
        prices = [bet.price_milli] if bet.slip is None else [leg.price_milli for leg in bet.slip.legs]
        if of_wallet and is_since and decided and bet.stake_kind is not StakeKind.FREE_BET:
            total += bet.running_minor if all(price >= bonus.min_price_milli for price in prices) else 0
    return total


def _nobody_is_short(state: State) -> None:
    for account in state.ledger.accounts.values():
        if account.kind in (AccountKind.CASH, AccountKind.BONUS):
            assert 0 <= account.held_minor <= account.balance_minor, account
        elif account.kind is AccountKind.DEBT:
            assert account.balance_minor <= 0, account


def _held(state: State) -> dict[tuple[int, str], int]:
    held = dict.fromkeys(state.ledger.wallets, 0)
    for bet in state.bets.bets.values():
        if bet.status in WAITING and bet.stake_kind is StakeKind.CASH:
            held[bet.customer_id, bet.currency] += bet.stake_minor
    for market in state.exchange.markets.values():
        for position in list(market.positions.values())[1:]:
            held[position.customer_id, position.currency] += position.held_minor
    return held


def _held_of_bonus(state: State) -> dict[tuple[int, str], int]:
    held = dict.fromkeys(state.ledger.wallets, 0)
    for bet in state.bets.bets.values():
        if bet.status in WAITING and bet.stake_kind is StakeKind.BONUS:
            held[bet.customer_id, bet.currency] += bet.stake_minor
    return held


def _open_stakes_minor(state: State, currency: str) -> int:
    return sum(
        bet.stake_minor - (bet.cashed.stake_minor if bet.cashed else 0)
        for bet in state.bets.bets.values()
        if bet.status is BetStatus.OPEN and bet.currency == currency
    )


def _what_is_owed(state: State) -> None:
    """Every exposure and every level's worst case, from the open bets."""
    singles, carried = _exposures(state, plain=True), _exposures(state, plain=False)
    for kept, summed in ((state.bets.exposures, singles), (state.bets.carried, carried)):
        held = {(market, currency): book for market, by in kept.items() for currency, book in by.items()}
        assert summed.keys() <= held.keys()
        for name, book in held.items():
            payouts, stakes = summed.get(name, ({}, 0))
            assert {key: paid for key, paid in book.payouts_minor.items() if paid} == payouts
            assert book.stakes_minor == stakes
            assert book.largest_payout_minor == sum(_largest(state, name[0], payouts))
    _places(state)
    worst = _worst(state, singles)
    assert {scope: tally.minor for scope, tally in state.bets.worst.items() if tally.minor} == worst


def _largest(state: State, market_id: int, payouts: dict[int, int]) -> list[int]:
    """The payouts that may fall due together: those of as many selections as win in a market of this type."""
    market = state.catalogue.markets[market_id]
    together = {"double_chance": 2, "anytime_goalscorer": len(payouts)}.get(market.type, 1)
    return sorted(payouts.values(), reverse=True)[: market.specifiers.get("places", together)]


def _placed_minor(bet: Bet) -> int:
    """What an each-way bet pays beside its win part; a free bet's stake is not paid back."""
    is_free = bet.stake_kind is StakeKind.FREE_BET
    return max(0, bet.placed_minor - bet.running_minor) if is_free else bet.placed_minor


def _places(state: State) -> None:
    """What the place parts of open each-way bets may cost."""
    summed: dict[tuple[int, str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for bet in state.bets.bets.values():
        if bet.status is BetStatus.OPEN and bet.slip is not None:
            for leg in bet.slip.legs:
                pair = leg.market_id, leg.selection_id
                if leg.each_way is not None and _is_owed(state, pair):
                    name = leg.market_id, bet.currency, leg.each_way.places
                    summed[name][leg.selection_id] += _placed_minor(bet)
    for market_id, by_places in state.bets.placed.items():
        for (currency, places), book in by_places.items():
            payouts = summed.pop((market_id, currency, places), {})
            assert {key: paid for key, paid in book.payouts_minor.items() if paid} == payouts
            assert book.largest_payout_minor == sum(sorted(payouts.values(), reverse=True)[:places])
    assert not any(paid for payouts in summed.values() for paid in payouts.values())


def _is_owed(state: State, pair: tuple[int, int]) -> bool:
    """Whether a market has no result and the selection was not withdrawn."""
    return pair[0] not in state.settlement.results and not _is_out(state, pair)


def _is_out(state: State, pair: tuple[int, int]) -> bool:
    return pair[1] in [gone.selection_id for gone in state.catalogue.markets[pair[0]].withdrawals]


Summed = dict[tuple[int, str], tuple[dict[int, int], int]]


def _exposures(state: State, *, plain: bool) -> Summed:
    """By market and currency: payouts by selection and stakes, of the open bets on markets without a result."""
    payouts: dict[tuple[int, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    stakes: dict[tuple[int, str], int] = defaultdict(int)
    for bet in state.bets.bets.values():
        if bet.status is BetStatus.OPEN and (bet.slip is None) == plain:
            for market_id, selection_id in bet.selections:
                if _is_owed(state, (market_id, selection_id)):
                    own = 0 if bet.stake_kind is StakeKind.FREE_BET else bet.running_minor
                    paid = bet.most_minor - bet.running_minor + own - _placed_minor(bet)
                    payouts[market_id, bet.currency][selection_id] += paid
                    stakes[market_id, bet.currency] += own
    return {name: (dict(by_selection), stakes[name]) for name, by_selection in payouts.items()}


def _worst(state: State, singles: Summed) -> dict[tuple[Level, int, str], int]:
    """By level: the worst cases of the markets below on singles, and each other bet's largest loss once."""
    worst: dict[tuple[Level, int, str], int] = defaultdict(int)
    for (market_id, currency), (payouts, stakes) in singles.items():
        for level, id in _levels(state, [market_id]):
            worst[level, id, currency] += max(0, sum(_largest(state, market_id, payouts)) - stakes)
    for bet in state.bets.bets.values():
        counts = bet.status is BetStatus.OPEN and bet.slip is not None
        if counts and not all(_is_out(state, pair) for pair in bet.selections):
            for level, id in _levels(state, [market_id for market_id, _ in bet.selections]):
                worst[level, id, bet.currency] += max(0, bet.most_minor - bet.running_minor)
    return {scope: minor for scope, minor in worst.items() if minor}


def _levels(state: State, markets: list[int]) -> set[tuple[Level, int]]:
    found = {(Level.PLATFORM, 0)}
    for market_id in markets:
        event = state.catalogue.events[state.catalogue.markets[market_id].event_id]
        found.add((Level.EVENT, event.id))
        found.add((Level.COMPETITION, event.competition_id))
        found.add((Level.SPORT, state.catalogue.competitions[event.competition_id].sport_id))
    return found
