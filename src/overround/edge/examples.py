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
