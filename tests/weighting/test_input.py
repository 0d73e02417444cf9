"""What a column may hold: labels stay what they are, what is hidden or missing is never data, options are whole where they count."""

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.estimation import mean, replicate
from vocstats.weighting import balance, calibrate, design_effect, positivity, poststratify, rake, trim, weight_by_propensity

TARGETS = {"s": {"a": 10.0, "b": 20.0}}
MARGINS = {"s": ["a", "a", "b", "b"]}
HIDDEN = np.ma.masked_array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, False])
HEARD = [True, False, True, True, False, True, False, True]


@pytest.mark.parametrize(
    ("call", "argument", "code"),
    [
        (lambda: rake(MARGINS, TARGETS, base_weights=HIDDEN), "base_weights", "missing_or_infinite"),
        (lambda: rake(MARGINS, TARGETS, counts=HIDDEN), "counts", "missing_or_infinite"),
        (lambda: calibrate(HIDDEN, [10.0]), "x['x0']", "missing_or_infinite"),
        (lambda: calibrate({"age": HIDDEN}, {"age": 10.0}), "x['age']", "missing_or_infinite"),
        (lambda: poststratify(np.ma.masked_array([1, 2, 1, 2], mask=[0, 0, 0, 1]), {1: 3, 2: 4}), "margins['cells']", "missing_labels"),
        (lambda: weight_by_propensity({"age": HIDDEN}, HEARD[:4]), "x['age']", "missing_or_infinite"),
        (lambda: mean(HIDDEN), "y", None),
    ],
)
def test_what_a_mask_hides_is_missing(call, argument, code):
    with pytest.raises(InputError) as refused:
        call()
    assert (refused.value.argument, refused.value.code if code else None) == (argument, code)
    assert list(refused.value.rows) in ([1], [3])


def test_an_empty_mask_hides_nothing():
    whole = np.ma.masked_array([1.0, 2.0, 3.0, 4.0])
    expected = rake(MARGINS, TARGETS, base_weights=[1, 2, 3, 4]).values
    np.testing.assert_array_equal(rake(MARGINS, TARGETS, base_weights=whole).values, expected)


@pytest.mark.parametrize("hole", [float("nan"), np.nan, None])
def test_a_missing_label_beside_text_is_not_the_text_nan(hole):
    with pytest.raises(InputError, match=r"missing labels, at rows 1"):
        rake({"s": ["a", hole, "b", "b"]}, {"s": {"a": 10, "b": 20, "nan": 5, "None": 5}})


def test_numbers_in_a_list_beside_text_stay_numbers():
    assert rake({"s": [1, "a", 1, "a"]}, {"s": {1: 10, "a": 20}}).values.tolist() == [5.0, 10.0, 5.0, 10.0]
    assert sorted(mean([1.0, 3.0, 5.0], by=["1", 1, "1"]).estimate.tolist()) == [3.0, 3.0]


def test_numbers_held_as_objects_are_numbers_to_a_response_model():
    age = [31.0, 22, 45, 60, 38, 27, 51, 33]
    expected = weight_by_propensity({"age": age}, HEARD).values
    np.testing.assert_array_equal(weight_by_propensity({"age": np.array(age, object)}, HEARD).values, expected)
    with pytest.raises(InputError, match=r"x\['age'\] has 1 missing or infinite values, at rows 2"):
        weight_by_propensity({"age": [31.0, 22, None, 60, 38, 27, 51, 33]}, HEARD)


