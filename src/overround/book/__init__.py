"""The one deterministic machine that decides about money, and its rooms. Everything under this folder is pure.

Calls go down, events go up: `machine` composes `settlement`, `bets`, `tickets`, `limits`, `catalogue`, `control` and
`ledger`, in that order. Nothing here reads a clock, a file or a socket; the same facts fold to the same
state on any machine.
"""
