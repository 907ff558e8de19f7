"""Everything that may be asked of the machine. A command changes state and needs a key; a query does not."""

import msgspec

from overround.book.bets import OddsChange
from overround.book.catalogue import MarketTerms, Moment
from overround.book.limits import Cap, HouseTerms, LimitKind
from overround.book.machine.cash_commands import CashOutCommand, CashOutQuery
from overround.book.machine.command import Command as Command
from overround.book.machine.desk_commands import DeskCommand, DeskQuery
from overround.book.machine.exchange_commands import ExchangeCommand
from overround.book.machine.grant_commands import GrantCommand, GrantQuery
from overround.book.machine.ticket_commands import AcceptReferral as AcceptReferral
from overround.book.machine.ticket_commands import AnswerOffer as AnswerOffer
from overround.book.machine.ticket_commands import BetAsked as BetAsked
from overround.book.machine.ticket_commands import BetOffered as BetOffered
from overround.book.machine.ticket_commands import DeclineReferral as DeclineReferral
from overround.book.machine.ticket_commands import FindTicket as FindTicket
from overround.book.machine.ticket_commands import GetWorking as GetWorking
from overround.book.machine.ticket_commands import LegAsked as LegAsked
from overround.book.machine.ticket_commands import OfferReferral as OfferReferral
from overround.book.machine.ticket_commands import PlaceTicket as PlaceTicket
from overround.book.machine.ticket_commands import PreviewTicket as PreviewTicket
from overround.book.machine.ticket_commands import PriceBuilder as PriceBuilder
from overround.book.machine.ticket_commands import TicketCommand, TicketQuery
from overround.book.settlement import Result
from overround.kernel.level import Level


class PlaceBet(Command, frozen=True):
    """Stake `stake_minor` of `currency` on a selection at `price_milli`, or at what `odds_change` allows.

    `market_version` of 0 asks for no version; any other must be the present one.
    """

    customer_id: int
    market_id: int
    selection_id: int
    currency: str
    stake_minor: int
    price_milli: int
    odds_change: OddsChange = OddsChange.NONE
    market_version: int = 0


class OpenCustomer(Command, frozen=True):
    """A new customer with a wallet; answers Done with the customer's id."""

    currency: str


class OpenWallet(Command, frozen=True):
    """One more currency for a customer."""

    customer_id: int
    currency: str


class MoveFunds(Command, frozen=True):
    """Credit (above zero) or debit (below) a customer against clearing. `note` is kept for ever: no personal data."""

    customer_id: int
    currency: str
    amount_minor: int
    note: str


class SetLimit(Command, frozen=True):
    """A customer's own limit in minor units; None takes it away (after the wait)."""

    customer_id: int
    currency: str
    limit: LimitKind
    amount_minor: int | None


class CoolOff(Command, frozen=True):
    customer_id: int
    duration_us: int


class SelfExclude(Command, frozen=True):
    customer_id: int
    duration_us: int


class SetPlayerTerms(Command, frozen=True):
    """An operator's limits for one customer; 0 goes back to the house's default."""

    customer_id: int
    currency: str
    max_stake_minor: int
    max_payout_minor: int


class SetHouseTerms(Command, frozen=True):
    currency: str
    terms: HouseTerms


class SetCap(Command, frozen=True):
    """What the house takes at one level, from a selection (`id` of its market, and `selection_id`) to the platform
    (`id` 0); an empty cap takes it away."""

    level: Level
    id: int
    currency: str
    cap: Cap
    selection_id: int = 0


class CreateSport(Command, frozen=True):
    name: str


class CreateCompetition(Command, frozen=True):
    sport_id: int
    name: str


class CreateEvent(Command, frozen=True):
    competition_id: int
    name: str
    starts_at_us: int


class RescheduleEvent(Command, frozen=True):
    event_id: int
    starts_at_us: int


class StartEvent(Command, frozen=True):
    """The off: the event is in play."""

    event_id: int


class EndEvent(Command, frozen=True):
    """Full time: every market that is still open closes."""

    event_id: int


class SetMoment(Command, frozen=True):
    """What an event is at: the in-play delay that its markets have for it holds from now on."""

    event_id: int
    moment: Moment


class CreateMarket(Command, frozen=True):
    """A market, suspended at birth. `prices_milli` is empty or one for each selection, 0 for none."""

    event_id: int
    type: str
    specifiers: dict[str, int] = msgspec.field(default_factory=dict)
    selections: tuple[str, ...] = ()
    prices_milli: tuple[int, ...] = ()
    feed: str = ""
    in_play: bool = False
    delay_us: int = 0
    liability_minor: int = 0
    terms: MarketTerms | None = None


