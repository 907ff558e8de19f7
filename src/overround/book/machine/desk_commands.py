"""What a trading desk may ask for: to hold, price, approve and block, and to look before it does."""

from overround.book.machine.command import Command
from overround.book.settlement import Result
from overround.kernel.level import Level


class SuspendLevel(Command, frozen=True):
    """Nothing at a level or below it takes bets. `id` of 0 is the platform; a selection is named by its market's id and
    `selection_id`, which is 0 at every other level."""

    level: Level
    id: int
    reason: str
    selection_id: int = 0


class ResumeLevel(Command, frozen=True):
    """End the suspension of this very level; what was suspended below or above it stays so."""

    level: Level
    id: int
    selection_id: int = 0


class OverridePrice(Command, frozen=True):
    """Offer this price until an instant, whatever the feed says meanwhile."""

    market_id: int
    selection_id: int
    price_milli: int
    until_us: int


class LiftOverride(Command, frozen=True):
    """Offer again what the feed says."""

    market_id: int
    selection_id: int


class SetMargin(Command, frozen=True):
    """The margin of prices made below a level, in hundredths of a per cent; None takes it away."""

    level: Level
    id: int
    margin_bps: int | None


class ApproveCompetition(Command, frozen=True):
    competition_id: int
    approved: bool


class RequireApproval(Command, frozen=True):
    """Whether competitions take bets only once they are approved."""

    required: bool


class SetCorrectionLimit(Command, frozen=True):
    """The change of payouts, in sum, above which a correction waits for a second operator; 0 is no limit."""

    currency: str
    amount_minor: int


class SetArchiveAfter(Command, frozen=True):
    """For how long what is settled may be corrected; then it leaves the book's memory."""

    after_us: int


class ApproveProposal(Command, frozen=True):
    """Let a correction be made that another operator proposed."""

    proposal_id: int


class RejectProposal(Command, frozen=True):
    proposal_id: int
    reason: str


class PreviewResult(Command, frozen=True):
    """What a result would pay, looking at some of the market's bets, in the order accepted, from `done` on."""

    market_id: int
    result: Result
    done: int = 0


class FieldSheet(Command, frozen=True):
    """What the house wins and loses on the markets of an event, some at a time, those above id `after` first."""

    event_id: int
    after: int = 0


class GetProposals(Command, frozen=True):
    """The corrections that wait for a second operator."""


class BlockPlayer(Command, frozen=True):
    """Take no more bets of a customer. `reason` is kept for ever: a code, no personal data."""

    customer_id: int
    reason: str


class UnblockPlayer(Command, frozen=True):
    customer_id: int


DeskCommand = (
    SuspendLevel
    | ResumeLevel
    | OverridePrice
    | LiftOverride
    | SetMargin
    | ApproveCompetition
    | RequireApproval
    | SetCorrectionLimit
    | SetArchiveAfter
    | ApproveProposal
    | RejectProposal
    | BlockPlayer
    | UnblockPlayer
)

DeskQuery = PreviewResult | FieldSheet | GetProposals
