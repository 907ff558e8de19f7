"""Customers, their money and their limits: which facts a command about them leads to."""

from overround.book import cashout, control, ledger, limits
from overround.book.catalogue import Refusal
from overround.book.ledger import CurrencyOpened, CustomerOpened, FundsMoved, LedgerState, WalletOpened
from overround.book.limits import (
    NO_LIMIT,
    Cap,
    CapSet,
    CoolingOff,
    HouseTerms,
    HouseTermsSet,
    LimitSet,
    Player,
    PlayerTermsSet,
    Purse,
    SelfExcluded,
)
from overround.book.machine.commands import (
    CoolOff,
    MoveFunds,
    OpenCustomer,
    OpenWallet,
    SelfExclude,
    SetCap,
    SetHouseTerms,
    SetLimit,
    SetPlayerTerms,
)
from overround.book.machine.finding import event_of, market_of
from overround.book.machine.state import State
from overround.kernel.fact import Fact
from overround.kernel.level import Level
from overround.kernel.money import MAX_MONEY_MINOR, is_currency
from overround.kernel.refusal import Refused

MAX_NOTE_LENGTH = 200

Facts = tuple[Fact, ...] | Refused


def open_customer(state: State, command: OpenCustomer, now_us: int) -> Facts:
    if not is_currency(command.currency):
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    customer_id = state.ledger.customers + 1
    wallet = _wallet(state.ledger, customer_id=customer_id, currency=command.currency)
    return (*wallet[:-1], CustomerOpened(customer_id=customer_id), wallet[-1])


def open_wallet(state: State, command: OpenWallet, now_us: int) -> Facts:
    if not is_currency(command.currency):
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    if command.customer_id not in state.limits.players:
        return Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
    if (command.customer_id, command.currency) in state.ledger.wallets:
        return Refused(ledger.Refusal.WALLET_EXISTS)
    return _wallet(state.ledger, customer_id=command.customer_id, currency=command.currency)


def _wallet(state: LedgerState, *, customer_id: int, currency: str) -> tuple[Fact, ...]:
    """A wallet, and the house's own accounts before it where the currency is new."""
    first = state.next_account_id()
    opened: tuple[Fact, ...] = ()
    if currency not in state.house:
        opened = (CurrencyOpened(currency=currency, open_stakes=first, trading=first + 1, clearing=first + 2),)
        first += 3
    wallet = WalletOpened(customer_id=customer_id, currency=currency, cash=first, bonus=first + 1, debt=first + 2)
    return (*opened, wallet)


def move_funds(state: State, command: MoveFunds, now_us: int) -> Facts:
    wallet = state.ledger.wallets.get((command.customer_id, command.currency))
    if wallet is None:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    if not 0 < len(command.note) <= MAX_NOTE_LENGTH or not command.note.isprintable():
        return Refused(ledger.Refusal.NOTE_INVALID)
    house = state.ledger.house[command.currency]
    refusal = ledger.move_refusal(wallet, house, amount_minor=command.amount_minor)
    if refusal is not None:
        return Refused(refusal, {"available_minor": wallet.cash.available_minor})
    return (
        FundsMoved(
            customer_id=command.customer_id,
            currency=command.currency,
            amount_minor=command.amount_minor,
            note=command.note,
            transfers=ledger.move(wallet, house, amount_minor=command.amount_minor),
        ),
    )


def _purse(state: State, customer_id: int, currency: str) -> Purse | None:
    player = state.limits.players.get(customer_id)
    return player.purses.get(currency) if player else None


def set_limit(state: State, command: SetLimit, now_us: int) -> Facts:
    purse = _purse(state, command.customer_id, command.currency)
    if purse is None:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    if command.amount_minor is not None and not limits.is_amount(command.amount_minor):
        return Refused(limits.Refusal.LIMIT_INVALID)
    amount_minor = NO_LIMIT if command.amount_minor is None else command.amount_minor
    current = purse.limits.get(command.limit)
    return (
        LimitSet(
            customer_id=command.customer_id,
            currency=command.currency,
            limit=command.limit,
            amount_minor=amount_minor,
            effective_at_us=limits.effective_at_us(current, amount_minor=amount_minor, now_us=now_us),
        ),
    )


def _player(state: State, customer_id: int) -> Player | Refused:
    return state.limits.players.get(customer_id) or Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)


