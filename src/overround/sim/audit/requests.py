"""What customers, feeds and operators asked, and what each of them was told."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from overround.book.machine import (
    Answer,
    Balances,
    BetAnswer,
    BetFound,
    BetWorking,
    CashOutAnswer,
    CashOutValue,
    Done,
    GrantsNow,
    LimitsNow,
    OrdersAnswer,
    ProposalsNow,
    Proposed,
    QuoteAnswer,
    ResultPreview,
    Sheet,
    TicketAnswer,
    TicketFound,
    TicketPreview,
)
from overround.kernel.refusal import Refused
from overround.sim.audit.words import Plain, hold

NOT_DECIDED = frozenset(
    {"overloaded", "request_invalid", "key_invalid", "key_reused", "key_expired", "key_from_the_future"}
)
"""Refusals that are no decision about the request, so no fact: the key may still be used, or is another request's."""

LEADS_TO = {
    "PlaceBet": {"bet_accepted", "bet_delayed"},
    "PlaceTicket": {"ticket_accepted", "ticket_delayed", "ticket_referred"},
    "AcceptReferral": {"waiting_ticket_accepted", "waiting_ticket_refused"},
    "DeclineReferral": {"waiting_ticket_refused"},
    "OfferReferral": {"ticket_offered"},
    "AnswerOffer": {"waiting_ticket_accepted", "waiting_ticket_refused"},
    "RollbackResult": {"result_rolled_back", "correction_proposed"},
    "CancelMarketBets": {"market_bets_cancelled", "correction_proposed"},
    "RestoreMarketBets": {"market_bets_restored", "correction_proposed"},
    "OpenCustomer": {"wallet_opened"},
    "OpenWallet": {"wallet_opened"},
    "MoveFunds": {"funds_moved"},
    "SetLimit": {"limit_set"},
    "CoolOff": {"cooling_off"},
    "SelfExclude": {"self_excluded"},
    "SetPlayerTerms": {"player_terms_set"},
    "SetHouseTerms": {"house_terms_set"},
    "CreateSport": {"sport_created"},
    "CreateCompetition": {"competition_created"},
    "CreateEvent": {"event_created"},
    "RescheduleEvent": {"event_rescheduled"},
    "StartEvent": {"event_started"},
    "EndEvent": {"event_ended"},
    "CreateMarket": {"market_created"},
    "ChangeMarket": {"market_changed"},
    "SetPrices": {"prices_set"},
    "SuspendMarket": {"market_suspended"},
    "ResumeMarket": {"market_resumed"},
    "CloseMarket": {"market_closed"},
    "SuspendEvent": {"market_suspended", "request_done"},
    "ResumeEvent": {"market_resumed", "request_done"},
    "RecordResult": {"result_recorded", "result_heard", "correction_proposed"},
    "RecordEventResult": {"result_recorded", "result_heard", "correction_proposed"},
    "SuspendLevel": {"level_suspended"},
    "ResumeLevel": {"level_resumed"},
    "OverridePrice": {"price_overridden"},
    "LiftOverride": {"override_ended"},
    "SetMargin": {"margin_set"},
    "ApproveCompetition": {"competition_approved"},
    "RequireApproval": {"approval_required"},
    "BlockPlayer": {"player_blocked"},
    "UnblockPlayer": {"player_unblocked"},
    "SetCorrectionLimit": {"correction_limit_set"},
    "SetArchiveAfter": {"archive_after_set"},
    "ApproveProposal": {"proposal_approved"},
    "RejectProposal": {"proposal_rejected"},
    "SetMoment": {"moment_set", "request_done"},
    "WithdrawSelection": {"selection_withdrawn"},
    "FeedHeartbeat": {"feed_seen"},
    "SilenceFeed": {"feed_silenced", "request_done"},
    "HandOverMarket": {"market_handed_over", "request_done"},
    "QuoteCashOut": {"cash_out_quoted"},
    "TakeCashOut": {"cashed_out", "cash_out_delayed"},
    "SetCashOutRule": {"cash_out_rule_set"},
    "RemoveCashOutRule": {"cash_out_rule_removed"},
    "GrantFreeBet": {"free_bet_granted"},
    "GrantBoost": {"boost_granted"},
    "GrantBonus": {"bonus_granted"},
    "RevokeGrant": {"grant_revoked", "bonus_expired"},
    "CreateExchangeMarket": {"exchange_market_created"},
    "OpenExchangeMarket": {"exchange_market_opened"},
    "SuspendExchangeMarket": {"exchange_market_suspended"},
    "TurnInPlay": {"turned_in_play"},
    "ChangeBetDelay": {"bet_delay_changed", "exchange_market_opened"},
    "RescheduleExchangeMarket": {"exchange_market_rescheduled"},
    "RemoveRunner": {"runner_removed"},
    "ReinstateRunner": {"runner_reinstated"},
    "RecordExchangeResult": {"exchange_result_recorded", "correction_proposed"},
    "PlaceOrders": {"orders_placed"},
    "CancelOrders": {"orders_cancelled"},
    "ReplaceOrders": {"orders_replaced"},
    "MassQuote": {"orders_replaced", "orders_placed", "request_done"},
    "Heartbeat": {"heartbeat_set"},
}
"""The last fact of a request that was not refused."""

