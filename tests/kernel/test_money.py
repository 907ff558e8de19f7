"""Money in minor units of a currency that the house knows."""

import pytest

from overround.kernel import money


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1_250, "EUR", "12.50 EUR"),
        (-5, "GBP", "-0.05 GBP"),
        (1_250, "JPY", "1250 JPY"),
        (-1_250, "KRW", "-1250 KRW"),
        (1_250, "TND", "1.250 TND"),
        (0, "USD", "0.00 USD"),
        (10**15, "EUR", "10000000000000.00 EUR"),
    ],
)
def test_money_as_a_person_writes_it(minor: int, currency: str, text: str) -> None:
    assert money.text(minor=minor, currency=currency) == text


@pytest.mark.parametrize(("code", "known"), [("EUR", True), ("eur", False), ("XXX", False), ("", False)])
def test_currencies(code: str, known: bool) -> None:
    assert money.is_currency(code) is known
