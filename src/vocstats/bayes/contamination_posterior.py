"""From draws of the model of contaminated scores to figures of every dealer."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..results import Assumption, Floats
from .contamination_cells import INDEPENDENT, OWN, ScoreCells
from .contamination_result import ContaminationFit, ContaminationPriors
from .sampling import Draws, convergence

_BLOCK = 2_000_000  # numbers held at a time
_NETWORK = ("quality_spread", "gap_centre", "gap_spread", "inflated", "case_mix")


def summarise(cells: ScoreCells, found: Draws, *, priors: ContaminationPriors, seed: int, level: float) -> ContaminationFit:
    """Posterior means and limits of equal tails."""
    shape = found.values["inflated"].shape
    honest, added, chance = dealer_draws(cells, {name: value.reshape(-1, *value.shape[2:]) for name, value in found.values.items()})
    happened = np.random.default_rng(seed).random(chance.shape) < chance
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    low, high = np.quantile(honest, tails, axis=0)
    least, most = np.quantile(np.where(happened, added, 0.0), tails, axis=0)
    network = {name: found.values[name] for name in _NETWORK if name in found.values}
    by_dealer = {"honest_mean": honest, "inflation": chance * added, "chance": chance}
    watched = {name: value.reshape(*shape, -1) for name, value in by_dealer.items()} | network | {"reference": found.values["reference"]}
    r_hat, effective = convergence(watched)
    n = cells.counts.sum(axis=(2, 3))
    return ContaminationFit(
        labels={"dealer": cells.dealers}, n=n.sum(axis=0), n_independent=n[INDEPENDENT],
        score=(cells.counts @ cells.marks).sum(axis=(0, 2)) / n.sum(axis=0), honest_mean=honest.mean(axis=0), std_error=honest.std(axis=0),
        conf_low=low, conf_high=high, inflation=(chance * added).mean(axis=0), inflation_low=least, inflation_high=most,
        chance_inflated=chance.mean(axis=0), turned=(chance * found.values["turned"].reshape(chance.shape)).mean(axis=0),
        parameters=_parameters(network, tails), r_hat=r_hat, effective_draws=effective, divergences=found.divergences,
        chains=shape[0], draws=shape[1], level=level, priors=priors, assumptions=_ASSUMPTIONS,
    )


def dealer_draws(cells: ScoreCells, values: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Per draw and dealer, (S, D): honest mean, what turned forms add to the score if there are any, and the chance that there are."""
    size = values["inflated"].size
    parts = [
        _block(cells, {name: value[run] for name, value in values.items()})
        for run in np.array_split(np.arange(size), max(1, size * cells.counts.size // _BLOCK))
    ]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))  # type: ignore[return-value]


def _block(cells: ScoreCells, values: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    cuts = special.ndtri(np.cumsum(values["reference"], axis=1)[:, :-1])
    gap = values["gap_centre"][:, None] + values["gap_spread"][:, None] * values["gap_unit"]
    mix = values["case_mix"][:, None, None, None] * cells.index if "case_mix" in values else np.zeros(cells.index.shape)
    quality = values["quality"][:, None, :, None] + mix  # (S, 2, D, B)
    own = quality[:, OWN] + gap[:, :, None]
    turned, share = values["turned"], values["inflated"][:, None]
    n = cells.counts.sum(axis=(2, 3))
    customers = cells.counts.sum(axis=3) / n.sum(axis=0)[:, None]  # of a dealer's answers, (2, D, B)
    honest = np.einsum("scdb,cdb->sd", _mean(cells, cuts, quality), customers)
    asked = cells.counts[OWN].sum(axis=2) / n.sum(axis=0)[:, None]
    added = turned * np.einsum("sdb,db->sd", cells.marks[-1] - _mean(cells, cuts, own), asked)
    p = np.maximum(_shares(cuts, own), 1e-300)
    mixed = (1.0 - turned)[:, :, None, None] * p
    mixed[..., -1] += turned[:, :, None]
    log_ratio = np.einsum("sdbk,dbk->sd", np.log(mixed / p), cells.counts[OWN])
    return honest, added, np.asarray(special.expit(special.logit(share) + log_ratio))


def _shares(cuts: Floats, level: Floats) -> Floats:
    """Chance of every score, (..., K), at levels (S, ...)."""
    below = special.ndtr(cuts.reshape(len(cuts), *(1,) * (level.ndim - 1), -1) - level[..., None])
    edge = np.zeros((*level.shape, 1))
    return np.diff(np.concatenate([edge, below, edge + 1.0], axis=-1))


def _mean(cells: ScoreCells, cuts: Floats, level: Floats) -> Floats:
    return np.asarray(_shares(cuts, level) @ cells.marks)


def _parameters(network: dict[str, Floats], tails: list[float]) -> dict[str, Floats]:
    drawn = np.stack([value.ravel() for value in network.values()])
    low, high = np.quantile(drawn, tails, axis=1)
    return {
        "parameter": np.array(list(network), object), "estimate": drawn.mean(axis=1), "std_error": drawn.std(axis=1), "conf_low": low,
        "conf_high": high,
    }


_ASSUMPTIONS = (
    Assumption(code="independent_channel_honest", testable="no"), Assumption(code="forms_turned_into_top_marks", testable="partly"),
    Assumption(code="scores_cut_from_a_normal", testable="partly"), Assumption(code="honest_gaps_normal", testable="partly"),
    Assumption(code="priors", testable="no"),
)
