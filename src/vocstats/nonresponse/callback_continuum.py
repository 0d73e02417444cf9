"""The continuum of resistance: the silent think like those heard last, or like the trend of the attempts carried one further."""

from __future__ import annotations

import numpy as np

from .._checks import Floats
from .callback_data import Calls


def continuum(calls: Calls, mass: Floats, values: Floats, *, trend: bool) -> tuple[Floats, Floats]:
    """Means of the columns of `values` (n, columns), 0 where never heard, and what each unit adds to them.

        mean = [Σ_heard v + M_0 Σ_k a_k v_k] / M,   v_k the mean at attempt k, M_0 never heard, M everybody

    with a = (0, ..., 0, 1), or the weights by which a line through v_1, ..., v_K reaches K + 1.
    """
    k = np.arange(1, calls.attempts + 1)
    a = (k == calls.attempts).astype(float)
    if trend:
        centred = k - k.mean()
        a = 1.0 / k.size + (calls.attempts + 1 - k.mean()) * centred / (centred @ centred)
    at = calls.attempt[:, None] == k
    size, never, total = mass @ at, float(mass @ ~calls.heard), float(mass.sum())
    by_attempt = (at * mass[:, None]).T @ values / size[:, None]
    silent = a @ by_attempt
    means = (mass @ values + never * silent) / total
    deviation = np.einsum("ik,ikc->ic", at * (a * never / size), values[:, None, :] - by_attempt)
    influence = (values + np.where(calls.heard[:, None], 0.0, silent) + deviation - means) / total
    return means, influence
