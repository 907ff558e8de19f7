"""What the machine itself records, and all facts together as they stand in the journal."""

import msgspec

from overround.book.archive import (
    ArchiveAfterSet,
    BetsArchived,
    EventArchived,
    ExchangeMarketArchived,
    MarketArchived,
    OrdersArchived,
)
from overround.book.bets import (
    BetAccepted,
    BetDelayed,
    BuilderPriced,
    DelayedBetAccepted,
    DelayedBetRefused,
    TicketAccepted,
    TicketDelayed,
    TicketOffered,
    TicketReferred,
    WaitingTicketAccepted,
    WaitingTicketRefused,
)
from overround.book.cashout import (
    CashedOut,
    CashOutDelayed,
    CashOutQuoted,
    CashOutRefused,
    CashOutRuleRemoved,
    CashOutRuleSet,
    CashOutRulesSeen,
)
from overround.book.catalogue import (
    CompetitionCreated,
    EventCreated,
    EventEnded,
    EventRescheduled,
    EventStarted,
    FeedSeen,
    FeedSilenced,
    MarketChanged,
    MarketClosed,
    MarketCreated,
    MarketHandedOver,
    MarketResumed,
    MarketSuspended,
    MomentSet,
    PricesSet,
    SelectionsAdded,
    SelectionWithdrawn,
    SportCreated,
)
from overround.book.control import (
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.exchange import (
    BetDelayChanged,
    CurrencyRateSet,
    DiscountSet,
    ExchangeMarketCreated,
    ExchangeMarketOpened,
    ExchangeMarketRescheduled,
    ExchangeMarketSuspended,
    ExchangeResultRecorded,
    ExchangeSettled,
    HeartbeatMissed,
    HeartbeatSet,
    MinimumsSet,
    OrdersActivated,
    OrdersCancelled,
    OrdersPlaced,
    OrdersReplaced,
    OrdersUpdated,
    RunnerReinstated,
    RunnerRemoved,
    StartReconciled,
    TurnedInPlay,
)
from overround.book.ledger import CurrencyOpened, CustomerOpened, ExchangeAccountOpened, FundsMoved, WalletOpened
from overround.book.limits import (
    CapSet,
    CoolingOff,
    HouseTermsSet,
    LimitSet,
    PlayerBlocked,
    PlayerTermsSet,
    PlayerUnblocked,
    SelfExcluded,
)
from overround.book.machine.commands import AnyCommand
from overround.book.promotions import (
    BonusExpired,
    BonusGranted,
    BonusReleased,
    BoostGranted,
    FreeBetGranted,
    GrantRevoked,
)
from overround.book.settlement import (
    BetsSettled,
    MarketBetsCancelled,
    MarketBetsRestored,
    ResultHeard,
    ResultRecorded,
    ResultRolledBack,
)
from overround.kernel.fact import Fact


class TermBegan(Fact, frozen=True, kw_only=True, tag="term_began"):
    """A book took the lease. Writing this takes the next sequence number, which fences whoever wrote before."""

    epoch: int
    holder: str


class RequestRefused(Fact, frozen=True, kw_only=True, tag="request_refused"):
    """A request that changed nothing, kept whole: a fact like any other, and the first answer for its key."""

    command: AnyCommand
    code: str
    detail: dict[str, int | str]


class RequestDone(Fact, frozen=True, kw_only=True, tag="request_done"):
    """A request that was right and had nothing to change (suspending an event that has no open market)."""

    id: int


class CorrectionLimitSet(Fact, frozen=True, kw_only=True, tag="correction_limit_set"):
    """The change of payouts, in sum, above which a correction waits for a second operator; 0 is no limit."""

    currency: str
    amount_minor: int
    before_minor: int


class CorrectionProposed(Fact, frozen=True, kw_only=True, tag="correction_proposed"):
    """A correction changes too much for one operator: it waits, as it was asked for. `change_minor` is by currency how
    much payouts would change in sum, over `bet_count` bets or, where `is_whole` is false, those that were looked at."""

    proposal_id: int
    command: AnyCommand
    change_minor: dict[str, int]
    bet_count: int
    is_whole: bool
    expires_at_us: int


class ProposalApproved(Fact, frozen=True, kw_only=True, tag="proposal_approved"):
    """Another operator than `proposer` approved: what was proposed is decided, by the facts before this one."""

    proposal_id: int
    proposer: int


class ProposalRejected(Fact, frozen=True, kw_only=True, tag="proposal_rejected"):
    proposal_id: int
    proposer: int
    reason: str


class ProposalExpired(Fact, frozen=True, kw_only=True, tag="proposal_expired"):
    """Nobody approved in time."""

    proposal_id: int
    proposer: int


AnyFact = (
    TermBegan
    | RequestRefused
    | RequestDone
    | CorrectionLimitSet
    | CorrectionProposed
    | ProposalApproved
    | ProposalRejected
    | ProposalExpired
    | CurrencyOpened
    | CustomerOpened
    | WalletOpened
    | FundsMoved
    | LimitSet
    | CoolingOff
    | SelfExcluded
    | PlayerTermsSet
    | HouseTermsSet
    | PlayerBlocked
    | PlayerUnblocked
    | SportCreated
    | CompetitionCreated
    | EventCreated
    | EventRescheduled
    | EventStarted
    | EventEnded
    | MomentSet
    | MarketCreated
    | MarketChanged
    | SelectionsAdded
    | SelectionWithdrawn
    | PricesSet
    | MarketSuspended
    | MarketResumed
    | MarketClosed
    | MarketHandedOver
    | FeedSeen
    | FeedSilenced
    | LevelSuspended
    | LevelResumed
    | PriceOverridden
    | OverrideEnded
    | MarginSet
    | CompetitionApproved
    | ApprovalRequired
    | BetAccepted
    | BetDelayed
    | DelayedBetAccepted
    | DelayedBetRefused
    | ResultHeard
    | TicketAccepted
    | TicketDelayed
    | TicketReferred
    | TicketOffered
    | WaitingTicketAccepted
    | WaitingTicketRefused
    | BuilderPriced
    | CapSet
    | ResultRecorded
    | BetsSettled
    | ExchangeAccountOpened
    | CurrencyRateSet
    | MinimumsSet
    | DiscountSet
    | ExchangeMarketCreated
    | ExchangeMarketOpened
    | ExchangeMarketSuspended
    | BetDelayChanged
    | ExchangeMarketRescheduled
    | StartReconciled
    | TurnedInPlay
    | RunnerRemoved
    | RunnerReinstated
    | OrdersPlaced
    | OrdersActivated
    | OrdersCancelled
    | OrdersUpdated
    | OrdersReplaced
    | HeartbeatSet
    | HeartbeatMissed
    | ExchangeResultRecorded
    | ExchangeSettled
    | ResultRolledBack
    | MarketBetsCancelled
    | MarketBetsRestored
    | CashOutQuoted
    | CashOutDelayed
    | CashOutRefused
    | CashedOut
    | CashOutRuleSet
    | CashOutRuleRemoved
    | CashOutRulesSeen
    | FreeBetGranted
    | BoostGranted
    | BonusGranted
    | BonusReleased
    | BonusExpired
    | GrantRevoked
    | ArchiveAfterSet
    | MarketArchived
    | BetsArchived
    | EventArchived
    | ExchangeMarketArchived
    | OrdersArchived
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyFact)


def encode_fact(fact: Fact) -> bytes:
    """A fact's body in the journal: one JSON object, `kind` first."""
    return _encoder.encode(fact)


def decode_fact(body: str | bytes) -> AnyFact:
    """Raises msgspec.DecodeError where the body is no fact that this version knows."""
    fact: AnyFact = _decoder.decode(body)
    return fact


def kind_of(fact: Fact) -> str:
    """The name that a fact has in the journal."""
    return KINDS[type(fact)]


KINDS: dict[type[Fact], str] = {kind: str(kind.__struct_config__.tag) for kind in AnyFact.__args__}

SUBJECT: dict[type[Fact], str] = {
    RequestDone: "id",
    ProposalApproved: "proposal_id",
    ProposalRejected: "proposal_id",
    CustomerOpened: "customer_id",
    WalletOpened: "customer_id",
    FundsMoved: "customer_id",
    LimitSet: "customer_id",
    CoolingOff: "customer_id",
    SelfExcluded: "customer_id",
    PlayerTermsSet: "customer_id",
    PlayerBlocked: "customer_id",
    PlayerUnblocked: "customer_id",
    SportCreated: "sport_id",
    CompetitionCreated: "competition_id",
    EventCreated: "event_id",
    EventRescheduled: "event_id",
    EventStarted: "event_id",
    EventEnded: "event_id",
    MomentSet: "event_id",
    MarketCreated: "market_id",
    MarketChanged: "market_id",
    SelectionsAdded: "market_id",
    SelectionWithdrawn: "market_id",
    PricesSet: "market_id",
    MarketSuspended: "market_id",
    MarketResumed: "market_id",
    MarketClosed: "market_id",
    MarketHandedOver: "market_id",
    ResultHeard: "market_id",
    LevelSuspended: "id",
    LevelResumed: "id",
    PriceOverridden: "market_id",
    OverrideEnded: "market_id",
    MarginSet: "id",
    CompetitionApproved: "competition_id",
    ResultRecorded: "market_id",
    DiscountSet: "customer_id",
    ExchangeMarketCreated: "market_id",
    ExchangeMarketOpened: "market_id",
    ExchangeMarketSuspended: "market_id",
    BetDelayChanged: "market_id",
    ExchangeMarketRescheduled: "market_id",
    StartReconciled: "market_id",
    TurnedInPlay: "market_id",
    RunnerRemoved: "market_id",
    RunnerReinstated: "market_id",
    HeartbeatSet: "customer_id",
    ExchangeResultRecorded: "market_id",
    ResultRolledBack: "market_id",
    MarketBetsCancelled: "market_id",
    MarketBetsRestored: "market_id",
    TicketOffered: "ticket_id",
    WaitingTicketAccepted: "ticket_id",
    WaitingTicketRefused: "ticket_id",
    BuilderPriced: "builder_id",
    CapSet: "id",
    CashOutRuleSet: "bet_id",
    FreeBetGranted: "grant_id",
    BoostGranted: "grant_id",
    BonusGranted: "grant_id",
    BonusExpired: "grant_id",
    GrantRevoked: "grant_id",
    CashOutRuleRemoved: "bet_id",
}
"""Which field of a fact is the `id` that its Done answers with."""