@pytest.mark.parametrize("unit", [1e-200, 1e-20, 1e20, 1e200])
def test_the_unit_of_a_covariate_and_of_weights_does_not_matter(unit):
    age = np.array([31.0, 22, 45, 60, 38, 27, 51, 33])
    expected = weight_by_propensity({"age": age}, HEARD).values
    np.testing.assert_allclose(weight_by_propensity({"age": age * unit}, HEARD).values, expected, rtol=1e-9)
    assert design_effect(age * unit) == pytest.approx(design_effect(age), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: rake(MARGINS, TARGETS, max_iter=2.5), "max_iter"),
        (lambda: rake(MARGINS, TARGETS, max_iter=np.inf), "max_iter"),
        (lambda: calibrate({"s": [1, 2]}, {"s": 9}, max_iter=np.inf), "max_iter"),
        (lambda: calibrate({"s": [1, 2]}, {"s": np.inf}), "totals['s']"),
        (lambda: weight_by_propensity({"s": range(8)}, HEARD, estimator="classes", classes=2.5), "classes"),
        (lambda: weight_by_propensity({"s": range(8)}, HEARD, estimator="ridge", penalty=np.inf), "penalty"),
        (lambda: replicate([1, 2, 3], replicates=10.5), "replicates"),
        (lambda: replicate([1, 2, 3], replicates=np.inf), "replicates"),
        (lambda: replicate([1, 2, 3], seed=0.5), "seed"),
    ],
)
def test_whole_and_finite_options(call, argument):
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.argument == argument


def test_shapes_that_hold_no_rows_or_no_numbers():
    with pytest.raises(InputError, match="one dimension"):
        calibrate(np.ones((2, 2, 2)), [5.0, 5.0])
    with pytest.raises(InputError, match="has 1 entries"):
        calibrate(np.ones((4, 2)), [8.0])
    with pytest.raises(InputError, match=r"must have one dimension"):
        rake({"s": [0, 1]}, {"s": 5})
    with pytest.raises(Exception, match="Nobody was heard"):
        calibrate(np.ones((0, 1)), [8.0])


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        (np.ones(4), "not_a_table"), (np.full((4, 2), "a"), "not_a_table"), (-np.ones((4, 2)), "not_a_table"),
        (np.full((4, 2), np.nan), "not_a_table"), (np.ones((4, 0)), "not_a_table"), (np.full((4, 1), np.inf), "not_a_table"),
        (np.ones((3, 2)), "wrong_length"), (2.0, "not_one_dimensional"),
    ],
)
def test_multiplicities_are_a_table(counts, code):
    with pytest.raises(InputError) as refused:
        rake(MARGINS, TARGETS).rerun_many(counts)
    assert (refused.value.argument, refused.value.code) == ("counts", code)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda w: w.pullback(1.0), "u"),
        (lambda w: w.pullback(np.ones(4), since=-1), "since"),
        (lambda w: w.rerun(np.ones(4), shift=[np.nan]), "shift"),
        (lambda w: w.to_frame(id=7), "id"),
        (lambda w: replicate(3.0), "w"),
        (lambda w: replicate("abc"), "w"),
    ],
)
def test_wrong_shapes_are_named(call, argument):
    with pytest.raises(InputError) as refused:
        call(rake(MARGINS, TARGETS))
    assert refused.value.argument == argument


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: balance({}, rake(MARGINS, TARGETS)), "columns"), (lambda: balance(MARGINS, [1.0, 1, 1, 1]), "weights"),
        (lambda: positivity({}, HEARD), "columns"),
    ],
)
def test_diagnostics_need_columns_and_a_chain(call, argument):
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.argument == argument


def test_lazy_tables_are_refused():
    pl = pytest.importorskip("polars")
    with pytest.raises(InputError, match="lazy"):
        rake(pl.LazyFrame(MARGINS), TARGETS)


def test_many_classes_cost_what_few_do():
    n = 40_000
    cells, heard = np.arange(n) // 2, np.arange(n) % 2 == 0
    w = weight_by_propensity(None, heard, estimator="classes", classes=cells)
    np.testing.assert_array_equal(w.values[heard], 2.0)
    assert w.steps[-1].group_labels[-1] == (n // 2 - 1,)


def test_a_trimmed_chain_of_tiny_weights_is_that_of_ordinary_ones():
    w = np.array([1.0, 1.0, 1.0, 6.0])
    np.testing.assert_allclose(trim(w * 1e-200, upper=1.5).values, trim(w, upper=1.5).values * 1e-200, rtol=1e-12)