def cool_off(state: State, command: CoolOff, now_us: int) -> Facts:
    player = _player(state, command.customer_id)
    if isinstance(player, Refused):
        return player
    until_us = limits.cool_off_until_us(player, duration_us=command.duration_us, now_us=now_us)
    if until_us is None:
        return Refused(limits.Refusal.DURATION_INVALID)
    return (CoolingOff(customer_id=player.id, until_us=until_us),)


def self_exclude(state: State, command: SelfExclude, now_us: int) -> Facts:
    player = _player(state, command.customer_id)
    if isinstance(player, Refused):
        return player
    until_us = limits.excluded_until_us(player, duration_us=command.duration_us, now_us=now_us)
    if until_us is None:
        return Refused(limits.Refusal.DURATION_INVALID)
    return (SelfExcluded(customer_id=player.id, until_us=until_us),)


def set_player_terms(state: State, command: SetPlayerTerms, now_us: int) -> Facts:
    purse = _purse(state, command.customer_id, command.currency)
    if purse is None:
        return Refused(ledger.Refusal.WALLET_NOT_FOUND)
    if not _amounts_fit(command.max_stake_minor, command.max_payout_minor):
        return Refused(limits.Refusal.TERMS_INVALID)
    return (
        PlayerTermsSet(
            customer_id=command.customer_id,
            currency=command.currency,
            max_stake_minor=command.max_stake_minor,
            max_payout_minor=command.max_payout_minor,
            before_max_stake_minor=purse.max_stake_minor,
            before_max_payout_minor=purse.max_payout_minor,
        ),
    )


def set_house_terms(state: State, command: SetHouseTerms, now_us: int) -> Facts:
    if command.currency not in state.limits.terms:
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    if not _terms_fit(command.terms):
        return Refused(limits.Refusal.TERMS_INVALID)
    before = state.limits.terms[command.currency]
    return (HouseTermsSet(currency=command.currency, terms=command.terms, before=before),)


def set_cap(state: State, command: SetCap, now_us: int) -> Facts:
    if command.currency not in state.limits.terms:
        return Refused(ledger.Refusal.CURRENCY_UNKNOWN)
    unknown = _no_such_level(state, command)
    if unknown is not None:
        return Refused(unknown)
    cap = command.cap
    if not _amounts_fit(cap.max_stake_minor, cap.max_payout_minor, cap.max_liability_minor):
        return Refused(limits.Refusal.TERMS_INVALID)
    scope = command.level, command.id, command.selection_id, command.currency
    return (
        CapSet(
            level=command.level,
            id=command.id,
            selection_id=command.selection_id,
            currency=command.currency,
            cap=cap,
            before=state.limits.caps.get(scope, NO_CAP),
        ),
    )


NO_CAP = Cap()


def _no_such_level(state: State, command: SetCap) -> str | None:
    """Why there is nothing of this level with this id. A player's own limits are set by `SetPlayerTerms`."""
    on_offer = state.catalogue
    if command.selection_id and command.level is not Level.SELECTION:
        return Refusal.SELECTION_NOT_FOUND
    match command.level:
        case Level.PLATFORM:
            return control.Refusal.LEVEL_INVALID if command.id else None
        case Level.SPORT:
            return None if command.id in on_offer.sports else Refusal.SPORT_NOT_FOUND
        case Level.COMPETITION:
            return None if command.id in on_offer.competitions else Refusal.COMPETITION_NOT_FOUND
        case Level.EVENT:
            return _code(event_of(state, command.id))
        case Level.MARKET:
            return _code(market_of(state, command.id))
        case Level.SELECTION:
            market = on_offer.markets.get(command.id)
            found = market is not None and command.selection_id in market.selections
            return None if found else Refusal.SELECTION_NOT_FOUND
        case Level.PLAYER:
            return control.Refusal.LEVEL_INVALID


def _code(found: object) -> str | None:
    """Why something is not to be had."""
    return found.code if isinstance(found, Refused) else None


def _terms_fit(terms: HouseTerms) -> bool:
    return 0 <= terms.cash_out_margin_bps <= cashout.WHOLE_BPS and _amounts_fit(
        terms.min_stake_minor,
        terms.max_stake_minor,
        terms.max_payout_minor,
        terms.market_liability_minor,
        terms.house_liability_minor,
        terms.max_ticket_payout_minor,
        terms.max_day_payout_minor,
    )


def _amounts_fit(*amounts_minor: int) -> bool:
    return all(0 <= amount <= MAX_MONEY_MINOR for amount in amounts_minor)
