"""What a trading desk looks at before it acts, asked of the book: it alone knows every bet of this very moment."""

from typing import Any, Final

import msgspec

from overround.book.catalogue import Market, MarketStatus, Selection
from overround.book.machine import PreviewBet, PreviewSum, ProposalsNow, ResultPreview, Sheet, SheetBook, SheetMarket
from overround.book.machine.commands import (
    RecordResult,
)
from overround.book.machine.desk_commands import (
    FieldSheet,
    GetProposals,
    PreviewResult,
)
from overround.edge.asking import Asker, unexpected
from overround.edge.catalogue import SeqQuery
from overround.edge.desk import RESULT_OF_MARKET
from overround.edge.live import Live
from overround.edge.problems import Problem
from overround.edge.routes import Call, Reply
from overround.edge.values import AtText, Natural, at_text
from overround.kernel.level import Level

MOST_QUESTIONS: Final = 100
"""Questions for one preview: 500,000 bets."""


class SumBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """In minor units. `house_minor` is what the house would have won on these bets; `debts_minor` what customers could
    not give back of what was paid before."""

    currency: str
    bets: int
    stakes_minor: int
    payouts_minor: int
    previous_minor: int
    house_minor: int
    debts_minor: int


class WinnerBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    bet_id: int
    customer_id: int
    currency: str
    stake_minor: int
    payout_minor: int
    previous_minor: int


class PreviewBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a result would pay. `is_whole` is false where not all bets were looked at; the sums are of those that were.
    `needs_approval` says that it would wait for a second operator."""

    market_id: int
    is_correction: bool
    bets: int
    looked_at: int
    is_whole: bool
    needs_approval: bool
    sums: list[SumBody]
    winners: list[WinnerBody]


class LineBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What bets on the selection may pay; `lost_minor` is the house's loss on the market if it wins, and beside it the
    dearest of those that may, below zero a gain. `others_minor` is what of the payout is not of plain singles."""

    selection_id: int
    payout_minor: int
    lost_minor: int
    others_minor: int


class BookBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market in one currency; `worst_minor` is the largest loss, at least 0. All other legs of a bet count as won."""

    currency: str
    stakes_minor: int
    worst_minor: int
    lines: list[LineBody]


class OfferBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`override_milli` is null where no price is set by hand."""

    selection_id: int
    name: str
    price_milli: int
    override_milli: int | None
    suspended: str | None


class SheetMarketBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    market_id: int
    type: str
    specifiers: dict[str, int]
    status: MarketStatus
    suspended_at: Level | None
    selections: list[OfferBody]
    books: list[BookBody]


class LevelBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The most that the level may lose on all that is open below it, in one currency."""

    level: Level
    id: int
    currency: str
    worst_minor: int


class ScoreBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The house's loss if the match ends so, below zero a gain: on plain singles, exact but for half a unit a bet on
    quarter lines; and on other bets at most, the rest of each counted as won."""

    currency: str
    home: int
    away: int
    lost_minor: int
    others_minor: int


class SheetBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Some markets of an event; `next` is the `after` of those that follow, 0 at the end. `levels` are the event and
    all above it. `scores` are of these markets, as far as football's final score alone decides them."""

    event_id: int
    seq: int
    markets: list[SheetMarketBody]
    next: int
    levels: list[LevelBody]
    scores: list[ScoreBody]


