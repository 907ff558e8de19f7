"""Odds, fixtures and results from a provider of the Unified Odds Feed shape: XML over AMQP 0.9.1, recovery over HTTP.

`messages`, `parsing`, `routing`, `producer`, `ordering`, `mapping` and `acting` are pure: bytes and instants in, values
out. `amqp` and `api` are the two wires, `adapter` puts them together. The rules are written in docs/feeds.md.
"""
