"""The auditor: a second opinion on everything, in plain code and fractions.

It reads the journal as JSON and listens to what everybody is told. It shares no rule with `book`: what a bet may be,
what a result pays, what a limit leaves are worked out here once more, slowly. Only the replay folds with the machine's
own code, because that is what it is about. The first thing that does not hold raises `Broken`.
"""

from overround.sim.audit.auditor import Auditor
from overround.sim.audit.requests import NOT_DECIDED, Asked
from overround.sim.audit.words import Broken

__all__ = ["NOT_DECIDED", "Asked", "Auditor", "Broken"]