class SheetQuery(SeqQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Markets with a higher id than `after`."""

    after: Natural = 0


class ProposalBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A correction as `actor` asked for it. `change_minor` is by currency how much payouts would change in sum, over
    `bets` bets or, where `is_whole` is false, over the first 5,000 of them."""

    proposal_id: int
    actor: int
    command: str
    about: dict[str, int | str]
    change_minor: dict[str, int]
    bets: int
    is_whole: bool
    proposed_at: AtText
    expires_at: AtText


class ProposalsBody(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`limits_minor` is by currency the change above which a correction waits; a currency without one has none."""

    proposals: list[ProposalBody]
    limits_minor: dict[str, int]


class Previews:
    """The handlers."""

    def __init__(self, asker: Asker, live: Live) -> None:
        self._asker, self._live = asker, live

    async def result(self, call: Call) -> Reply:
        """Page after page of the market's bets, added up. Bets that come meanwhile are at the end."""
        record = RESULT_OF_MARKET.asked(call.body, dict(call.path))
        assert isinstance(record, RecordResult)
        pages: list[ResultPreview] = []
        done = 0
        while True:
            page = await self._asker.ask(PreviewResult(record.market_id, record.result, done), actor=call.actor)
            if not isinstance(page, ResultPreview):
                raise unexpected(page)
            pages.append(page)
            done += page.looked_at
            if done >= page.bets or not page.looked_at or len(pages) >= MOST_QUESTIONS:
                return Reply(200, preview_body(pages))

    async def field_sheet(self, call: Call) -> Reply:
        """Raises Problem: not_ready, projection_behind, event_not_found."""
        if not self._live.built:
            raise Problem("not_ready")
        sheet = await self._asker.ask(FieldSheet(call.number("event_id"), call.query.after), actor=call.actor)
        if not isinstance(sheet, Sheet):
            raise unexpected(sheet)
        if not await self._live.wait_for(max(sheet.seq, call.query.min_seq)):
            raise Problem("projection_behind", seq=self._live.seq)
        markets = [self._market(each) for each in sheet.markets]
        return Reply(
            200,
            SheetBody(
                event_id=sheet.event_id,
                seq=sheet.seq,
                markets=markets,
                next=sheet.next,
                levels=[LevelBody(**msgspec.structs.asdict(each)) for each in sheet.levels],
                scores=[ScoreBody(**msgspec.structs.asdict(each)) for each in sheet.scores],
            ),
        )

    def _market(self, sheet: SheetMarket) -> SheetMarketBody:
        state = self._live.state
        market: Market = state.markets[sheet.market_id]
        return SheetMarketBody(
            market_id=market.id,
            type=market.type,
            specifiers=market.specifiers,
            status=market.status,
            suspended_at=state.stopped_at(market, asked_at_us=0, now_us=0),
            selections=[_offer(each) for each in market.selections.values()],
            books=[_book(each) for each in sheet.books],
        )

    async def proposals(self, call: Call) -> Reply:
        found = await self._asker.ask(GetProposals(), actor=call.actor)
        if not isinstance(found, ProposalsNow):
            raise unexpected(found)
        proposals = [
            ProposalBody(
                proposal_id=each.proposal_id,
                actor=each.actor,
                command=each.command,
                about=each.about,
                change_minor=each.change_minor,
                bets=each.bets,
                is_whole=each.is_whole,
                proposed_at=at_text(each.proposed_at_us),
                expires_at=at_text(each.expires_at_us),
            )
            for each in found.proposals
        ]
        return Reply(200, ProposalsBody(proposals=proposals, limits_minor=found.limits_minor))


def preview_body(pages: list[ResultPreview]) -> PreviewBody:
    """The pages of one preview, added up."""
    first, last = pages[0], pages[-1]
    looked_at = sum(page.looked_at for page in pages)
    sums: dict[str, SumBody] = {}
    for each in (each for page in pages for each in page.sums):
        before = sums.get(each.currency)
        sums[each.currency] = SumBody(**_added(each, before))
    winners = sorted((each for page in pages for each in page.winners), key=_payout, reverse=True)
    return PreviewBody(
        market_id=first.market_id,
        is_correction=first.is_correction,
        bets=last.bets,
        looked_at=looked_at,
        is_whole=looked_at >= last.bets,
        needs_approval=any(page.needs_approval for page in pages),
        sums=list(sums.values()),
        winners=[WinnerBody(**msgspec.structs.asdict(each)) for each in winners[: len(first.winners) or 20]],
    )


def _added(each: PreviewSum, before: SumBody | None) -> dict[str, Any]:
    fields = msgspec.structs.asdict(each)
    if before is None:
        return fields
    return {name: value if isinstance(value, str) else value + getattr(before, name) for name, value in fields.items()}


def _payout(each: PreviewBet) -> int:
    return each.payout_minor


def _offer(each: Selection) -> OfferBody:
    return OfferBody(
        selection_id=each.id,
        name=each.name,
        price_milli=each.price_milli,
        override_milli=each.override_milli or None,
        suspended=each.stopped or None,
    )


def _book(each: SheetBook) -> BookBody:
    lines = [LineBody(**msgspec.structs.asdict(line)) for line in each.lines]
    return BookBody(currency=each.currency, stakes_minor=each.stakes_minor, worst_minor=each.worst_minor, lines=lines)
