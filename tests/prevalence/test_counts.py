"""What a table of counts must hold: each breach has its message and its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prevalence.networks import draw_network

from vocstats import texts
from vocstats.errors import InputError

COUNTS, _ = draw_network(1, pains=2, segments=2)
ROWS = COUNTS.n.size


def with_one(name: str, value: float, at: int = 3) -> dict[str, Any]:
    changed = np.array(getattr(COUNTS, name), float)
    changed.flat[at] = value
    return {name: changed}


@pytest.mark.parametrize(
    ("change", "code", "argument", "rows"),
    [
        (with_one("positive", 1e4), "more_positives_than_n", "positive", (3,)),
        (with_one("positive", -1), "negative", "positive", (3,)),
        (with_one("n", np.nan), "missing_or_infinite", "n", (3,)),
        (with_one("n", -5), "negative", "n", (3,)),
        (with_one("pain", 2), "codes_out_of_range", "pain", (3,)),
        (with_one("segment", -1), "codes_out_of_range", "segment", (3,)),
        (with_one("dealer", 1), "codes_out_of_range", "dealer", (3,)),
        (with_one("group", 0.5), "codes_out_of_range", "group", (3,)),
        (with_one("source", 3), "codes_out_of_range", "source", (3,)),
        (with_one("coder", 1, at=2), "codes_out_of_range", "coder", (2,)),
        (with_one("sensitivity", 0), "not_beta_parameters", "sensitivity", (0,)),
        (with_one("specificity", np.nan), "not_beta_parameters", "specificity", (0,)),
        (with_one("mention", 2.0), "not_beta_parameters", "mention", (0,)),
        (with_one("mode_scale", -1, at=1), "negative", "mode_scale", (1,)),
        (with_one("frame", -1, at=4), "negative", "frame", (4,)),
        ({"positive": COUNTS.positive[:-1]}, "wrong_length", "positive", ()),
        ({"pain": np.array(["a"] * ROWS)}, "not_numeric", "pain", ()),
        ({"frame": COUNTS.frame[0]}, "wrong_shape", "frame", ()),
        ({"sensitivity": COUNTS.sensitivity[:, :1]}, "wrong_shape", "sensitivity", ()),
        ({"mention": COUNTS.mention[:2]}, "wrong_shape", "mention", ()),
        ({"pains": 0}, "out_of_bounds", "pains", ()),
    ],
)
def test_breaches(change: dict[str, Any], code: str, argument: str, rows: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as caught:
        replace(COUNTS, **change)
    assert (caught.value.code, caught.value.argument, caught.value.rows) == (code, argument, rows)
    assert texts.render(f"error.{code}", "zh", rows=rows, argument=argument, **caught.value.values)


def test_numbers_are_cleaned_and_frozen() -> None:
    lists = replace(COUNTS, pain=COUNTS.pain.tolist(), n=COUNTS.n.astype(int).tolist(), frame=COUNTS.frame.tolist())
    assert lists.pain.dtype == np.int64 and lists.n.dtype == np.float64 and lists.frame.shape == (2, 1, 3)
    assert not lists.n.flags.writeable


def test_a_mention_may_be_unknown_and_a_false_one_impossible() -> None:
    layer = np.full(COUNTS.mention.shape, np.nan)
    layer[0] = (2.0, 8.0)
    assert np.isnan(replace(COUNTS, mention=layer).false_mention).all()
