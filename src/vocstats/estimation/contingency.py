"""Rao and Scott's tests: independence of two label columns, and given shares of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, factorize
from ..errors import IdentificationError, InputError, shown
from ..options import Inference, TableStatistic
from ..weighting.chain import Weights
from .axis import axis_of
from .design import Design
from .hypothesis_test import HypothesisTest
from .means import total
from .quadratic_forms import f_tail, quadratic, satterthwaite, sum_exceeds
from .replication import Replicates


def rao_scott(
    rows: npt.ArrayLike, columns: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None,
    domain: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", statistic: TableStatistic = "F",
) -> HypothesisTest:
    """Test of independence of two label columns, corrected for the design.

        X2 = n sum((p - p_0)^2 / p_0),  D = (C' diag(1/p) C / n)^-1 C' diag(1/p) V diag(1/p) C,  lambda the eigenvalues of D

        "F"        X2 / sum(lambda) against F(d, d v),  d = sum(lambda)^2 / sum(lambda^2)     (second-order correction)
        "Chisq"    X2; X2 / mean(lambda) against chi-square with (r - 1)(c - 1)               (first-order correction)
        "lincom", "saddlepoint"   X2 against sum(lambda chi-square) over a chi-square / (d v) with d v degrees of freedom:
                                  by numerical integration, by the saddlepoint approximation
        "Wald"     W / q against F(q, v), W the quadratic form of N_ij - N_i. N_.j / N with its covariance, q = (r - 1)(c - 1)
        "adjWald"  W (v - q + 1) / (q v) against F(q, v - q + 1)

    p are weighted shares of the cells with covariance V, p_0 products of their margins, C spans the interactions, v are clusters less
    strata.

    Parameters
    ----------
    rows, columns : array of labels (n,)
        The two variables; missing only where the weight is 0 or outside `domain`.
    w, design, counts, inference
        As in `mean`.
    domain : boolean array (n,), optional
        Rows the test is about; the others stay in the design as draws.
    statistic : {"F", "Chisq", "Wald", "adjWald", "lincom", "saddlepoint"}
        As in R's svychisq. The Wald statistics need many more clusters than cells.

    Returns
    -------
    HypothesisTest
        The test.

    Raises
    ------
    InputError
        Lengths differ, labels are missing, a variable has one level only.
    IdentificationError
        The covariance of the cells is singular.

    References
    ----------
    Rao & Scott (1984), Ann. Stat. 12(1), secs. 3 and 4; Thomas & Rao (1987), JASA 82; Koch, Freeman & Freeman (1975) for Wald.

    Examples
    --------
    >>> test = rao_scott(list("aabbabab"), list("xyxyxyyx"), [1, 2, 1, 2, 3, 1, 2, 1])
    >>> test.method
    'rao_scott'
    """
    _checks.choice(statistic, TableStatistic, "statistic")
    cells = _cells([rows, columns], ("rows", "columns"), w, design, domain, counts, inference)
    if statistic in ("Wald", "adjWald"):
        return _wald(cells, adjusted=statistic == "adjWald")
    pearson, values = _pearson(cells)
    q, d, scale = float(values.size), satterthwaite(values), float(values.sum())
    free = d * cells.df
    if statistic == "F":
        return cells.test("rao_scott", pearson / scale, d, free, f_tail(pearson / scale, d, free), values)
    if statistic == "Chisq":
        return cells.test("rao_scott_first_order", pearson, q, np.inf, f_tail(pearson / scale, q, np.inf), values)
    p_value = sum_exceeds(pearson, values, free, approximation=statistic == "saddlepoint")
    return cells.test("linear_combination", pearson, np.nan, free, p_value, values)


def rao_scott_shares(
    y: npt.ArrayLike, shares: Mapping[Any, float], w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None,
    domain: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, inference: Inference = "r",
) -> HypothesisTest:
    """Test whether the shares of a label column are those given, corrected for the design (R's svygofchisq).

        X2 = sum((T - N p)^2 / (N p)), T weighted totals of the levels, N their sum; compared with sum(lambda chi-square) by Satterthwaite,
        lambda the eigenvalues of the covariance of (T - N p) / sqrt(N p)

    Parameters
    ----------
    y : array of labels (n,)
        The variable; missing only where the weight is 0 or outside `domain`.
    shares : {level: share}
        Of every level; rescaled to add up to 1.
    w, design, domain, counts, inference
        As in `rao_scott`.

    Returns
    -------
    HypothesisTest
        ``statistic`` is X2; X2 df / sum(lambda) is compared with a chi-square of `df` = sum(lambda)^2 / sum(lambda^2).

    Raises
    ------
    InputError
        Levels of y and shares differ, or a share is not positive.

    References
    ----------
    Rao & Scott (1981), JASA 76; Satterthwaite (1946), Biometrics Bull. 2(6).
    """
    cells = _cells([y], ("y",), w, design, domain, counts, inference)
    levels = cells.levels[0]
    odd = sorted(map(str, set(shares) ^ set(levels)))
    if odd:
        raise InputError(
            f"shares and y must have the same levels; {shown(odd)} stands in only one of them.",
            code="levels_differ", argument="shares", levels=odd,
        )
    p = np.array([_checks.number(shares[level], f"shares[{level!r}]", low=0.0, open_low=True) for level in levels])
    p, size = p / p.sum(), float(cells.totals.sum())
    expected = size * p
    standard = (cells.totals - expected) / np.sqrt(expected)
    slope = (np.eye(p.size) - 0.5 * (cells.totals + expected)[:, None] / size) / np.sqrt(expected)[:, None]
    values = _spread(np.linalg.eigvalsh(slope @ cells.covariance @ slope.T)[::-1], size / cells.n)
    d = satterthwaite(values)
    value = float(standard @ standard)
    return cells.test("given_shares", value, d, np.inf, f_tail(value / values.sum(), d, np.inf), values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """Weighted totals of the cells of a table, row by row, and their covariance."""

    totals: Floats
    covariance: Floats
    names: tuple[str, ...]
    levels: tuple[list[Any], ...]
    n: float
    df: float
    accounts: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(levels) for levels in self.levels)

    def test(self, method: str, statistic: float, df: float, free: float, p_value: float, eigenvalues: Floats) -> HypothesisTest:
        """A test about these cells."""
        return HypothesisTest(
            method=method, statistic=statistic, df=df, df_denominator=free, p_value=p_value, eigenvalues=eigenvalues, hypothesis=self.names,
            n=self.n, variance_accounts_for=self.accounts,
        )


def _cells(
    variables: list[Any], names: tuple[str, ...], w: Any, design: Design | None, domain: Any, counts: Any, inference: Inference
) -> _Cells:
    """The table of one or two label columns among those heard in the domain; everybody else is one more cell, left out."""
    axis = axis_of(variables[0], w, design, None, counts, inference, 0.95)
    axis = axis if domain is None else axis.within(domain)
    used = axis.positions(np.flatnonzero(axis.heard))
    code, levels = np.zeros(used.size, np.intp), list[list[Any]]()
    for variable, name in zip(variables, names, strict=True):
        _checks.same_length(np.asarray(variable), name, axis.length)
        own, borne = factorize(np.asarray(variable)[used], name)
        if borne.size < 2:
            raise InputError(
                f"{name} has one level only ({shown(borne)}) among those heard: there is nothing to compare.",
                code="one_level", argument=name, levels=borne.tolist(),
            )
        code, levels = code * borne.size + own, [*levels, borne.tolist()]
    size = int(np.prod([len(known) for known in levels]))
    by = np.full(axis.length, size)
    by[used] = code
    sums = total(np.ones(axis.length), w, design=design, by=by, counts=counts, inference=inference)
    present = sums.labels["by"]
    inside = present < size
    totals, table = np.zeros(size), np.zeros((size, size))
    totals[present[inside]] = sums.estimate[inside]
    table[np.ix_(present[inside], present[inside])] = sums.covariance()[np.ix_(inside, inside)]
    df = float(axis.replicates.scaling.df if axis.replicates is not None else axis.design_df[0])
    return _Cells(
        totals=totals, covariance=table, names=names, levels=tuple(levels), n=float(axis.n[0]), df=df, accounts=axis.accounts()
    )


def _pearson(cells: _Cells) -> tuple[float, Floats]:
    """Pearson's X2 of the weighted table scaled to n units, and the eigenvalues of Rao and Scott's matrix."""
    n, size = cells.n, cells.totals.sum()
    p = cells.totals / size
    table = p.reshape(cells.shape)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)).ravel()
    statistic = n * float(np.sum((p - expected) ** 2 / expected))
    jacobian = (np.eye(p.size) - p[:, None]) / size
    inverse = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
    contrasts = np.kron(*(np.eye(levels)[:, 1:] - np.eye(levels)[:, :1] for levels in cells.shape)) * inverse[:, None]
    independent = contrasts.T @ (p[:, None] * contrasts) / n
    if np.linalg.eigvalsh(independent)[0] <= 1e-12 * np.trace(independent):
        raise IdentificationError(
            "So many cells of the table are empty that some interactions cannot be seen. Merge levels.",
            code="empty_cells", argument="columns", count=int(np.sum(p == 0)),
        )
    values = np.linalg.eigvals(np.linalg.solve(independent, contrasts.T @ jacobian @ cells.covariance @ jacobian.T @ contrasts))
    return statistic, _spread(np.sort(values.real)[::-1], 1.0)


def _spread(values: Floats, scale: float) -> Floats:
    """Eigenvalues, `scale` being what draws one by one would give; all of them 0 is refused."""
    if not values[0] > 1e-9 * scale:
        raise IdentificationError(
            "The table is known without error: strata or calibration fix its totals, so there is nothing to test. "
            "Test other variables, or the same with the weights before calibration.",
            code="known_without_error", argument="w",
        )
    return values


def _wald(cells: _Cells, *, adjusted: bool) -> HypothesisTest:
    """Wald test of N_ij - N_i. N_.j / N = 0 for all rows and columns but the first."""
    (height, width), totals = cells.shape, cells.totals
    table, size = totals.reshape(height, width), totals.sum()
    rows, columns = np.kron(np.eye(height), np.ones(width)), np.kron(np.ones(height), np.eye(width))  # margins of the cells
    i, j = np.divmod(np.arange(totals.size), width)
    expected = (rows @ totals)[i] * (columns @ totals)[j] / size
    slope = np.eye(totals.size) - (rows[i] * (columns @ totals)[j, None] + columns[j] * (rows @ totals)[i, None]) / size
    slope += expected[:, None] / size
    kept = (i > 0) & (j > 0)
    wald = quadratic((table.ravel() - expected)[kept], slope[kept] @ cells.covariance @ slope[kept].T)
    q = float(kept.sum())
    free = cells.df - q + 1.0 if adjusted else cells.df
    value = wald / q * (free / cells.df)
    return cells.test("table_wald", value, q, free, f_tail(value, q, free), np.zeros(0))
