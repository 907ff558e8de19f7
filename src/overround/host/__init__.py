"""The host runs the machine: requests in, one group commit after another, answers out only when they are durable.

Invariants: nobody is told what is not committed; a failed or unknown commit ends the term, and memory with it
(crash-only); a book that lost its lease, or cannot know whether it did, says nothing more. `Desk` is the other end: it
asks, and asks again with the same key, until there is an answer or its deadline has passed.
"""

from overround.host.desk import Desk, NoAnswer, Overloaded
from overround.host.ports import Bus, Clock, JournalPort, TermOver, WriterPort
from overround.host.term import Limits, Term, TermStats

__all__ = [
    "Bus",
    "Clock",
    "Desk",
    "JournalPort",
    "Limits",
    "NoAnswer",
    "Overloaded",
    "Term",
    "TermOver",
    "TermStats",
    "WriterPort",
]
