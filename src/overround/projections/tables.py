"""The tables of schema `read` as the code sees them: columns in the order of `schema.sql`, and the key of each."""

from typing import Final

import msgspec

VERSION: Final = 10
"""Rises with every change of `schema.sql`; tables of another version are dropped and folded again."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`types` stands beside `columns`. Rows are told apart, and ordered, by `key`."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def select(self) -> str:
        """Every column of every row."""
        return f"SELECT {', '.join(self.columns)} FROM read.{self.name}"  # noqa: S608 - our words

    @property
    def upsert(self) -> str:
        """One statement for any number of rows, which arrive as one array a column."""
        columns = ", ".join(self.columns)
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(self.types, 1))
        changed = ", ".join(f"{column} = excluded.{column}" for column in self.columns if column not in self.key)
        return (
            f"INSERT INTO read.{self.name} ({columns}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our words
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changed}"
        )


SHORT: Final = {"int8": "bigint", "int4": "integer", "bool": "boolean"}


def _table(name: str, key: str, columns: str) -> Table:
    """`columns` is `name type, …`."""
    pairs = [column.split() for column in columns.split(",")]
    return Table(
        name=name,
        columns=tuple(pair[0] for pair in pairs),
        types=tuple(SHORT.get(pair[1], pair[1]) for pair in pairs),
        key=tuple(key.split()),
    )


CUSTOMER: Final = _table("customer", "id", "id int8, opened_at_us int8")
ACCOUNT: Final = _table(
    "account",
    "id",
    "id int8, customer_id int8, kind text, currency text, balance_minor int8, held_minor int8",
)
BET: Final = _table(
    "bet",
    "id",
    "id int8, customer_id int8, market_id int8, selection_id int4, currency text, stake_minor int8, price_milli int4,"
    " odds_change text, market_version int4, status text, outcome text, payout_minor int8, placed_at_us int8,"
    " decide_at_us int8, settled_at_us int8, refusal text, actor int8, key uuid, seq int8, ticket_id int8,"
    " stake_kind text, grant_id int8, folds json, lines int4, each_way bool, potential_minor int8,"
    " cashed_stake_minor int8, cashed_paid_minor int8, settled_market_id int8, settled_revision int4, factor json",
)
BET_LEG: Final = _table(
    "bet_leg",
    "bet_id n part",
    "bet_id int8, n int4, part int4, market_id int8, selection_id int4, event_id int8, price_milli int4, each_way json,"
    " best_odds bool, banker bool, builder_id int8, market_version int4",
)
REFERRAL: Final = _table(
    "referral",
    "ticket_id",
    "ticket_id int8, customer_id int8, currency text, referred_at_us int8, code text, detail json, status text,"
    " decide_at_us int8",
)
GRANT: Final = _table(
    "grant",
    "id",
    "id int8, customer_id int8, currency text, kind text, amount_minor int8, min_price_milli int4, percent_bps int4,"
    " required_minor int8, wagered_minor int8, status text, granted_at_us int8, expires_at_us int8, ended_at_us int8,"
    " note text, actor int8, seq int8",
)
TRANSFER: Final = _table(
    "transfer",
    "seq n",
    "seq int8, n int4, at_us int8, debit int8, credit int8, amount_minor int8, reason text, ref int8, note text,"
    " account_id int8, balance_minor int8",
)
REFUSAL: Final = _table(
    "refusal", "seq", "seq int8, at_us int8, actor int8, key uuid, command text, code text, detail json"
)
SPORT: Final = _table("sport", "id", "id int8, name text")
COMPETITION: Final = _table("competition", "id", "id int8, sport_id int8, name text, approved bool")
EVENT: Final = _table(
    "event", "id", "id int8, competition_id int8, name text, starts_at_us int8, status text, moment text"
)
MARKET: Final = _table(
    "market",
    "id",
    "id int8, event_id int8, type text, specifiers json, feed text, in_play bool, delay_us int8, liability_minor int8,"
    " status text, reason text, version int4, confirmed_at_us int8, revision int4, settled_revision int4, result json,"
    " terms json, withdrawals json, owes_starting_prices bool, heard json, cancelled json",
)
SELECTION: Final = _table(
    "selection",
    "market_id id",
    "market_id int8, id int4, name text, price_milli int4, withdrawn_at_us int8, feed_price_milli int4,"
    " override_milli int4, override_until_us int8, stopped text",
)
FEED: Final = _table("feed", "name", "name text, seen_at_us int8, silent bool, back_at_us int8")
CONTROL: Final = _table(
    "control",
    "level id",
    "level text, id int8, reason text, since_us int8, active bool, margin_bps int4, approval_required bool",
)
CAP: Final = _table(
    "cap",
    "level id selection_id currency",
    "level text, id int8, selection_id int4, currency text, max_stake_minor int8, max_payout_minor int8,"
    " max_liability_minor int8",
)
PRICE_HISTORY: Final = _table(
    "price_history",
    "seq market_id selection_id",
    "market_id int8, selection_id int4, seq int8, at_us int8, price_milli int4",
)
MARKET_STATUS_HISTORY: Final = _table(
    "market_status_history",
    "seq market_id",
    "market_id int8, seq int8, at_us int8, status text, reason text, version int4",
)
RESULT: Final = _table(
    "result", "seq market_id", "market_id int8, revision int4, seq int8, at_us int8, result json, certainty int4"
)
BET_WINDOW: Final = _table(
    "bet_window",
    "seq",
    "market_id int8, revision int4, seq int8, at_us int8, from_us int8, until_us int8, reason text, cancelled bool",
)
CASH_OUT: Final = _table(
    "cash_out",
    "seq",
    "quote_id int8, bet_id int8, customer_id int8, stake_minor int8, amount_minor int8, running_minor int8,"
    " by_rule bool, seq int8, at_us int8",
)
BUILDER_PRICE: Final = _table(
    "builder_price",
    "seq",
    "builder_id int8, event_id int8, parts json, versions json, price_milli int4, expires_at_us int8, seq int8,"
    " at_us int8",
)
LIMIT_CHANGE: Final = _table(
    "limit_change",
    "seq",
    "seq int8, at_us int8, actor int8, customer_id int8, currency text, kind text, amount_minor int8, from_us int8,"
    " until_us int8, terms json",
)
OPERATOR_ACTION: Final = _table(
    "operator_action",
    "seq",
    "seq int8, at_us int8, actor int8, kind text, subject json, before json, after json",
)
EXCHANGE_MARKET: Final = _table(
    "exchange_market",
    "id",
    "id int8, event_id int8, name text, market_type text, currency text, terms json, bet_delay_us int8, passive bool,"
    " status text, in_play bool, reconciled bool, version int4, created_at_us int8, settled_at_us int8, revision int4,"
    " result json, residues json, changed_seq int8",
)
EXCHANGE_RUNNER: Final = _table(
    "exchange_runner",
    "market_id n",
    "market_id int8, n int4, selection_id int8, name text, handicap_quarters int4, factor_bp int4, status text,"
    " removed_at_us int8, sp_milli int8",
)
EXCHANGE_ORDER: Final = _table(
    "exchange_order",
    "id",
    "id int8, customer_id int8, market_id int8, runner int4, side text, type text, price_milli int8, size_minor int8,"
    " liability_minor int8, persistence text, time_in_force text, min_fill_minor int8, target text, target_minor int8,"
    " ref text, strategy text, status text, remaining_minor int8, matched_minor int8, matched_value int8,"
    " lapsed_minor int8, cancelled_minor int8, voided_minor int8, profit_minor int8, placed_at_us int8,"
    " decide_at_us int8, matched_at_us int8, lapsed_at_us int8, cancelled_at_us int8, voided_at_us int8,"
    " settled_at_us int8, lapse_reason text, lapse text, market_version int4, seq int8",
)
EXCHANGE_TRADE: Final = _table(
    "exchange_trade",
    "id",
    "id int8, market_id int8, runner int4, price_milli int8, size_minor int8, back int8, lay int8,"
    " back_customer_id int8, lay_customer_id int8, group_id int8, voided bool, at_us int8, seq int8",
)
EXCHANGE_POSITION: Final = _table(
    "exchange_position",
    "market_id customer_id",
    "market_id int8, customer_id int8, currency text, rate_to int8, rate_from int8, net_minor int8,"
    " commission_minor int8, void bool, settled_revision int4, settled_at_us int8, changed_seq int8",
)
EXCHANGE_RATE: Final = _table("exchange_rate", "currency", "currency text, minor int8, book_minor int8")
EXCHANGE_DISCOUNT: Final = _table("exchange_discount", "customer_id", "customer_id int8, discount_bp int4")

NOW: Final = (
    CUSTOMER,
    ACCOUNT,
    BET,
    BET_LEG,
    REFERRAL,
    GRANT,
    SPORT,
    COMPETITION,
    EVENT,
    MARKET,
    SELECTION,
    FEED,
    CONTROL,
    CAP,
    EXCHANGE_MARKET,
    EXCHANGE_RUNNER,
    EXCHANGE_ORDER,
    EXCHANGE_TRADE,
    EXCHANGE_POSITION,
    EXCHANGE_RATE,
    EXCHANGE_DISCOUNT,
)
"""What is: rows that later facts change."""

HISTORY: Final = (
    TRANSFER,
    REFUSAL,
    PRICE_HISTORY,
    MARKET_STATUS_HISTORY,
    RESULT,
    BET_WINDOW,
    CASH_OUT,
    BUILDER_PRICE,
    LIMIT_CHANGE,
    OPERATOR_ACTION,
)
"""What was: rows that are written once, each at the sequence of its fact."""

TABLES: Final = NOW + HISTORY
