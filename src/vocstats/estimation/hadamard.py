"""Hadamard matrices: the plan by which balanced half-samples choose one of two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

Signs = npt.NDArray[np.int8]


def hadamard(least: int) -> Signs:
    """A Hadamard matrix of the smallest order from `least` on that Sylvester's and Paley's constructions reach.

    H H' = k I with entries of 1 and -1; the first row and column are 1. Orders reached up to
    100: all multiples of 4 but 52, 92 and 100.

    Parameters
    ----------
    least : int
        Smallest order that will do.

    Returns
    -------
    int8 array (k, k)
        The matrix.

    References
    ----------
    Paley (1933), J. Math. Phys. 12; Wolter (2007), Introduction to Variance Estimation, app. A.
    """
    order = max(least, 1)
    while (core := _core(order)) is None:
        order += 1
    doubled = np.kron(linalg.hadamard(order // len(core), dtype=np.int8), core)
    signs = doubled * doubled[:, :1]
    return np.asarray(signs * signs[:1], np.int8)


def _core(order: int) -> Signs | None:
    """A matrix by Paley's first or second construction of `order` or of a half, quarter, ... of it; None where there is none."""
    while order > 1 and order % 2 == 0:
        q = order // 2 - 1
        if order % 4 == 0 and _is_prime(order - 1):
            return np.asarray(_conference(order - 1) + np.eye(order, dtype=np.int8))
        if q % 4 == 1 and _is_prime(q):
            conference, eye = _conference(q), np.eye(q + 1, dtype=np.int8)
            return np.block([[conference + eye, conference - eye], [conference - eye, -conference - eye]])
        order //= 2
    return np.ones((1, 1), np.int8) if order == 1 else None


def _conference(q: int) -> Signs:
    """Paley's matrix of order q + 1 for a prime q: 0 on the diagonal, rows orthogonal; skew for q = 3 mod 4, else symmetric."""
    symbol = np.full(q, -1, np.int8)
    symbol[np.arange(q, dtype=np.int64) ** 2 % q] = 1
    symbol[0] = 0
    matrix = np.zeros((q + 1, q + 1), np.int8)
    matrix[0, 1:] = 1
    matrix[1:, 0] = -1 if q % 4 == 3 else 1
    matrix[1:, 1:] = symbol[np.subtract.outer(np.arange(q), np.arange(q)) % q]
    return matrix


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
