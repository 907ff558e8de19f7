"""Every problem that the gateway may answer with: its stable code, its HTTP status and its title, in one table.

Bodies are RFC 9457 problem details. A code never changes meaning. `docs/api/errors.md` is made from these tables.
"""

from http import HTTPStatus
from typing import Final

import msgspec

from overround.kernel.refusal import Refused

CONTENT_TYPE: Final = b"application/problem+json"
RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance", "code"})
"""Members that RFC 9457 or this API has given a meaning; a refusal's number of such a name goes as `current_…`."""


class Kind(msgspec.Struct, frozen=True, gc=False):
    """What a code always means. `retry_after_s` of 0 means that trying again unchanged is of no use."""

    status: int
    title: str
    retry_after_s: int = 0


EDGE: Final[dict[str, Kind]] = {
    "body_invalid": Kind(400, "The body is not the JSON that this operation takes"),
    "query_invalid": Kind(400, "A query parameter is unknown or not of its type"),
    "cursor_invalid": Kind(400, "The cursor is not one that was given out"),
    "idempotency_key_required": Kind(400, "This operation needs an Idempotency-Key header with a UUIDv7"),
    "token_required": Kind(401, "This operation needs a bearer token"),
    "token_invalid": Kind(401, "The token is unknown, expired or revoked"),
    "scope_required": Kind(403, "The token does not have the scope that this operation needs"),
    "route_not_found": Kind(404, "There is nothing at this address"),
    "token_not_found": Kind(404, "There is no such token"),
    "method_not_allowed": Kind(405, "This address does not take this method"),
    "body_too_slow": Kind(408, "The body did not arrive in time"),
    "builder_not_possible": Kind(422, "These selections make no bet builder"),
    "body_too_large": Kind(413, "The body is larger than this operation takes"),
    "rate_limited": Kind(429, "Too many requests with this token or from this address", 1),
    "internal": Kind(500, "Something is broken on our side"),
    "overloaded": Kind(503, "Too much waits already; nothing was done", 1),
    "too_many_connections": Kind(503, "Too many connections are open", 1),
    "outcome_unknown": Kind(503, "No answer in time: ask again with the same key to learn what became of it", 1),
    "unavailable": Kind(503, "The database cannot be reached; nothing was done", 1),
    "projection_behind": Kind(503, "What was asked for is not yet in the tables that are read", 1),
    "no_builder_price": Kind(503, "Nobody has a price for this bet builder now", 1),
    "not_ready": Kind(503, "The gateway has not caught up yet", 1),
}
"""Said by the gateway itself."""

