"""Response propensities: weights of those heard divided by their estimated probability of being heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import choice, factorize, flags, number, whole
from ..errors import InputError
from ..options import PropensityEstimator
from .cbps import BalancingStep, fit_balancing
from .chain import Step, Weights, begin
from .classes import Classes, ClassStep, fit_classes
from .covariates import read_covariates
from .cross_fitting import ClassifierStep, assign_folds, fit_classifier, prepared
from .raking import positive_mass
from .response_models import Flags, ModelStep, fit_response

_FOLDS = 5

PropensityStep = ModelStep | BalancingStep | ClassStep | ClassifierStep  # all hold heard and probability


def weight_by_propensity(
    x: Any,
    heard: npt.ArrayLike,
    *,
    base_weights: Weights | npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
    estimator: PropensityEstimator | Any = "logistic",
    penalty: float | None = None,
    classes: Any = None,
    minimum: float | None = None,
    folds: int | None = None,
    clusters: Any = None,
    seed: int | None = None,
) -> Weights:
    """Divide the weights of those heard by their estimated probability of being heard.

    With d the weights entering, R who was heard, m = counts * d, x starting with a 1, and p = 1 / (1 + exp(-x b)) but for classes
    and classifiers, w = R d / p where

        logistic     sum(m (R - p) x) = 0
        ridge        sum(m (R - p) x) = L b,  L_j = penalty * sum(m (x_j - mean x_j)^2), 0 for the intercept
        cbps         sum(m (R / p - 1) x) = 0: the weighted heard have the totals of everybody
        cbps_over    least g' W g, g the sums on the left of logistic and cbps, W the inverse of their covariance
        classes      p = sum(m R) / sum(m) within the class
        classifier   p predicted by fits on the other folds

    Parameters
    ----------
    x : array (n, p), mapping, dataframe or None
        Characteristics of everybody who could have been heard, heard or not; an intercept is added. Columns of text or
        categories become indicators (the first level is the reference). None where `classes` are given.
    heard : boolean array of shape (n,)
        Who was heard (R).
    base_weights, counts
        As in `rake`; the base weight of those not heard is not 0 here.
    estimator : {"logistic", "ridge", "cbps", "cbps_over", "classes"} or classifier
        How the probability is modelled. A classifier is an object of scikit-learn with ``predict_proba`` whose ``fit`` takes
        ``sample_weight``; it is cloned, and sees numbers as they are and labels as indicators.
    penalty : float, optional
        Of the ridge, per unit of mass and for covariates of standard deviation 1: the lambda of R's glmnet at alpha = 0.
        None: generalised cross-validation chooses it.
    classes : array or int, optional
        For ``estimator="classes"``: the class of each unit, or how many classes of equal size to form in order of the
        logistic propensity of `x`.
    minimum : float, optional
        Fewest heard in a class: smaller ones are merged with the smaller neighbour (in order of propensity, of an ordered
        category, or of the sorted labels). ``steps[-1].merges`` lists what was merged.
    folds : int, optional
        Into how many parts units are dealt for cross-fitting a classifier (None: 5).
    clusters : array, optional
        Units of one cluster share a fold.
    seed : int, optional
        Of the folds and of a classifier without a random state of its own (None: 0).

    Returns
    -------
    Weights
        The chain with this step; ``values`` are exactly 0 where not heard. Classifiers, and classes that depend on who was
        heard (formed or with `minimum`), are absent from ``accounts_for`` and listed in ``held_fixed``.

    Raises
    ------
    InputError
        Missing values, who was heard is neither true nor false, or an argument belongs to another estimator.
    InfeasibleError
        Nobody was heard, at all or in a class, or no weights of at least the base weight balance the covariates.
    IdentificationError
        Some characteristics were heard always or never (separation); the columns are named. A classifier gives somebody
        heard no chance.
    MissingDependencyError
        A classifier is given and scikit-learn is not installed.

    References
    ----------
    Kim & Kim (2007), Can. J. Stat. 35(4). Ridge: le Cessie & van Houwelingen (1992), Appl. Stat. 41(1). Balance: Imai &
    Ratkovic (2014), JRSS B 76(1), eq. 10 to 13. Classes: Oh & Scheuren (1983), in Incomplete Data in Sample Surveys, vol. 2;
    Little (1986), Int. Stat. Rev. 54(2).

    Examples
    --------
    >>> w = weight_by_propensity({"new": [0, 0, 0, 1, 1]}, [True, True, False, True, False])
    >>> w.values.round(6).tolist()
    [1.5, 1.5, 0.0, 2.0, 0.0]
    """
    named: PropensityEstimator | None = choice(estimator, PropensityEstimator, "estimator") if isinstance(estimator, str) else None
    answered = flags(heard, "heard")
    _refuse_foreign(estimator, classes, penalty=penalty, minimum=minimum, folds=folds, clusters=clusters, seed=seed)
    chain = begin(base_weights, counts, answered.size)
    _refuse_weights_of_respondents(answered, positive_mass(chain, "weight_by_propensity"))
    entering = (answered, chain.values, chain.counts)
    step: Step
    if named == "classes":
        fewest = None if minimum is None else number(minimum, "minimum", low=0.0, open_low=True)
        step = fit_classes(_classes(x, classes, answered.size), *entering, minimum=fewest)
    elif named is not None:
        matrix, columns = read_covariates(x, answered.size)
        if named == "cbps_over":
            step = fit_balancing(matrix, columns, *entering)
        else:
            given = penalty if penalty is None else number(penalty, "penalty", low=0.0, open_high=True)
            step = fit_response(named, matrix, columns, *entering, penalty=given if named == "ridge" else 0.0)
    else:
        start = 0 if seed is None else whole(seed, "seed", low=0)
        dealt = whole(_FOLDS if folds is None else folds, "folds", low=2)
        classifier = prepared(estimator, start)
        matrix, _ = read_covariates(x, answered.size, standardise=False)
        step = fit_classifier(classifier, matrix, *entering, assign_folds(dealt, clusters, answered, chain.mass, start))
    return chain.followed_by(step)


def _classes(x: Any, classes: Any, length: int) -> Classes:
    """Given classes in their order, or the wish for so many of them."""
    if np.ndim(classes) == 0:
        matrix, columns = read_covariates(x, length)
        count = whole(classes, "classes", low=2)
        return Classes(labels=tuple(range(1, count + 1)), x=matrix, columns=tuple(columns))
    if x is not None:
        raise InputError(
            "Classes are given for every unit, so x would not be used. Leave x out (None), or say how many classes to form from it.",
            code="x_and_classes", argument="x",
        )
    categories = getattr(classes, "cat", classes)
    codes, labels = factorize(classes, "classes", length=length)
    if getattr(categories, "ordered", False):
        place = {label: k for k, label in enumerate(categories.categories)}
        order = np.argsort([place[label] for label in labels.tolist()])
        codes, labels = np.argsort(order)[codes], labels[order]
    return Classes(codes=codes, labels=tuple(labels.tolist()))


def _refuse_foreign(estimator: Any, classes: Any, **given: Any) -> None:
    """Raise where an argument belongs to another estimator."""
    named = isinstance(estimator, str)
    if (named and estimator == "classes") != (classes is not None):
        raise InputError(
            "classes= gives the adjustment classes of estimator='classes', and only of it.",
            code="classes_and_estimator", argument="classes",
        )
    own = {"ridge": {"penalty"}, "classes": {"minimum"}}.get(estimator, set()) if named else {"folds", "clusters", "seed"}
    for argument, value in given.items():
        if value is not None and argument not in own:
            described = repr(estimator) if named else "a classifier"
            raise InputError(
                f"{argument}= is no argument of estimator={described}, which takes {', '.join(sorted(own)) or 'none of its own'}.",
                code="argument_of_another_estimator", argument=argument, estimator=described,
            )


def _refuse_weights_of_respondents(heard: Flags, mass: npt.NDArray[np.float64]) -> None:
    if not heard.all() and heard.any() and not mass[~heard].any():
        raise InputError(
            "Everybody who was not heard has a base weight of 0, so there is no response to model. base_weights= are those of "
            "everybody asked, heard or not.",
            code="weights_of_respondents", argument="base_weights",
        )
