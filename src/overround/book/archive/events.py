"""What the archive tells the rest of the house: what is final from now on, and what leaves the book's memory."""

from overround.kernel.fact import Fact


class ArchiveAfterSet(Fact, frozen=True, kw_only=True, tag="archive_after_set"):
    """For how long what is settled may be corrected, and is in the book's memory."""

    after_us: int
    before_us: int


class MarketArchived(Fact, frozen=True, kw_only=True, tag="market_archived"):
    """Nothing of a market changes any more. Its bets are gone through next."""

    market_id: int


class BetsArchived(Fact, frozen=True, kw_only=True, tag="bets_archived"):
    """These bets leave memory, each with all others of its ticket.

    A step through an archived market, the newest first: the bets that were accepted by facts before `through` are to
    come, and `last` says that there are none. A market of 0 lets tickets go that were refused, and never stood.
    """

    market_id: int
    bets: tuple[int, ...]
    through: int = 0
    last: bool = False


class EventArchived(Fact, frozen=True, kw_only=True, tag="event_archived"):
    """An event that is over leaves memory, as its last market did."""

    event_id: int


class ExchangeMarketArchived(Fact, frozen=True, kw_only=True, tag="exchange_market_archived"):
    """Nothing of a market of the exchange changes any more. Its orders, positions and trades go next."""

    market_id: int


class OrdersArchived(Fact, frozen=True, kw_only=True, tag="orders_archived"):
    """These orders leave memory, and the positions of these customers, and so many trades, the newest first. With the
    `last` of them the market goes."""

    market_id: int
    orders: tuple[int, ...]
    customers: tuple[int, ...]
    trades: int
    last: bool = False
