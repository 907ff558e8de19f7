"""The trading desk: which facts a suspension, an override, a margin, an approval or a block leads to."""

from collections.abc import Container

from overround.book import catalogue, control, ledger, limits
from overround.book.catalogue import Market, MarketStatus, Selection
from overround.book.control import (
    MAX_OVERRIDES,
    PLATFORM_ID,
    ApprovalRequired,
    CompetitionApproved,
    LevelResumed,
    LevelSuspended,
    MarginSet,
    OverrideEnded,
    PriceOverridden,
)
from overround.book.limits import Player, PlayerBlocked, PlayerUnblocked
from overround.book.machine.desk_commands import (
    ApproveCompetition,
    BlockPlayer,
    LiftOverride,
    OverridePrice,
    RequireApproval,
    ResumeLevel,
    SetMargin,
    SuspendLevel,
    UnblockPlayer,
)
from overround.book.machine.finding import event_of, market_of
from overround.book.machine.state import State
from overround.kernel.fact import Fact
from overround.kernel.level import Level
from overround.kernel.price import is_price
from overround.kernel.refusal import Refused

Facts = tuple[Fact, ...] | Refused

ABSENT = {
    Level.SPORT: catalogue.Refusal.SPORT_NOT_FOUND,
    Level.COMPETITION: catalogue.Refusal.COMPETITION_NOT_FOUND,
}


def suspend_level(state: State, command: SuspendLevel, now_us: int) -> Facts:
    if not catalogue.is_name(command.reason):
        return Refused(catalogue.Refusal.NAME_INVALID)
    before = _reason(state, command)
    if isinstance(before, Refused):
        return before
    return (
        LevelSuspended(
            level=command.level,
            id=command.id,
            selection_id=command.selection_id,
            reason=command.reason,
            before=before,
        ),
    )


def resume_level(state: State, command: ResumeLevel, now_us: int) -> Facts:
    before = _reason(state, command)
    if isinstance(before, Refused):
        return before
    if not before:
        return Refused(control.Refusal.NOT_SUSPENDED)
    return (LevelResumed(level=command.level, id=command.id, selection_id=command.selection_id, before=before),)


def _reason(state: State, asked: SuspendLevel | ResumeLevel) -> str | Refused:
    """Why this very level is suspended now, "" where it is not. A level that there is not is refused."""
    if asked.level is Level.SELECTION:
        selection = _selection(state, asked.id, asked.selection_id)
        return selection if isinstance(selection, Refused) else selection.stopped
    absent = _absent(state, asked.level, asked.id)
    if absent is not None:
        return absent
    if asked.selection_id:
        return Refused(control.Refusal.LEVEL_INVALID)
    stop = state.catalogue.control.stop(asked.level, asked.id)
    return stop.reason if stop is not None else ""


def _absent(state: State, level: Level, number: int) -> Refused | None:
    """Whether there is nothing of this id at a level above the selection's."""
    offer = state.catalogue
    if level not in control.LEVELS or (level is Level.PLATFORM and number != PLATFORM_ID):
        return Refused(control.Refusal.LEVEL_INVALID)
    if level is Level.PLATFORM:
        return None
    if level in (Level.EVENT, Level.MARKET):
        found = event_of(state, number) if level is Level.EVENT else market_of(state, number)
        return found if isinstance(found, Refused) else None
    there: dict[Level, Container[int]] = {Level.SPORT: offer.sports, Level.COMPETITION: offer.competitions}
    return None if number in there[level] else Refused(ABSENT[level])


def _selection(state: State, market_id: int, selection_id: int) -> Selection | Refused:
    market = market_of(state, market_id)
    if isinstance(market, Refused):
        return market
    selection = market.selections.get(selection_id)
    return selection if selection is not None else Refused(catalogue.Refusal.SELECTION_NOT_FOUND)


