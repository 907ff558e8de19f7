"""The machine's plain twin: slow, simple, from the pages of `docs/rules` alone.

It keeps lists of what happened and works everything out again from them each time it is asked: balances by adding up,
exposure by adding up, limits by looking at every bet, the largest stake by halving, payouts with fractions, calendar
windows with `datetime`. It shares the commands, the facts' ids and the constants with the machine, and no rule.
"""

from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

from tests.book.plain import (
    DAY,
    HOUR,
    NONE,
    SECOND,
    Bet,
    Event,
    Market,
    No,
    Plain,
    Wallet,
    largest,
    need,
    refused,
    windows,
)
from tests.book.verdicts import fits, seen_of, verdict

from overround.book.catalogue import MarketTerms
from overround.book.machine import commands as c
from overround.book.machine import desk_commands as d
from overround.kernel.ids import key_at_us, parse_key

NAMES = {
    "1x2": ("home", "draw", "away"),
    "half_time_result": ("home", "draw", "away"),
    "double_chance": ("home_or_draw", "home_or_away", "draw_or_away"),
    "half_time_full_time": tuple(
        f"{half}/{full}" for half in ("home", "draw", "away") for full in ("home", "draw", "away")
    ),
    "total": ("over", "under"),
    "home_total": ("over", "under"),
    "both_teams_to_score": ("yes", "no"),
    "next_goal": ("home", "none", "away"),
}


