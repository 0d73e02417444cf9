"""What `estimate_pain_points` refuses, and what it says then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.pain_worlds import cells, options, tiny, world

import vocstats as vs
from vocstats import texts
from vocstats.prevalence import Taxonomy
from vocstats.workflows.pain_observations import read_observations
from vocstats.workflows.pain_tables import PainColumns, read_frame

Change = Callable[[pd.DataFrame], pd.DataFrame]


def first(column: str, value: Any, rows: int = 1) -> Change:
    """The table with other values in the first rows of a column."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        values = table[column].astype(object)
        values.iloc[:rows] = value
        return table.assign(**{column: values if isinstance(value, str) or value is None else values.astype(float)})

    return change


def without(condition: str) -> Change:
    return lambda table: table.query(f"not ({condition})")


def emptied(pain: str) -> Change:
    return lambda table: table.assign(**{name: table[name].where(table["pain_point"] != pain, 0) for name in ("positive", "n")})


def twice(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[[2]]])


def turned(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(truth=1 - table["truth"])


BAD: dict[str, tuple[dict[str, Change], dict[str, Any], str, str]] = {
    "positives above n": ({"observations": first("positive", 1e4)}, {}, "positives_above_n", r"'positive' exceeds 'n' at rows 0"),
    "cell absent": ({"frame": without("segment == 'S02' and dealer == 'D0003'")}, {}, "cell_not_in_frame", r"S02 / D0003 / engaged"),
    "unknown segment": ({"observations": first("segment", "S9")}, {}, "cell_not_in_frame", r"information_overload / S9 / D0001"),
    "no such customers": ({"frame": first("customers", 3)}, {}, "more_than_customers", r"counts more customers than the frame"),
    "pain without data": ({"observations": emptied("price_value")}, {}, "pain_without_data", r"'price_value' have no data at all"),
    "dealer without customers": (
        {"frame": lambda t: t.assign(customers=t["customers"].where(t["dealer"] != "D0004", 0))}, {}, "no_customers",
        r"'D0004' have no customers",
    ),
    "nobody engaged": ({"frame": without("response_group == 'engaged'")}, {}, "nobody_engaged", r"no 'engaged'"),
    "repeated": ({"observations": twice}, {}, "repeated_cell", r"observations has more than one row of .* again at rows 420"),
    "repeated frame": ({"frame": twice}, {}, "repeated_cell", r"frame has more than one row"),
    "missing count": ({"observations": first("n", np.nan)}, {}, "missing_or_infinite", r"n has 1 missing"),
    "missing label": ({"observations": first("dealer", None)}, {}, "cell_not_in_frame", r"None"),
    "missing pain": ({"observations": first("pain_point", None)}, {}, "missing_labels", r"pain_point has 1 missing labels, at rows 0"),
    "negative": ({"observations": first("positive", -1)}, {}, "negative", r"positive must not be negative"),
    "weighted": ({"observations": first("n", 100.5)}, {}, "customers_not_whole", r"'n' must hold whole numbers"),
    "text": ({"observations": lambda t: t.assign(n=t["n"].astype(str))}, {}, "text_as_number", r"'n' of observations holds text"),
    "no column": ({"observations": lambda t: t.drop(columns="source")}, {}, "unknown_column", r"no column 'source'"),
    "empty": ({"observations": lambda t: t.iloc[:0]}, {}, "empty_table", r"observations holds no rows"),
    "worse than chance": ({"coder_audit": turned}, {}, "coder_worse_than_chance", r"'information_overload'.* add up to less than 1"),
    "audit above n": ({"coder_audit": first("positive", 999)}, {}, "audit_positives_above_n", r"coder_audit exceeds 'n' at rows 0"),
    "truth not 0 or 1": ({"coder_audit": first("truth", 2)}, {}, "not_true_or_false", r"truth must be true or false"),
    "unknown pain": ({"coder_audit": first("pain_point", "price")}, {}, "unknown_pain", r"'price'. Did you mean 'price_value'"),
    "coder and source": ({"coder_audit": lambda t: t.assign(coder="c")}, {}, "coder_and_source", r"both a column 'coder'"),
    "no audit": ({}, {"coder_audit": None}, "coder_not_audited", r"source 'survey' finds a pain point"),
    "other audit": ({"coder_audit": lambda t: t.assign(source="calls")}, {}, "coder_not_audited", r"source 'survey'"),
    "unknown source": ({}, {"perfect_sources": ["phone"]}, "unknown_source", r"perfect_sources names 'phone'"),
    "half a mention": ({}, {"false_mentions": {"survey": (1, 9)}}, "mention_missing", r"mentions does not"),
    "no beta": ({}, {"mentions": {"survey": 0.3}}, "not_a_beta_pair", r"the pair \(a, b\)"),
    "unknown by": ({}, {"by": "region"}, "unknown_group", r"'region'"),
    "dealer elsewhere": ({}, {"dealer": "shop"}, "dealer_not_in_groups", r"none of the groups"),
    "name taken": ({}, {"groups": ["segment", "dealer", "estimate"]}, "group_name_taken", r"column of its own"),
    "engine": ({}, {"engine": "fast"}, "not_a_choice", r"engine must be one of"),
    "drawn": ({}, {"audit_drawn_by": "label"}, "not_a_choice", r"audit_drawn_by must be one of"),
    "level": ({}, {"level": 1.0}, "out_of_bounds", r"level must lie in"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_named(case: str) -> None:
    changes, other, code, message = BAD[case]
    tables = {"observations": world().observations, "frame": world().frame, "coder_audit": world().coder_audit}
    given = {name: changes.get(name, lambda table: table)(table) for name, table in tables.items()}
    seen = given.pop("observations")
    with pytest.raises(vs.InputError, match=message) as caught:
        vs.estimate_pain_points(seen, **options(**(given | other)))
    assert caught.value.code == code
    assert any("一" <= letter <= "鿿" for letter in texts.message(caught.value, "zh"))


def test_pain_outside_the_taxonomy() -> None:
    observations, frame = tiny()
    with pytest.raises(vs.InputError, match="not in the taxonomy: 'noise'"):
        vs.estimate_pain_points(observations, frame=frame, perfect_sources=["survey"], taxonomy=Taxonomy.default())


def test_an_audit_that_does_not_show_how_it_was_drawn() -> None:
    predicted = vs.datasets.simulate_pain_points(12, seed=73_100, pains=4, segments=3, audit_drawn_by="predicted").coder_audit
    with pytest.raises(vs.InputError, match="does not show how it was drawn") as caught:
        vs.estimate_pain_points(world().observations, **options(coder_audit=predicted))
    assert caught.value.code == "audit_drawing_unknown"


def test_what_cannot_be_asked() -> None:
    observations, frame = tiny(silent=500, follow_up=(20, 50))
    p = vs.estimate_pain_points(observations, frame=frame, perfect_sources=["survey", "follow_up"])
    with pytest.raises(vs.InputError, match="No source has a coder"):
        p.value_of_information()
    assert set(p.source_conflict()["source"]) == {"survey", "follow_up"}
    alone = vs.estimate_pain_points(tiny()[0], frame=tiny()[1], perfect_sources=["survey"])
    with pytest.raises(vs.InputError, match="No source can be left out"):
        alone.source_conflict()


def test_a_million_cells_are_read_in_seconds() -> None:
    segments, dealers, pains = 28, 1_000, 18
    names = ["segment", "dealer", "response_group"]
    index = pd.MultiIndex.from_product([range(segments), range(dealers), ["engaged", "silent"]], names=names)
    frame = index.to_frame(index=False).assign(customers=50)
    seen = frame.loc[frame.index.repeat(pains)].reset_index(drop=True).drop(columns="customers")
    seen = seen.assign(pain_point=np.tile(np.arange(pains), len(frame)), source="survey", positive=1, n=10)
    assert len(seen) > 1_000_000
    columns = PainColumns.checked(
        groups=["segment", "dealer"], dealer="dealer", pain_point="pain_point", response_group="response_group", source="source",
        positive="positive", n="n", frame_count="customers",
    )
    start = time.process_time()
    room = read_frame(frame, columns)
    rows = read_observations(seen, columns, room, coder=None)
    assert time.process_time() - start < 6.0
    assert rows.n.size == len(seen) and rows.n.sum() == 10 * len(seen) and room.customers.shape == (segments, dealers, 2)
    spoilt = seen.assign(dealer=seen["dealer"].where(seen.index != 700_000, 5_000))
    with pytest.raises(vs.InputError, match="rows 700000"):
        read_observations(spoilt, columns, room, coder=None)


def test_rows_of_nobody_change_nothing() -> None:
    observations, frame = tiny()
    more = pd.concat([observations, observations.assign(source="call", positive=0, n=0)])
    known: dict[str, Any] = {"frame": frame, "seed": 3}
    with_nobody = vs.estimate_pain_points(more, perfect_sources=["survey", "call"], **known)
    without_them = vs.estimate_pain_points(observations, perfect_sources=["survey"], **known)
    assert with_nobody.estimate == pytest.approx(without_them.estimate, abs=1e-3)


def test_groups_of_several_columns() -> None:
    kinds = [("n", "a"), ("n", "b"), ("s", "a")]
    rows = [("noise", region, car, "engaged", "survey", 20 + 10 * j, 100) for j, (region, car) in enumerate(kinds)]
    seen = cells(rows, "pain_point region car response_group source positive n")
    frame = cells([(*row[1:4], 100 * (1 + j)) for j, row in enumerate(rows)], "region car response_group customers")
    p = vs.estimate_pain_points(seen, groups=["region", "car"], frame=frame, perfect_sources="survey", by="region")
    assert p.to_frame()["region"].tolist() == ["n", "s"] and p.customers.tolist() == [300.0, 300.0]
    assert p.apparent[0].tolist() == pytest.approx([0.25, 0.4])
    with pytest.raises(vs.InputError, match="more than one row of 'noise / n / engaged / survey'"):
        vs.estimate_pain_points(seen, groups=["region"], frame=frame.drop_duplicates("region"), perfect_sources="survey")