MACHINE: Final[dict[str, Kind]] = {
    "request_invalid": Kind(400, "The book does not know such a request"),
    "key_invalid": Kind(400, "The key is not a canonical UUID of version 7"),
    "key_expired": Kind(400, "The key is older than 24 hours"),
    "key_from_the_future": Kind(400, "The key was made more than five minutes ahead of the house's clock"),
    "key_reused": Kind(409, "The key was used for another request"),
    "market_archived": Kind(409, "The market was settled too long ago to be changed"),
    "event_archived": Kind(409, "The event was over too long ago to be changed"),
    "bet_archived": Kind(409, "The bet was over too long ago for anything to be done with it"),
    "customer_not_found": Kind(404, "There is no such customer"),
    "wallet_not_found": Kind(404, "The customer has no wallet in this currency"),
    "sport_not_found": Kind(404, "There is no such sport"),
    "competition_not_found": Kind(404, "There is no such competition"),
    "event_not_found": Kind(404, "There is no such event"),
    "market_not_found": Kind(404, "There is no such market"),
    "selection_not_found": Kind(404, "The market has no such selection"),
    "bet_not_found": Kind(404, "The customer has no such bet"),
    "ticket_not_found": Kind(404, "There is no such ticket"),
    "builder_not_found": Kind(404, "There is no such bet builder"),
    "grant_not_found": Kind(404, "The customer has no such grant in this currency"),
    "quote_not_found": Kind(404, "The customer has no such quote, or it was taken or replaced"),
    "cash_out_rule_not_found": Kind(404, "The bet has no standing rule"),
    "window_not_found": Kind(404, "The bets of no such window were cancelled"),
    "currency_unknown": Kind(422, "The house does not take this currency"),
    "wallet_exists": Kind(422, "The customer has a wallet in this currency already"),
    "amount_invalid": Kind(422, "The amount is zero or too large"),
    "insufficient_funds": Kind(422, "There is less money available than this needs"),
    "note_invalid": Kind(422, "The note is empty or too long"),
    "self_excluded": Kind(422, "The customer has excluded themselves"),
    "cooling_off": Kind(422, "The customer is cooling off"),
    "player_blocked": Kind(422, "The house takes no bets of this customer"),
    "not_blocked": Kind(422, "The customer is not blocked"),
    "level_invalid": Kind(422, "The platform has the id 0, and a selection_id is for the selection's level alone"),
    "not_suspended": Kind(422, "The desk has not suspended this level"),
    "expiry_invalid": Kind(422, "An override ends after now and within 7 days"),
    "too_many_overrides": Kind(422, "The house has as many overrides as it may have"),
    "not_overridden": Kind(422, "The selection's price is not overridden"),
    "proposal_not_found": Kind(404, "No such proposal waits"),
    "own_proposal": Kind(422, "Another operator than the one who proposed it must approve it"),
    "already_proposed": Kind(422, "The same correction waits already"),
    "too_many_proposals": Kind(422, "As many corrections wait as may wait"),
    "archive_after_invalid": Kind(422, "What is settled is kept for a second to 3,660 days"),
    "margin_invalid": Kind(422, "A margin is 0 to 10,000 hundredths of a per cent"),
    "limit_stake_day": Kind(422, "More than the customer's own limit of stakes for the day"),
    "limit_stake_week": Kind(422, "More than the customer's own limit of stakes for the week"),
    "limit_stake_month": Kind(422, "More than the customer's own limit of stakes for the month"),
    "limit_loss_day": Kind(422, "More than the customer's own limit of losses for the day"),
    "limit_loss_week": Kind(422, "More than the customer's own limit of losses for the week"),
    "limit_loss_month": Kind(422, "More than the customer's own limit of losses for the month"),
    "limit_invalid": Kind(422, "A limit is zero or more, and not too large"),
    "duration_invalid": Kind(422, "A cool-off lasts 1 to 42 days, a self-exclusion 180 days to five years"),
    "terms_invalid": Kind(422, "One of the terms is below zero or too large"),
    "name_invalid": Kind(422, "A name or reason is 1 to 200 printable characters"),
    "event_status": Kind(422, "The event is not at the stage that this needs"),
    "starts_at_invalid": Kind(422, "Nothing starts then"),
    "catalogue_full": Kind(422, "The catalogue has as many of these as it may have"),
    "too_many_markets": Kind(422, "The event has as many markets as an event may have"),
    "market_type_unknown": Kind(422, "There is no such type of market"),
    "specifiers_invalid": Kind(422, "The specifiers are not those of the market's type"),
    "selections_invalid": Kind(422, "The selections are not those of the market's type, or not 2 to 20,000 names"),
    "delay_invalid": Kind(422, "A delay is 0 to 12 seconds"),
    "liability_invalid": Kind(422, "A liability limit is below zero or too large"),
    "market_terms_invalid": Kind(422, "The terms do not fit the market's type, or one of them is out of its bounds"),
    "market_status": Kind(422, "The market is not at the stage that this needs"),
    "selection_withdrawn": Kind(422, "The selection was withdrawn"),
    "price_invalid": Kind(422, "A price is 1.001 to 10,000 in decimal odds (1001 to 10000000)"),
    "feed_invalid": Kind(422, "A feed's name is 1 to 200 printable characters"),
    "window_invalid": Kind(422, "A window begins before it ends, and is cancelled once"),
    "stake_invalid": Kind(422, "The stake is not above zero, or too large"),
    "market_closed": Kind(422, "The market takes no more bets"),
    "market_suspended": Kind(422, "The market takes no bets for now"),
    "not_approved": Kind(422, "The competition is not approved for betting"),
    "market_changed": Kind(422, "The market has changed since the version named"),
    "no_price": Kind(422, "The selection has no price now"),
    "each_way_not_offered": Kind(422, "The market offers no each-way terms"),
    "starting_price_not_offered": Kind(422, "The market takes no bets at the starting price"),
    "builder_expired": Kind(422, "The bet builder's price holds no longer"),
    "price_changed": Kind(422, "The price is another now, and not one that was agreed to"),
    "stake_below_minimum": Kind(422, "The stake is below the smallest that the house takes"),
    "stake_limit": Kind(422, "The stake is above the largest that is taken"),
    "payout_limit": Kind(422, "The bet could pay more than is paid"),
    "market_liability": Kind(422, "The market has as much at risk on this selection as it may have"),
    "level_liability": Kind(422, "The level has as much at risk as it may have"),
    "house_liability": Kind(422, "The house has as much at risk as it may have"),
    "ticket_payout": Kind(422, "The bets of the ticket could pay more together than is paid"),
    "day_payout": Kind(422, "The customer's bets of the day could pay more together than is paid"),
    "ticket_status": Kind(422, "The ticket does not wait for this"),
    "offer_invalid": Kind(
        422, "An offer has terms for each bet: a stake no larger than asked for, prices for all legs or none"
    ),
    "referral_declined": Kind(422, "The trader declined the ticket"),
    "referral_expired": Kind(422, "No trader answered in time"),
    "offer_declined": Kind(422, "The customer declined the trader's offer"),
    "offer_expired": Kind(422, "The customer did not answer the trader's offer in time"),
    "ticket_bets": Kind(422, "A ticket has 1 to 20 bets"),
    "bet_legs": Kind(422, "A bet has 1 to 20 legs"),
    "legs_related": Kind(422, "Two legs of a bet are of one event"),
    "leg_price": Kind(422, "The price of a leg is 1.001 to 10,000 in decimal odds, or the starting price"),
    "each_way_terms": Kind(422, "All legs of an each-way bet have terms, or none"),
    "bet_folds": Kind(422, "The folds are ascending and no longer than the legs that are no bankers"),
    "bet_lines": Kind(422, "The bet has more lines than a bet may have"),
    "bet_stake": Kind(422, "The stake is less than a minor unit a line, or too large"),
    "bet_not_delayed": Kind(422, "The bet waits for nothing"),
    "grant_invalid": Kind(422, "One of the grant's numbers is zero or too large"),
    "grant_expiry_invalid": Kind(422, "A grant may be used after now and for 366 days at most"),
    "bonus_runs": Kind(422, "The wallet has a bonus that runs"),
    "too_many_grants": Kind(422, "The customer has as many grants to use as may be"),
    "grant_expired": Kind(422, "The grant's time is over, or it was taken back"),
    "grant_used": Kind(422, "The grant is used, or waits with another ticket"),
    "grant_terms": Kind(422, "The ticket does not fit the grant; `why` says what is in the way"),
    "quote_expired": Kind(422, "The quote could be taken for ten seconds, and they are over"),
    "portion_invalid": Kind(422, "A portion is 1 to 10,000, and both parts carry a minor unit a line"),
    "bet_not_open": Kind(422, "The bet does not run"),
    "cash_out_under_way": Kind(422, "A cash-out of the bet waits for its in-play delay"),
    "cash_out_unavailable": Kind(422, "The bet cannot be cashed out now; `why` says what is in the way"),
    "cash_out_changed": Kind(422, "The bet is worth less now than was quoted"),
    "too_many_quotes": Kind(422, "The house has given as many quotes as it gives at a time"),
    "too_many_cash_out_rules": Kind(422, "The house has as many standing rules as it may have"),
    "result_invalid": Kind(422, "The result is not of the kind that the market's rule reads"),
    "certainty_invalid": Kind(422, "A result is certain to 1 (from scouts) or 2 (confirmed)"),
    "result_unchanged": Kind(422, "The market has this result already"),
    "invalid_market_id": Kind(404, "There is no such exchange market"),
    "exchange_full": Kind(422, "The exchange has as many markets as it may have"),
    "exchange_terms_invalid": Kind(422, "The exchange market's terms do not fit together, or one is out of range"),
    "runners_invalid": Kind(422, "The runners are not those of such a market: number, names, handicaps in pairs"),
    "rate_invalid": Kind(422, "A rate is two amounts above zero, of a currency that is not the book's own"),
    "minimums_invalid": Kind(422, "One of the minimums is below zero or too large"),
    "discount_invalid": Kind(422, "A discount is 0 to 10,000 basis points"),
    "factor_invalid": Kind(422, "A reduction factor is 0 to 9,999 basis points"),
    "not_in_play_market": Kind(422, "The market does not turn in play, or has"),
    "heartbeat_invalid": Kind(422, "A heartbeat's timeout is 10 to 300 seconds, or 0"),
    "currency_fixed": Kind(422, "The customer's position on this market is in another currency"),
    "no_rate": Kind(422, "There is no rate between the wallet's currency and the market's"),
    "too_many_instructions": Kind(422, "No instructions, or more than one request may have"),
    "market_not_open_for_betting": Kind(422, "The exchange market takes no orders"),
    "bet_action_error": Kind(422, "An instruction cannot be taken, so none was: `instruction` and `reason` say which"),
    "duplicate_betids": Kind(422, "One order is named twice"),
    "invalid_runner": Kind(422, "The exchange market has no such runner"),
    "runner_removed": Kind(422, "The runner is out, or the last one"),
    "runner_not_removed": Kind(422, "The runner is not out, so it cannot come back"),
    "invalid_order_type": Kind(422, "The fields are not those of this type of order"),
    "invalid_customer_order_ref": Kind(422, "A reference has 32 characters at most, a strategy's 15, all printable"),
    "market_not_open_for_bsp_betting": Kind(422, "The market takes no orders for the starting price, or no more"),
    "invalid_odds": Kind(422, "The price is not on the market's ladder"),
    "invalid_bet_size": Kind(422, "The size is not above zero, below the smallest, or too large"),
    "invalid_persistence_type": Kind(422, "An order cannot stay like that on this market"),
    "unexpected_persistence_type": Kind(422, "Such an order does not stay, and takes no persistence"),
    "time_in_force_conflict": Kind(422, "An order for the starting price cannot be filled or killed at once"),
    "invalid_min_fill_size": Kind(422, "The smallest fill is above the size"),
    "unexpected_min_fill_size": Kind(422, "A smallest fill goes with FILL_OR_KILL alone"),
    "invalid_back_lay_combination": Kind(422, "The order would meet another of the same customer"),
    "too_many_orders": Kind(422, "The customer, or the market, has as many unmatched orders as may be"),
    "invalid_bet_id": Kind(422, "The customer has no such order on this market"),
    "bet_taken_or_lapsed": Kind(422, "Nothing is left of the order that could be changed"),
    "bet_in_progress": Kind(422, "The order waits for its in-play delay"),
    "invalid_price_edit": Kind(422, "The order has this price already"),
    "no_action_required": Kind(422, "The order is like that already"),
    "cancelled_not_placed": Kind(422, "The order was cancelled, and not placed again"),
    "related_action_failed": Kind(422, "Another instruction of the request failed"),
}
"""Said by the book: every value of every room's Refusal. `overloaded`, which both say, stands above."""