class Twin:
    def __init__(self) -> None:
        self.last_fact = 0
        self.players: dict[int, dict[str, int]] = {}
        self.wallets: dict[tuple[int, str], Wallet] = {}
        self.terms: dict[str, tuple[int, int, int, int, int]] = {}
        self.sports = 0
        self.competitions = 0
        self.events: dict[int, Event] = {}
        self.markets: dict[int, Market] = {}
        self.heard: dict[str, list[int | None]] = {}
        self.bets: list[Bet] = []
        self.settling: dict[int, int] = {}
        self.parents: dict[int, int] = {}
        self.approved: set[int] = set()
        self.approval = False
        self.blocked: set[int] = set()
        self.stops: dict[tuple[str, int], list[list[int]]] = {}
        self.keys: dict[tuple[int, bytes], tuple[int, object, Plain]] = {}

    # ------------------------------------------------------------ the one door

    def execute(self, actor: int, key: str, command: object, now: int) -> Plain:
        try:
            raw = parse_key(key)
        except ValueError:
            return refused("key_invalid")
        first = self.keys.get((actor, raw))
        if first is not None and first[0] >= self.last_fact - 24 * HOUR - 300 * SECOND:
            return first[2] if first[1] == command else refused("key_reused")
        if key_at_us(raw) < now - 24 * HOUR:
            return refused("key_expired")
        if key_at_us(raw) > now + 300 * SECOND:
            return refused("key_from_the_future")
        try:
            answer: Plain = getattr(self, f"do_{type(command).__name__.lower()}")(command, now)
        except No as no:
            answer = no.answer
        self.last_fact = now
        self.keys[actor, raw] = (now, command, answer)
        return answer

    # ------------------------------------------------------------ customers

    def _wallet(self, customer: int, currency: str) -> Wallet:
        need((customer, currency) in self.wallets, "wallet_not_found")
        return self.wallets[customer, currency]

    def _open(self, customer: int, currency: str) -> Plain:
        self.terms.setdefault(currency, (10, 1_000_000, 50_000_000, 200_000_000, 20_000_000_000))
        self.wallets[customer, currency] = Wallet()
        return ("done", customer)

    def do_opencustomer(self, asked: c.OpenCustomer, now: int) -> Plain:
        need(asked.currency in ("EUR", "GBP", "JPY"), "currency_unknown")
        self.players[len(self.players) + 1] = {"cooling": 0, "excluded": 0}
        return self._open(len(self.players), asked.currency)

    def do_openwallet(self, asked: c.OpenWallet, now: int) -> Plain:
        need(asked.currency in ("EUR", "GBP", "JPY"), "currency_unknown")
        need(asked.customer_id in self.players, "customer_not_found")
        need((asked.customer_id, asked.currency) not in self.wallets, "wallet_exists")
        return self._open(asked.customer_id, asked.currency)

    def cash(self, customer: int, currency: str) -> int:
        return sum(self.wallets[customer, currency].cash)

    def held(self, customer: int, currency: str) -> int:
        mine = [bet for bet in self.bets if (bet.asked.customer_id, bet.asked.currency) == (customer, currency)]
        return sum(bet.asked.stake_minor for bet in mine if bet.status == "delayed")

    def available(self, customer: int, currency: str) -> int:
        return self.cash(customer, currency) - self.held(customer, currency)

    def do_movefunds(self, asked: c.MoveFunds, now: int) -> Plain:
        wallet = self._wallet(asked.customer_id, asked.currency)
        need(0 < len(asked.note) <= 200, "note_invalid")
        available = self.available(asked.customer_id, asked.currency)
        fits = asked.amount_minor != 0 and abs(asked.amount_minor) <= 10**15
        over = asked.amount_minor > 0 and sum(wallet.cash) + asked.amount_minor > 10**15
        need(fits and not over, "amount_invalid", available_minor=available)
        need(available + asked.amount_minor >= 0, "insufficient_funds", available_minor=available)
        if asked.amount_minor > 0:
            wallet.credit(asked.amount_minor)
        else:
            wallet.cash.append(asked.amount_minor)
        wallet.deposits.append(asked.amount_minor)
        return ("done", asked.customer_id)

    # ------------------------------------------------------------ limits

    def do_setlimit(self, asked: c.SetLimit, now: int) -> Plain:
        wallet = self._wallet(asked.customer_id, asked.currency)
        amount = NONE if asked.amount_minor is None else asked.amount_minor
        need(asked.amount_minor is None or 0 <= amount <= 10**15, "limit_invalid")
        holds = self._limit(wallet, asked.limit.value, now)
        later = [(0, holds), (now + DAY, amount)]
        wallet.limits[asked.limit.value] = [(0, amount)] if amount <= holds else later
        return ("done", asked.customer_id)

    def _limit(self, wallet: Wallet, kind: str, now: int) -> int:
        return [NONE, *(amount for at, amount in wallet.limits.get(kind, ()) if at <= now)][-1]

    def do_cooloff(self, asked: c.CoolOff, now: int) -> Plain:
        return self._shut(asked.customer_id, "cooling", asked.duration_us, now, DAY, 42 * DAY)

    def do_selfexclude(self, asked: c.SelfExclude, now: int) -> Plain:
        return self._shut(asked.customer_id, "excluded", asked.duration_us, now, 180 * DAY, 5 * 366 * DAY)

    def _shut(self, customer: int, why: str, duration: int, now: int, shortest: int, longest: int) -> Plain:
        need(customer in self.players, "customer_not_found")
        need(shortest <= duration <= longest, "duration_invalid")
        self.players[customer][why] = max(self.players[customer][why], now + duration)
        return ("done", customer)

    def do_setplayerterms(self, asked: c.SetPlayerTerms, now: int) -> Plain:
        wallet = self._wallet(asked.customer_id, asked.currency)
        need(all(0 <= amount <= 10**15 for amount in (asked.max_stake_minor, asked.max_payout_minor)), "terms_invalid")
        wallet.max_stake, wallet.max_payout = asked.max_stake_minor, asked.max_payout_minor
        return ("done", asked.customer_id)

    def do_sethouseterms(self, asked: c.SetHouseTerms, now: int) -> Plain:
        need(asked.currency in self.terms, "currency_unknown")
        t = asked.terms
        terms = (
            t.min_stake_minor,
            t.max_stake_minor,
            t.max_payout_minor,
            t.market_liability_minor,
            t.house_liability_minor,
        )
        need(all(0 <= amount <= 10**15 for amount in terms), "terms_invalid")
        self.terms[asked.currency] = terms
        return ("done", 0)

    def _room(self, asked: c.PlaceBet, now: int, itself: Bet | None) -> tuple[str, int] | None:
        """The narrowest of the customer's own limits: what it allows less every other bet of its window."""
        wallet = self.wallets[asked.customer_id, asked.currency]
        rooms: list[tuple[str, int]] = []
        for kind in wallet.limits:
            amount = self._limit(wallet, kind, now)
            if amount == NONE:
                continue
            window = ("day", "week", "month").index(kind.split("_")[1])
            start = windows(now)[window]
            used = sum(
                bet.asked.stake_minor
                for bet in self.bets
                if (bet.asked.customer_id, bet.asked.currency) == (asked.customer_id, asked.currency)
                and bet.status != "refused"
                and bet is not itself
                and windows(bet.placed_at)[window] == start
            )
            if kind.startswith("loss"):
                used -= sum(back for at, back in wallet.returns if windows(at)[window] == start)
            rooms.append((f"limit_{kind}", amount - used))
        return min(rooms, key=_amount, default=None)

    # ------------------------------------------------------------ catalogue

    def do_createsport(self, asked: c.CreateSport, now: int) -> Plain:
        need(asked.name, "name_invalid")
        self.sports += 1
        return ("done", self.sports)

    def do_createcompetition(self, asked: c.CreateCompetition, now: int) -> Plain:
        need(asked.name, "name_invalid")
        need(1 <= asked.sport_id <= self.sports, "sport_not_found")
        self.competitions += 1
        self.parents[self.competitions] = asked.sport_id
        return ("done", self.competitions)

    def do_createevent(self, asked: c.CreateEvent, now: int) -> Plain:
        need(asked.name, "name_invalid")
        need(1 <= asked.competition_id <= self.competitions, "competition_not_found")
        event = Event(len(self.events) + 1, asked.competition_id)
        self.events[event.id] = event
        return ("done", event.id)

    def _event(self, event_id: int) -> Event:
        need(event_id in self.events, "event_not_found")
        return self.events[event_id]

    def _market(self, market_id: int) -> Market:
        need(market_id in self.markets, "market_not_found")
        return self.markets[market_id]

    def do_startevent(self, asked: c.StartEvent, now: int) -> Plain:
        event = self._event(asked.event_id)
        need(event.status == "scheduled", "event_status", status=event.status)
        event.status = "in_play"
        for market in event.markets:
            self._turn(market, "suspended" if market.made.in_play else "closed")
        return ("done", event.id)

    def do_endevent(self, asked: c.EndEvent, now: int) -> Plain:
        event = self._event(asked.event_id)
        need(event.status != "ended", "event_status", status=event.status)
        self._end(event)
        return ("done", event.id)

    def _end(self, event: Event) -> None:
        event.status = "ended"
        for market in event.markets:
            self._turn(market, "closed")

    def _turn(self, market: Market, status: str) -> None:
        """A market that may still take bets one day changes; another does not."""
        if market.status in ("open", "suspended"):
            market.status = status
            market.version += 1

    def do_createmarket(self, asked: c.CreateMarket, now: int) -> Plain:
        event = self._event(asked.event_id)
        running = event.status == "in_play" and asked.in_play
        need(event.status == "scheduled" or running, "event_status", status=event.status)
        names = asked.selections or NAMES.get(asked.type, ("home", "away"))
        market = Market(
            id=len(self.markets) + 1,
            made=asked,
            names=names,
            prices=dict(enumerate(asked.prices_milli or (0,) * len(names), 1)),
            delay=asked.delay_us,
            liability=asked.liability_minor,
            confirmed=now,
            feed=asked.feed,
        )
        self._set_terms(market, asked.terms or MarketTerms())
        self.markets[market.id] = market
        event.markets.append(market)
        if asked.feed:
            self.heard.setdefault(asked.feed, [now])
        return ("done", market.id)

    def do_changemarket(self, asked: c.ChangeMarket, now: int) -> Plain:
        market = self._market(asked.market_id)
        market.delay, market.liability = asked.delay_us, asked.liability_minor
        if asked.terms is not None:
            self._set_terms(market, asked.terms)
        market.version += 1
        return ("done", market.id)

    def _set_terms(self, market: Market, terms: MarketTerms) -> None:
        market.certainty = terms.certainty or (1 if market.made.type == "next_goal" else 2)
        market.delays = {moment.value: delay for moment, delay in terms.moment_delays_us.items()}

    def do_setmoment(self, asked: c.SetMoment, now: int) -> Plain:
        event = self._event(asked.event_id)
        need(event.status != "ended", "event_status", status=event.status)
        same = event.moment == asked.moment.value
        event.moment = asked.moment.value
        return ("done", 0 if same else event.id)

    def do_addselections(self, asked: c.AddSelections, now: int) -> Plain:
        market = self._market(asked.market_id)
        need(market.status in ("open", "suspended"), "market_status", status=market.status)
        names = (*market.names, *asked.selections)
        need(market.made.selections and len(set(names)) == len(names), "selections_invalid")
        prices = asked.prices_milli or (0,) * len(asked.selections)
        first = len(market.names) + 1
        market.names = names
        market.prices.update(enumerate(prices, first))
        market.version += 1
        return ("done", market.id)

    def do_withdrawselection(self, asked: c.WithdrawSelection, now: int) -> Plain:
        market = self._market(asked.market_id)
        need(market.status != "resulted", "market_status", status=market.status)
        need(asked.selection_id in market.prices, "selection_not_found")
        need(not market.is_withdrawn(asked.selection_id), "selection_withdrawn")
        market.withdrawn.append((asked.selection_id, now, asked.price_milli))
        market.prices[asked.selection_id] = 0
        market.status = "suspended" if market.status == "open" else market.status
        market.version += 1
        return ("done", market.id)

    def do_setprices(self, asked: c.SetPrices, now: int) -> Plain:
        market = self._market(asked.market_id)
        need(market.status in ("open", "suspended"), "market_status", market_version=market.version)
        for selection, price in asked.prices:
            need(selection in market.prices, "selection_not_found", market_version=market.version)
            gone = price and market.is_withdrawn(selection)
            need(not gone, "selection_withdrawn", market_version=market.version)
            need(price == 0 or 1_001 <= price <= 10_000_000, "price_invalid", market_version=market.version)
        ids = [selection for selection, _ in asked.prices]
        need(len(set(ids)) == len(ids), "price_invalid", market_version=market.version)
        market.prices.update(asked.prices)
        market.confirmed = now
        return ("done", market.id)

    def do_suspendmarket(self, asked: c.SuspendMarket, now: int) -> Plain:
        return self._step(asked.market_id, "suspended")

    def do_resumemarket(self, asked: c.ResumeMarket, now: int) -> Plain:
        answer = self._step(asked.market_id, "open")
        self.markets[asked.market_id].confirmed = now
        return answer

    def do_closemarket(self, asked: c.CloseMarket, now: int) -> Plain:
        return self._step(asked.market_id, "closed")

    def _step(self, market_id: int, status: str) -> Plain:
        market = self._market(market_id)
        need(market.status in ("open", "suspended"), "market_status", status=market.status)
        self._turn(market, status)
        return ("done", market_id)

    def do_suspendevent(self, asked: c.SuspendEvent, now: int) -> Plain:
        return self._step_all(asked.event_id, "open", "suspended", now)

    def do_resumeevent(self, asked: c.ResumeEvent, now: int) -> Plain:
        return self._step_all(asked.event_id, "suspended", "open", now)

    def _step_all(self, event_id: int, before: str, after: str, now: int) -> Plain:
        markets = [market for market in self._event(event_id).markets if market.status == before]
        for market in markets:
            self._turn(market, after)
            market.confirmed = now if after == "open" else market.confirmed
        return ("done", markets[-1].id if markets else 0)

    def do_feedheartbeat(self, asked: c.FeedHeartbeat, now: int) -> Plain:
        self.heard.setdefault(asked.feed, []).append(now)
        return ("done", 0)

    def do_silencefeed(self, asked: c.SilenceFeed, now: int) -> Plain:
        """A None among the instants at which a feed was heard."""
        self.heard.setdefault(asked.feed, [now]).append(None)
        return ("done", 0)

    def do_handovermarket(self, asked: c.HandOverMarket, now: int) -> Plain:
        market = self._market(asked.market_id)
        changed = market.feed != asked.feed
        market.feed = asked.feed
        if asked.feed:
            self.heard.setdefault(asked.feed, [now])
        return ("done", market.id if changed else 0)

    def _feed_speaks(self, market: Market, asked_at: int, now: int) -> bool:
        if not market.feed:
            return True
        heard = self.heard[market.feed]
        back = 0
        for before, after in pairwise(heard):
            if after is not None and (before is None or after - before >= 20 * SECOND):
                back = after
        last = heard[-1]
        return last is not None and now - last < 20 * SECOND and market.confirmed >= back and back <= asked_at

    # ------------------------------------------------------------ the desk

    def do_suspendlevel(self, asked: d.SuspendLevel, now: int) -> Plain:
        need(asked.reason, "name_invalid")
        if asked.level == "selection":
            market = self._market(asked.id)
            need(asked.selection_id in market.prices, "selection_not_found")
            market.stopped.add(asked.selection_id)
            market.version += 1
        else:
            spans = self._spans(asked)
            if spans and not spans[-1][1]:
                spans[-1][1] = now
            spans.append([now, 0])
        return ("done", asked.id)

    def do_resumelevel(self, asked: d.ResumeLevel, now: int) -> Plain:
        if asked.level == "selection":
            market = self._market(asked.id)
            need(asked.selection_id in market.prices, "selection_not_found")
            need(asked.selection_id in market.stopped, "not_suspended")
            market.stopped.remove(asked.selection_id)
            market.version += 1
        else:
            spans = self._spans(asked)
            need(spans and not spans[-1][1], "not_suspended")
            spans[-1][1] = now
        return ("done", asked.id)

    def _spans(self, asked: d.SuspendLevel | d.ResumeLevel | d.SetMargin) -> list[list[int]]:
        """From when to when a level was suspended, 0 for no end yet."""
        if asked.level == "platform":
            need(asked.id == 0, "level_invalid")
        else:
            most = {
                "sport": self.sports,
                "competition": self.competitions,
                "event": len(self.events),
                "market": len(self.markets),
            }
            need(1 <= asked.id <= most[asked.level.value], f"{asked.level.value}_not_found")
        need(not getattr(asked, "selection_id", 0), "level_invalid")
        return self.stops.setdefault((asked.level.value, asked.id), [])

    def _stopped(self, market: Market, asked_at: int, now: int) -> str:
        """The widest level that is suspended, or that was while a bet waited."""
        event = self.events[market.made.event_id]
        sport = self.parents[event.competition]
        for place in (
            ("platform", 0), ("sport", sport), ("competition", event.competition), ("event", event.id),
            ("market", market.id),
        ):  # fmt: skip
            for begin, end in self.stops.get(place, ()):
                if not end or (begin >= asked_at and asked_at < now):
                    return place[0]
        return ""

    def do_overrideprice(self, asked: d.OverridePrice, now: int) -> Plain:
        market = self._market(asked.market_id)
        need(asked.selection_id in market.prices, "selection_not_found")
        need(market.status in ("open", "suspended"), "market_status")
        need(1_001 <= asked.price_milli <= 10_000_000, "price_invalid")
        need(now < asked.until_us <= now + 7 * DAY, "expiry_invalid")
        market.overrides[asked.selection_id] = (asked.price_milli, asked.until_us)
        return ("done", market.id)

    def do_liftoverride(self, asked: d.LiftOverride, now: int) -> Plain:
        market = self._market(asked.market_id)
        need(asked.selection_id in market.prices, "selection_not_found")
        need(market.overrides.pop(asked.selection_id, (0, 0))[1] > now, "not_overridden")
        return ("done", market.id)

    def do_approvecompetition(self, asked: d.ApproveCompetition, now: int) -> Plain:
        need(1 <= asked.competition_id <= self.competitions, "competition_not_found")
        (self.approved.add if asked.approved else self.approved.discard)(asked.competition_id)
        return ("done", asked.competition_id)

    def do_requireapproval(self, asked: d.RequireApproval, now: int) -> Plain:
        self.approval = asked.required
        return ("done", 0)

    def do_blockplayer(self, asked: d.BlockPlayer, now: int) -> Plain:
        need(asked.customer_id in self.players, "customer_not_found")
        self.blocked.add(asked.customer_id)
        return ("done", asked.customer_id)

    def do_unblockplayer(self, asked: d.UnblockPlayer, now: int) -> Plain:
        need(asked.customer_id in self.players, "customer_not_found")
        need(asked.customer_id in self.blocked, "not_blocked")
        self.blocked.remove(asked.customer_id)
        return ("done", asked.customer_id)

    # ------------------------------------------------------------ bets

    def do_placebet(self, asked: c.PlaceBet, now: int) -> Plain:
        if (asked.customer_id, asked.currency) not in self.wallets:
            raise No("wallet_not_found" if asked.customer_id in self.players else "customer_not_found")
        self._shut_out(asked.customer_id, now)
        need(0 < asked.stake_minor <= 10**15, "stake_invalid")
        need(1_001 <= asked.price_milli <= 10_000_000, "price_invalid")
        market = self._market(asked.market_id)
        price = self._price(asked, asked.market_version, now, None)
        event = self.events[market.made.event_id]
        delay = market.delays.get(event.moment, market.delay) if event.status == "in_play" else 0
        bet = Bet(len(self.bets) + 1, asked, now, market.version, price, "open")
        self.bets.append(bet)
        if delay:
            bet.status, bet.price, bet.decide_at = "delayed", asked.price_milli, now + delay
        else:
            self._stand(bet)
        return ("bet", bet.id, bet.status, asked.stake_minor, bet.price, now, bet.decide_at)

    def _shut_out(self, customer: int, now: int) -> None:
        need(now >= self.players[customer]["excluded"], "self_excluded")
        need(now >= self.players[customer]["cooling"], "cooling_off")
        need(customer not in self.blocked, "player_blocked")

    def _stand(self, bet: Bet) -> None:
        bet.stood = max((other.stood for other in self.bets), default=0) + 1
        self.wallets[bet.asked.customer_id, bet.asked.currency].cash.append(-bet.asked.stake_minor)

    def _price(self, asked: c.PlaceBet, version: int, now: int, itself: Bet | None) -> int:
        market, stake = self.markets[asked.market_id], asked.stake_minor
        seen = {"market_version": market.version}
        need(market.status in ("open", "suspended"), "market_closed", **seen)
        speaks = self._feed_speaks(market, itself.placed_at if itself else now, now)
        asked_at = itself.placed_at if itself else now
        level = self._stopped(market, asked_at, now)
        takes = market.status == "open" and speaks and not level
        need(takes, "market_suspended", **seen, **({"level": level} if level else {}))
        competition = self.events[market.made.event_id].competition
        need(not self.approval or competition in self.approved, "not_approved", **seen)
        need(version in (0, market.version), "market_changed", **seen)
        need(asked.selection_id in market.prices, "selection_not_found")
        need(asked.selection_id not in market.stopped, "market_suspended", **seen, level="selection")
        price = market.offered(asked.selection_id, now)
        need(price, "no_price")
        moved = "higher" if price > asked.price_milli else "lower"
        takes = price == asked.price_milli or asked.odds_change.value in (moved, "any")
        need(takes, "price_changed", price_milli=price, **seen)
        least = self.terms[asked.currency][0]
        need(stake >= least, "stake_below_minimum", min_stake_minor=least)
        over: list[tuple[Any, ...]] = [limit for limit in self._house_limits(asked, price) if stake > limit[1]]
        own = self._room(asked, now, itself)
        available = self.available(asked.customer_id, asked.currency) + (stake if itself else 0)
        over = [min(over, key=_amount)] if over else []
        if own and stake > own[1]:
            over.append(own)
        if over:
            most = min(available, *(limit[1] for limit in (*over, *([own] if own else []))))
            named = {"level": over[0][2], "level_id": over[0][3]} if len(over[0]) > 2 else {}
            raise No(over[0][0], max_stake_minor=most if most >= max(1, least) else 0, **named)
        need(stake <= available, "insufficient_funds", available_minor=available)
        return price

    def _house_limits(self, asked: c.PlaceBet, price: int) -> list[tuple[str, int, str, int]]:
        """Each limit of the house, the largest stake that it allows, and the level that says so."""
        _, max_stake, max_payout, per_market, per_house = self.terms[asked.currency]
        wallet, market = self.wallets[asked.customer_id, asked.currency], self.markets[asked.market_id]
        loss = self._loss(market.id, asked.currency, asked.selection_id)
        others = sum(self.worst(other, asked.currency) for other in self.markets if other != market.id)

        def pays(stake: int) -> int:
            return round(Fraction(stake * price, 1_000))

        payout = largest(lambda stake: pays(stake) <= (wallet.max_payout or max_payout))
        in_market = largest(lambda s: loss + pays(s) - s <= (market.liability or per_market))
        in_house = largest(lambda s: others + loss + pays(s) - s <= per_house)
        own, platform = ("player", asked.customer_id), ("platform", 0)
        return [
            ("stake_limit", wallet.max_stake or max_stake, *(own if wallet.max_stake else platform)),
            ("payout_limit", payout, *(own if wallet.max_payout else platform)),
            ("market_liability", in_market, "market", market.id),
            ("house_liability", in_house, *platform),
        ]

    def _open_bets(self, market_id: int, currency: str) -> list[Bet]:
        if self.markets[market_id].results:
            return []
        return [
            bet
            for bet in self.bets
            if (bet.asked.market_id, bet.asked.currency, bet.status) == (market_id, currency, "open")
            and not self.markets[market_id].is_withdrawn(bet.asked.selection_id)
        ]

    def _loss(self, market_id: int, currency: str, selection: int) -> int:
        """What the house loses on a market if a selection wins, and beside it whichever others may and cost most; below
        zero is a gain."""
        bets = self._open_bets(market_id, currency)
        paid = dict.fromkeys([selection, *(bet.asked.selection_id for bet in bets)], 0)
        for bet in bets:
            paid[bet.asked.selection_id] += bet.pays()
        made = self.markets[market_id].made
        together = 2 if made.type == "double_chance" else made.specifiers.get("places", 1)
        won = max(sum(paid[each] for each in chosen) for chosen in _choices(sorted(paid), together, selection))
        return won - sum(bet.asked.stake_minor for bet in bets)

    def worst(self, market_id: int, currency: str) -> int:
        chosen = {bet.asked.selection_id for bet in self._open_bets(market_id, currency)}
        return max([0, *(self._loss(market_id, currency, selection) for selection in chosen)])

    # ------------------------------------------------------------ results

    def do_recordresult(self, asked: c.RecordResult, now: int) -> Plain:
        market = self._market(asked.market_id)
        need(fits(market, asked.result), "result_invalid")
        need(asked.certainty in (1, 2), "certainty_invalid")
        need(self._says_more(market, asked), "result_unchanged", revision=len(market.results))
        self._hear(market, asked)
        return ("done", market.id)

    def do_recordeventresult(self, asked: c.RecordEventResult, now: int) -> Plain:
        event = self._event(asked.event_id)
        read = [market for market in event.markets if fits(market, asked.result)]
        need(read, "result_invalid")
        need(asked.certainty in (1, 2), "certainty_invalid")
        changed = [market for market in read if self._says_more(market, asked)]
        need(changed, "result_unchanged")
        self._end(event)
        for market in changed:
            self._hear(market, asked)
        return ("done", changed[-1].id)

    def _says_more(self, market: Market, asked: c.RecordResult | c.RecordEventResult) -> bool:
        """Another result than it has, and than was heard before unless it is certain enough now."""
        told = seen_of(market, asked.result)
        if market.results and seen_of(market, market.results[-1]) == told:
            return False
        heard_before = market.heard is not None and seen_of(market, market.heard[0]) == told
        return not heard_before or asked.certainty >= market.certainty

    def _hear(self, market: Market, asked: c.RecordResult | c.RecordEventResult) -> None:
        if asked.certainty < market.certainty:
            self._turn(market, "closed")
            market.heard = asked.result, asked.certainty
            return
        market.heard = None
        market.results.append(asked.result)
        market.status = "resulted"
        market.version += 1
        self.settling[market.id] = 0

    # ------------------------------------------------------------ what is due by itself

    def advance(self, now: int) -> bool:
        """One step of what is due: a delay that is over, or 200 bets of the first market to settle."""
        waiting = sorted((bet.decide_at, bet.id) for bet in self.bets if bet.status == "delayed")
        if waiting and waiting[0][0] <= now:
            self._decide(self.bets[waiting[0][1] - 1], now)
            self.last_fact = now
            return True
        for market_id in self.settling:
            self._settle(self.markets[market_id], now)
            self.last_fact = now
            return True
        return False

    def _decide(self, bet: Bet, now: int) -> None:
        try:
            self._shut_out(bet.asked.customer_id, now)
            bet.price = self._price(bet.asked, bet.version, now, bet)
        except No:
            bet.status = "refused"
            return
        bet.status = "open"
        self._stand(bet)

    def _settle(self, market: Market, now: int) -> None:
        stood = sorted((bet for bet in self.bets if bet.stood and bet.asked.market_id == market.id), key=_stood)
        done = self.settling[market.id]
        for bet in stood[done : done + 200]:
            self._pay(bet, market, now)
        self.settling[market.id] = done + 200
        if done + 200 >= len(stood):
            del self.settling[market.id]

    def _pay(self, bet: Bet, market: Market, now: int) -> None:
        customer, currency = bet.asked.customer_id, bet.asked.currency
        wallet = self.wallets[customer, currency]
        outcome, exact = verdict(market, bet, market.results[-1])
        payout = round(exact)
        gain = payout - bet.payout
        if gain >= 0:
            wallet.credit(gain)
        else:
            wallet.take_back(-gain, available=self.available(customer, currency))
        wallet.returns.append((now, gain))
        bet.status, bet.outcome, bet.payout = "settled", outcome, payout

    # ------------------------------------------------------------ the house's own accounts

    def house(self, currency: str) -> tuple[int, int, int]:
        """What lies in open stakes, trading and clearing."""
        bets = [bet for bet in self.bets if bet.asked.currency == currency]
        open_stakes = sum(bet.asked.stake_minor for bet in bets if bet.status == "open")
        trading = sum(bet.asked.stake_minor - bet.payout for bet in bets if bet.status == "settled")
        moved = sum(sum(wallet.deposits) for name, wallet in self.wallets.items() if name[1] == currency)
        return open_stakes, trading, -moved


def _choices(selections: list[int], together: int, one: int) -> list[tuple[int, ...]]:
    """Every way to choose so many of some selections, or all if there are fewer, with one of them among the chosen."""
    found = combinations(selections, min(together, len(selections)))
    return [chosen for chosen in found if one in chosen]


def _amount(limit: tuple[str, int]) -> int:
    return limit[1]


def _stood(bet: Bet) -> int:
    return bet.stood
