"""The simulation: a whole house in one thread on virtual time, from a seed, in a world that means it ill.

Real Terms, real Desks and the real machine run over a journal, a bus and clocks of the simulation's own. An auditor
with a plain model of its own watches every commit and every answer. The same seed is the same run, to the last byte.
"""

from overround.sim.world import Report, World, simulate

__all__ = ["Report", "World", "simulate"]
