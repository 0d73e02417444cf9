"""The same cells, exactly, from every kind of table, and values back to every kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from customer_base.small_base import KINDS, converter

from vocstats import CustomerBase, Source
from vocstats.tables import table as table_module

SIZE = 600


def world(seed=5):
    """A registry with every difficulty that is allowed, its answers, calls, interviews and contact log."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{k:05d}" for k in rng.permutation(SIZE)])
    region = rng.choice(np.array(["北京", "上海", "Łódź", None], object), SIZE)
    registry = pd.DataFrame(
        {
            "id": ids,
            "gone": rng.random(SIZE) < 0.25,
            "region": region,
            "rooms": rng.integers(1, 5, SIZE),
            "tenure": np.where(rng.random(SIZE) < 0.1, np.nan, rng.integers(1, 72, SIZE)),
            "warranty": rng.random(SIZE) < 0.5,
            "weight": rng.choice([0.5, 1.0, 1 / 3], SIZE),
            "district": rng.choice(["d1", "d2"], SIZE),
            "dealer": rng.choice([f"D{k}" for k in range(9)], SIZE),
        }
    )
    active, gone = ids[~registry["gone"]], ids[registry["gone"]]
    heard = rng.choice(active, 90, replace=False)
    rest = rng.permutation(np.setdiff1d(active, heard))
    calls = rest[:60]
    survey = pd.DataFrame({"id": np.r_[heard, gone[:20]], "csi": rng.integers(1, 11, 110).astype(float), "day": pd.Timestamp("2026-07-01")})
    survey.loc[::11, "csi"] = np.nan
    survey = pd.concat([survey, survey.iloc[:5].assign(csi=5.0, day=pd.Timestamp("2026-08-01"))])
    follow_up = pd.DataFrame({"id": calls, "csi": np.where(rng.random(60) < 0.5, np.nan, 6.0), "p": rng.choice([0.1, 0.25], 60)})
    exits = pd.DataFrame({"id": gone[20:60], "csi": rng.integers(1, 5, 40), "selected": rng.random(40) < 0.8})
    invited = np.r_[heard, calls, rest[60:200]]
    log = pd.DataFrame({"id": invited, "how": np.r_[["complete"] * 90, rng.choice(["refusal", "noncontact"], 200)]})
    return registry, survey, follow_up, exits, log


COLUMNS = ("region", "rooms", "band", "warranty")


def build(convert, to_registry=None, order=None):
    registry, survey, follow_up, exits, log = (frame if order is None else frame.sample(frac=1, random_state=order) for frame in world())
    base = CustomerBase.from_frames(
        (to_registry or convert)(registry),
        id="id",
        churned="gone",
        dealer="dealer",
        base_weight="weight",
        stratum="district",
        cluster=["dealer", "rooms"],
        bands={"band": {"from": "tenure", "upper": [12, 24], "labels": ["z", "a", "m"]}},
        missing={"region": "unknown", "band": "no date"},
        answers={
            "survey": Source(convert(survey), date="day", repeated="last", contact={"frame": convert(log), "outcome": "how"}),
            "follow_up": Source(convert(follow_up), selection_probability="p"),
            "exit_interview": Source(convert(exits), selected="selected"),
        },
    )
    return base, base.cells(COLUMNS, outcome="csi", scale=(1, 10))


def assert_same(mine, theirs):
    for name in ("counts", "group", "source", "drawn", "outcome", "selection_probability", "base_weight", "stratum"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)
    for one, other in zip(mine.cluster, theirs.cluster, strict=True):
        np.testing.assert_array_equal(one, other)
    for name in COLUMNS:
        np.testing.assert_array_equal(mine.columns[name], theirs.columns[name])
        assert mine.levels[name].tolist() == theirs.levels[name].tolist()
        assert mine.levels[name].dtype == theirs.levels[name].dtype


