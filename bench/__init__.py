"""The benchmarks: what the house must reach, measured on the machine they run on.

`python -m bench` (or `make bench`) runs them, prints a table with a verdict for each target, and writes JSON.
Owns no claim: every figure comes with the machine, the configuration and what it leaves out.
Traffic goes to loopback only.
"""
