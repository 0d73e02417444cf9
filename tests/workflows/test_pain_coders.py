"""Texts that several coders read, from tables of labels to estimates, and what is refused of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.coder_worlds import NAMES, CoderWorld, coder_world
from workflows.test_backends import BACKENDS

import vocstats as vs
from vocstats import texts
from vocstats.workflows.pain_audits import pooled_beta
from vocstats.workflows.pain_planning import _by_half

TWO = ("human", "llm")


@cache
def world() -> CoderWorld:
    """Three pains in two segments."""
    return coder_world(73_300, pains=3, segments=2)


@cache
def estimated(coders: tuple[str, ...] = NAMES, audited: tuple[str, ...] = ()) -> vs.PainPointPrevalence:
    """The estimate from the labels of some coders."""
    return vs.estimate_pain_points(world().observations(*coders), seed=1, **world().options(*coders, audited=audited))


def codes(p: vs.PainPointPrevalence) -> dict[str, dict[str, Any]]:
    return {each.code: dict(each.values) for each in p.assumptions}


def test_three_coders_without_an_audit() -> None:
    p = estimated()
    truth = world().truth["prevalence"].to_numpy().reshape(3, 2)
    assert np.abs((p.estimate - truth) / p.std_error).max() < 3.0
    assert codes(p)["pain_coders_by_labels"] == {"coders": "human, second, llm"}
    assert {"coders_independent", "coders_same_errors"} <= set(codes(p)) and p.audit_drawn_by == ""
    assert "nobody audited them" in p.summary() and "未经编码复核" in p.summary("zh")
    back = vs.load(p.to_json())
    pd.testing.assert_frame_equal(back.to_frame(), p.to_frame())
    assert codes(back) == codes(p)


def test_apparent_is_what_at_least_half_of_the_coders_found() -> None:
    found = world().texts.query("source == 'survey'")
    says = found[list(NAMES)].mean(axis=1) >= 0.5
    read = found[list(NAMES)].notna().any(axis=1)
    share = says[read].groupby([found["pain_point"], found["segment"]]).mean()
    np.testing.assert_allclose(estimated().apparent.ravel(), share.to_numpy())


def test_two_coders() -> None:
    """Their errors rest on a prior; one audit tells of both."""
    guessed, told, audited = (estimated(TWO, audited=names) for names in ((), ("human",), TWO))
    assert codes(guessed)["pain_coders_by_prior"] == {"coders": "human, llm"} and "pain_coders_by_labels" not in codes(guessed)
    assert codes(told)["pain_coders_by_labels"] == {"coders": "llm"} and "pain_coders_by_prior" not in codes(told)
    assert not {"pain_coders_by_prior", "pain_coders_by_labels"} & set(codes(audited)) and audited.audit_drawn_by == "truth"
    width = [(p.conf_high - p.conf_low).mean() for p in (guessed, told, audited)]
    assert width[0] > 1.1 * width[1] > 1.1 * 0.95 * width[2]
    prior, coder = ([getattr(p, name).mean() for p in (guessed, told, audited)] for name in ("prior_share", "from_coder"))
    assert prior[0] > prior[1] + 0.03 and coder[0] > coder[1] + 0.1
    assert all((p.from_selection + p.from_coder + p.from_sampling == pytest.approx(1.0)) for p in (guessed, told, audited))


def test_an_audit_adds_to_its_coder_alone() -> None:
    table = estimated(("llm", "human"), audited=("human",)).fit.table
    assert table.coders == ("human", "llm") and table.panel.places == (1, 0)
    audit = world().audit.query("coder == 'human' and truth == 1")
    expected = pooled_beta(audit["positive"].to_numpy(float), audit["n"].to_numpy(float))
    np.testing.assert_allclose(table.counts.sensitivity[0], expected)
    assert (table.counts.sensitivity[1] == (4.0, 1.0)).all() and (table.counts.specificity[1] == (19.0, 1.0)).all()
    swapped = estimated(TWO, audited=("human",))
    other = estimated(("llm", "human"), audited=("human",))
    np.testing.assert_allclose(swapped.estimate, other.estimate, atol=0.15 * swapped.std_error.min())


def test_one_coder_is_as_positives_of_n() -> None:
    """To the bit: labels of one coder, and how often he found the pain."""
    options = world().options("llm", audited=("llm",))
    labels = vs.estimate_pain_points(world().observations("llm"), **options)
    read = world().texts.dropna(subset="llm").rename(columns={"llm": "positive"}).assign(n=1, coder="llm")
    cell = ["pain_point", "segment", "response_group", "source", "coder"]
    positives = vs.estimate_pain_points(read.groupby(cell)[["positive", "n"]].sum().reset_index(), **options | {"coders": ()})
    np.testing.assert_array_equal(labels.estimate, positives.estimate)
    np.testing.assert_array_equal(labels.apparent, positives.apparent)
    assert not {"coders_independent", "pain_coders_by_labels"} & set(codes(labels))


@pytest.mark.parametrize("kind", ["random", "predicted"])
def test_audits_drawn_otherwise(kind: Any) -> None:
    """Texts read again: drawn at random, or so many that the coder found and so many that he did not."""
    made = coder_world(73_301, pains=1, segments=1, heard=(20_000, 20_000), unread=0.0)
    rng = np.random.default_rng(4)
    texts_of = made.texts.assign(truth=rng.random(len(made.texts)) < 0.2)
    right = np.where(texts_of["truth"], rng.random(len(texts_of)) < 0.8, rng.random(len(texts_of)) < 0.05)
    texts_of = texts_of.assign(llm=right.astype(float))
    drawn = texts_of.sample(2_000, random_state=1) if kind == "random" else texts_of.groupby("llm").sample(4_000, random_state=1)
    audit = drawn.groupby("truth")["llm"].agg(positive="sum", n="size").reset_index().assign(pain_point="pain 0", coder="llm")
    world_of = CoderWorld(texts=texts_of, frame=made.frame, audit=audit, truth=made.truth)
    options = world_of.options(*TWO, audited=("llm",)) | ({} if kind == "random" else {"audit_drawn_by": kind})
    p = vs.estimate_pain_points(world_of.observations(*TWO), **options)
    assert p.audit_drawn_by == kind
    beta = [getattr(p.fit.table.counts, name)[0, 0] for name in ("sensitivity", "specificity")]
    assert [a / (a + b) for a, b in beta] == pytest.approx([0.8, 0.95], abs=0.035)


def test_the_majority_taken_for_the_truth_is_off() -> None:
    options = world().options(*NAMES) | {"coders": (), "perfect_sources": ["survey", "call"]}
    naive = vs.estimate_pain_points(world().majority(*NAMES), seed=1, **options)
    truth = world().truth["prevalence"].to_numpy().reshape(3, 2)
    assert (naive.estimate - truth).mean() < -0.015 and np.abs((estimated().estimate - truth).mean()) < 0.01


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_same_bits_from_every_table(backend: str) -> None:
    seen = world().observations(*NAMES).astype(dict.fromkeys(NAMES, "Int64"))
    given = BACKENDS[backend](seen.sample(frac=1.0, random_state=3))
    p = vs.estimate_pain_points(given, seed=1, **world().options(*NAMES))
    assert (p.estimate == estimated().estimate).all()


def test_further_questions() -> None:
    p = estimated(TWO, audited=("human",))
    conflict = p.source_conflict()
    assert set(conflict["source"]) == {"survey", "call"} and conflict["z"].abs().max() < 5.0
    more = p.value_of_information(follow_ups=300, audits=300)
    assert (more["width_follow_ups"] < more["width"]).all() and (more["width_audits"] <= more["width"]).all()
    bounds = p.sensitivity()
    assert (bounds["lowest"] < bounds["estimate"]).all() and (bounds["estimate"] < bounds["highest"]).all()


@pytest.mark.parametrize("coders", [1, 2, 3, 4])
def test_chance_that_at_least_half_say_so(coders: int) -> None:
    chance = np.random.default_rng(1).random((5, coders, 2))
    expected = sum(
        np.prod(np.where(np.array(says)[:, None], chance, 1.0 - chance), axis=1)
        for says in product((True, False), repeat=coders) if 2 * sum(says) >= coders
    )
    np.testing.assert_allclose(_by_half(chance), expected)


def test_beside_a_source_of_one_coder() -> None:
    """A column of coders for the rows that count positives, labels for the others."""
    seen = world().observations(*TWO).assign(coder=None)
    call = world().texts.query("source == 'call'").dropna(subset="llm").rename(columns={"llm": "positive"}).assign(n=1)
    one = call.groupby(["pain_point", "segment", "response_group", "source"])[["positive", "n"]].sum().reset_index().assign(coder="llm")
    both = pd.concat([seen.query("source == 'survey'").astype({"coder": object}), one], ignore_index=True)
    p = vs.estimate_pain_points(both, **world().options(*TWO, audited=("llm",)))
    counts = p.fit.table.counts
    assert counts.coder.tolist() == [0, -1] and p.fit.table.sources == ("call (llm)", "survey")
    assert (counts.pattern[counts.source == 0] == -1).all() and (counts.pattern[counts.source == 1] >= 0).all()


Change = Callable[[pd.DataFrame], pd.DataFrame]


def at_first(column: str, value: Any) -> Change:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        values = table[column].to_numpy(float, copy=True) if column in table else np.full(len(table), np.nan)
        values[0] = value
        return table.assign(**{column: values})

    return change


def audit_of(**columns: Any) -> pd.DataFrame:
    return world().audit.query("coder == 'human'").assign(**columns)


def never_together(table: pd.DataFrame) -> pd.DataFrame:
    """Every text was read by the person or the model, not by both."""
    both = table["human"].notna() & table["llm"].notna()
    cell = ["pain_point", "segment", "response_group", "source", *TWO]
    return table.assign(llm=table["llm"].mask(both)).groupby(cell, dropna=False)["n"].sum().reset_index()


BAD: dict[str, tuple[Change | None, dict[str, Any], str, str]] = {
    "no label": (at_first("llm", 0.5), {}, "labels_not_0_or_1", r"'llm' holds 0.5 at rows 0; labels are 1"),
    "label -1": (at_first("llm", -1), {}, "labels_not_0_or_1", r"holds -1.0 at rows 0"),
    "unknown column": (None, {"coders": ["human", "lm"]}, "unknown_column", r"no column 'lm'. Did you mean 'llm'"),
    "words": (lambda t: t.assign(llm="yes"), {}, "text_as_number", r"'llm' of observations holds text"),
    "positives beside": (at_first("positive", 3), {}, "positives_beside_labels", r"'positive' must be empty .* rows 0"),
    "positives in the source": (
        lambda t: t.assign(positive=np.where(t.index == 0, 1.0, np.nan), **{name: t[name].mask(t.index == 0) for name in TWO}), {},
        "labels_and_positives", r"'survey' have rows with labels and rows without, at rows 0",
    ),
    "idle": (lambda t: t.assign(llm=np.nan), {}, "coder_without_labels", r"'llm' labelled nothing"),
    "unknown coder": (None, {"coder_audit": audit_of(coder="humans")}, "unknown_audit_coder", r"names coders 'humans'; coders= has"),
    "whose audit": (None, {"coder_audit": audit_of().drop(columns="coder")}, "audit_of_which_coder", r"must have a column 'coder'"),
    "audit of a source": (
        None, {"coder_audit": audit_of(source="survey").drop(columns="coder")}, "audit_of_which_coder", r"which of 'human', 'llm'",
    ),
    "alone": (never_together, {}, "coder_read_alone", r"'human', 'llm' find 'pain 0', 'pain 1', 'pain 2': no audit .* no other coder"),
    "alone with one pain": (
        lambda t: pd.concat([never_together(t).query("pain_point == 'pain 1'"), t.query("pain_point != 'pain 1'")]), {},
        "coder_read_alone", r"'human', 'llm' find 'pain 1': no audit",
    ),
    "one coder": (None, {"coders": "llm"}, "labels_and_positives", r"'call', 'survey' have rows with labels and rows"),
    "perfect": (None, {"perfect_sources": "survey"}, "perfect_source_coded", r"perfect_sources names 'survey'"),
    "column twice": (None, {"coders": ["human", "n"]}, "coder_column_taken", r"coders names 'n'"),
    "named twice": (None, {"coders": ["human", "human"]}, "named_twice", r"'human' more than once"),
    "again": (lambda t: pd.concat([t, t.iloc[[1]]]), {}, "repeated_cell", r"observations has more than one row of .* again"),
    "crowded": (lambda t: t.assign(n=t["n"] * 2), {}, "more_than_customers", r"counts more customers than the frame has"),
    "worse than chance": (None, {"coder_audit": audit_of(truth=lambda t: 1 - t["truth"])}, "coder_worse_than_chance", r"add up to less"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_named(case: str) -> None:
    change, other, code, message = BAD[case]
    seen = world().observations(*TWO)
    with pytest.raises(vs.InputError, match=message) as caught:
        vs.estimate_pain_points(seen if change is None else change(seen), **world().options(*TWO) | other)
    assert caught.value.code == code
    assert any("一" <= letter <= "鿿" for letter in texts.message(caught.value, "zh"))


def test_one_coder_nobody_audited_is_refused() -> None:
    with pytest.raises(vs.InputError, match="no other coder read a text"):
        vs.estimate_pain_points(world().observations("llm"), **world().options("llm"))
