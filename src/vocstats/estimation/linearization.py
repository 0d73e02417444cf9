"""Influence values kept in factors, and sums of their squares without ever writing out rows x domains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .._checks import Floats, Integers
from .._numerics import solve_symmetric, sums_by
from ..weighting.chain import Estimated, Matrix, Weights, times
from ..weighting.distances import cross, products, scaled
from ..weighting.estimated_targets import covariance_root
from ..weighting.indicators import Indicators

_BLOCK = 1 << 17  # rows of a sparse matrix worked on at once: bounds the memory of their sums
_DENSE = 1 << 20  # entries a dense table of sums may have whatever its filling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """Influence of the units of row i (or of group i of rows) on the estimate of domain d, in factors.

        z[i, d] = Σ_k own_k 1{row_k = i, domain_k = d} + shared[i] @ loadings[:, d]

    The own part is what a row says about its own domain; the shared part is what it does to everybody's weights.

    Attributes
    ----------
    own : float array (k,)
        Own values, at most one per pair of row and domain.
    row, domain : int array (k,)
    shared : float array or sparse matrix (n, p)
    loadings : float array (p, domains)
    """

    own: Floats
    row: Integers
    domain: Integers
    shared: Matrix
    loadings: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of domains."""
        return int(self.shared.shape[0]), int(self.loadings.shape[1])

    def values(self) -> Floats:
        """The influence values written out, (n, domains)."""
        dense = np.asarray(self.shared @ self.loadings, dtype=np.float64)
        dense[self.row, self.domain] += self.own
        return dense

    def times(self, factor: Floats) -> Influence:
        """Influence on the estimate of every domain times its factor; an estimate without domains stands in each."""
        own, row, domain, shared, loadings = self.own, self.row, self.domain, self.shared, self.loadings
        if self.shape[1] < factor.size:
            shared = _beside([shared, sums_by(row, own, self.shape[0])[:, None]])
            loadings = np.repeat(np.vstack([loadings, [[1.0]]]), factor.size, axis=1)
            own, row, domain = np.zeros(0), np.zeros(0, np.intp), np.zeros(0, np.intp)
        return Influence(own=own * factor[domain], row=row, domain=domain, shared=shared, loadings=loadings * factor)

    def plus(self, other: Influence) -> Influence:
        """Influence on the sum of two estimates, domain by domain."""
        own, row = np.concatenate([self.own, other.own]), np.concatenate([self.row, other.row])
        if _equal(self.shared, other.shared):  # the same weights
            shared, loadings = self.shared, self.loadings + other.loadings
        else:
            shared, loadings = _beside([self.shared, other.shared]), np.vstack([self.loadings, other.loadings])
        return _merged(own, row, np.concatenate([self.domain, other.domain]), shared, loadings)

    def at(self, domain: int) -> Influence:
        """Influence on the estimate of one domain."""
        kept = self.domain == domain
        return Influence(
            own=self.own[kept], row=self.row[kept], domain=np.zeros(int(kept.sum()), np.intp), shared=self.shared,
            loadings=self.loadings[:, [domain]],
        )

    def summed(self, groups: Integers, size: int, counts: Floats) -> Influence:
        """Influence of groups of rows (clusters, strata), each row standing there `counts` times."""
        shared = _rows_by(self.shared, np.arange(groups.size), groups, counts, size)
        return _merged(self.own * counts[self.row], groups[self.row], self.domain, shared, self.loadings)

    def sum_of_squares(self, weight: Floats) -> Floats:
        """Σ_i weight_i z[i, d]² for every domain d, in O(n p + p² domains)."""
        weighted = weight[self.row] * self.own
        total = sums_by(self.domain, weighted * self.own, self.shape[1])
        if self.shape[0] < len(self.loadings):  # fewer rows than parameters: a square of these would be the larger
            common = _dense(self.shared @ self.loadings)
            total += weight @ common**2 + 2.0 * sums_by(self.domain, weighted * common[self.row, self.domain], self.shape[1])
        elif self.loadings.size:
            mixed = _dense(_rows_by(self.shared, self.row, self.domain, weighted, self.shape[1])).T
            squares = products(self.shared, weight)
            total += ((2.0 * mixed + squares @ self.loadings) * self.loadings).sum(axis=0)
        return total

    def products(self, weight: Floats) -> Floats:
        """Σ_i weight_i z[i, d] z[i, e] for all domains d and e, (domains, domains): the diagonal is `sum_of_squares`."""
        weighted, domains = weight[self.row] * self.own, self.shape[1]
        left, right = (sparse.csr_array((own, (self.row, self.domain)), shape=self.shape) for own in (self.own, weighted))
        total = _dense(left.T @ right)
        if self.loadings.size:
            mixed = _dense(_rows_by(self.shared, self.row, self.domain, weighted, domains)) @ self.loadings
            total += mixed + mixed.T + self.loadings.T @ (products(self.shared, weight) @ self.loadings)
        return total


