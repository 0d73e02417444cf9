"""The deterministic engine of pain-point prevalence: numpy and scipy only, nothing to compile."""

from __future__ import annotations

from .counts import PainPointCounts, PainPointPriors
from .posterior import PainPointPosterior


def fit_latent_field(
    counts: PainPointCounts, *, priors: PainPointPriors | None = None, draws: int = 2000, dealers: bool = False, seed: int = 0
) -> PainPointPosterior:
    """Draws from the posterior of the hierarchical model of pain points.

    Dealers are collapsed; given what the coders are like, each pain is a small latent Gaussian field; pains share only the pool of
    selection offsets. With `dealers`, each dealer's own effect is integrated by quadrature given draws of the network.

    Parameters
    ----------
    counts : PainPointCounts
        What the sources counted.
    priors : PainPointPriors, optional
        None: the defaults.
    draws : int
        Draws of the network and its segments.
    dealers : bool
        Estimate dealers too.
    seed : int
        The same seed gives the same bits.

    Returns
    -------
    PainPointPosterior
        ``engine="approximate"``, ``model="collapsed"``.

    Raises
    ------
    InputError
        An argument is out of its bounds.
    """
    raise NotImplementedError
