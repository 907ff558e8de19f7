"""What the trading desk has decided at each moment, in plain code: a list of suspensions, prices by hand, approvals."""

from dataclasses import dataclass

from overround.sim.audit.words import Plain, hold

Place = tuple[str, int]


@dataclass
class Stop:
    reason: str
    since_us: int
    is_active: bool = True


class Control:
    """Folds the desk's facts, those about selections apart (they are the offer's)."""

    def __init__(self) -> None:
        self.stops: dict[Place, Stop] = {}
        self.parents: dict[Place, Place] = {}
        self.approved: dict[int, bool] = {}
        self.approval_required = False
        self.proposals: dict[int, Plain] = {}
        self.limits_minor: dict[str, int] = {}

    def apply(self, fact: Plain, at_us: int) -> None:
        step = getattr(self, "_" + fact["kind"], None)
        if step is not None:
            step(fact, at_us)

    def _sport_created(self, fact: Plain, _: int) -> None:
        self.parents["sport", fact["sport_id"]] = ("platform", 0)

    def _competition_created(self, fact: Plain, _: int) -> None:
        self.parents["competition", fact["competition_id"]] = ("sport", fact["sport_id"])

    def _event_created(self, fact: Plain, _: int) -> None:
        self.parents["event", fact["event_id"]] = ("competition", fact["competition_id"])

    def _market_created(self, fact: Plain, _: int) -> None:
        self.parents["market", fact["market_id"]] = ("event", fact["event_id"])

    def _level_suspended(self, fact: Plain, at_us: int) -> None:
        place = fact["level"], fact["id"]
        if place[0] == "selection":
            return
        before = self._active(place)
        hold(fact.get("before", "") == (before.reason if before else ""), "another suspension before", fact, before)
        self.stops[place] = Stop(fact["reason"], at_us)

    def _level_resumed(self, fact: Plain, _: int) -> None:
        place = fact["level"], fact["id"]
        if place[0] == "selection":
            return
        before = self._active(place)
        hold(before is not None and before.reason == fact["before"], "resumed what was not suspended", fact, before)
        self.stops[place].is_active = False

    def _active(self, place: Place) -> Stop | None:
        stop = self.stops.get(place)
        return stop if stop is not None and stop.is_active else None

    def _competition_approved(self, fact: Plain, _: int) -> None:
        before = self.approved.get(fact["competition_id"], False)
        hold(fact["before"] == before, "another approval before", fact, before)
        self.approved[fact["competition_id"]] = fact["approved"]

    def _approval_required(self, fact: Plain, _: int) -> None:
        hold(fact["before"] == self.approval_required, "another rule of approval before", fact)
        self.approval_required = fact["required"]

    def _correction_limit_set(self, fact: Plain, _: int) -> None:
        self.limits_minor[fact["currency"]] = fact["amount_minor"]

    def _correction_proposed(self, fact: Plain, _: int) -> None:
        much = any(0 < self.limits_minor.get(name, 0) < minor for name, minor in fact["change_minor"].items())
        hold(much or not fact["is_whole"], "a correction waits that changes little", fact, self.limits_minor)
        self.proposals[fact["proposal_id"]] = fact

    def _proposal_approved(self, fact: Plain, _: int) -> None:
        proposed = self.proposals.pop(fact["proposal_id"])
        hold(fact["cause"][0] != proposed["cause"][0], "a correction approved by who proposed it", fact, proposed)

    def _proposal_rejected(self, fact: Plain, _: int) -> None:
        del self.proposals[fact["proposal_id"]]

    def _proposal_expired(self, fact: Plain, at_us: int) -> None:
        proposed = self.proposals.pop(fact["proposal_id"])
        hold(at_us >= proposed["expires_at_us"], "a proposal that expired too early", fact, proposed)

    def why_not(self, market: int, at_us: int, since_us: int) -> str:
        """Why the desk lets no bet be: a level that the market lies in is suspended, or was since an instant; or it is
        not approved. Nothing where it does."""
        place: Place | None = ("market", market)
        while place is not None:
            stop = self.stops.get(place)
            if stop is not None and stop.is_active:
                return f"a bet on what the desk suspended: {place}"
            if stop is not None and since_us < at_us and stop.since_us >= since_us:
                return f"a bet that slept through a suspension: {place} {stop} {since_us}"
            if place[0] == "competition" and self.approval_required and not self.approved.get(place[1], False):
                return f"a bet on what is not approved: {place}"
            place = self.parents.get(place)
        return ""
