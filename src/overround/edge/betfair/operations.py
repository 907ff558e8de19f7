"""All operations of the dialect, in one table."""

import msgspec

from overround.edge.betfair import accounts, bettingparams, placing, scores
from overround.edge.betfair.accounts import Accounts
from overround.edge.betfair.books import Books
from overround.edge.betfair.calls import Handler, Operation
from overround.edge.betfair.cleared import Cleared
from overround.edge.betfair.current import Current
from overround.edge.betfair.faults import Service
from overround.edge.betfair.listing import Listing
from overround.edge.betfair.placing import Orders
from overround.edge.betfair.scores import Scores
from overround.edge.betfair.values import Params, StrictParams


class Handlers(msgspec.Struct, frozen=True, kw_only=True):
    """All handlers."""

    accounts: Accounts
    books: Books
    cleared: Cleared
    current: Current
    listing: Listing
    orders: Orders
    scores: Scores


def operations(own: Handlers) -> list[Operation]:
    """The table."""
    return [*_lists(own), *_orders(own), *_accounts(own.accounts), *_scores(own.scores)]


def _row(service: Service, name: str, params: type[Params] | type[StrictParams], handler: Handler) -> Operation:
    return Operation(service=service, name=name, params=params, handler=handler)


def _lists(own: Handlers) -> list[Operation]:
    lists = own.listing
    rows: list[tuple[str, type[Params], Handler]] = [
        ("listEventTypes", bettingparams.FilterParams, lists.event_types),
        ("listCompetitions", bettingparams.FilterParams, lists.competitions),
        ("listTimeRanges", bettingparams.TimeRangesParams, lists.time_ranges),
        ("listEvents", bettingparams.FilterParams, lists.events),
        ("listMarketTypes", bettingparams.FilterParams, lists.market_types),
        ("listCountries", bettingparams.FilterParams, lists.countries),
        ("listVenues", bettingparams.FilterParams, lists.venues),
        ("listMarketCatalogue", bettingparams.CatalogueParams, lists.market_catalogue),
        ("listMarketBook", bettingparams.MarketBookParams, own.books.market_book),
        ("listRunnerBook", bettingparams.RunnerBookParams, own.books.runner_book),
        ("listMarketProfitAndLoss", bettingparams.ProfitParams, own.books.profit),
        ("listCurrentOrders", bettingparams.CurrentOrdersParams, own.current.orders),
        ("listClearedOrders", bettingparams.ClearedOrdersParams, own.cleared.orders),
    ]
    return [_row(Service.BETTING, *row) for row in rows]


def _orders(own: Handlers) -> list[Operation]:
    orders = own.orders
    rows: list[tuple[Service, str, type[StrictParams], Handler]] = [
        (Service.BETTING, "placeOrders", bettingparams.PlaceParams, orders.place),
        (Service.BETTING, "cancelOrders", bettingparams.CancelParams, orders.cancel),
        (Service.BETTING, "updateOrders", bettingparams.UpdateParams, orders.update),
        (Service.BETTING, "replaceOrders", bettingparams.ReplaceParams, orders.replace),
        (Service.HEARTBEAT, "heartbeat", placing.HeartbeatParams, orders.heartbeat),
    ]
    return [msgspec.structs.replace(_row(*row), moves_money=True) for row in rows]


def _accounts(own: Accounts) -> list[Operation]:
    rows: list[tuple[str, type[Params] | type[StrictParams], Handler]] = [
        ("getAccountFunds", accounts.FundsParams, own.funds),
        ("getAccountDetails", accounts.NoParams, own.details),
        ("getAccountStatement", accounts.StatementParams, own.statement),
        ("listCurrencyRates", accounts.RatesParams, own.rates),
        ("transferFunds", accounts.TransferParams, own.transfer),
    ]
    keys: list[tuple[str, type[Params] | type[StrictParams], Handler]] = [
        ("getDeveloperAppKeys", accounts.NoParams, own.app_keys),
        ("createDeveloperAppKeys", accounts.AppKeysParams, own.make_app_keys),
    ]
    return [
        *(_row(Service.ACCOUNT, *row) for row in rows),
        *(msgspec.structs.replace(_row(Service.ACCOUNT, *row), needs_app_key=False) for row in keys),
    ]


def _scores(own: Scores) -> list[Operation]:
    rows: list[tuple[str, type[Params], Handler]] = [
        ("listRaceDetails", scores.RaceParams, own.races),
        ("listAvailableEvents", scores.EventsParams, own.available_events),
        ("listScores", scores.UpdatesParams, own.events),
        ("listIncidents", scores.UpdatesParams, own.events),
    ]
    return [_row(Service.SCORES, *row) for row in rows]
