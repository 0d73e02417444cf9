"""Response probabilities from any classifier, each unit's from a fit on the others (cross-fitting)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import factorize
from ..errors import IdentificationError, InfeasibleError, InputError, MissingDependencyError, shown
from .chain import Floats, Matrix, times
from .covariates import Covariates, rows_of
from .response_models import Flags, extremes, inverse, refuse_empty

Folds = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassifierStep:
    """Weights of those heard divided by cross-fitted probabilities of a classifier; the factor is held fixed in linearisation.

    `folds` holds the fold of each unit, which re-runs keep.
    """

    name: str
    classifier: Any
    x: Matrix
    heard: Flags
    folds: Folds
    probability: Floats
    mass: Floats
    factor: Floats

    def gradient(self, *, exact: bool = False) -> None:
        """None: the factor is held fixed."""

    def score(self, *, contrast: bool = False) -> Floats:
        """Nothing is estimated that could be differentiated."""
        return np.zeros((self.factor.size, 0))

    def bread(self, *, exact: bool = False) -> Floats:
        """Nothing is estimated that could be differentiated."""
        return np.zeros((0, 0))

    def rerun(self, w_in: Floats, counts: Floats) -> ClassifierStep:
        """The classifier trained anew in the same folds, with other weights and multiplicities."""
        return fit_classifier(self.classifier, self.x, self.heard, w_in, counts, self.folds)

    def details(self) -> dict[str, float]:
        """Folds and the extreme probabilities."""
        return {"folds": float(self.folds.max() + 1), **extremes(self.heard, self.probability, self.mass)}


def fit_classifier(classifier: Any, x: Matrix, heard: Flags, w_in: Floats, counts: Floats, folds: Folds) -> ClassifierStep:
    """Train a clone on all folds but one, predict that one, in turn.

    Training weights are counts times base weights, scaled so that they average 1 per unit.
    """
    mass = np.array(times(counts, w_in))
    refuse_empty(heard, mass)
    used = mass > 0.0
    training = mass * (np.broadcast_to(counts, mass.shape)[used].sum() / mass.sum())
    probability = np.empty(mass.size)
    for fold in range(int(folds.max()) + 1):
        inside = np.flatnonzero(folds == fold)
        others = np.flatnonzero((folds != fold) & used)
        if heard[others].all() or not heard[others].any():
            raise InfeasibleError(
                f"Without fold {fold} either nobody or everybody was heard, so no response can be learned. Use fewer folds.",
                code="fold_without_both", argument="folds", fold=fold,
            )
        fitted = _clone(classifier).fit(_rows(x, others), heard[others], sample_weight=training[others])
        known = list(fitted.classes_).index(True)
        probability[inside] = fitted.predict_proba(_rows(x, inside))[:, known]
    impossible = np.flatnonzero(heard & used & ~(probability > 0.0))
    if impossible.size:
        raise IdentificationError(
            f"The classifier gives probability 0 to {impossible.size} people who were heard, at rows {shown(impossible)}: their "
            "weight would be infinite. Smooth it (larger leaves, more regularisation), or use adjustment classes.",
            code="probability_zero", argument="estimator", rows=impossible, count=int(impossible.size),
        )
    return ClassifierStep(
        name="propensity", classifier=classifier, x=x, heard=heard, folds=folds, probability=probability, mass=mass,
        factor=inverse(heard, probability),
    )


def prepared(classifier: Any, seed: int) -> Any:
    """A clone of a scikit-learn classifier that takes weights, its random states set to `seed` where they are None."""
    try:
        from sklearn.utils.validation import has_fit_parameter
    except ImportError as error:
        message = "A classifier as estimator needs scikit-learn, which is not installed: pip install scikit-learn (or vocstats[ml])."
        raise MissingDependencyError(message, code="missing_dependency", package="scikit-learn", extra="ml") from error
    if isinstance(classifier, type) or not all(hasattr(classifier, name) for name in ("fit", "predict_proba", "get_params")):
        raise InputError(
            f"estimator must be the name of one or a scikit-learn classifier with fit and predict_proba; got {classifier!r}.",
            code="not_a_classifier", argument="estimator", value=repr(classifier),
        )
    if not has_fit_parameter(classifier, "sample_weight"):
        raise InputError(
            f"{type(classifier).__name__} takes no sample_weight, so design weights and counts would be ignored. Use one that does.",
            code="classifier_without_weights", argument="estimator", value=type(classifier).__name__,
        )
    copy = _clone(classifier)
    unset = [name for name, value in copy.get_params().items() if name.split("__")[-1] == "random_state" and value is None]
    return copy.set_params(**dict.fromkeys(unset, seed))


def assign_folds(folds: int, clusters: Any, heard: Flags, mass: Floats, seed: int) -> Folds:
    """Fold of each unit: clusters dealt out at random, those with somebody heard first, so that every fold has its share.

    Units without weight are dealt out last, so that they change nothing for the others.
    """
    codes, labels = factorize(np.arange(heard.size) if clusters is None else clusters, "clusters", length=heard.size)
    of_some, of_heard = np.zeros((2, labels.size), bool)
    of_some[codes[mass > 0.0]] = True
    of_heard[codes[(mass > 0.0) & heard]] = True
    if of_some.sum() < folds:
        raise InputError(
            f"{folds} folds need at least as many clusters; there are {of_some.sum()}. Lower folds.",
            code="more_folds_than_clusters", argument="folds", folds=folds, clusters=int(of_some.sum()),
        )
    with_weight = np.random.default_rng(seed).permutation(np.flatnonzero(of_some))
    order = np.concatenate([with_weight[of_heard[with_weight]], with_weight[~of_heard[with_weight]], np.flatnonzero(~of_some)])
    fold = np.empty(labels.size, np.intp)
    fold[order] = np.arange(order.size) % folds
    return fold[codes]


def _clone(classifier: Any) -> Any:
    from sklearn.base import clone

    return clone(classifier)


def _rows(x: Matrix, rows: npt.NDArray[np.intp]) -> Matrix:
    """Covariates without the intercept, as classifiers want them."""
    return (x[rows] if isinstance(x, Covariates) else rows_of(x, rows))[:, 1:]
