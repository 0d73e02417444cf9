"""Both engines side by side: prevalence from draws, and the table of the two."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
from scipy import special

import vocstats as vs
from vocstats.bayes import compare_engines, engine_comparison
from vocstats.bayes.engine_comparison import prevalences, side_by_side
from vocstats.prevalence.posterior import PainPointPosterior
from vocstats.schemas import schema

PAINS, SEGMENTS, DEALERS, GROUPS = 2, 3, 4, 2
FRAME = np.random.default_rng(0).integers(1, 300, (SEGMENTS, DEALERS, GROUPS)).astype(float)


def posterior(seed: int, *, model: str = "collapsed", dealers: bool = False, draws: int = 40) -> PainPointPosterior:
    rng = np.random.default_rng(seed)
    used = np.arange(draws if model == "full" else draws // 2) if dealers else np.zeros(0, int)
    selection = rng.normal(size=(draws, PAINS, GROUPS))
    selection[..., 0] = 0.0
    return PainPointPosterior(
        engine="nuts", model=model, intercept=rng.normal(-1.0, 0.3, (draws, PAINS)), segment=rng.normal(0.0, 0.3, (draws, PAINS, SEGMENTS)),
        selection=selection, segment_scale=np.ones((draws, PAINS)), selection_mean=np.zeros((draws, GROUPS)),
        selection_scale=np.zeros((draws, GROUPS)), sensitivity=np.zeros((draws, 0, PAINS)), specificity=np.zeros((draws, 0, PAINS)),
        reporting=np.zeros((draws, PAINS, 0)),
        dealer_draw=used, dealer=rng.normal(0.0, 0.4, (used.size, PAINS, DEALERS)), dealer_shift=rng.normal(0.0, 0.1, (used.size, PAINS)),
        dealer_scale=np.ones((used.size, PAINS)), design_effect=np.ones(PAINS),
        diagnostics={"r_hat": 1.002, "effective_draws": 812.0, "divergences": 0.0},
    )


def by_hand(at: PainPointPosterior, draw: int, pain: int, cells: list[tuple[int, int, int]], *, dealers: bool) -> float:
    """Customers with the pain over customers, cell by cell."""
    b = int(at.dealer_draw[draw]) if dealers else draw
    have = total = 0.0
    for s, d, r in cells:
        logit = at.intercept[b, pain] + at.segment[b, pain, s] + at.selection[b, pain, r]
        if dealers:
            logit += at.dealer_shift[draw, pain] + at.dealer[draw, pain, d]
        have, total = have + FRAME[s, d, r] * special.expit(logit), total + FRAME[s, d, r]
    return have / total


@pytest.mark.parametrize("model", ["collapsed", "full"])
def test_prevalence_is_the_mean_over_the_frame(model):
    at = posterior(1, model=model, dealers=True)
    found, cells = prevalences(FRAME, at), list(np.ndindex(FRAME.shape))
    own = model == "full"
    assert found["network"][7, 1, 0] == pytest.approx(by_hand(at, 7, 1, cells, dealers=own))
    assert found["segment"][7, 1, 2] == pytest.approx(by_hand(at, 7, 1, [cell for cell in cells if cell[0] == 2], dealers=own))
    assert found["dealer"][7, 1, 3] == pytest.approx(by_hand(at, 7, 1, [cell for cell in cells if cell[1] == 3], dealers=True))
    assert found["dealer"].shape == (40 if own else 20, PAINS, DEALERS)


def test_places_without_customers_are_nan():
    empty = FRAME.copy()
    empty[1] = 0.0
    found = prevalences(empty, posterior(1))
    assert np.isnan(found["segment"][:, :, 1]).all() and np.isfinite(found["segment"][:, :, [0, 2]]).all()
    assert set(found) == {"network", "segment"}


def test_table_of_the_two():
    quick, sampled = posterior(1, dealers=True), posterior(2, model="full", dealers=True)
    found = side_by_side(FRAME, quick, sampled)
    table = found.to_frame()
    assert table["level"].value_counts().to_dict() == {"network": PAINS, "segment": PAINS * SEGMENTS, "dealer": PAINS * DEALERS}
    one, other = (prevalences(FRAME, each)["segment"][:, 1, 2] for each in (quick, sampled))
    row = table.query("level == 'segment' and pain == 1 and place == 2").iloc[0]
    assert row["approximate_estimate"] == pytest.approx(one.mean()) and row["nuts_std_error"] == pytest.approx(other.std())
    assert row["difference"] == pytest.approx((one.mean() - other.mean()) / other.std())
    assert row["ratio"] == pytest.approx(one.std() / other.std())
    long = found.tidy()
    assert list(long.columns) == ["term", "pain", "level", "place", "estimate", "std_error", "conf_low", "conf_high"]
    assert len(long) == 2 * len(table) and set(long["term"]) == {"approximate", "nuts"}
    assert long.query("term == 'nuts' and level == 'segment' and pain == 1 and place == 2")["conf_low"].item() == pytest.approx(
        np.quantile(other, 0.05)
    )


def test_levels_that_one_engine_lacks_are_left_out():
    found = side_by_side(FRAME, posterior(1, dealers=True), posterior(2))
    assert set(found.labels["level"]) == {"network", "segment"} and found.model == "collapsed"


def test_result_can_be_written_read_and_told():
    found = side_by_side(FRAME, posterior(1), posterior(2))
    document = json.loads(found.to_json())
    jsonschema.validate(document, schema("engine_comparison"))
    assert vs.load(document).to_frame().equals(found.to_frame())
    assert "r-hat 1.002" in found.summary() and "812" in found.summary() and "可信区间" in found.summary("zh")


def test_both_engines_read_the_same_counts(monkeypatch):
    asked = []

    def told(name):
        def fit(counts, **options):
            asked.append((name, counts, options["priors"], options["dealers"], options["draws"], options["seed"]))
            return posterior(1)

        return fit

    monkeypatch.setattr(engine_comparison, "fit_pain_points", told("nuts"))
    monkeypatch.setattr(engine_comparison, "fit_latent_field", told("approximate"))

    class Counts:
        frame = FRAME

    found = compare_engines(Counts, priors="priors", draws=1500, seed=5)
    assert asked == [("nuts", Counts, "priors", False, 1500, 5), ("approximate", Counts, "priors", False, 6000, 5)]
    assert (found.difference == 0.0).all() and (found.ratio == 1.0).all()