STREAM: Final[dict[str, Kind]] = {
    "message_invalid": Kind(400, "The message is not JSON that the stream takes"),
    "too_many_subscriptions": Kind(422, "More markets or events than one connection may hear"),
}
"""Said on the stream alone, as the `code` of an `error` message."""

IDENTITY: Final[dict[str, Kind]] = {
    "credentials_wrong": Kind(401, "The username or the password is wrong"),
    "username_taken": Kind(409, "The username belongs to another login"),
    "login_exists": Kind(409, "The customer has another login already"),
    "username_invalid": Kind(422, "A username is 1 to 64 printable characters without spaces"),
    "password_invalid": Kind(422, "A password is 8 to 256 characters"),
    "scopes_invalid": Kind(422, "Customers' tokens take customer and read_only, others operator and read_only"),
    "too_many_tokens": Kind(422, "There are as many usable tokens as there may be"),
    "locked_out": Kind(429, "Too many wrong passwords for this username; Retry-After says how long to wait", 1),
    "too_busy": Kind(503, "Too many passwords are being checked", 1),
}
"""Said by identity: every value of its Refusal. `name_invalid`, which the book says too, stands there."""

KINDS: Final = {**EDGE, **STREAM, **IDENTITY, **MACHINE}

_encode = msgspec.json.Encoder().encode