@pytest.fixture(scope="module")
def expected():
    return build(converter("pandas"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_cells_from_every_engine(expected, kind):
    base, cells = build(converter(kind))
    assert_same(cells, expected[1])
    pd.testing.assert_frame_equal(base.group_table("csi"), expected[0].group_table("csi"))
    pd.testing.assert_frame_equal(base.fieldwork("dealer"), expected[0].fieldwork("dealer"))
    pd.testing.assert_frame_equal(base.set_aside, expected[0].set_aside)
    assert base.response_rates == expected[0].response_rates and base.findings == expected[0].findings


def test_large_pandas_tables_take_the_engines_way_to_the_same_cells(expected, monkeypatch):
    monkeypatch.setattr(table_module, "_NEAR", 0)
    assert_same(build(converter("pandas"))[1], expected[1])


@pytest.mark.parametrize("kind", ["pandas", "polars_lazy", "pyarrow", "duckdb"])
@pytest.mark.parametrize("registry_kind", ["polars", "duckdb", "pyarrow", "pandas"])
def test_tables_of_different_kinds_mix(expected, kind, registry_kind):
    assert_same(build(converter(kind), converter(registry_kind))[1], expected[1])


@pytest.mark.parametrize("kind", ["pandas", "polars_lazy", "duckdb"])
def test_the_order_of_rows_does_not_matter(expected, kind):
    assert_same(build(converter(kind), order=3)[1], expected[1])


def test_cells_are_what_counting_customers_one_by_one_gives(expected):
    registry, *_ = world()
    base, cells = expected
    region = registry["region"].fillna("unknown")
    for code, label in enumerate(cells.levels["region"]):
        assert cells.counts[cells.columns["region"] == code].sum() == (region == label).sum()
    assert cells.levels["region"].tolist() == sorted(cells.levels["region"].tolist())
    assert cells.levels["band"].tolist() == ["z", "a", "m", "no date"]
    assert cells.levels["rooms"].dtype.kind == "i" and cells.levels["warranty"].dtype == bool
    assert cells.counts.sum() == base.n == SIZE
    np.testing.assert_allclose((cells.counts * cells.base_weight).sum(), registry["weight"].sum(), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_values_go_back_to_every_customer(expected, kind):
    registry, *_ = world()
    base, cells = build(converter(kind))
    spread = base.spread(np.arange(len(cells)), cells, name="cell")
    native = spread.collect() if kind == "polars_lazy" else spread
    frame = native if kind == "pandas" else native.df() if kind == "duckdb" else native.to_pandas()
    cell = frame.set_index("id")["cell"].astype(int)
    assert type(spread).__module__.split(".")[0] == kind.split("_")[0] or kind == "duckdb"
    assert np.array_equal(np.bincount(cell, minlength=len(cells)), cells.counts)
    region = registry.set_index("id")["region"].fillna("unknown")
    assert (cells.levels["region"][cells.columns["region"][cell.loc[region.index]]] == region.to_numpy()).all()
    weight = registry.set_index("id")["weight"]
    assert (cells.base_weight[cell.loc[weight.index]] == weight.to_numpy()).all()


@pytest.mark.parametrize("kind", KINDS)
def test_whole_number_ids_match_text_of_the_same_spelling(kind):
    convert = converter(kind)
    registry = pd.DataFrame({"id": [123456789012345678, 7, 8], "gone": [0, 0, 1]})
    survey = pd.DataFrame({"id": ["123456789012345678", "7"], "csi": [9, 8]})
    assert CustomerBase.from_frames(convert(registry), id="id", churned="gone", answers={"survey": convert(survey)}).groups[
        "customers"
    ].tolist() == [2, 0, 1, 0]
    floats = pd.DataFrame({"id": [7.0, 8.0, 9.0], "gone": [0, 0, 1]})
    assert CustomerBase.from_frames(convert(floats), id="id", churned="gone", answers={"survey": convert(survey.iloc[1:])}).n == 3


@pytest.mark.parametrize("kind", KINDS)
def test_all_missing_columns(kind):
    convert = converter(kind)
    registry = pd.DataFrame({"id": ["a", "b", "c"], "gone": pd.to_datetime([None] * 3), "note": pd.Series([None] * 3, dtype="string")})
    survey = pd.DataFrame({"id": ["a", "b"], "csi": [np.nan, 8.0]})
    base = CustomerBase.from_frames(
        convert(registry), id="id", churned="gone", reference_date="2026-09-30", missing="level", answers={"survey": convert(survey)}
    )
    cells = base.cells(["note"], outcome="csi")
    assert cells.levels["note"].tolist() == ["missing"] and cells.counts.sum() == 3


def test_unheard_customers_stay_on_the_engine(monkeypatch):
    """No query brings more rows home than there are cells or answers."""
    sizes = []
    real = table_module.bring_home
    monkeypatch.setattr(table_module, "bring_home", lambda frame: sizes.append(len(frame)) or real(frame))
    _, cells = build(converter("duckdb"))
    assert max(sizes) < SIZE and cells.counts.sum() == SIZE


def test_relations_of_two_connections_join(expected):
    one, two = converter("duckdb"), converter("duckdb")
    assert_same(build(one, two)[1], expected[1])


def test_the_callers_database_is_left_as_it_was():
    import duckdb

    connection = duckdb.connect()
    registry, survey, *_ = world()
    connection.register("registry", registry)
    connection.register("survey", survey)
    before = connection.sql("show tables").fetchall()
    relations = connection.sql("select * from registry"), connection.sql("select distinct on (id) * from survey order by id, day")
    base = CustomerBase.from_frames(relations[0], id="id", churned="gone", answers={"survey": relations[1]})
    cells = base.cells(["dealer"], outcome="csi")
    base.spread(np.ones(len(cells)), cells).fetchall()
    assert connection.sql("show tables").fetchall() == before