class ChangeMarket(Command, frozen=True):
    """No `terms` leave those that the market has; bets keep the terms on which they were struck."""

    market_id: int
    delay_us: int
    liability_minor: int
    terms: MarketTerms | None = None


class AddSelections(Command, frozen=True):
    """More selections of a market whose type brings its own: a late entry, a forecast that somebody asked for."""

    market_id: int
    selections: tuple[str, ...]
    prices_milli: tuple[int, ...] = ()


class WithdrawSelection(Command, frozen=True):
    """A runner is out. `price_milli` is for Rule 4, 0 deducts nothing; `from_start`: from starting prices too."""

    market_id: int
    selection_id: int
    price_milli: int
    from_start: bool = False


class SetPrices(Command, frozen=True):
    """(selection_id, price_milli) of any of the market's selections; 0 takes a price away."""

    market_id: int
    prices: tuple[tuple[int, int], ...]


class SuspendMarket(Command, frozen=True):
    market_id: int
    reason: str


class ResumeMarket(Command, frozen=True):
    market_id: int


class CloseMarket(Command, frozen=True):
    market_id: int


class SuspendEvent(Command, frozen=True):
    """Suspend every market of an event that is open."""

    event_id: int
    reason: str


class ResumeEvent(Command, frozen=True):
    """Resume every market of an event that is suspended."""

    event_id: int


class RecordResult(Command, frozen=True):
    """A market's result, or its correction. One that is less certain than the market wants is kept, and pays nobody."""

    market_id: int
    result: Result
    certainty: int = 2


class RecordEventResult(Command, frozen=True):
    """One result for every market of an event whose rule reads it; the event ends."""

    event_id: int
    result: Result
    certainty: int = 2


class RollbackResult(Command, frozen=True):
    """Take a market's result back: what it settled is undone, and the market waits for another."""

    market_id: int


class CancelMarketBets(Command, frozen=True):
    """Void the bets on a market that were struck in `from_us` to before `until_us`: after a late suspension, or on a
    result already known. The market goes on."""

    market_id: int
    from_us: int
    until_us: int
    reason: str


class RestoreMarketBets(Command, frozen=True):
    """Take back a cancellation of just this window."""

    market_id: int
    from_us: int
    until_us: int


class SweepPastPost(Command, frozen=True):
    """An event began at `began_at_us`, before its markets closed: void what was struck since on every market that is
    not offered in play."""

    event_id: int
    began_at_us: int


class FeedHeartbeat(Command, frozen=True):
    feed: str


class SilenceFeed(Command, frozen=True):
    """A feed is known to be down: its markets take no bets from now on, until it is heard and has spoken of each."""

    feed: str


class HandOverMarket(Command, frozen=True):
    """Another feed keeps the market from now on; "" is an operator by hand."""

    market_id: int
    feed: str


class GetBalances(Command, frozen=True):
    customer_id: int


class GetLimits(Command, frozen=True):
    customer_id: int


class FindBet(Command, frozen=True):
    """A customer's bet by id, or, with `bet_id` 0, by its key."""

    customer_id: int
    bet_id: int = 0
    key: str = ""


Query = GetBalances | GetLimits | FindBet | DeskQuery | CashOutQuery | GrantQuery | TicketQuery

AnyCommand = (
    PlaceBet
    | TicketCommand
    | SetCap
    | RollbackResult
    | CancelMarketBets
    | RestoreMarketBets
    | SweepPastPost
    | OpenCustomer
    | OpenWallet
    | MoveFunds
    | SetLimit
    | CoolOff
    | SelfExclude
    | SetPlayerTerms
    | SetHouseTerms
    | CreateSport
    | CreateCompetition
    | CreateEvent
    | RescheduleEvent
    | StartEvent
    | EndEvent
    | SetMoment
    | CreateMarket
    | ChangeMarket
    | AddSelections
    | WithdrawSelection
    | SetPrices
    | SuspendMarket
    | ResumeMarket
    | CloseMarket
    | SuspendEvent
    | ResumeEvent
    | RecordResult
    | RecordEventResult
    | FeedHeartbeat
    | SilenceFeed
    | HandOverMarket
    | ExchangeCommand
    | DeskCommand
    | CashOutCommand
    | GrantCommand
    | Query
)


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A command with who asks, under which key, and the hash of its bytes. Queries carry no key."""

    actor: int
    key: str
    content: int
    command: AnyCommand
