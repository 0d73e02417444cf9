"""Satisfaction by tenure against figures by hand, against independent routes, on a world with known truth, and against bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.tenure_worlds import GRID, draw, truth

import vocstats as vs
from vocstats import InputError
from vocstats.datasets.truth import OUTSIDE
from vocstats.workflows.cohort_estimates import TERMS

BANDS = (12, 24, 48, 72)
TELCO: dict[str, Any] = {"outcome": "Satisfaction Score", "scale": (1, 5), "tenure": "Tenure in Months", "grid": BANDS}


@pytest.fixture(scope="module")
def tables(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The registry without scores, and everybody with his score and whether he was heard."""
    telco = pd.read_csv(data / "telco" / "telco.csv").fillna({"Internet Type": "None"})
    chosen = pd.read_csv(data / "telco" / "selection_B.csv")
    return telco.drop(columns="Satisfaction Score"), telco.merge(chosen, on="Customer ID", how="left")


@pytest.fixture(scope="module")
def telco_base(tables: tuple[pd.DataFrame, pd.DataFrame]) -> vs.CustomerBase:
    return telco_of(*tables)


def telco_of(registry: pd.DataFrame, everybody: pd.DataFrame) -> vs.CustomerBase:
    heard = everybody[["Customer ID", "Satisfaction Score"]]
    return vs.CustomerBase.from_frames(
        registry, id="Customer ID", churned={"column": "Churn Label", "is": ["Yes"]},
        answers={
            "survey": heard[everybody["active_respondent"] == 1], "exit_interview": heard[everybody["exit_respondent"] == 1],
        },
    )


def kaplan_meier(duration: pd.Series, event: pd.Series) -> pd.Series:
    """S(u) and the at-risk counts month by month, by counting."""
    months = np.arange(1, int(duration.max()) + 1)
    at_risk = np.array([(duration >= u).sum() for u in months])
    leave = np.array([((duration == u) & event).sum() for u in months])
    return pd.DataFrame({"S": np.cumprod(1 - leave / at_risk), "n": at_risk}, index=months)


def by_hand(frame: pd.DataFrame, a: int, b: int) -> tuple[float, float, float]:
    """Naive mean, everybody who bought, and retention, averaged month by month over the band."""
    months, left = frame["Tenure in Months"], frame["Churn Label"] == "Yes"
    curve = kaplan_meier(months, left)
    before = curve["S"].shift(1, fill_value=1.0)
    active = frame[(months > a) & (months <= b) & (frame["active_respondent"] == 1)]["Satisfaction Score"].mean()
    exits = frame[frame["exit_respondent"] == 1]
    at = exits["Tenure in Months"]
    weight = (before / curve["n"]).reindex(at).to_numpy()
    part = np.array([sum(u >= each for u in range(a + 1, b + 1)) / (b - a) for each in at])
    churned = np.average(exits["Satisfaction Score"], weights=weight * part)
    retention = curve["S"].loc[a + 1 : b].mean()
    return active, retention * active + (1 - retention) * churned, retention


