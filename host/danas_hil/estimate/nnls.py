"""Non-negative least squares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-12  # of a gradient, the Gram matrix having a diagonal of 1


def nnls(gram: Array, moment: Array) -> Array:
    """The x >= 0, of shape (n,), that makes |A x - b| least, from A'A (n, n) and A'b (n,).

    The active-set method of Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23,
    on the normal equations as Bro and de Jong have it (Journal of Chemometrics 11, 1997). Where
    several x are as good it is one of them; columns of zeros get 0.
    """
    lengths = np.sqrt(np.diag(gram))
    usable = lengths > 0
    x = np.zeros(len(moment))
    scale = lengths[usable]
    right = moment[usable] / scale
    size = np.linalg.norm(right)
    if size > 0:
        scaled = gram[np.ix_(usable, usable)] / np.outer(scale, scale)
        x[usable] = _active_set(scaled, right / size) * size / scale
    return x


def _active_set(gram: Array, moment: Array) -> Array:
    count = len(moment)
    x = np.zeros(count)
    free = np.zeros(count, dtype=bool)
    for _ in range(10 * count):  # the method ends by itself; rounding must not keep it from that
        gradient = moment - gram @ x
        gradient[free] = -np.inf
        best = int(np.argmax(gradient))
        if gradient[best] <= _TOLERANCE:
            break
        free[best] = True
        while True:
            trial = np.zeros(count)
            trial[free] = np.linalg.lstsq(gram[np.ix_(free, free)], moment[free], rcond=None)[0]
            below = free & (trial <= 0)
            if not below.any():
                break
            # As far towards the trial as no value falls below zero; one that meets it is fixed.
            steps = x[below] / (x[below] - trial[below])
            x += steps.min() * (trial - x)
            met = below & (x <= _TOLERANCE)
            met[np.flatnonzero(below)[np.argmin(steps)]] = True
            free &= ~met
            x[met] = 0.0
        x = trial
    return x
