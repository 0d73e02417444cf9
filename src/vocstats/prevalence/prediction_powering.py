"""Prevalence, or any mean, from a prediction for everybody and labels for a random few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import shown
from ..options import PoweredInference
from .powered_result import PredictionPowered, enough, labels_and_predictions, residual_variance, student_limits


def prediction_powered(
    y: npt.ArrayLike, prediction: npt.ArrayLike, *, strata: npt.ArrayLike | None = None, weight: float | None = None,
    inference: PoweredInference = "process", level: float = 0.95,
) -> PredictionPowered:
    """Mean of an outcome labelled for some rows drawn at random and predicted for all (PPI++, Angelopoulos, Duchi and Zrnic 2023).

    With L the n labelled rows, U the N others, f the predictions:

        θ = mean_L(y) + λ [mean_U(f) - mean_L(f)],    λ = Cov_L(y, f) / [(1 + n / N) Var(f)]

    The predictions may be wrong in any way: the labels correct their bias, and λ their scale. Without their help, λ = 0, stand the labels
    alone. In strata (Fisch et al. 2024) each has its λ, and θ = Σ W_h θ_h with W_h the strata's shares of the rows.

    Parameters
    ----------
    y : array (M,)
        Outcome (0 and 1, or any number); missing where a row has no label. Labelled rows are a simple random sample, of each stratum.
    prediction : array (M,)
        Of every row, labelled ones too: a label, a chance, a number; made without the labels used here (out of fold).
    strata : array (M,), optional
        Labels of the strata rows were drawn from, or of classes by prediction.
    weight : float, optional
        λ; None tunes it. 1 is prediction-powered inference without tuning, 0 labels alone.
    inference : {"registry", "process"}
        ``"registry"``: about the mean of these M rows; labelled ones are known, which shrinks the variance by n / M. ``"process"``:
        about the mean of what the rows were drawn from.
    level : float
        Confidence level.

    Returns
    -------
    PredictionPowered

    Raises
    ------
    InputError
        Fewer than three labels (in a stratum), missing predictions, lengths that differ.
    IdentificationError
        Nothing varies among the labels beyond the predictions.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), arXiv:2311.01453. Fisch, Maynez, Hofer, Dhingra, Globerson & Cohen (2024), NeurIPS 37. The
    finite-population form is the regression estimator: Cochran (1977), Sampling Techniques, ch. 7.

    Examples
    --------
    >>> import numpy as np
    >>> truth, guess = np.tile([1, 0, 0, 1, 0, 0, 0, 0, 1, 0], 100), np.tile([1, 0, 0, 1, 0, 1, 0, 0, 0, 0], 100)
    >>> labelled = np.random.default_rng(1).permutation(1000) < 200
    >>> r = prediction_powered(np.where(labelled, truth, np.nan), guess)
    >>> [round(float(value[0]), 3) for value in (r.estimate, r.std_error, r.labels_only, r.labels_only_error)]
    [0.32, 0.029, 0.325, 0.033]
    """
    _checks.choice(inference, PoweredInference, "inference")
    _checks.level(level)
    given = None if weight is None else _checks.number(weight, "weight")
    outcome, guess, labelled = labels_and_predictions(y, prediction)
    enough(labelled)
    codes, names = np.zeros(outcome.size, np.intp), np.zeros(0)
    if strata is not None:
        codes, names = _checks.factorize(strata, "strata", length=outcome.size)
    parts = []
    for code in range(max(names.size, 1)):
        inside = codes == code
        enough(labelled & inside, f" in stratum {shown(names[code : code + 1])}" if names.size else "")
        parts.append(_Stratum.of(outcome[inside], guess[inside], labelled[inside], given, inference))
    share = np.array([part.size for part in parts]) / outcome.size
    powered, alone = (_combined([getattr(part, name) for part in parts], share, outcome.size, inference) for name in ("powered", "alone"))
    error, low, high = student_limits(
        powered[:1], powered[1:2], powered[2:], level, known=inference == "registry" and bool(labelled.all())
    )
    return PredictionPowered(
        statistic="mean", terms=("mean",), estimate=powered[:1], std_error=error, conf_low=low, conf_high=high, df=powered[2:],
        labels_only=alone[:1], labels_only_error=np.sqrt(alone[1:2]), weight=np.array([part.weight for part in parts]),
        strata=tuple(names.tolist()), labelled=float(labelled.sum()), n=float(outcome.size), inference=inference, level=level,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stratum:
    """Mean, variance and degrees of freedom within a stratum, with the predictions (`powered`) and without (`alone`)."""

    size: int
    weight: float
    powered: tuple[float, float, float]
    alone: tuple[float, float, float]

    @classmethod
    def of(cls, y: Floats, f: Floats, labelled: npt.NDArray[np.bool_], weight: float | None, inference: str) -> _Stratum:
        size, n = y.size, int(labelled.sum())
        known, guessed, spread = y[labelled], f[labelled], float(f.var(ddof=1))
        rest = (size - n) / size  # N / (n + N)
        slope = float(known @ (guessed - guessed.mean())) / n / spread if spread > 0 else 0.0
        tuned = slope * rest if weight is None else weight
        gap = float(f[~labelled].mean() - guessed.mean()) if n < size else 0.0

        def estimate(of: float, lost: int) -> tuple[float, float, float]:
            """With weight λ; about these rows, the residual is that of the prediction times λ (n + N) / N."""
            scale = 0.0 if n == size else of / rest if inference == "registry" else of
            variance, df = residual_variance(known - scale * guessed, lost)
            if inference == "registry":
                return float(known.mean()) + of * gap, rest * variance / n, df
            beyond = 0.0 if n == size else of**2 * spread / (size - n)
            total = variance / n + beyond
            return float(known.mean()) + of * gap, total, df * (total / (variance / n)) ** 2 if variance > 0 else df

        return cls(size=size, weight=tuned, powered=estimate(tuned, 2 if weight is None else 1), alone=estimate(0.0, 1))


def _combined(parts: list[tuple[float, float, float]], share: Floats, rows: int, inference: str) -> Floats:
    """Mean over strata, its variance and Satterthwaite's degrees of freedom; what the rows were drawn from may have other shares."""
    means, variances, df = np.array(parts).T
    mean = float(share @ means)
    pieces = share**2 * variances
    between = float(share @ (means - mean) ** 2) / rows if inference == "process" else 0.0
    total = float(pieces.sum()) + between
    return np.array([mean, total, total**2 / float(np.sum(pieces**2 / df)) if pieces.any() else np.nan])
