"""The rules of the ledger: which transfers a movement of money needs, and when it is refused."""

from enum import StrEnum
from typing import Final

from overround.book.ledger.types import Account, HouseAccounts, Reason, StakeKind, Transfer, Wallet
from overround.kernel.money import MAX_CURRENCY_MINOR, MAX_MONEY_MINOR

# Members found once: Python 3.11 takes longer to look one up in its enum than to compare it.
FREE_BET: Final = StakeKind.FREE_BET
STAKE: Final = Reason.STAKE


class Refusal(StrEnum):
    """Every way the ledger says no, in the order checked."""

    CURRENCY_UNKNOWN = "currency_unknown"
    CUSTOMER_NOT_FOUND = "customer_not_found"
    WALLET_EXISTS = "wallet_exists"
    WALLET_NOT_FOUND = "wallet_not_found"
    NOTE_INVALID = "note_invalid"
    AMOUNT_INVALID = "amount_invalid"
    INSUFFICIENT_FUNDS = "insufficient_funds"


def move_refusal(wallet: Wallet, house: HouseAccounts, *, amount_minor: int) -> Refusal | None:
    """Whether money may come in (`amount_minor` above zero) or go out (below).

    Neither held money goes out nor what would repay a debt; no deposit takes the customer's cash over
    `MAX_MONEY_MINOR` or the currency over `MAX_CURRENCY_MINOR`.
    """
    if amount_minor == 0 or abs(amount_minor) > MAX_MONEY_MINOR:
        return Refusal.AMOUNT_INVALID
    if amount_minor > 0 and wallet.cash.balance_minor + amount_minor > MAX_MONEY_MINOR:
        return Refusal.AMOUNT_INVALID
    if amount_minor - house.clearing.balance_minor > MAX_CURRENCY_MINOR:
        return Refusal.AMOUNT_INVALID
    if amount_minor < 0 and wallet.cash.available_minor + wallet.debt.balance_minor + amount_minor < 0:
        return Refusal.INSUFFICIENT_FUNDS
    return None


def move(wallet: Wallet, house: HouseAccounts, *, amount_minor: int) -> tuple[Transfer, ...]:
    """A deposit (above zero) with what it repays of a debt, or a withdrawal (below zero)."""
    cash, clearing = wallet.cash.id, house.clearing.id
    if amount_minor < 0:
        return (Transfer(cash, clearing, -amount_minor, Reason.WITHDRAWAL),)
    repaid = recover(wallet, credited_minor=amount_minor, owed_minor=-wallet.debt.balance_minor)
    return (Transfer(clearing, cash, amount_minor, Reason.DEPOSIT), *repaid)


def recover(
    wallet: Wallet, *, credited_minor: int, owed_minor: int, ref: int = 0, kind: StakeKind = StakeKind.CASH
) -> tuple[Transfer, ...]:
    """What a credit to cash (or to the bonus) repays of the customer's debt: as much of it as there is."""
    repaid_minor = min(owed_minor, credited_minor)
    if repaid_minor <= 0:
        return ()
    return (Transfer(wallet.account(kind).id, wallet.debt.id, repaid_minor, Reason.DEBT_RECOVERED, ref),)


def stake(
    wallet: Wallet, house: HouseAccounts, *, stake_minor: int, ref: int, kind: StakeKind = StakeKind.CASH
) -> tuple[Transfer, ...]:
    """A stake leaves the customer's cash or bonus for the open stakes; that of a free bet leaves the house's profit."""
    if kind is FREE_BET:
        return (Transfer(house.trading.id, house.open_stakes.id, stake_minor, Reason.FREE_STAKE, ref),)
    return (Transfer(wallet.account(kind).id, house.open_stakes.id, stake_minor, STAKE, ref),)


