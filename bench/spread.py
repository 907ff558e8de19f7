"""The mean of a few differences, and how far it may be off."""

import math
import statistics
from collections.abc import Sequence
from typing import Final

T_95: Final = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 7: 2.36, 9: 2.26, 11: 2.20, 19: 2.09, 29: 2.05}
"""Student's t for a two-sided interval of 95 %, by degrees of freedom; what lies between takes the wider one."""


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean, lower and upper end of its 95 % confidence interval. Needs two values at least."""
    mean = statistics.fmean(differences)
    freedom = len(differences) - 1
    t = T_95[max(known for known in T_95 if known <= freedom)]
    reach = t * statistics.stdev(differences) / math.sqrt(len(differences))
    return mean, mean - reach, mean + reach
