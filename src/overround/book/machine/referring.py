"""Referred tickets: what a trader makes of one, and what the customer makes of the trader's offer; bet builders'
prices."""

from typing import Final

import msgspec

from overround.book import bets, catalogue
from overround.book.bets import Bet, BetStatus, BuilderPriced, TicketBet, TicketOffered
from overround.book.catalogue import Market
from overround.book.machine.commands import (
    AcceptReferral,
    AnswerOffer,
    DeclineReferral,
    OfferReferral,
    PriceBuilder,
)
from overround.book.machine.finding import bet_of, event_of
from overround.book.machine.state import State
from overround.book.machine.ticketing import REFERRAL_US, conclude, most_minor, refuse, waiting
from overround.book.tickets import MAX_LEGS, Slip, line_count
from overround.kernel.fact import Fact
from overround.kernel.instant import MINUTE_US
from overround.kernel.price import is_price
from overround.kernel.refusal import Refused

MAX_BUILDER_US: Final = 10 * MINUTE_US
"""The longest time for which a bet builder may keep its price."""

MAX_BUILDERS: Final = 100_000
"""Bet builders with a price at a time."""

Facts = tuple[Fact, ...] | Refused


def _ticket(state: State, ticket_id: int, status: BetStatus) -> Bet | Refused:
    """The first bet of a ticket that waits for an answer."""
    bet = bet_of(state, ticket_id, bets.Refusal.TICKET_NOT_FOUND)
    if isinstance(bet, Refused):
        return bet
    if bet.ticket is None or bet.ticket.id != ticket_id:
        return Refused(bets.Refusal.TICKET_NOT_FOUND)
    return bet if bet.status is status else Refused(bets.Refusal.TICKET_STATUS, {"status": bet.status.value})


def accept_referral(state: State, command: AcceptReferral, now_us: int) -> Facts:
    """The trader takes it as asked for. The customer's own limits, prices and funds are asked again, the house's
    not."""
    bet = _ticket(state, command.ticket_id, BetStatus.REFERRED)
    if isinstance(bet, Refused):
        return bet
    return (conclude(state, waiting(state, bet, within_limits=False), bet, now_us),)


def decline_referral(state: State, command: DeclineReferral, now_us: int) -> Facts:
    bet = _ticket(state, command.ticket_id, BetStatus.REFERRED)
    return bet if isinstance(bet, Refused) else (refuse(bet, Refused(bets.Refusal.REFERRAL_DECLINED)),)


def offer_referral(state: State, command: OfferReferral, now_us: int) -> Facts:
    """The trader would take it with smaller stakes or at other prices; the customer has the time of a referral."""
    bet = _ticket(state, command.ticket_id, BetStatus.REFERRED)
    if isinstance(bet, Refused):
        return bet
    asked = waiting(state, bet)
    if len(command.bets) != len(asked.slips):
        return Refused(bets.Refusal.OFFER_INVALID)
    offered: list[TicketBet] = []
    for number, (slip, terms) in enumerate(zip(asked.slips, command.bets, strict=True), asked.first_id):
        made = _offered(slip, terms.stake_minor, terms.prices_milli)
        if made is None:
            return Refused(bets.Refusal.OFFER_INVALID, {"bet": number - asked.first_id + 1})
        offered.append(TicketBet(number, made, most_minor(made)))
    return (
        TicketOffered(
            ticket_id=asked.first_id,
            customer_id=bet.customer_id,
            bets=tuple(offered),
            decide_at_us=now_us + REFERRAL_US,
        ),
    )


def _offered(slip: Slip, stake_minor: int, prices_milli: tuple[int, ...]) -> Slip | None:
    """A slip on a trader's terms: a stake no larger than asked for, prices for all of its legs or for none."""
    if not line_count(slip) <= stake_minor <= slip.stake_minor:
        return None
    if not prices_milli:
        return msgspec.structs.replace(slip, stake_minor=stake_minor)
    if len(prices_milli) != len(slip.legs):
        return None
    pairs = tuple(zip(slip.legs, prices_milli, strict=True))
    if not all(is_price(price) if leg.price_milli else price == 0 for leg, price in pairs):
        return None
    legs = tuple(msgspec.structs.replace(leg, price_milli=price) for leg, price in pairs)
    return msgspec.structs.replace(slip, stake_minor=stake_minor, legs=legs)


def answer_offer(state: State, command: AnswerOffer, now_us: int) -> Facts:
    """The customer takes the trader's terms, which stand at the prices offered whatever has moved, or leaves them."""
    bet = _ticket(state, command.ticket_id, BetStatus.OFFERED)
    if isinstance(bet, Refused):
        return bet
    if bet.customer_id != command.customer_id:
        return Refused(bets.Refusal.TICKET_NOT_FOUND)
    if not command.accept:
        return (refuse(bet, Refused(bets.Refusal.OFFER_DECLINED)),)
    asked = msgspec.structs.replace(waiting(state, bet, within_limits=False), at_prices=True)
    return (conclude(state, asked, bet, now_us),)


def price_builder(state: State, command: PriceBuilder, now_us: int) -> Facts:
    """A price for several selections of one event together, from whoever prices them: never the product of the
    parts."""
    event = event_of(state, command.event_id)
    if isinstance(event, Refused):
        return event
    if not is_price(command.price_milli):
        return Refused(catalogue.Refusal.PRICE_INVALID)
    if not 0 < command.lasts_us <= MAX_BUILDER_US:
        return Refused(catalogue.Refusal.DELAY_INVALID)
    if len(state.bets.builders) >= MAX_BUILDERS:
        return Refused(catalogue.Refusal.CATALOGUE_FULL, {"max_builders": MAX_BUILDERS})
    parts = command.parts
    if not _are_lower(command):
        return Refused(catalogue.Refusal.PRICE_INVALID)
    if not 2 <= len(parts) <= MAX_LEGS or list(parts) != sorted(set(parts)):
        return Refused(catalogue.Refusal.SELECTIONS_INVALID)
    markets = [state.catalogue.markets.get(market_id) for market_id, _ in parts]
    versions = _versions(event.id, parts, markets)
    if versions is None:
        return Refused(catalogue.Refusal.SELECTION_NOT_FOUND)
    return (
        BuilderPriced(
            builder_id=state.bets.builders_made + 1,
            event_id=event.id,
            parts=parts,
            versions=versions,
            price_milli=command.price_milli,
            expires_at_us=now_us + command.lasts_us,
            without_milli=command.without_milli,
        ),
    )


def _are_lower(command: PriceBuilder) -> bool:
    """Whether prices without a part are none, or one for each, none above the price with all of them."""
    without = command.without_milli
    return len(without) in (0, len(command.parts)) and all(
        price_milli == 0 or (is_price(price_milli) and price_milli <= command.price_milli) for price_milli in without
    )


def _versions(
    event_id: int, parts: tuple[tuple[int, int], ...], markets: list[Market | None]
) -> tuple[int, ...] | None:
    """The versions of the parts' markets, if all are of the event and have these selections."""
    versions: list[int] = []
    for (_, selection_id), market in zip(parts, markets, strict=True):
        if market is None or market.event_id != event_id or selection_id not in market.selections:
            return None
        versions.append(market.version)
    return tuple(versions)