def own_influence(own: Floats, codes: Integers, domains: int) -> Influence:
    """Influence of rows that speak for their own domain only."""
    return Influence(own=own, row=np.arange(own.size), domain=codes, shared=np.zeros((own.size, 0)), loadings=np.zeros((0, domains)))


def through_chain(derivative: Floats, codes: Integers, domains: int, weights: Weights, *, contrast: bool) -> tuple[Influence, Influence]:
    """Influence values through the weighting steps, last step first, and their contrast between heard and not heard.

    With u_K = derivative 1{codes = d} and, for every step k from the last to the first,

        u_{k-1} = f_k u_k + S_k A_k,   A_k = B_k^-1 G_k' (counts w_k u_k),

    (w_k entering the step, f_k its factor, S_k score, B_k bread, G_k gradient) the influence of a unit is base * u_0.
    Domains differ only in the first summand, one value per row, and in A_k, p values per domain.

    Parameters
    ----------
    derivative : float array (n,)
        Derivative of the estimate of the row's own domain to the value of one of its units; 0 where the value is 0.
    codes : int array (n,)
        Domain of each row.
    domains : int
        Number of domains.
    weights : Weights
        The chain.
    contrast : bool
        Whether the contrast is wanted; otherwise the influence values stand in its place.

    Returns
    -------
    tuple of Influence
        Influence values; and those at R = 1 minus those at R = 0, which differ in propensity steps.

    References
    ----------
    Deville & Särndal (1992), JASA 87, eq. 3.4 (calibration); Kim & Kim (2007), Can. J. Stat. 35(4) (propensity).
    """
    rows = np.arange(derivative.size)
    own = derivative  # u_k: the part of the row's own domain
    shared: list[Matrix] = []  # u_k: the scores of the later steps, times the factors in between
    loadings: list[Floats] = []
    influence: list[list[Matrix]] = [[], []]
    for k in reversed(range(len(weights.steps))):
        step, entering = weights.steps[k], weights.entering(k)
        gradient = step.gradient()
        if gradient is not None:
            mass = times(weights.counts, entering)
            moved = _dense(_rows_by(gradient, rows, codes, mass * own, domains)).T
            for score, loading in zip(shared, loadings, strict=True):
                moved = moved + cross(gradient, score, mass) @ loading
            loadings.append(solve_symmetric(step.bread(), moved))
        own = own * step.factor
        shared = [scaled(score, step.factor) for score in shared]
        if gradient is not None:
            shared.append(step.score())
            influence[0].append(scaled(shared[-1], entering))
            influence[1].append(scaled(step.score(contrast=True), entering) if contrast else influence[0][-1])
    empty, stacked = np.zeros((derivative.size, 0)), np.vstack([np.zeros((0, domains)), *loadings])
    values = weights.values * derivative
    plain, heard = (Influence(own=values, row=rows, domain=codes, shared=_beside([empty, *parts]), loadings=stacked) for parts in influence)
    return plain, heard


