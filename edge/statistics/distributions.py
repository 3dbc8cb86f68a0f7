"""Chances of normal errors: the bias of a sample's deviation, quantiles of chi square, and the tail of a distance.

Every number of degrees of freedom here is even, because each arrow has two axes: the distributions are finite sums.
"""

from __future__ import annotations

import math

_PRECISION = 1e-12
_STEPS = 200
"""Bound of every iteration; Newton's method needs five, and halving 50."""
_NORMAL_FROM = 20.0
"""Offset in standard errors from which the tail of a distance is that of one axis: its Poisson weights would underflow."""


def deviation_ratio(freedom: int) -> float:
    """Return c4, the mean ratio of a sample's standard deviation to sigma, for a number of degrees of freedom.

    Raises ValueError below 1.
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom say nothing of a deviation")
    return math.sqrt(2 / freedom) * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))


def chi_square_quantile(probability: float, freedom: int) -> float:
    """Return the value below which chi square lies with this probability, for an even number of degrees of freedom.

    Newton's method within a bracket. Raises ValueError for an odd number, one below 2, or a probability outside 0 to 1.
    """
    if freedom < 2 or freedom % 2:
        raise ValueError(f"{freedom} is no even number of degrees of freedom")
    if not 0 < probability < 1:
        raise ValueError(f"{probability} is no probability between 0 and 1")
    k = freedom // 2
    low, high = 0.0, k + 20 * math.sqrt(k) + 40
    half = float(k)
    for _ in range(_STEPS):
        density = math.exp((k - 1) * math.log(half) - half - math.lgamma(k))
        error = 1 - _poisson_below(k, half, density) - probability
        if error < 0:
            low = half
        else:
            high = half
        step = error / density if density > 0 else math.inf
        following = half - step if low < half - step < high else (low + high) / 2
        if abs(following - half) <= _PRECISION * half:
            break
        half = following
    return 2 * following


def distance_tail(distance: float, offset: float) -> float:
    """Return the chance that a point lies farther than ``distance`` from the origin, when its mean is ``offset`` away from it.

    The point is normal with standard deviation 1 on each of two axes. This is Marcum's Q function of order 1: a Poisson mean
    of the tails of chi square with 2, 4, 6 ... degrees of freedom.
    """
    if offset > _NORMAL_FROM:
        return 0.5 * math.erfc((distance - offset) / math.sqrt(2))
    weight = math.exp(-(offset**2) / 2)
    term = within = math.exp(-(distance**2) / 2)
    tail, used = weight * within, weight
    j = 0
    while 1 - used > _PRECISION and j < 100 * _STEPS:
        j += 1
        weight *= offset**2 / 2 / j
        term *= distance**2 / 2 / j
        within += term
        tail += weight * within
        used += weight
    return min(tail, 1.0)


def _poisson_below(k: int, mean: float, last: float) -> float:
    """Return the chance of fewer than ``k`` events of a Poisson distribution; ``last`` is that of exactly ``k`` - 1."""
    total = term = last
    for j in range(k - 1, 0, -1):
        term *= j / mean
        total += term
        if term < total * _PRECISION / 100:
            break
    return total
