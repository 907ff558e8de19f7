"""The projections own the tables that people query: schema `read`, folded from the journal.

Invariants: the rows and the checkpoint change in one transaction, so every fact takes effect exactly once whatever ends
the process; the tables are never the truth, and dropped and folded again they are the same; a commit is never
cancelled.

    await projections.migrate(connection)
    await projections.advance(connection, batch)   # a worker, with the facts after the checkpoint
    page = await projections.Reads(pool).bets(customer_id=7)
"""

from overround.projections.advancing import OutOfStep, advance, checkpoint
from overround.projections.barrier import ProjectionBehind
from overround.projections.batching import BATCH_WEIGHT, READ_ROWS, portions
from overround.projections.changes import Carried, Recorded
from overround.projections.cursor import DEFAULT_PAGE, MAX_PAGE, InvalidCursor
from overround.projections.exchange_offer import ExchangeOffer, OtherVersion, exchange_offer
from overround.projections.exchange_reads import (
    ClearedOrder,
    ClearedSum,
    Ending,
    Grouping,
    Markets,
    NamedRunner,
    Wanted,
)
from overround.projections.exchange_rows import ExchangeOrder, ExchangeTrade
from overround.projections.migrate import drop, migrate
from overround.projections.offer import offer
from overround.projections.reads import Reads
from overround.projections.tables import TABLES
from overround.projections.types import (
    LimitChange,
    Line,
    Page,
    PricePoint,
    ShownAccount,
    ShownBet,
    ShownCap,
    ShownCustomer,
    ShownEvent,
    ShownGrant,
    ShownLeg,
    ShownMarket,
    ShownReferral,
    ShownRefusal,
    ShownSelection,
    ShownTransfer,
    ShownWindow,
    StatusPoint,
)

__all__ = [
    "BATCH_WEIGHT",
    "DEFAULT_PAGE",
    "MAX_PAGE",
    "READ_ROWS",
    "TABLES",
    "Carried",
    "ClearedOrder",
    "ClearedSum",
    "Ending",
    "ExchangeOffer",
    "ExchangeOrder",
    "ExchangeTrade",
    "Grouping",
    "InvalidCursor",
    "LimitChange",
    "Line",
    "Markets",
    "NamedRunner",
    "OtherVersion",
    "OutOfStep",
    "Page",
    "PricePoint",
    "ProjectionBehind",
    "Reads",
    "Recorded",
    "ShownAccount",
    "ShownBet",
    "ShownCap",
    "ShownCustomer",
    "ShownEvent",
    "ShownGrant",
    "ShownLeg",
    "ShownMarket",
    "ShownReferral",
    "ShownRefusal",
    "ShownSelection",
    "ShownTransfer",
    "ShownWindow",
    "StatusPoint",
    "Wanted",
    "advance",
    "checkpoint",
    "drop",
    "exchange_offer",
    "migrate",
    "offer",
    "portions",
]
