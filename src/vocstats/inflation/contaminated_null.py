"""Normal scores of combined p-values at honest dealers: p-values of single signals give way where many dealers inflate."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..results import Floats, Integers

_FEWEST = 20
_CENTRES, _SPREADS = np.linspace(-1.2, 0.4, 33), np.linspace(0.7, 1.15, 19)
_SHARES = np.array([0.0, 0.02, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7])
_NOBODY = 0.3  # chance that nobody inflates
_SPREAD = 0.95  # where nobody inflates: p-values of single signals are a little cautious
_CENTRE_FALLS, _SPREAD_FALLS = 1.2, 0.35  # with the share that inflates; all three from networks for training only
_CENTRE_ERROR, _SPREAD_ERROR = 0.07, 0.02
_LOWEST, _LARGEST = -4.0, 500.0
_NEGLIGIBLE = 1e-3


def honest_chances(chance: Floats, place: Integers, log_ratio: Floats, growths: Floats) -> Floats:
    """Chances `chance` at dealers as the model has them, put right for how honest dealers of this network are spread.

    Empirical nulls of single signals are fitted to dealers of whom some inflate: the p-values of the others become too large, the more so
    the farther their responses lift a score (growth g: the errors of a small dealer hide what others do). With z the normal score of a
    dealer's own chance and T his log likelihood ratio, dealers are taken to be a mixture of

        z ~ N(μ g, σ²) with chance 1 - π        density φ(z) e^T with chance π

    A priori μ ~ N(-1.2 π, .07²) and log σ ~ N(log(.95 - .33 π), .02²): little is put right where few inflate. Chances are averaged over
    what the data leave of μ and σ; of fewer than 20 dealers nothing is learned.

    Parameters
    ----------
    chance : float array (k, D)
        Of every dealer at the honest dealers of k classes of size; not NaN.
    place : integer array (D,)
        Each dealer's own class.
    log_ratio : float array (D,)
    growths : float array (k,)
        Growth of the classes.
    """
    if place.size < _FEWEST:
        return chance
    z = _score(chance)
    own = np.maximum(z[place, np.arange(place.size)], _LOWEST)
    centre, spread, weight = _posterior(own, growths[place], np.minimum(log_ratio, _LARGEST))
    honest = np.zeros_like(chance)
    for m, s, w in zip(centre, spread, weight, strict=True):
        honest += w * special.ndtr((m * growths[:, None] - z) / s)
    return honest


def _posterior(z: Floats, growths: Floats, log_ratio: Floats) -> tuple[Floats, Floats, Floats]:
    """Centres and spreads that are likely, with their chances."""
    centre, spread = (each.ravel() for each in np.meshgrid(_CENTRES, _SPREADS, indexing="ij"))
    honest = -0.5 * ((z - centre[:, None] * growths) / spread[:, None]) ** 2 - np.log(spread)[:, None]
    inflated = log_ratio - 0.5 * z**2
    log = np.empty((centre.size, _SHARES.size))
    for k, share in enumerate(_SHARES):
        with np.errstate(divide="ignore"):
            log[:, k] = np.logaddexp(np.log1p(-share) + honest, np.log(share) + inflated).sum(axis=1)
    log -= 0.5 * ((centre[:, None] + _CENTRE_FALLS * _SHARES) / _CENTRE_ERROR) ** 2
    log -= 0.5 * ((np.log(spread)[:, None] - np.log(_SPREAD * (1.0 - _SPREAD_FALLS * _SHARES))) / _SPREAD_ERROR) ** 2
    log += np.log(np.where(_SHARES == 0.0, _NOBODY, (1.0 - _NOBODY) / (_SHARES.size - 1)))
    weight = np.exp(log - log.max()).sum(axis=1)
    kept = weight > _NEGLIGIBLE * weight.sum()
    return centre[kept], spread[kept], weight[kept] / weight[kept].sum()


def _score(chance: Floats) -> Floats:
    return np.asarray(-special.ndtri(np.clip(chance, 1e-300, 1.0 - 1e-12)))