def settle(
    wallet: Wallet,
    house: HouseAccounts,
    *,
    stake_minor: int,
    payout_minor: int,
    ref: int,
    kind: StakeKind = StakeKind.CASH,
) -> tuple[Transfer, ...]:
    """A stake leaves the open stakes: back to the customer as far as the payout reaches, the rest won by the house.

    What the payout has beyond the stake comes out of trading. The stake of a free bet goes back to the house whole, and
    all that is paid comes out of trading.
    """
    account, open_stakes, trading = wallet.account(kind).id, house.open_stakes.id, house.trading.id
    if kind is FREE_BET:
        spent = Transfer(open_stakes, trading, stake_minor, Reason.FREE_STAKE_SPENT, ref)
        return (spent, Transfer(trading, account, payout_minor, Reason.WINNINGS, ref)) if payout_minor else (spent,)
    if not payout_minor:
        return (Transfer(open_stakes, trading, stake_minor, Reason.STAKE_LOST, ref),)
    if payout_minor < stake_minor:
        return (
            Transfer(open_stakes, account, payout_minor, Reason.STAKE_RETURNED, ref),
            Transfer(open_stakes, trading, stake_minor - payout_minor, Reason.STAKE_LOST, ref),
        )
    returned = Transfer(open_stakes, account, stake_minor, Reason.STAKE_RETURNED, ref)
    if payout_minor == stake_minor:
        return (returned,)
    return (returned, Transfer(trading, account, payout_minor - stake_minor, Reason.WINNINGS, ref))


def grant_bonus(wallet: Wallet, house: HouseAccounts, *, amount_minor: int) -> tuple[Transfer, ...]:
    """Bonus money comes out of the house's profit."""
    return (Transfer(house.trading.id, wallet.bonus.id, amount_minor, Reason.BONUS_GRANTED),)


def release_bonus(wallet: Wallet, *, amount_minor: int) -> tuple[Transfer, ...]:
    """What is left of a bonus becomes cash, and repays a debt first."""
    if not amount_minor:
        return ()
    released = Transfer(wallet.bonus.id, wallet.cash.id, amount_minor, Reason.BONUS_RELEASED)
    return (released, *recover(wallet, credited_minor=amount_minor, owed_minor=-wallet.debt.balance_minor))


def expire_bonus(wallet: Wallet, house: HouseAccounts, *, amount_minor: int) -> tuple[Transfer, ...]:
    """What is left of a bonus is the house's again."""
    if not amount_minor:
        return ()
    return (Transfer(wallet.bonus.id, house.trading.id, amount_minor, Reason.BONUS_EXPIRED),)


def cash_out(
    wallet: Wallet, house: HouseAccounts, *, stake_minor: int, amount_minor: int, owed_minor: int, ref: int
) -> tuple[Transfer, ...]:
    """Part or all of a stake is cashed out: it leaves the open stakes for the customer as far as the amount reaches.

    The rest of the stake is the house's; what the amount has beyond it comes out of trading. A debt (`owed_minor`) is
    repaid first.
    """
    cash, open_stakes, trading = wallet.cash.id, house.open_stakes.id, house.trading.id
    moves = [Transfer(open_stakes, cash, min(stake_minor, amount_minor), Reason.CASH_OUT, ref)]
    if amount_minor < stake_minor:
        moves.append(Transfer(open_stakes, trading, stake_minor - amount_minor, Reason.CASH_OUT_LOSS, ref))
    elif amount_minor > stake_minor:
        moves.append(Transfer(trading, cash, amount_minor - stake_minor, Reason.CASH_OUT_GAIN, ref))
    return (*moves, *recover(wallet, credited_minor=amount_minor, owed_minor=owed_minor, ref=ref))


ROLLBACK = {
    Reason.STAKE_RETURNED: Reason.ROLLBACK_STAKE_RETURNED,
    Reason.STAKE_LOST: Reason.ROLLBACK_STAKE_LOST,
    Reason.WINNINGS: Reason.ROLLBACK_WINNINGS,
    Reason.FREE_STAKE_SPENT: Reason.ROLLBACK_FREE_STAKE_SPENT,
}


def resettle(
    wallet: Wallet,
    house: HouseAccounts,
    *,
    stake_minor: int,
    old_payout_minor: int,
    payout_minor: int | None,
    spendable_minor: int,
    owed_minor: int,
    ref: int,
    kind: StakeKind = StakeKind.CASH,
) -> tuple[Transfer, ...]:
    """Undo one settlement and make another, or none (`payout_minor` None: the bet is open again), by compensating
    transfers only.

    The new payout is credited first, then the old one taken back; what the customer no longer has
    (`spendable_minor` is there now) is advanced as a debt, so cash never goes below zero. A gain repays a debt
    (`owed_minor` now) first.
    """
    before = settle(wallet, house, stake_minor=stake_minor, payout_minor=old_payout_minor, ref=ref, kind=kind)
    undo = tuple(Transfer(old.credit, old.debit, old.amount_minor, ROLLBACK[old.reason], ref) for old in before)
    anew: tuple[Transfer, ...] = ()
    if payout_minor is not None:
        anew = settle(wallet, house, stake_minor=stake_minor, payout_minor=payout_minor, ref=ref, kind=kind)
    gain = (payout_minor or 0) - old_payout_minor
    if gain >= 0:
        repaid = recover(wallet, credited_minor=gain, owed_minor=owed_minor, ref=ref, kind=kind)
        return (*anew, *undo, *repaid)
    short = -gain - spendable_minor
    if short <= 0:
        return (*anew, *undo)
    return (Transfer(wallet.debt.id, wallet.account(kind).id, short, Reason.DEBT_ADVANCED, ref), *anew, *undo)