class Problem(Exception):
    """A request ends here. `detail` is a sentence for people; `numbers` help a client to do better."""

    def __init__(self, code: str, detail: str = "", **numbers: int | str) -> None:
        super().__init__(code)
        self.code, self.detail, self.numbers = code, detail, numbers
        self.retry_after_s = KINDS[code].retry_after_s

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]


def refusal(refused: Refused) -> Problem:
    """What the book refused, as a problem."""
    problem = Problem(refused.code if refused.code in KINDS else "request_invalid")
    problem.numbers = {current(name): value for name, value in refused.detail.items()}
    return problem


def current(name: str) -> str:
    """A member's name that takes nothing from the problem's own."""
    return f"current_{name}" if name in RESERVED else name


def body(problem: Problem) -> bytes:
    """The problem as JSON. `type` leads to its entry on the gateway's own docs page."""
    kind = problem.kind
    members: dict[str, int | str] = {
        "type": f"/docs#{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "code": problem.code,
    }
    if problem.detail:
        members["detail"] = problem.detail
    return _encode({**members, **problem.numbers})


def page() -> str:
    """The list of all codes, as Markdown: `docs/api/errors.md`."""
    return "\n".join(
        [
            "# Error codes",
            "",
            "Made from the tables of `src/overround/edge/problems.py`; a test holds both together. To make it anew:",
            "",
            "    python -c 'from overround.edge.problems import page; print(page(), end=str())' > docs/api/errors.md",
            "",
            "Every error is an RFC 9457 problem (`application/problem+json`): `type`, `title`, `status` and `code`,",
            "sometimes with `detail` and with numbers that help (`max_stake_minor`, `price_milli`). Codes never change",
            "meaning. Where *retry* has a number, the reply carries `Retry-After`, and the same request with the same",
            "`Idempotency-Key` is safe to send again.",
            "",
            "## From the gateway",
            "",
            *_rows(EDGE),
            "",
            "## On the stream",
            "",
            "Any of the others may come there too, as the `code` of an `error` message.",
            "",
            *_rows(STREAM),
            "",
            "## From identity",
            "",
            *_rows(IDENTITY),
            "",
            "## From the book",
            "",
            "In a batch these stand in each result's `code`.",
            "",
            *_rows(MACHINE),
            "",
        ]
    )


RENAMED: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; Python says so from 3.13 on."""


def phrase(status: int) -> str:
    """What a status means, in HTTP's words."""
    return RENAMED.get(status) or HTTPStatus(status).phrase


def _rows(kinds: dict[str, Kind]) -> list[str]:
    rows = [
        f"| `{code}` | {kind.status} {phrase(kind.status)} | {kind.retry_after_s or ''} | {kind.title} |"
        for code, kind in sorted(kinds.items(), key=_order)
    ]
    return ["| code | status | retry | meaning |", "| --- | --- | --- | --- |", *rows]


def _order(row: tuple[str, Kind]) -> tuple[int, str]:
    return row[1].status, row[0]
