"""Published figures, R on the spot, two routes to one number, what must not matter, and what is refused."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nonresponse.populations import small, taken

import vocstats as vs
from vocstats.errors import ConvergenceError, IdentificationError, InputError
from vocstats.estimation import Design, mean
from vocstats.nonresponse import NonprobabilityEstimate, nonprobability
from vocstats.texts import message
from vocstats.weighting import calibrate, rake

COLUMNS = ["region", "private", "nace", "size"]
N = 51870
METHODS: dict[str, dict[str, Any]] = {
    "ipw": {"method": "ipw"},
    "ipw known N": {"method": "ipw", "population": 6000},
    "ipw probit": {"method": "ipw", "link": "probit"},
    "ipw cloglog": {"method": "ipw", "link": "cloglog"},
    "ipw calibration": {"method": "ipw", "equations": "calibration"},
    "ipw calibration probit": {"method": "ipw", "equations": "calibration", "link": "probit"},
    "ipw calibration cloglog": {"method": "ipw", "equations": "calibration", "link": "cloglog"},
    "ipw moments": {"method": "ipw", "equations": "moments"},
    "ipw moments probit": {"method": "ipw", "equations": "moments", "link": "probit"},
    "imputation": {"method": "mass_imputation"},
    "imputation poisson": {"method": "mass_imputation", "family": "poisson"},
    "doubly robust": {},
    "doubly robust known N": {"population": 6000},
    "doubly robust poisson": {"family": "poisson", "link": "probit"},
    "doubly robust, two models": {"propensity_columns": ["age", "shop"], "outcome_columns": ["visits"]},
    "bias-minimising": {"equations": "bias_minimising"},
    "bias-minimising poisson": {"equations": "bias_minimising", "family": "poisson"},
    "bias-minimising poisson cloglog": {"equations": "bias_minimising", "family": "poisson", "link": "cloglog"},
}
OBSERVED: dict[str, Any] = {"method": "mass_imputation", "imputation": "predictive_mean", "match_on": "observed"}
MATCHED: dict[str, dict[str, Any]] = {
    "neighbours": {"method": "mass_imputation", "imputation": "nearest_neighbour"},
    "predictive mean": {"method": "mass_imputation", "imputation": "predictive_mean"},
    "predictive mean, observed": OBSERVED,
}
ALL = METHODS | MATCHED


def jobs(data: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Arguments for R's example: `svydesign` takes the first of several columns of strata, the size, for the only stage."""
    text = dict.fromkeys(("region", "nace", "size"), str)
    admin, jvs = (pd.read_csv(data / "jobvacancy" / f"{name}.csv", dtype=text) for name in ("admin", "jvs"))
    arguments = {"y": admin["single_shift"], "x": admin[COLUMNS], "reference": jvs[COLUMNS], "weights": jvs["weight"]}
    return {**arguments, "design": Design(strata=jvs["size"])}, jvs


PUBLISHED = [  # R nonprobsvy 0.2: its documentation, paper and tests
    ({"method": "ipw"}, 0.708322902, 0.00970),
    ({"method": "ipw", "population": N}, 0.722363, None),
    ({"method": "ipw", "population": N, "link": "probit"}, 0.723954, None),
    ({"method": "ipw", "population": N, "link": "cloglog"}, 0.722151, None),
    ({"method": "ipw", "equations": "calibration"}, 0.704179604, None),
    ({"method": "ipw", "equations": "moments"}, 0.708322902, 0.00970),
    ({"method": "mass_imputation"}, 0.703858701, None),
    ({"method": "mass_imputation", "family": "binomial"}, 0.703208878, 0.0112024),
    ({"population": N}, 0.703337799, None),
    ({"population": N, "family": "binomial"}, 0.703469460, None),
    ({"population": N, "propensity_columns": ["region", "size"], "outcome_columns": ["nace", "private"]}, 0.710766429, None),
]