def override_price(state: State, command: OverridePrice, now_us: int) -> Facts:
    selection = _selection(state, command.market_id, command.selection_id)
    if isinstance(selection, Refused):
        return selection
    if _is_over(state.catalogue.markets[command.market_id]):
        return Refused(catalogue.Refusal.MARKET_STATUS)
    if not is_price(command.price_milli):
        return Refused(catalogue.Refusal.PRICE_INVALID)
    if not control.is_expiry(command.until_us, now_us=now_us):
        return Refused(control.Refusal.EXPIRY_INVALID)
    if not selection.override_until_us and len(state.overrides) >= MAX_OVERRIDES:
        return Refused(control.Refusal.TOO_MANY_OVERRIDES, {"max_overrides": MAX_OVERRIDES})
    return (
        PriceOverridden(
            market_id=command.market_id,
            selection_id=command.selection_id,
            price_milli=command.price_milli,
            until_us=command.until_us,
            before_milli=selection.price_milli,
        ),
    )


def _is_over(market: Market) -> bool:
    return market.status in (MarketStatus.CLOSED, MarketStatus.RESULTED)


def lift_override(state: State, command: LiftOverride, now_us: int) -> Facts:
    selection = _selection(state, command.market_id, command.selection_id)
    if isinstance(selection, Refused):
        return selection
    if not selection.override_until_us:
        return Refused(control.Refusal.NOT_OVERRIDDEN)
    return (_ended(command.market_id, selection, expired=False),)


def _ended(market_id: int, selection: Selection, *, expired: bool) -> OverrideEnded:
    return OverrideEnded(
        market_id=market_id,
        selection_id=selection.id,
        price_milli=0 if selection.is_off else selection.feed_price_milli,
        before_milli=selection.price_milli,
        expired=expired,
    )


def end_override(state: State) -> OverrideEnded:
    """The override that is due first has had its time."""
    _, market_id, selection_id = state.overrides[0]
    return _ended(market_id, state.catalogue.markets[market_id].selections[selection_id], expired=True)


def end_overrides(state: State, market_id: int) -> tuple[OverrideEnded, ...]:
    """Nobody needs the overrides of a market any more, whose time is not over."""
    selections = state.catalogue.markets[market_id].selections
    ended = [number for _, market, number in state.overrides if market == market_id]
    return tuple(_ended(market_id, selections[number], expired=False) for number in ended)


def set_margin(state: State, command: SetMargin, now_us: int) -> Facts:
    if command.level is Level.SELECTION:
        return Refused(control.Refusal.LEVEL_INVALID)
    absent = _absent(state, command.level, command.id)
    if absent is not None:
        return absent
    if not control.is_margin(command.margin_bps):
        return Refused(control.Refusal.MARGIN_INVALID)
    before_bps = state.catalogue.control.margin(command.level, command.id)
    return (MarginSet(level=command.level, id=command.id, margin_bps=command.margin_bps, before_bps=before_bps),)


def approve_competition(state: State, command: ApproveCompetition, now_us: int) -> Facts:
    competition = state.catalogue.competitions.get(command.competition_id)
    if competition is None:
        return Refused(catalogue.Refusal.COMPETITION_NOT_FOUND)
    return (CompetitionApproved(competition_id=competition.id, approved=command.approved, before=competition.approved),)


def require_approval(state: State, command: RequireApproval, now_us: int) -> Facts:
    before = state.catalogue.control.approval_required
    return (ApprovalRequired(required=command.required, before=before),)


def block_player(state: State, command: BlockPlayer, now_us: int) -> Facts:
    player = _player(state, command.customer_id)
    if isinstance(player, Refused):
        return player
    if not catalogue.is_name(command.reason):
        return Refused(catalogue.Refusal.NAME_INVALID)
    return (PlayerBlocked(customer_id=player.id, reason=command.reason, before=player.blocked),)


def unblock_player(state: State, command: UnblockPlayer, now_us: int) -> Facts:
    player = _player(state, command.customer_id)
    if isinstance(player, Refused):
        return player
    if not player.blocked:
        return Refused(limits.Refusal.NOT_BLOCKED)
    return (PlayerUnblocked(customer_id=player.id, before=player.blocked),)


def _player(state: State, customer_id: int) -> Player | Refused:
    return state.limits.players.get(customer_id) or Refused(ledger.Refusal.CUSTOMER_NOT_FOUND)