def exchange_settle(
    wallet: Wallet, house: HouseAccounts, *, net_minor: int, commission_minor: int, ref: int
) -> tuple[Transfer, ...]:
    """What a customer won (`net_minor` above zero) or lost on an exchange market, and the commission on it."""
    cash, exchange = wallet.cash.id, exchange_account(house).id
    if net_minor < 0:
        return (Transfer(cash, exchange, -net_minor, Reason.EXCHANGE_LOSS, ref),)
    if not net_minor:
        return ()
    won = Transfer(exchange, cash, net_minor, Reason.EXCHANGE_WINNINGS, ref)
    if not commission_minor:
        return (won,)
    return (won, Transfer(cash, house.trading.id, commission_minor, Reason.COMMISSION, ref))


EXCHANGE_ROLLBACK = {
    Reason.EXCHANGE_LOSS: Reason.ROLLBACK_EXCHANGE_LOSS,
    Reason.EXCHANGE_WINNINGS: Reason.ROLLBACK_EXCHANGE_WINNINGS,
    Reason.COMMISSION: Reason.ROLLBACK_COMMISSION,
}


def exchange_resettle(
    wallet: Wallet,
    house: HouseAccounts,
    *,
    old: tuple[int, int],
    new: tuple[int, int],
    spendable_minor: int,
    owed_minor: int,
    ref: int,
) -> tuple[Transfer, ...]:
    """Undo one settlement (`old` net and commission; zeros for the first) and make another, as `resettle` does.

    What the customer has not (`spendable_minor` is there) is advanced as a debt; a gain repays a debt (`owed_minor`).
    """
    undo = tuple(
        Transfer(done.credit, done.debit, done.amount_minor, EXCHANGE_ROLLBACK[done.reason], ref)
        for done in exchange_settle(wallet, house, net_minor=old[0], commission_minor=old[1], ref=ref)
    )
    anew = exchange_settle(wallet, house, net_minor=new[0], commission_minor=new[1], ref=ref)
    gain = (new[0] - new[1]) - (old[0] - old[1])
    moves = (*_credits(wallet, (*anew, *undo)), *_debits(wallet, (*anew, *undo)))
    if gain >= 0:
        return (*moves, *recover(wallet, credited_minor=gain, owed_minor=owed_minor, ref=ref))
    short = -gain - spendable_minor
    if short <= 0:
        return moves
    return (Transfer(wallet.debt.id, wallet.cash.id, short, Reason.DEBT_ADVANCED, ref), *moves)


def _credits(wallet: Wallet, transfers: tuple[Transfer, ...]) -> tuple[Transfer, ...]:
    return tuple(transfer for transfer in transfers if transfer.credit == wallet.cash.id)


def _debits(wallet: Wallet, transfers: tuple[Transfer, ...]) -> tuple[Transfer, ...]:
    return tuple(transfer for transfer in transfers if transfer.credit != wallet.cash.id)


def exchange_account(house: HouseAccounts) -> Account:
    """The account through which exchange markets settle. Raises ValueError where the currency has none yet."""
    if house.exchange is None:
        raise ValueError("no exchange account")
    return house.exchange


def residue(house: HouseAccounts, *, amount_minor: int, ref: int) -> tuple[Transfer, ...]:
    """What a market's settlement left on the exchange account (below zero: drew from it) is the house's."""
    exchange, trading = exchange_account(house).id, house.trading.id
    if amount_minor > 0:
        return (Transfer(exchange, trading, amount_minor, Reason.EXCHANGE_RESIDUE, ref),)
    return (Transfer(trading, exchange, -amount_minor, Reason.EXCHANGE_RESIDUE, ref),) if amount_minor else ()
