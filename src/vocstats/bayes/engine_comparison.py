"""The deterministic and the sampled engine of pain-point prevalence side by side, on the same counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from .. import texts
from .._numerics import central_interval
from ..prevalence.counts import PainPointCounts, PainPointPriors
from ..prevalence.latent_field import fit_latent_field
from ..prevalence.posterior import PainPointPosterior
from ..results import Floats, Labels, Result, frame, register
from .pain_points import fit_pain_points

if TYPE_CHECKING:
    import pandas as pd

_LEVEL = 0.9  # of the limits
_ENGINES = ("approximate", "nuts")


@register("engine_comparison")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineComparison(Result):
    """Prevalence by both engines: of each pain over the whole frame, in each segment and, where they were estimated, at each dealer.

    Attributes
    ----------
    labels : {"pain", "level", "place": array (M,)}
        Number of the pain; ``"network"``, ``"segment"`` or ``"dealer"``; number of the segment or dealer (0 for the network).
    estimate, std_error, conf_low, conf_high : Floats (2, M)
        Posterior means, standard deviations and 90 % limits, by the approximate engine and by NUTS.
    difference : Floats (M,)
        Approximate mean less that of NUTS, in standard deviations of NUTS.
    ratio : Floats (M,)
        Standard deviation of the approximate engine over that of NUTS.
    model : str
        What NUTS sampled: ``"collapsed"`` or ``"full"``.
    diagnostics : {name: float}
        Of NUTS: largest r-hat, smallest effective number of draws, divergences.
    """

    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    difference: Floats
    ratio: Floats
    model: str
    diagnostics: Mapping[str, float]

    def to_frame(self) -> pd.DataFrame:
        """One row per pain and place: pain, level, place, mean and standard deviation by each engine, difference, ratio."""
        columns = {
            f"{engine}_{name}": getattr(self, name)[row] for row, engine in enumerate(_ENGINES) for name in ("estimate", "std_error")
        }
        return frame({**self.labels, **columns, "difference": self.difference, "ratio": self.ratio})

    def tidy(self) -> pd.DataFrame:
        """Two rows per pain and place: term (the engine), pain, level, place, estimate, std_error, conf_low, conf_high."""
        size = self.difference.size
        numbers = {name: getattr(self, name).ravel() for name in ("estimate", "std_error", "conf_low", "conf_high")}
        return frame({"term": np.repeat(_ENGINES, size), **{name: np.tile(of, 2) for name, of in self.labels.items()}, **numbers})

    def summary(self, language: str = "en") -> str:
        """The network's prevalences by both engines, and how well the sampled one ran."""
        told = self.to_frame().query("level == 'network'").drop(columns=["level", "place"])
        figures = {
            "level": f"{100 * _LEVEL:g}", "r_hat": f"{self.diagnostics['r_hat']:.3f}",
            "effective": f"{self.diagnostics['effective_draws']:,.0f}", "divergences": int(self.diagnostics["divergences"]),
        }
        table = told.to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([table, texts.render("variance.posterior", language, **figures)])


def compare_engines(
    counts: PainPointCounts, *, priors: PainPointPriors | None = None, dealers: bool = False, draws: int = 1000, tune: int = 1000,
    chains: int = 4, seed: int = 0,
) -> EngineComparison:
    """Prevalence of pain points by the deterministic engine and by NUTS, side by side.

    Parameters
    ----------
    counts : PainPointCounts
        What the sources counted.
    priors : PainPointPriors, optional
        None: the defaults.
    dealers : bool
        Compare dealers too: NUTS samples the full model, for up to 50 of them.
    draws, tune, chains : int
        Of NUTS, as in `fit_pain_points`; the deterministic engine draws as often altogether, but 2,000 times at least.
    seed : int
        Of both.

    Returns
    -------
    EngineComparison
        One row per pain, level and place.

    Raises
    ------
    InputError, MissingDependencyError
        As `fit_pain_points`.

    Warns
    -----
    SamplingWarning
        As `fit_pain_points`: what NUTS says is then no reference.

    References
    ----------
    Yao, Vehtari, Simpson & Gelman (2018), ICML (why an approximation is held against sampling).
    """
    sampled = fit_pain_points(counts, priors=priors, dealers=dealers, draws=draws, tune=tune, chains=chains, seed=seed)
    quick = fit_latent_field(counts, priors=priors, dealers=dealers, draws=max(2000, draws * chains), seed=seed)
    return side_by_side(counts.frame, quick, sampled)


def side_by_side(customers: Floats, quick: PainPointPosterior, sampled: PainPointPosterior) -> EngineComparison:
    """The comparison of two posteriors over a frame (S, D, R)."""
    both = [prevalences(customers, posterior) for posterior in (quick, sampled)]
    levels = [name for name in both[1] if name in both[0]]
    places = [np.indices(both[1][name].shape[1:]).reshape(2, -1) for name in levels]
    pain, place = np.concatenate(places, axis=1)
    mean, sd, low, high = np.array(
        [np.concatenate([_moments(each[name]) for name in levels], axis=1) for each in both]
    ).swapaxes(0, 1)
    return EngineComparison(
        labels={"pain": pain, "level": np.repeat(np.array(levels, object), [each.shape[1] for each in places]), "place": place},
        estimate=mean, std_error=sd, conf_low=low, conf_high=high, difference=(mean[0] - mean[1]) / sd[1], ratio=sd[0] / sd[1],
        model=sampled.model, diagnostics=sampled.diagnostics,
    )


def prevalences(customers: Floats, posterior: PainPointPosterior) -> dict[str, Floats]:
    """Draws of prevalence, (B, K, places): of the network, of segments and, where there are effects of dealers, of dealers.

    Places without customers are nan.
    """
    by_dealer = []
    by_segment = np.zeros(posterior.segment.shape)
    for d in range(posterior.dealer.shape[2]) if posterior.dealer.size else ():
        have = _with_pain(customers[:, d], posterior, d)
        by_dealer.append(have.sum(axis=2))
        if posterior.model == "full":
            by_segment += have
    if posterior.model == "collapsed":
        by_segment = _with_pain(customers.sum(axis=1), posterior, None)
    found = {
        "network": by_segment.sum(axis=2, keepdims=True) / customers.sum(), "segment": by_segment / _held(customers.sum(axis=(1, 2)))
    }
    return found | {"dealer": np.stack(by_dealer, axis=2) / _held(customers.sum(axis=(0, 2)))} if by_dealer else found


def _moments(draws: Floats) -> Floats:
    """Means, standard deviations and limits, (4, K places)."""
    flat = draws.reshape(len(draws), -1)
    return np.stack([flat.mean(axis=0), flat.std(axis=0), *central_interval(flat, _LEVEL)])


def _held(customers: Floats) -> Floats:
    return np.where(customers > 0.0, customers, np.nan)


def _with_pain(customers: Floats, posterior: PainPointPosterior, dealer: int | None) -> Floats:
    """Customers (S, R) who have the pain, (B, K, S); of the whole network where no dealer is named."""
    used = slice(None) if dealer is None else posterior.dealer_draw
    logit = posterior.intercept[used][:, :, None] + posterior.segment[used]
    if dealer is not None:
        logit = logit + (posterior.dealer_shift + posterior.dealer[:, :, dealer])[:, :, None]
    groups = range(customers.shape[1])
    return np.asarray(sum(customers[:, r] * special.expit(logit + posterior.selection[used][:, :, r, None]) for r in groups))
