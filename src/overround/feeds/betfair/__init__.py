"""Recorded exchange streams made live: one Stream API message a line, in; a market maker's orders in our book, out.

`recording` reads files, `mirror` holds what a recording says of a market now, `making` is a market maker's orders and
what to change of them (pure), `staging` is how our market follows the recorded one's life (pure), `player` puts them on
a house over the bus, `comparing` asks the house what its clients see, `backtest` plays a file in memory against a
bot. The rules are written in docs/sandbox.md.
"""
