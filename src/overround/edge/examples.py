"""What requests and replies look like, for the document and the page. A test decodes them all."""

from typing import Final

KEY: Final = "01936f2a-7c31-7abc-8def-0123456789ab"
AT: Final = "2026-11-23T16:00:00.000Z"

BET: Final = {
    "market_id": 7,
    "selection_id": 1,
    "stake_minor": 1_000,
    "currency": "EUR",
    "price_milli": 2_150,
    "odds_change": "higher",
}
PLACED: Final = {
    "bet_id": 901,
    "status": "open",
    "stake_minor": 1_000,
    "price_milli": 2_150,
    "placed_at": AT,
    "seq": 5_120,
}
BET_ITEM: Final = {
    "bet_id": 901,
    "customer_id": 42,
    "market_id": 7,
    "selection_id": 1,
    "currency": "EUR",
    "stake_minor": 1_000,
    "price_milli": 2_150,
    "placed_at": AT,
    "status": "open",
    "outcome": None,
    "payout_minor": 0,
    "seq": 5_120,
}
LEG: Final = {"market_id": 7, "selection_id": 1, "price_milli": 2_150}
OTHER_LEG: Final = {"market_id": 9, "selection_id": 2, "price_milli": 3_400}
TICKET: Final = {
    "currency": "EUR",
    "odds_change": "higher",
    "bets": [{"legs": [LEG, OTHER_LEG], "system": "double", "stake_minor": 1_000}],
}
SLIP: Final = {
    "bet_id": 901,
    "stake_minor": 1_000,
    "potential_minor": 7_310,
    "lines": 1,
    "folds": [2],
    "system": "double",
    "each_way": False,
    "legs": [{"event_id": 3, **LEG}, {"event_id": 4, **OTHER_LEG}],
}
TICKET_PLACED: Final = {
    "ticket_id": 901,
    "status": "open",
    "stake_minor": 1_000,
    "potential_minor": 7_310,
    "placed_at": AT,
    "seq": 5_120,
    "bets": [SLIP],
}
BUILDER: Final = {
    "event_id": 3,
    "selections": [{"market_id": 7, "selection_id": 1}, {"market_id": 8, "selection_id": 1}],
}
WORKING: Final = {
    "bet": {
        **BET_ITEM,
        "market_id": 0,
        "selection_id": 0,
        "price_milli": 0,
        "status": "settled",
        "outcome": "won",
        "payout_minor": 7_310,
        "ticket_id": 901,
        "slip": SLIP,
    },
    "running_minor": 1_000,
    "payout_limit_minor": 50_000_000,
    "returns_minor": 7_310,
    "payout_minor": 7_310,
    "legs": [
        {
            "n": n,
            "leg": leg,
            "open": False,
            "paid_milli": leg["price_milli"],
            "at_start": False,
            "deduction_pence": 0,
            "win": {"outcome": "won", "places": 1, "tied": 1, "factor": factor},
            "place": None,
        }
        for n, leg, factor in ((1, {"event_id": 3, **LEG}, "43/20"), (2, {"event_id": 4, **OTHER_LEG}, "17/5"))
    ],
    "lines": [{"n": 1, "part": "win", "legs": [1, 2], "returns": "7310", "shown_minor": 7_310}],
    "next_after": None,
}
WALLETS: Final = {
    "customer_id": 42,
    "wallets": [
        {
            "currency": "EUR",
            "account_id": 4,
            "cash_minor": 9_000,
            "available_minor": 9_000,
            "held_minor": 0,
            "bonus_minor": 0,
            "owed_minor": 0,
        }
    ],
    "seq": 5_120,
}