def test_telco_by_hand(telco_base: vs.CustomerBase, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    r = vs.track_cohorts(telco_base, **TELCO)
    for k, (a, b) in enumerate(zip((0, *BANDS[:-1]), BANDS, strict=True)):
        active, everybody, retention = by_hand(tables[1], a, b)
        assert r.estimate[0, k] == pytest.approx([active, everybody, r.estimate[0, k, 2]], rel=1e-12)
        assert r.retention[0, k] == pytest.approx(retention, rel=1e-12)
    assert r.band_names() == ("1–12", "13–24", "25–48", "49–72")


def test_one_month_is_the_cohort_mean(telco_base: vs.CustomerBase, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """A band of a single month, the answers of its customers, is `survivorship.cohort_mean` at that month, errors included."""
    frame = tables[1]
    left = (frame["Churn Label"] == "Yes").to_numpy()
    months = frame["Tenure in Months"].to_numpy(float)
    heard = (frame["exit_respondent"] == 1) & (months <= 12) | (frame["active_respondent"] == 1) & (months == 12)
    y = np.where(heard, frame["Satisfaction Score"], np.nan)
    expected = vs.survivorship.cohort_mean(y, months, left, tenure=12)
    part = dict(zip(expected.labels["part"].tolist(), range(5), strict=True))
    r = vs.track_cohorts(telco_base, **{**TELCO, "grid": (11, 12)})
    assert r.estimate[0, 1, 1] == pytest.approx(expected.estimate[part["mean"]], rel=1e-12)
    assert r.retention[0, 1] == pytest.approx(expected.estimate[part["retention"]], rel=1e-12)
    assert r.churned[0, 1] == pytest.approx(expected.estimate[part["churned"]], rel=1e-12)
    assert r.std_error[0, 1, 1] == pytest.approx(expected.std_error[part["mean"]], rel=0.03)  # n/(n - 1) among those heard


def test_one_auxiliary_is_post_stratification(telco_base: vs.CustomerBase, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    r, frame = vs.track_cohorts(telco_base, **TELCO, auxiliaries=["Contract"]), tables[1]
    active = frame[(frame["Churn Label"] == "No") & frame["Tenure in Months"].between(25, 48)]
    share = active.groupby("Contract").size() / len(active)
    means = active[active["active_respondent"] == 1].groupby("Contract")["Satisfaction Score"].mean()
    assert r.active[0, 2] == pytest.approx(float((share * means).sum()), rel=1e-9)
    assert r.merged == ()


def test_had_nobody_left_against_a_grouped_binomial_model(telco_base: vs.CustomerBase, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """S(t | x) from statsmodels on one row per contract and month, as in the runs the baseline has."""
    from statsmodels.genmod.families import Binomial, links
    from statsmodels.genmod.generalized_linear_model import GLM

    frame = tables[1]
    months, left = frame["Tenure in Months"].to_numpy(), (frame["Churn Label"] == "Yes").to_numpy()
    breaks = np.unique(np.floor(np.quantile(months[left], np.arange(1, 24) / 24)))
    breaks = breaks[breaks < months[left].max()]
    contract = frame["Contract"].to_numpy()
    counted = [
        {"contract": level, "month": u, "sum": (left & (months == u) & own).sum(), "size": ((months >= u) & own).sum()}
        for level in np.unique(contract) for own in [contract == level] for u in range(1, 73)
    ]
    cells = pd.DataFrame(counted)
    cells["run"] = np.searchsorted(breaks, cells["month"])
    x = pd.get_dummies(cells[["run", "contract"]].astype(str)).drop(columns="contract_Month-to-Month").astype(float)
    fit = GLM(cells[["sum"]].assign(stay=cells["size"] - cells["sum"]), x, family=Binomial(links.CLogLog())).fit()
    survival = (1 - fit.predict(x)).groupby([cells["contract"], cells["month"]]).first().groupby(level=0).cumprod()
    r = vs.track_cohorts(telco_base, **TELCO, auxiliaries=["Contract"])
    active = frame[~left & (months > 24) & (months <= 48)]
    weight = active.groupby("Contract").size() / active[active["active_respondent"] == 1].groupby("Contract").size()
    heard = active[active["active_respondent"] == 1]
    probability = survival.loc[list(zip(heard["Contract"], heard["Tenure in Months"], strict=True))].to_numpy()
    expected = np.average(heard["Satisfaction Score"], weights=heard["Contract"].map(weight) / probability)
    assert r.estimate[0, 2, 2] == pytest.approx(expected, rel=1e-6)
    assert r.probability[0, 2] == pytest.approx(probability.min(), rel=1e-6)


def test_errors_equal_the_jackknife() -> None:
    """Sixty random groups of customers left out in turn: registry, weights, retention and the model of leaving anew."""
    rng, groups = np.random.default_rng(5), 60
    base = draw(rng, 900, fair=False, truncated=True)
    registry = base._registry.table.native[["id", "tenure", "entry", "left", "channel"]]
    answers = {name: source.source.frame for name, source in base._sources.items()}
    options: dict[str, Any] = {
        "outcome": "score", "scale": (1, 10), "tenure": "tenure", "entry": "entry", "grid": (24, 60), "auxiliaries": ["channel"],
    }
    whole = vs.track_cohorts(base, **options)
    group = dict(zip(registry["id"], rng.permutation(np.arange(len(registry)) % groups), strict=True))
    left_out = []
    for one in range(groups):
        kept = {name: frame[frame["id"].map(group) != one] for name, frame in answers.items()}
        sub = vs.CustomerBase.from_frames(registry[registry["id"].map(group) != one], id="id", churned="left", answers=kept)
        left_out.append(vs.track_cohorts(sub, **options).estimate[0])
    jackknife = np.sqrt((groups - 1) * np.array(left_out).var(axis=0))
    assert whole.std_error[0] == pytest.approx(jackknife, rel=0.3)  # 60 groups tell an error to about a tenth


@pytest.mark.parametrize("truncated", [False, True])
def test_the_truth_is_covered_where_leaving_follows_what_is_known(truncated: bool) -> None:
    base = draw(np.random.default_rng(2), 12_000, fair=True, truncated=truncated)
    r = vs.track_cohorts(
        base, outcome="score", scale=(1, 10), tenure="tenure", entry="entry" if truncated else None, grid=GRID, auxiliaries=["channel"]
    )
    wanted = truth(fair=True)
    assert (np.abs(r.estimate[0, :, 1:] - wanted) < 3 * r.std_error[0, :, 1:]).all()
    assert (r.std_error[0, :, 1:] < 0.12).all()
    assert (r.gap() > 0).all()


def test_groups_are_tracked_from_their_own_customers() -> None:
    base = draw(np.random.default_rng(2), 6000, fair=True)
    options: dict[str, Any] = {"outcome": "score", "scale": (1, 10), "tenure": "tenure", "grid": GRID}
    r = vs.track_cohorts(base, by="channel", **options)
    assert r.labels["channel"].tolist() == ["fleet", "online", "showroom"]
    registry = base._registry.table.native
    alone = vs.CustomerBase.from_frames(
        registry, id="id", churned="left", where={"channel": "online"}, answers={
            name: vs.Source(source.source.frame, unmatched="set_aside") for name, source in base._sources.items()
        },
    )
    one = vs.track_cohorts(alone, **options)
    np.testing.assert_allclose(r.estimate[1], one.estimate[0], rtol=1e-12)
    np.testing.assert_allclose(r.std_error[1], one.std_error[0], rtol=1e-9)
    assert r.overall is not None
    np.testing.assert_allclose(r.overall.estimate, vs.track_cohorts(base, **options).estimate, rtol=1e-12)
    frame = r.tidy()
    assert frame.columns[:4].tolist() == ["channel", "tenure_after", "tenure_to", "term"]
    assert len(frame) == 3 * len(GRID) * 3


def test_the_dates_of_the_window_serve_as_well() -> None:
    """The simulated car maker: tenure and late entry from days, the silent by the follow-up; against the curve with everybody heard."""
    simulated = vs.datasets.simulate_base(12_000, seed=4, blemishes=False)
    auxiliaries = ["age_band", "purchase_channel"]
    options: dict[str, Any] = {"outcome": "csi", "scale": (1, 10), "grid": (24, 48, 96), "auxiliaries": auxiliaries}
    r = vs.track_cohorts(simulated.base(), **options)
    people, registry = simulated.truth.customers, simulated.registry
    inside = (people["group"] != OUTSIDE).to_numpy()
    left = (people["group"] == "churned").to_numpy()[inside]
    bought = registry["purchase_date"][inside]
    until = registry["churn_date"][inside].where(left, pd.Timestamp("2026-09-30"))
    days = (until - bought).dt.days.to_numpy() + 1
    entry = np.maximum((pd.Timestamp("2025-10-01") - bought).dt.days.to_numpy(), 0)
    curve = vs.survivorship.survival_curve(days, left, entry=entry, times=np.arange(1, days.max() + 1))
    edges = np.rint(np.array([0, 24, 48, 96]) * 365.25 / 12).astype(int)
    for k, (a, b) in enumerate(zip(edges[:-1], np.minimum(edges[1:], days.max()), strict=True)):
        assert r.retention[0, k] == pytest.approx(curve.survival[a:b].mean(), rel=1e-9)
        assert r.customers[0, k] == (~left & (days > a) & (days <= b)).sum()
    known = people[["customer_id", "csi"]][inside]
    window = {"joined": "purchase_date", "left": "churn_date", "from": "2025-10-01", "to": "2026-09-30"}
    everybody = vs.CustomerBase.from_frames(
        registry[inside], id="customer_id", churned={"column": "churn_date", "before": "2026-10-01"}, window=window,
        answers={"survey": known[~left], "exit_interview": known[left]},
    )
    true = vs.track_cohorts(everybody, **options)
    assert (np.abs(r.estimate[0, :, 1] - true.estimate[0, :, 1]) < 3 * r.std_error[0, :, 1]).all()
    assert (r.estimate[0, :, 0] - true.estimate[0, :, 1] > 5 * r.std_error[0, :, 1]).any(), "the reported curve is far off"


def test_purchase_cohorts_speak_for_those_who_reached_the_first_day_of_the_window() -> None:
    """Every year of purchase has the tenures it has reached; an engine's dates are the days of any other."""
    import polars as pl

    simulated = vs.datasets.simulate_base(6_000, seed=4, blemishes=False)
    registry = simulated.registry.assign(year=lambda t: t["purchase_date"].dt.year.astype(str))
    text = registry.assign(churn_date=registry["churn_date"].dt.strftime("%Y/%m/%d"))
    lazy = pl.from_pandas(registry).with_columns(pl.col("purchase_date").cast(pl.Date)).lazy()

    def tracked(frame: Any) -> vs.CohortTrack:
        window = {"joined": "purchase_date", "left": "churn_date", "from": "2025-10-01", "to": "2026-09-30"}
        exits = vs.Source(simulated.exit_interview, selected="selected")
        base = vs.CustomerBase.from_frames(
            frame, id="customer_id", churned={"column": "churn_date", "before": "2026-10-01"}, window=window,
            answers={"survey": vs.Source(simulated.survey, unmatched="set_aside"), "exit_interview": exits},
        )
        return vs.track_cohorts(base, outcome="csi", scale=(1, 10), grid=(24, 48, 96), by="year")

    r = tracked(registry)
    years = r.labels["year"].tolist()
    reached = {year: np.isfinite(r.estimate[g, :, 0]).tolist() for g, year in enumerate(years)}
    assert reached["2021"] == [False, False, True]
    assert reached["2025"] == [True, False, False]
    assert r.observed_from[years.index("2021")] == pytest.approx(45, abs=1.1)
    assert r.observed_from[years.index("2026")] == 0
    assert {r.reasons[years.index("2025")][k][1] for k in (1, 2)} == {"no_customers"}
    assert np.isnan(r.retention[years.index("2021")][:2]).all()
    for other in (text, lazy):
        np.testing.assert_allclose(tracked(other).estimate, r.estimate, rtol=1e-12)


def test_groups_nobody_heard_are_missing_with_their_reason() -> None:
    base = draw(np.random.default_rng(3), 900, fair=True)
    registry, survey = base._registry.table.native, base._sources["survey"].source.frame
    quiet = vs.CustomerBase.from_frames(registry, id="id", churned="left", answers={"survey": survey})
    r = vs.track_cohorts(quiet, outcome="score", scale=(1, 10), tenure="tenure", grid=GRID)
    assert np.isnan(r.estimate[0, :, 1]).all()
    assert np.isnan(r.conf_low[0, :, 1]).all()
    assert {reasons[1] for reasons in r.reasons[0]} == {"churned_unheard"}
    assert np.isfinite(r.estimate[0, :, [0, 2]]).all()
    assert "group_unheard" in {assumption.code for assumption in r.assumptions}
    early = survey[survey["id"].isin(registry["id"][registry["tenure"] <= 24])]
    r = vs.track_cohorts(
        vs.CustomerBase.from_frames(registry, id="id", churned="left", answers={"survey": early}), outcome="score", scale=(1, 10),
        tenure="tenure", grid=(*GRID, 84),
    )
    assert r.reasons[0][2] == ("nobody_answered", "active_unheard", "active_unheard")
    assert r.reasons[0][4] == ("nobody_answered", "no_customers", "no_customers")
    assert r.customers[0, 4] == 0


def test_few_answers_give_no_figure() -> None:
    base = draw(np.random.default_rng(3), 900, fair=True)
    registry, exits = base._registry.table.native, base._sources["exit_interview"].source.frame
    answers = {"survey": base._sources["survey"].source.frame, "exit_interview": exits.head(4)}
    r = vs.track_cohorts(
        vs.CustomerBase.from_frames(registry, id="id", churned="left", answers=answers), outcome="score", scale=(1, 10), tenure="tenure",
        grid=(60,),
    )
    assert r.reasons[0][0] == ("", "churned_few", "")


def test_nobody_left_makes_all_three_the_same() -> None:
    base = draw(np.random.default_rng(3), 900, fair=True)
    registry = base._registry.table.native
    stayed = registry[~registry["left"]]
    r = vs.track_cohorts(
        vs.CustomerBase.from_frames(stayed, id="id", churned="left", answers={"survey": base._sources["survey"].source.frame}),
        outcome="score", scale=(1, 10), tenure="tenure", grid=(60,),
    )
    assert r.estimate[0, 0] == pytest.approx([r.estimate[0, 0, 0]] * 3, rel=1e-12)
    assert r.retention[0, 0] == 1


def test_a_share_of_nobody_has_an_exact_limit(telco_base: vs.CustomerBase) -> None:
    r = vs.track_cohorts(telco_base, **TELCO, statistic="bottom_box")
    assert (r.estimate[0, :, 0] == 0).all()
    assert (r.conf_high[0, :, 0] == pytest.approx(1 - 0.025 ** (1 / r.n[0, :, 0]), rel=1e-9))
    assert (r.estimate[0, :, 1] > 0.05).all()
    assert (r.std_error[0, :, 1] > 0).all()


def test_it_is_written_and_read_back(telco_base: vs.CustomerBase) -> None:
    r = vs.track_cohorts(telco_base, **TELCO, by="Contract")
    again = vs.load(r.to_json())
    pd.testing.assert_frame_equal(again.to_frame(), r.to_frame())
    assert again.assumptions[0].text("zh") == r.assumptions[0].text("zh")
    assert again.reasons == r.reasons
    assert "had nobody left" in r.summary().lower()
    assert "假定无客户流失" in r.summary("zh")
    assert list(r.tidy()["term"].unique()) == list(TERMS)


def test_the_same_on_every_engine(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    import polars as pl

    registry, everybody = tables
    columns = ["Customer ID", "Tenure in Months", "Contract", "Churn Label"]
    one = vs.track_cohorts(telco_of(registry[columns], everybody), **TELCO, auxiliaries=["Contract"])
    lazy = pl.DataFrame({name: registry[name].tolist() for name in columns}).lazy()
    two = vs.track_cohorts(telco_of(lazy, everybody), **TELCO, auxiliaries=["Contract"])
    np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-12)
    np.testing.assert_allclose(one.std_error, two.std_error, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tenure": None}, "no_tenure"),
        ({"entry": "entry", "tenure": None}, "no_tenure"),
        ({"tenure": "half"}, "tenure_not_whole"),
        ({"tenure": "holes"}, "tenure_not_whole"),
        ({"entry": "tenure"}, "entry_after_tenure"),
        ({"grid": (12, 6)}, "bad_grid"),
        ({"grid": (6.5, 12)}, "bad_grid"),
        ({"grid": (0, 12)}, "bad_grid"),
        ({"auxiliaries": ["tenure_band"]}, "auxiliary_from_tenure"),
        ({"auxiliaries": ["tenure"]}, "auxiliary_from_tenure"),
        ({"outcome": None}, "no_outcome"),
        ({"tenure": "tenur"}, "unknown_column"),
        ({"tenure": "channel"}, "text_as_number"),
        ({"by": "chanel"}, "unknown_column"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], code: str) -> None:
    source = draw(np.random.default_rng(3), 300, fair=True)
    registry = source._registry.table.native.assign(half=lambda t: t["tenure"] / 2, holes=lambda t: t["tenure"].where(t["id"] > 3))
    base = vs.CustomerBase.from_frames(
        registry, id="id", churned="left", answers={"survey": source._sources["survey"].source.frame},
        bands={"tenure_band": {"from": "tenure", "upper": [12], "labels": ["new", "old"]}},
    )
    with pytest.raises(InputError) as caught:
        vs.track_cohorts(base, **{"outcome": "score", "scale": (1, 10), "tenure": "tenure", **change})
    assert caught.value.code == code


def test_no_base_is_refused() -> None:
    with pytest.raises(InputError, match="CustomerBase"):
        vs.track_cohorts(pd.DataFrame(), outcome="y", scale=(1, 5))  # type: ignore[arg-type]


def test_the_range_is_the_shift_of_those_never_heard(telco_base: vs.CustomerBase, tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """By hand: active customers of the band without an answer, and the share of the leavers without an interview, each by retention."""
    r = vs.track_cohorts(telco_base, **TELCO, silent_shift=(-0.5, 0), churned_shift=(-0.2, 0.3))
    frame = tables[1]
    inside = frame[(frame["Churn Label"] == "No") & frame["Tenure in Months"].between(13, 24)]
    silent = 1 - (inside["active_respondent"] == 1).mean()
    months, left = frame["Tenure in Months"], frame["Churn Label"] == "Yes"
    curve = kaplan_meier(months, left)
    weight = (curve["S"].shift(1, fill_value=1.0) / curve["n"]).reindex(months).to_numpy() * left
    weight *= np.clip((24 - months + 1) / 12, 0, 1)
    unheard = weight[frame["exit_respondent"] != 1].sum()
    assert weight.sum() == pytest.approx(1 - r.retention[0, 1], rel=1e-9)
    assert r.shift_effect[0, 1, 1] == pytest.approx([r.retention[0, 1] * silent, unheard], rel=1e-9)
    assert r.shift_effect[0, 1, 2] == pytest.approx([silent, 0])
    low, high = -0.5 * r.retention[0, 1] * silent - 0.2 * unheard, 0.3 * unheard
    assert r.range_low[0, 1, 1] == pytest.approx(r.estimate[0, 1, 1] + low)
    assert r.range_conf_high[0, 1, 1] == pytest.approx(r.conf_high[0, 1, 1] + high)
    assert np.isnan(r.range_low[0, :, 0]).all()
    share = vs.track_cohorts(telco_base, **TELCO, statistic="top_box", silent_shift=(-0.5, 0))
    assert np.isnan(share.range_low).all()
