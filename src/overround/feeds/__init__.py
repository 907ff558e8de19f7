"""Fixtures, prices and results in: files, a simulated match day, replays; and the bettors who come with them.

Everything here speaks to the house over the HTTP API, as anybody could; nothing here writes the journal.
"""