def target_influence(influence: Influence, weights: Weights) -> Influence | None:
    """Influence of targets that are estimates: of one standard error in every direction of their covariance.

    The loadings A_k of `through_chain` are the derivatives of the estimates by the targets of step k: with C_k = L_k L_k' their
    covariance, L_k' A_k has one row per direction. None: all targets are known.
    """
    parts: list[Matrix] = []
    for step in reversed(weights.steps):
        gradient = step.gradient()
        if gradient is not None:
            given = step.target_covariance if isinstance(step, Estimated) else None
            parts.append(np.zeros((0, gradient.shape[1])) if given is None else covariance_root(given).T)
    if not sum(part.shape[0] for part in parts):
        return None
    return spread_influence(sparse.block_diag([sparse.coo_array(part) for part in parts]).toarray(), influence.loadings)


def spread_influence(shared: Matrix, loadings: Floats) -> Influence:
    """Influence whose rows speak through shared parts only."""
    nothing = np.zeros(0, np.intp)
    return Influence(own=np.zeros(0), row=nothing, domain=nothing, shared=shared, loadings=loadings)


def _merged(own: Floats, row: Integers, domain: Integers, shared: Matrix, loadings: Floats) -> Influence:
    size, domains = shared.shape[0], loadings.shape[1]
    if size * domains <= max(_DENSE, 4 * own.size):
        table = sums_by(row * domains + domain, own, size * domains)
        filled = np.flatnonzero(table)
        return Influence(own=table[filled], row=filled // domains, domain=filled % domains, shared=shared, loadings=loadings)
    cells = sparse.coo_array((own, (row, domain)), shape=(size, domains)).tocsr()
    rows = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    return Influence(own=cells.data, row=rows, domain=cells.indices.astype(np.intp), shared=shared, loadings=loadings)


def _rows_by(matrix: Matrix, rows: Integers, codes: Integers, factors: Floats, size: int) -> Matrix:
    """Σ_k factors_k 1{codes_k = g} matrix[rows_k] for every code g; dense unless that would be large and mostly zeros."""
    width = matrix.shape[1]
    if not width:
        return np.zeros((size, 0))
    if isinstance(matrix, Indicators):
        return matrix.sums(rows, codes, factors, size)
    if isinstance(matrix, np.ndarray) or size * width > max(4 * matrix.nnz, _DENSE):
        return sparse.csr_array((factors, (codes, rows)), shape=(size, matrix.shape[0])) @ matrix
    result = np.zeros(size * width)
    for start in range(0, rows.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        block = matrix[rows[part]]
        often = np.diff(block.indptr)
        places = np.repeat(codes[part] * width, often) + block.indices
        result += np.bincount(places, block.data * np.repeat(factors[part], often), minlength=size * width)
    return result.reshape(size, width)


def _equal(a: Matrix, b: Matrix) -> bool:
    """Whether two shared parts are the same, told without writing them out."""
    if type(a) is not type(b) or a.shape != b.shape:
        return False
    if isinstance(a, Indicators):
        return a.places is b.places and np.array_equal(a.scale, b.scale)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return a.nnz == b.nnz and all(np.array_equal(getattr(a, part), getattr(b, part)) for part in ("indptr", "indices", "data"))


def _beside(blocks: Sequence[Matrix]) -> Matrix:
    blocks = [block for block in blocks if block.shape[1]] or blocks[:1]
    if len(blocks) == 1:
        return blocks[0]
    blocks = [block.tocsr() if isinstance(block, Indicators) else block for block in blocks]
    if any(sparse.issparse(block) for block in blocks):
        return sparse.hstack([sparse.csr_array(block) for block in blocks], format="csr")
    return np.hstack(blocks)


def _dense(matrix: Matrix) -> Floats:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)
