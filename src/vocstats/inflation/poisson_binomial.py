"""Exact tail of a number of successes whose chances differ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..results import Floats

Codes = npt.NDArray[np.intp]


def poisson_binomial_tail(p: Floats, code: Codes, observed: Codes) -> tuple[Floats, Floats]:
    """P(X > k) and P(X = k) of X_d = Σ Bernoulli(p_i) over the trials of code d, for k = observed[d].

    One trial of every code at a time, the state being how many successes are still missing: a sum of positive terms, so that the smallest
    tails keep their relative accuracy.

    Parameters
    ----------
    p : float array (n,)
        Chance of each trial.
    code : int array (n,)
        Code of each trial, below D.
    observed : int array (D,)
        k, at most the number of trials.
    """
    count = observed.size
    order = np.argsort(code, kind="stable")
    trials = np.bincount(code, minlength=count)
    ranked = np.argsort(-trials, kind="stable")  # codes with most trials first: those with trials left are a head of the list
    start = (np.cumsum(trials) - trials)[ranked]
    chance, left = p[order], trials[ranked]
    missing = observed[ranked]
    state = np.zeros((count, int(observed.max(initial=0)) + 2))  # column 0: more than k; column 1 + m: m successes missing to k
    state[np.arange(count), 1 + missing] = 1.0
    active = np.cumsum(np.bincount(left, minlength=int(left.max(initial=0)) + 1)[::-1])[::-1]
    for j in range(int(left.max(initial=0))):
        head = int(active[j + 1])
        width = int(np.max(missing[:head])) + 2
        q = chance[start[:head] + j, None]
        now = state[:head, :width]
        moved = q * now[:, 1:]
        now[:, 1:] -= moved
        now[:, :-1] += moved
    above, equal = np.empty(count), np.empty(count)
    above[ranked], equal[ranked] = state[:, 0], state[:, 1]
    return above, equal
