"""What an audit of coders says of their sensitivity and specificity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._numerics import sums_by
from ..errors import InputError, rows_of, shown
from ..options import AuditDrawnBy
from ..results import Floats
from ..tables import InputTable
from .pain_tables import PainColumns

Column = npt.NDArray[Any]
_DRAWS = 4_000  # of PPV, NPV and the share coded positive
_DOUBT = 1e-3  # chance below which an audit was not drawn at random


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoderAudit:
    """Answers that were read again, by coder j, pain k and truth (0: without the pain, 1: with it).

    Attributes
    ----------
    by : str
        The column that tells coders apart: "source", "coder", or "" for one coder of all sources.
    coders : tuple of str (J,)
    positive, n : Floats (J, K, 2)
        Coded positive, of those read again.
    """

    by: str
    coders: tuple[str, ...]
    positive: Floats
    n: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Codings:
    """What coders found, row by row: `coder` found the pain at `positive` of `n`; `pains` there are."""

    pain: npt.NDArray[np.intp]
    coder: npt.NDArray[np.intp]
    positive: Floats
    n: Floats
    pains: int

    def of(self, coder: int) -> tuple[Floats, Floats]:
        """What the coder found, of how many, by pain."""
        own = self.coder == coder
        return sums_by(self.pain[own], self.positive[own], self.pains), sums_by(self.pain[own], self.n[own], self.pains)


def coder_column(audit: InputTable, columns: PainColumns) -> str | None:
    """The column that tells coders apart: ``"coder"``, that of the source, or None."""
    there = [name for name in ("coder", columns.source) if name in audit.schema]
    if len(there) > 1:
        raise InputError(
            f"coder_audit has both a column 'coder' and a column {columns.source!r}. Keep the one that tells coders apart.",
            code="coder_and_source", argument="coder_audit", column=columns.source,
        )
    return there[0] if there else None


@rows_of("coder_audit")
def read_audit(table: InputTable, columns: PainColumns, pains: Column) -> CoderAudit:
    """The audit as arrays; coders must do better than guess."""
    by = coder_column(table, columns)
    wanted = {"pain": table.column(columns.pain_point, argument="coder_audit"), "truth": table.number("truth", argument="coder_audit")}
    wanted |= {key: table.number(getattr(columns, key), argument="coder_audit") for key in ("positive", "n")}
    if by is not None:
        wanted["coder"] = table.column(by)
    rows = table.view(wanted).rows()
    truth = _checks.flags(rows["truth"], "truth").astype(np.intp)
    positive, n = (_checks.non_negative(rows[key], getattr(columns, key)) for key in ("positive", "n"))
    over = np.flatnonzero(positive > n)
    if over.size:
        raise InputError(
            f"Column {columns.positive!r} of coder_audit exceeds {columns.n!r} at rows {shown(over)}.",
            code="audit_positives_above_n", argument="coder_audit", rows=over, column=columns.positive, n=columns.n,
        )
    pain, audited = _checks.factorize(rows["pain"], columns.pain_point)
    _refuse_unknown(audited, pains)
    code, coders = _checks.factorize(rows["coder"], by) if by is not None else (np.zeros(n.size, np.intp), np.array([""], object))
    shape = (coders.size, pains.size, 2)
    at = (code, np.searchsorted(pains, audited)[pain], truth)
    cell, size = np.ravel_multi_index(at, shape), int(np.prod(shape))
    found, read = (sums_by(cell, each, size).reshape(shape) for each in (positive, n))
    audit = CoderAudit(by="source" if by == columns.source else by or "", coders=tuple(map(str, coders)), positive=found, n=read)
    _refuse_guessing(audit, pains)
    return audit


def _refuse_unknown(named: Column, known: Column) -> None:
    among = set(known.tolist())
    unknown = [each for each in named.tolist() if each not in among]
    if unknown:
        hint, near = _checks.suggestion(unknown[0], known.tolist())
        raise InputError(
            f"coder_audit names pain points that the observations do not have: {shown(unknown)}."
            f"{hint} They have {shown(known)}.",
            code="unknown_pain", argument="coder_audit", levels=unknown, known=shown(known), **near,
        )


def _refuse_guessing(audit: CoderAudit, pains: Column) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = audit.positive / audit.n
        worse = rate[..., 1] < rate[..., 0]
    if worse.any():
        coder, pain = (each[0] for each in np.nonzero(worse))
        levels = sorted({str(pains[k]) for k in np.nonzero(worse)[1]})
        sensitivity, specificity = rate[coder, pain, 1], 1.0 - rate[coder, pain, 0]
        raise InputError(
            f"In coder_audit, sensitivity and specificity of {shown(levels)} add up to less than 1 "
            f"({sensitivity:.2f} + {specificity:.2f}): the coder finds the pain more often where it is not. See whether truth or positive "
            "is turned round; a coder who guesses tells nothing.",
            code="coder_worse_than_chance", argument="coder_audit", levels=levels, sensitivity=f"{sensitivity:.2f}",
            specificity=f"{specificity:.2f}",
        )


def drawn_by(audit: CoderAudit, coded: Codings) -> AuditDrawnBy:
    """How the audit was drawn, where its table shows it: by truth, where every pain has as many with it and as many without; at random,
    where as many were coded positive as in the observations. An audit drawn by predicted label looks like neither."""
    size = audit.n.sum(axis=2)
    read = audit.n[size > 0]
    if len(read) > 1 and (read == read[0]).all():
        return "truth"
    pool = [coded.of(j) for j in range(len(audit.coders))]
    share = np.stack([(hits + 0.5) / (looked + 1.0) for hits, looked in pool])[size > 0]
    off = audit.positive.sum(axis=2)[size > 0] - size[size > 0] * share
    if special.chdtrc(float(len(read)), float((off**2 / (size[size > 0] * share * (1.0 - share))).sum())) >= _DOUBT:
        return "random"
    raise InputError(
        "coder_audit does not show how it was drawn: the share coded positive is not that of the observations, and pain points differ in "
        "how many have the pain. Say it with audit_drawn_by: 'random', 'truth' (so many with the pain, so many without) or 'predicted' (so "
        "many coded positive, so many not), for which sensitivity and specificity must be worked out from predictive values.",
        code="audit_drawing_unknown", argument="audit_drawn_by",
    )


def accuracy(audit: CoderAudit, drawn: AuditDrawnBy, coded: Codings, seed: int) -> tuple[Floats, Floats]:
    """Beta distributions of Se and Sp, each (J, K, 2)."""
    if drawn != "predicted":
        right = np.stack([audit.positive[..., 1], audit.n[..., 0] - audit.positive[..., 0]])
        looked = np.stack([audit.n[..., 1], audit.n[..., 0]])
        found = [np.stack([pooled_beta(h, n) for h, n in zip(*each, strict=True)]) for each in zip(right, looked, strict=True)]
        return found[0], found[1]
    rng = np.random.default_rng(seed)
    pairs = [_from_predictive(rng, audit.positive[j], audit.n[j], *coded.of(j)) for j in range(len(audit.coders))]
    return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])


def pooled_beta(hits: Floats, n: Floats) -> Floats:
    """Beta distributions (a, b) of K shares that were drawn from a common one, (K, 2).

    x_k ~ Bin(n_k, p_k), p_k ~ Beta(m M, (1 - m) M), m uniform and M with density (1 + M)^-2: integrated over a grid of (m, M) and
    matched by mean and variance. Few hits borrow from the other pains; where pains differ, M is small and little is borrowed.
    """
    centre = special.expit(np.linspace(-6.0, 6.0, 73))[:, None, None]
    weight = np.exp(np.linspace(-2.0, 7.5, 39))[None, :, None]
    a, b = centre * weight, (1.0 - centre) * weight
    density = (special.betaln(a + hits, b + n - hits) - special.betaln(a, b)).sum(axis=2)
    density += (np.log(centre * (1.0 - centre)) + np.log(weight) - 2.0 * np.log1p(weight))[..., 0]
    chance = np.exp(density - density.max())
    chance = (chance / chance.sum())[..., None]
    mean = (a + hits) / (weight + n)
    variance = mean * (1.0 - mean) / (weight + n + 1.0)
    middle = (chance * mean).sum(axis=(0, 1))
    return matched_beta(middle, (chance * (variance + (mean - middle) ** 2)).sum(axis=(0, 1)))


def matched_beta(mean: Floats, variance: Floats) -> Floats:
    """The beta distribution with a mean and a variance, (..., 2)."""
    size = mean * (1.0 - mean) / variance - 1.0
    return np.stack([mean * size, (1.0 - mean) * size], axis=-1)


def _from_predictive(rng: np.random.Generator, positive: Floats, n: Floats, hits: Floats, looked: Floats) -> tuple[Floats, Floats]:
    """Se and Sp of an audit drawn by predicted label: with q the share coded positive among all that was coded,

        Se = PPV q / (PPV q + (1 - NPV)(1 - q)),    Sp = NPV (1 - q) / (NPV (1 - q) + (1 - PPV) q)

    PPV, NPV and q drawn from their posteriors under Jeffreys' prior, Se and Sp matched by mean and variance.
    """
    true, false = positive[:, 1], positive[:, 0]
    missed, passed = n[:, 1] - true, n[:, 0] - false
    ppv, npv, q = (rng.beta(a + 0.5, b + 0.5, (_DRAWS, a.size)) for a, b in ((true, false), (passed, missed), (hits, looked - hits)))
    found, overlooked = ppv * q, (1.0 - npv) * (1.0 - q)
    sensitivity, specificity = found / (found + overlooked), npv * (1.0 - q) / (npv * (1.0 - q) + (1.0 - ppv) * q)
    found_right, passed_right = (matched_beta(each.mean(axis=0), each.var(axis=0)) for each in (sensitivity, specificity))
    return found_right, passed_right