ORDERS = frozenset({"orders_placed", "orders_cancelled", "orders_updated", "orders_replaced"})
CASH_OUTS = frozenset({"cash_out_quoted", "cashed_out", "cash_out_delayed"})
NOT_THE_SAME = frozenset({"price_milli", "market_version", "selections", "prices_milli", "bets"})
"""Members that a fact may have otherwise than its command: what was really taken, and what was filled in."""


@dataclass
class Asked:
    """A request that somebody made, and the first decision they heard."""

    actor: int
    key: str
    content: int
    name: str
    command: Plain
    first: Answer | None = None
    heard: int = 0
    failed: int = field(default=0)


@dataclass
class Decided:
    """The fact that answers a request."""

    seq: int
    at_us: int
    fact: Plain


class Requests:
    """By (actor, key). A key has one decision; what is told about it never changes."""

    def __init__(self) -> None:
        self.asked: dict[tuple[int, str], dict[int, Asked]] = {}
        self.decided: dict[tuple[int, str], Decided] = {}

    def ask(self, *, actor: int, key: str, command: msgspec.Struct) -> Asked:
        """Before a request is sent for the first time."""
        content = int.from_bytes(blake2b(msgspec.msgpack.encode(command), digest_size=6).digest(), "big")
        by_content = self.asked.setdefault((actor, key), {})
        if content not in by_content:
            plain = {name: as_json(getattr(command, name)) for name in command.__struct_fields__}
            by_content[content] = Asked(actor, key, content, type(command).__name__, plain)
        return by_content[content]

    def decide(self, fact: Plain, seq: int, at_us: int) -> Asked:
        """A fact carries a cause: somebody asked for just this, and it is the first decision about it."""
        actor, key, content = fact["cause"]
        by_content = self.asked.get((actor, key), {})
        hold(content in by_content, "a fact that nobody asked for", seq, fact)
        hold((actor, key) not in self.decided, "a key with two effects", seq, fact, self.decided.get((actor, key)))
        self.decided[actor, key] = Decided(seq, at_us, fact)
        asked = by_content[content]
        if fact["kind"] == "request_refused":
            hold(fact["command"] == [asked.name, *asked.command.values()], "another request refused", fact, asked)
        else:
            hold(fact["kind"] in LEADS_TO[asked.name], "a fact of another kind than asked for", fact, asked)
            same = [name for name in asked.command if name in fact and name not in NOT_THE_SAME]
            wrong = [name for name in same if not _equal(asked.command[name], fact[name])]
            hold(not wrong, "a fact that is not what was asked for", wrong, fact, asked)
        return asked

    def name(self, fact: Plain) -> str:
        """What command a fact answers; nothing where it answers none."""
        if "cause" not in fact:
            return ""
        actor, key, content = fact["cause"]
        return self.asked[actor, key][content].name

    def told(self, asked: Asked, answer: Answer) -> None:
        """Somebody heard an answer: it must be in the journal already, and the same as ever."""
        asked.heard += 1
        decided = self.decided.get((asked.actor, asked.key))
        if isinstance(answer, Refused) and answer.code in NOT_DECIDED:
            reused = decided is not None and decided.fact["cause"][2] != asked.content
            hold(answer.code != "key_reused" or reused, "told that a key was reused", asked, answer, decided)
            return
        if decided is None or decided.fact["cause"][2] != asked.content:
            hold(False, "told what is not in the journal", asked, answer, decided)
            return
        hold(matches(answer, decided), "told something else than the journal says", asked, answer, decided)
        hold(asked.first in (None, answer), "told two different things", asked, answer)
        asked.first = answer


