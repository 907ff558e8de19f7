"""The dialect: Betfair's API, as programs for exchange traders speak it, on this house's exchange.

Invariants: nothing is decided here; what a client of Betfair's API would refuse to read is never sent; whatever a
client does, the others do not notice, and memory is bounded.
"""

from overround.edge.betfair.exchange import Exchange

__all__ = ["Exchange"]