@pytest.mark.parametrize(("options", "estimate", "std_error"), PUBLISHED, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_published(options: dict[str, Any], estimate: float, std_error: float | None, data: Path) -> None:
    r = nonprobability(**jobs(data)[0], **options)
    printed = len(f"{estimate:g}") - 2 if estimate == round(estimate, 6) else 9
    assert r.estimate[0] == pytest.approx(estimate, abs=0.51 * 10**-printed)
    assert round(float(r.naive[0]), 7) == 0.6605308
    assert r.population == N
    if std_error is not None:
        assert r.std_error[0] == pytest.approx(std_error, abs=5e-6 if std_error == 0.00970 else 5e-8)


def test_published_from_totals(data: Path) -> None:
    arguments, jvs = jobs(data)
    totals: dict[str, Any] = {name: jvs["weight"].groupby(jvs[name]).sum().to_dict() for name in ("region", "nace", "size")}
    totals["private"] = float(jvs["private"] @ jvs["weight"])
    given = {"y": arguments["y"], "x": arguments["x"], "totals": totals, "population": N}
    imputed = nonprobability(**given, method="mass_imputation")
    assert imputed.estimate[0] == pytest.approx(0.703858701, abs=5e-10)
    assert imputed.std_error[0] == pytest.approx(0.004979110, abs=5e-10)
    for method in ("ipw", "doubly_robust"):
        assert nonprobability(**given, method=method).estimate[0] == pytest.approx(0.704179604, abs=5e-10)
    with pytest.raises(IdentificationError, match="curved"):  # .757542 circulates
        nonprobability(**given, method="mass_imputation", family="binomial")
    with pytest.raises(IdentificationError, match="one by one"):
        nonprobability(**given, method="ipw", equations="likelihood")


def test_published_raking(data: Path) -> None:
    arguments, jvs = jobs(data)
    targets = {name: jvs["weight"].groupby(jvs[name]).sum().to_dict() for name in COLUMNS}
    weights = rake(arguments["x"], targets, base_weights=np.full(len(arguments["x"]), N / len(arguments["x"])))
    assert mean(arguments["y"], weights).estimate == pytest.approx(0.704083, abs=5e-7)


R = """
suppressMessages(library(survey))
options(digits = 15)
a <- read.csv(file.path(folder, "admin.csv"), colClasses = c(region = "character"))
b <- read.csv(file.path(folder, "jvs.csv"), colClasses = c(region = "character"))
design <- svydesign(ids = ~1, weights = ~weight, strata = ~size, data = b)
f <- ~region + private + nace + size
xa <- model.matrix(f, a); xb <- model.matrix(f, b); d <- b$weight; y <- as.numeric(a$single_shift == "TRUE")
theta <- c(qlogis(nrow(a) / sum(d)), rep(0, ncol(xa) - 1))
for (i in 1:30) {
  p <- plogis(drop(xb %*% theta))
  theta <- theta + solve(t(xb) %*% (xb * (d * p * (1 - p))), colSums(xa) - colSums(xb * (d * p)))
}
pa <- plogis(drop(xa %*% theta)); pb <- plogis(drop(xb %*% theta)); H <- t(xb) %*% (xb * (d * pb * (1 - pb)))
Na <- sum(1 / pa); Nb <- sum(d)
ipw <- sum(y / pa) / Na
v <- solve(H, colSums(xa * ((1 / pa - 1) * (y - ipw))))
Va <- sum((1 - pa) * ((y - ipw) / pa - drop(xa %*% v))^2) / Na^2
t1 <- svytotal(pb * drop(xb %*% v), design)
cat(ipw, Va, attr(t1, "var") / Na^2, "\n")
m <- lm(y ~ xa - 1); ma <- fitted(m); mb <- drop(xb %*% coef(m))
h <- sum((y - ma) / pa) / Na; mu <- sum(d * mb) / Nb
v <- solve(H, colSums(xa * ((1 / pa - 1) * (y - ma - h)))) / Na
Va <- sum((1 - pa) * ((y - ma - h) / pa / Na - drop(xa %*% v))^2)
t2 <- svytotal(pb * drop(xb %*% v) + (mb - mu) / Nb, design)
cat(h + mu, Va, attr(t2, "var"), "\n")
"""


def test_variances_equal_r_on_the_spot(data: Path, rscript: str) -> None:
    """Chen, Li and Wu's formulas written out in R, the design variance by survey."""
    script = f'folder <- "{data / "jobvacancy"}"\n{R}'
    done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=True)
    lines = [[float(word) for word in line.split()] for line in done.stdout.strip().splitlines()]
    arguments = jobs(data)[0]
    for expected, options in zip(lines, ({"method": "ipw"}, {"variance": "plug_in"}), strict=True):
        r = nonprobability(**arguments, **options)
        np.testing.assert_allclose([r.estimate[0], r.variance_sample[0], r.variance_reference[0]], expected, rtol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_variance_parts_are_those_of_numerical_derivatives(name: str) -> None:
    """The estimate's derivatives to how often a row stands there, by central differences, give both parts of the variance."""
    arguments, options = small(), METHODS[name]
    design = Design(strata=arguments.pop("design").strata[0])
    n, m = arguments["y"].size, arguments["weights"].size
    r = nonprobability(**arguments, **options, design=design)

    def moved(side: str, row: int, by: float) -> float:
        counts = np.ones(n if side == "counts" else m)
        counts[row] += by
        return float(nonprobability(**arguments, **options, **{side: counts}).estimate[0])

    step, rows = 1e-4, {"counts": range(0, n, 11), "reference_counts": range(0, m, 11)}
    slopes = {side: [(moved(side, i, step) - moved(side, i, -step)) / (2 * step) for i in at] for side, at in rows.items()}
    full = _influence(arguments, options)
    np.testing.assert_allclose(slopes["counts"], full[0][::11], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(slopes["reference_counts"], full[1][::11], rtol=1e-5, atol=1e-8)
    chance = np.ones(n) if r.propensities is None else 1.0 - r.propensities
    assert r.variance_sample[0] == pytest.approx(chance @ full[0] ** 2)
    codes = design.strata[0]
    by_stratum = [full[1][codes == k] for k in range(3)]
    assert r.variance_reference[0] == pytest.approx(sum(u.size * u.var(ddof=1) for u in by_stratum))
    assert r.std_error[0] ** 2 == pytest.approx(r.variance_sample[0] + r.variance_reference[0])


def _influence(arguments: dict[str, Any], options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Influence values of all rows, as the estimator computes them."""
    from vocstats.nonresponse.integration import integration

    seen = []
    estimate = integration.estimate
    try:
        integration.estimate = lambda data, settings: seen.append(estimate(data, settings)) or seen[-1]  # type: ignore[assignment]
        nonprobability(**arguments, **options)
    finally:
        integration.estimate = estimate  # type: ignore[assignment]
    return seen[0].of_sample[:, 0], seen[0].of_reference[:, 0] * arguments["weights"]


@pytest.mark.parametrize("name", ALL)
def test_counts_are_repeated_rows_and_order_does_not_matter(name: str) -> None:
    arguments, rng = small(), np.random.default_rng(2)
    n, m = arguments["y"].size, arguments["weights"].size
    counts, others = rng.integers(0, 3, n).astype(float), np.where(np.arange(m) % 12 < 6, 1.0, 2.0)
    arguments["design"] = Design(strata=np.arange(m) % 3)
    short = nonprobability(**arguments, **ALL[name], counts=counts, reference_counts=others)
    rows, beyond = (rng.permutation(np.repeat(np.arange(each.size), each.astype(int))) for each in (counts, others))
    long = nonprobability(
        arguments["y"][rows], taken(arguments["x"], rows), reference=taken(arguments["reference"], beyond),
        weights=arguments["weights"][beyond], design=Design(strata=beyond % 3), **ALL[name],
    )
    for field in ("estimate", "std_error", "naive", "estimated_population", "variance_reference"):
        np.testing.assert_allclose(getattr(short, field), getattr(long, field), rtol=1e-8, err_msg=field)
    assert (short.n, short.n_reference) == (long.n, long.n_reference)


@pytest.mark.parametrize("name", ALL)
def test_units_labels_and_zero_weights_do_not_matter(name: str) -> None:
    arguments = small()
    plain = nonprobability(**arguments, **ALL[name])

    def changed(columns: dict[str, Any]) -> dict[str, Any]:
        names = {"a": "丙店", "b": "甲店", "c": "乙店"}
        return {"age": 1e6 + 12.0 * columns["age"], "visits": columns["visits"], "shop": [names[shop] for shop in columns["shop"].tolist()]}

    def padded(column: Any) -> np.ndarray:
        return np.concatenate([np.asarray(column), np.asarray(column)[:6]])

    design = arguments["design"]
    other = nonprobability(
        arguments["y"], changed(arguments["x"]), reference={k: padded(v) for k, v in changed(arguments["reference"]).items()},
        weights=np.append(arguments["weights"], np.zeros(6)),
        design=Design(strata=padded(design.strata[0]), clusters=padded(design.clusters[0]), fpc=padded(design.fpc[0])), **ALL[name],
    )
    np.testing.assert_allclose(other.estimate, plain.estimate, rtol=1e-7)
    np.testing.assert_allclose(other.std_error, plain.std_error, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_several_outcomes_equal_single_fits(name: str) -> None:
    arguments = small()
    first = arguments.pop("y")
    second = np.round(np.abs(first - 4.0))
    joint = nonprobability({"csi": first, "cost": second}, **arguments, **ALL[name])
    for k, y in enumerate((first, second)):
        single = nonprobability(y, **arguments, **ALL[name])
        for field in ("estimate", "std_error", "conf_low", "naive", "estimated_population", "effective_sample_size", "smallest_propensity"):
            assert getattr(joint, field)[k] == pytest.approx(getattr(single, field)[0], rel=1e-9, nan_ok=True), field
    assert joint.labels["outcome"].tolist() == ["csi", "cost"]
    matrix = nonprobability(np.column_stack([first, second]), **arguments, **ALL[name])
    np.testing.assert_array_equal(matrix.estimate, joint.estimate)


def test_calibrated_propensities_reproduce_the_reference() -> None:
    arguments = small()
    weights, z = arguments["weights"], arguments["reference"]
    for options in ({"method": "ipw", "equations": "calibration"}, {"equations": "bias_minimising"}):
        w = nonprobability(**arguments, **options).weights
        assert w is not None and w.sum() == pytest.approx(weights.sum())
        assert w @ arguments["x"]["age"] == pytest.approx(weights @ z["age"])
        assert w @ (arguments["x"]["shop"] == "b") == pytest.approx(weights @ (z["shop"] == "b"))


def test_logistic_likelihood_and_moments_are_the_same_equations() -> None:
    arguments = small()
    likelihood, moments = (nonprobability(**arguments, equations=equations) for equations in ("likelihood", "moments"))
    np.testing.assert_allclose(likelihood.estimate, moments.estimate, rtol=1e-10)
    p, z = likelihood.propensities, arguments["x"]
    assert p is not None and p.shape == (150,) and 0 < p.min() == likelihood.smallest_propensity[0]
    assert likelihood.estimated_population[0] == pytest.approx((1 / p).sum()) and len(z["age"]) == likelihood.n


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_bias_minimising_does_not_lean_on_either_model(family: str, link: str) -> None:
    """At the solution the derivative of the doubly robust estimate to all parameters is 0 (Yang, Kim & Song 2020, eqs. 9-10)."""
    from scipy import special

    from vocstats.nonresponse.integration.bias_minimising import fit_jointly

    rng = np.random.default_rng(3)
    z = np.column_stack([np.ones(400), rng.normal(size=(400, 2))])
    d = rng.uniform(5.0, 15.0, 400)
    x = np.column_stack([np.ones(250), rng.normal(0.4, 1.0, (250, 2))])
    y = (rng.random(250) < special.expit(x @ [0.2, 1.0, -0.5])).astype(float)
    chosen, _ = fit_jointly(y, x, z, np.ones(250), d, link, family)  # type: ignore[arg-type]

    def estimate(theta: np.ndarray) -> float:
        alpha, beta = theta[:3], theta[3:]
        inverse = {"logit": special.expit, "probit": special.ndtr, "cloglog": lambda eta: -np.expm1(-np.exp(eta))}[link]
        m = special.expit if family == "binomial" else np.asarray
        return float(((y - m(x @ beta)) / inverse(x @ alpha)).sum() + d @ m(z @ beta)) / d.sum()

    theta = chosen.fit.parameters if family == "binomial" else np.concatenate([chosen.fit.parameters])
    assert theta.size == 6
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        assert abs(estimate(theta + step) - estimate(theta - step)) / 2e-5 < 1e-7


def test_a_census_a_registry_and_totals_are_the_same_population() -> None:
    rng = np.random.default_rng(4)
    size = 2000
    everybody = {"age": rng.normal(50.0, 10.0, size), "shop": np.array(["a", "b", "c"])[rng.integers(0, 3, size)]}
    inside = np.flatnonzero(rng.random(size) < 1.0 / (1.0 + np.exp(3.0 - 0.02 * everybody["age"])))
    x, y = taken(everybody, inside), 0.1 * everybody["age"][inside] + rng.normal(size=inside.size)
    census = {"reference": everybody, "weights": np.ones(size), "design": Design(fpc=np.full(size, float(size)))}
    for method in ("ipw", "mass_imputation", "doubly_robust"):
        of_registry = nonprobability(y, x, registry=everybody, method=method)
        of_census = nonprobability(y, x, **census, method=method)
        np.testing.assert_allclose(of_registry.std_error, of_census.std_error)
        assert of_registry.variance_reference[0] == 0
    totals = {"age": everybody["age"].sum(), "shop": pd.Series(everybody["shop"]).value_counts().to_dict()}
    for method in ("ipw", "mass_imputation", "doubly_robust"):
        of_totals = nonprobability(y, x, totals=totals, population=size, method=method)
        equations = None if method == "mass_imputation" else "calibration"
        same = nonprobability(y, x, registry=everybody, population=size, method=method, equations=equations)  # type: ignore[arg-type]
        np.testing.assert_allclose(of_totals.estimate, same.estimate)
        np.testing.assert_allclose(of_totals.std_error, same.std_error, rtol=1e-6)
        assert np.isnan(of_totals.n_reference)


def test_covariance_of_totals_is_the_design_variance_of_the_sample_they_come_from() -> None:
    arguments = small()
    weights, z, m = arguments["weights"], arguments["reference"], 120
    weights = weights * 6000 / weights.sum()
    columns = np.column_stack([z["age"], z["visits"], *(z["shop"] == level for level in "abc")]).astype(float)
    sums = weights @ columns
    totals = {"age": sums[0], "visits": sums[1], "shop": dict(zip("abc", sums[2:], strict=True))}
    centred = (columns - sums / 6000) * weights[:, None]  # N is known: totals are means times N
    covariance = m / (m - 1) * centred.T @ centred
    own = {"y": arguments["y"], "x": arguments["x"]}
    for method in ("ipw", "mass_imputation", "doubly_robust"):
        of_totals = nonprobability(**own, totals=totals, population=6000, totals_covariance=covariance, method=method)
        equations = None if method == "mass_imputation" else "calibration"
        of_rows = nonprobability(**own, reference=z, weights=weights, method=method, equations=equations)  # type: ignore[arg-type]
        np.testing.assert_allclose(of_totals.estimate, of_rows.estimate)
        np.testing.assert_allclose(of_totals.variance_reference, of_rows.variance_reference, rtol=1e-3)  # N known, and not


def test_the_chain_of_the_reference_enters_its_variance() -> None:
    arguments = small()
    z = arguments["reference"]
    chain = calibrate({"age": z["age"]}, {"age": 240_000.0}, base_weights=arguments["weights"])
    r = nonprobability(**{**arguments, "weights": chain}, method="mass_imputation")
    codes = np.column_stack([np.ones(120), z["age"], z["visits"], z["shop"] == "b", z["shop"] == "c"]).astype(float)
    own = np.column_stack([np.ones(150), *(arguments["x"][k] for k in ("age", "visits")), *(arguments["x"]["shop"] == k for k in "bc")])
    predicted = codes @ np.linalg.lstsq(own.astype(float), arguments["y"], rcond=None)[0]
    expected = mean(predicted, chain, design=arguments["design"])
    assert r.estimate[0] == pytest.approx(expected.estimate)
    assert r.variance_reference[0] == pytest.approx(expected.std_error**2)
    assert "calibrate" in r.variance_accounts_for


def test_bootstrap() -> None:
    arguments = small(5, sample=400, reference=400)
    arguments["design"] = Design(strata=np.arange(400) % 4)
    for options in ({"method": "ipw"}, {"method": "mass_imputation"}, {}, {"equations": "bias_minimising"}):
        linear = nonprobability(**arguments, **options)
        drawn = nonprobability(**arguments, **options, variance="bootstrap", replicates=120, seed=3)
        assert drawn.std_error[0] == pytest.approx(linear.std_error[0], rel=0.25)
        assert drawn.estimate[0] == linear.estimate[0] and "replicates" in drawn.variance_accounts_for
    again, other = (nonprobability(**arguments, variance="bootstrap", replicates=20, seed=seed) for seed in (3, 4))
    assert again.std_error[0] == nonprobability(**arguments, variance="bootstrap", replicates=20, seed=3).std_error[0]
    assert again.std_error[0] != other.std_error[0] and np.isnan(again.variance_sample[0])


def test_result_reads_back_and_reads_out() -> None:
    arguments = small()
    r = nonprobability(**arguments)
    back = vs.load(json.loads(r.to_json()))
    assert isinstance(back, NonprobabilityEstimate) and back.propensities is None and back.weights is None
    assert back.std_error.tolist() == r.std_error.tolist() and back.assumptions[0].values == {"auxiliaries": "age, visits, shop"}
    assert r.tidy()["term"].tolist() == ["doubly_robust", "naive"]
    assert "age, visits, shop" in r.summary() and "双重稳健" in r.summary("zh")
    assert [a.testable for a in r.assumptions] == ["no", "partly", "partly", "partly", "partly"]
    assert r.to_frame().loc[0, "outcome"] == "y"


def _bad(**changes: Any) -> dict[str, Any]:
    return {**small(), **changes}


X, Z = small()["x"], small()["reference"]


def _totals(totals: dict[str, Any]) -> dict[str, Any]:
    return _bad(x={"shop": X["shop"]}, reference=None, weights=None, design=None, totals=totals, population=9e3)


REFUSED = [
    (_bad(weights=None), "reference_needs_weights", InputError),
    (_bad(registry=Z), "one_reference", InputError),
    (_bad(reference=None), "one_reference", InputError),
    (_bad(reference=None, registry=Z), "needless_beside_reference", InputError),
    (_bad(reference=None, weights=None, design=None, totals={"age": 1.0}), "totals_need_population", InputError),
    (_bad(reference=None, weights=None, design=None, totals=[1.0], population=9e3), "totals_not_a_mapping", InputError),
    (_bad(reference=None, weights=None, design=None, totals={"age": 1.0}, population=9e3), "column_not_in_reference", InputError),
    (_totals({"shop": {"a": 5e3}}), "level_without_total", InputError),
    (_totals({"shop": {"a": 5e3, "b": 5e3, "c": 1e3}}), "totals_not_population", InputError),
    (_bad(totals_covariance=[[1.0]]), "covariance_without_totals", InputError),
    (_bad(reference={"age": Z["age"]}), "column_not_in_reference", InputError),
    (_bad(reference={**Z, "age": Z["age"].astype(str)}), "numbers_and_labels", InputError),
    (_bad(reference={**Z, "age": Z["age"][:5]}), "wrong_length", InputError),
    (_bad(reference={**Z, "age": np.where(Z["age"] > 60, np.nan, Z["age"])}), "missing_or_infinite", InputError),
    (_bad(x={**X, "shop": [None, *X["shop"][1:].tolist()]}), "missing_labels", InputError),
    (_bad(y=np.full(150, np.nan)), "missing_or_infinite", InputError),
    (_bad(y=["1"] * 150), "not_numeric", InputError),
    (_bad(y={}), "no_columns", InputError),
    (_bad(x={}), "no_columns", InputError),
    (_bad(counts=np.zeros(150)), "sample_empty", InputError),
    (_bad(weights=np.zeros(120)), "reference_without_weight", InputError),
    (_bad(weights=-np.ones(120)), "negative", InputError),
    (_bad(weights=np.full(120, np.inf)), "missing_or_infinite", InputError),
    (_bad(weights=np.ones(120)), "more_in_sample_than_reference", IdentificationError),
    (_bad(x={"age": X["age"]}, weights=np.ones(120)), "sample_exceeds_reference", InputError),
    (_bad(design=Design(strata=[1, 2])), "wrong_length", InputError),
    (_bad(population=10), "out_of_bounds", InputError),
    (_bad(reference={**Z, "shop": np.where(np.arange(120) < 3, "d", Z["shop"])}), "level_not_in_sample", IdentificationError),
    (_bad(x={**X, "shop": np.where(np.arange(150) < 3, "d", X["shop"])}), "level_not_in_reference", IdentificationError),
    (_bad(x={**X, "age": np.ones(150)}), "constant_in_sample", IdentificationError),
    (_bad(method="magic"), "not_a_choice", InputError),
    (_bad(method="ipw", equations="bias_minimising"), "integration_equations", InputError),
    (_bad(imputation="nearest_neighbour"), "integration_imputation", InputError),
    (_bad(method="mass_imputation", imputation="nearest_neighbour", variance="bootstrap"), "integration_variance", InputError),
    (_bad(**OBSERVED, family="binomial"), "integration_match_on", InputError),
    (_bad(equations="bias_minimising", outcome_columns=["age"]), "columns_differ", InputError),
    (_bad(method="ipw", outcome_columns=["age"]), "not_with_method", InputError),
    (_bad(method="mass_imputation", equations="moments"), "not_with_method", InputError),
    (_bad(propensity_columns=["Age"]), "unknown_columns", InputError),
    (_bad(donors=1.5), "not_whole", InputError),
    (_bad(y=[1.0, 2.0, 3.0], x=taken(X, [0, 1, 2])), "level_not_in_sample", IdentificationError),
    (_bad(y=[1.0, 2.0, 4.0], x={"age": [1.0, 2.0, 5.0], "visits": [1.0, 3.0, 2.0]}), "too_few_for_model", InputError),
    (_bad(family="binomial", y=np.arange(150.0)), "outcome_off_family", InputError),
    (_bad(family="poisson", y=np.arange(150.0) - 5.0), "outcome_off_family", InputError),
]


@pytest.mark.parametrize(("arguments", "code", "kind"), REFUSED, ids=[code for _, code, _ in REFUSED])
def test_refused(arguments: dict[str, Any], code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        nonprobability(**arguments)
    error = caught.value
    assert error.code == code and error.argument  # type: ignore[attr-defined]
    chinese = message(error, "zh")  # type: ignore[arg-type]
    assert chinese != str(error) and "{" not in chinese.replace("{列名", "").replace("{水平", "")


def test_samples_that_do_not_overlap_do_not_converge() -> None:
    x, z = np.linspace(0.0, 1.0, 50), np.linspace(2.0, 3.0, 60)
    with pytest.raises((ConvergenceError, IdentificationError)):
        nonprobability(x, x, reference=z, weights=np.full(60, 10.0), method="ipw")


def test_a_level_missing_in_the_reference_may_be_imputed() -> None:
    shop = np.where(np.arange(150) < 3, "d", X["shop"])
    assert np.isfinite(nonprobability(**_bad(x={**X, "shop": shop}), method="mass_imputation").std_error[0])


def test_categories_and_series_are_labels_and_mappings() -> None:
    arguments = small()
    codes = {"a": 10, "b": 20, "c": 30}

    def coded(columns: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame({"age": columns["age"], "shop": pd.Categorical([codes[shop] for shop in columns["shop"].tolist()])})

    plain = {key: {name: arguments[key][name] for name in ("age", "shop")} for key in ("x", "reference")}
    categories = {key: coded(arguments[key]) for key in ("x", "reference")}
    np.testing.assert_allclose(nonprobability(**{**arguments, **categories}).std_error, nonprobability(**{**arguments, **plain}).std_error)
    sums = pd.Series({10: 3000.0, 20: 2000.0, 30: 1000.0})
    own = {"y": arguments["y"], "x": categories["x"], "population": 6000}
    of_series = nonprobability(**own, totals={"age": 300_000.0, "shop": sums}, method="ipw")
    of_mapping = nonprobability(**own, totals={"age": 300_000.0, "shop": sums.to_dict()}, method="ipw")
    assert of_series.estimate == of_mapping.estimate


def test_a_level_borne_only_at_weight_zero_does_not_matter() -> None:
    arguments = small()
    arguments["design"] = Design()
    plain = nonprobability(**arguments)
    reference = {name: np.append(column, "z" if name == "shop" else column[0]) for name, column in arguments["reference"].items()}
    other = nonprobability(**{**arguments, "reference": reference, "weights": np.append(arguments["weights"], 0.0)})
    np.testing.assert_allclose(other.std_error, plain.std_error)