def as_json(value: Any) -> Any:
    """The value as it comes back from the journal."""
    return json.loads(msgspec.json.encode(value))


def _equal(asked: Any, recorded: Any) -> bool:
    return bool(asked == recorded) or (asked is None and recorded == 10**15 + 1)


def matches(answer: Answer, decided: Decided) -> bool:
    """Whether an answer says just what the journal has."""
    fact = decided.fact
    match answer:
        case BetAnswer():
            status = {"bet_accepted": "open", "bet_delayed": "delayed"}.get(fact["kind"], "")
            told = (answer.bet_id, answer.stake_minor, answer.price_milli, answer.decide_at_us)
            recorded = (
                fact.get("bet_id"),
                fact.get("stake_minor"),
                fact.get("price_milli"),
                fact.get("decide_at_us", 0),
            )
            same_place = (answer.placed_at_us, answer.seq) == (decided.at_us, decided.seq)
            return same_place and told == recorded and answer.status == status
        case OrdersAnswer():
            return fact["kind"] in ORDERS and answer.seq == decided.seq
        case TicketAnswer():
            kinds = {"ticket_accepted": "open", "ticket_delayed": "delayed", "ticket_referred": "referred"}
            same_place = (answer.placed_at_us, answer.seq) == (decided.at_us, decided.seq)
            bets_told = (answer.ticket_id, as_json(answer.bets), answer.decide_at_us)
            bets_recorded = (fact.get("ticket_id"), fact.get("bets"), fact.get("decide_at_us", 0))
            return same_place and bets_told == bets_recorded and answer.status == kinds.get(fact["kind"], "")
        case Done():
            of_a_bet = fact["kind"] in ("bet_accepted", "bet_delayed", "request_refused")
            return not of_a_bet and answer.seq == decided.seq and answer.id in (0, *_numbers(fact))
        case Refused():
            return fact["kind"] == "request_refused" and (fact["code"], fact["detail"]) == (answer.code, answer.detail)
        case TicketFound() | TicketPreview() | BetWorking():
            return False
        case QuoteAnswer() | CashOutAnswer():
            last = "expires_at_us" if isinstance(answer, QuoteAnswer) else "decide_at_us"
            members = ("quote_id", "bet_id", "stake_minor", "amount_minor", last)
            equal = all(getattr(answer, name) == fact.get(name, 0) for name in members)
            return equal and fact["kind"] in CASH_OUTS and answer.seq == decided.seq
        case Proposed():
            proposed = (answer.proposal_id, answer.expires_at_us, answer.seq)
            return proposed == (fact.get("proposal_id"), fact.get("expires_at_us"), decided.seq)
        case (
            BetFound()
            | Balances()
            | LimitsNow()
            | ResultPreview()
            | Sheet()
            | ProposalsNow()
            | CashOutValue()
            | GrantsNow()
        ):
            return False


def _numbers(fact: Plain) -> list[int]:
    return [value for name, value in fact.items() if name == "id" or name.endswith("_id")]
