"""What `dawid_skene` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from ..errors import InputError
from ..options import LikelihoodInterval
from ..results import Assumption, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("dawid_skene")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoderModelFit(Result):
    """Classes of items and error rates of coders, from labels that several coders gave.

    Attributes
    ----------
    labels : {"class": array (K,)}
        The classes.
    estimate, std_error, conf_low, conf_high : float arrays (K,)
        Prevalence of each class among items like these; limits by `interval`.
    summit_low, summit_high : float arrays (K,)
        Least and largest prevalence among the summits of the likelihood, as far as the starts found them, that the labels do not tell from
        the highest at 95 %.
    majority : float array (K,)
        Share of the labels' majority, ties shared.
    coders : {"coder": array (J,)}
        The coders.
    theta, theta_error, theta_low, theta_high : float arrays (J, K, K)
        Chance that coder j says l of an item of class c; limits of a share of `effective` labels. The error is NaN where the chance is
        0 or 1.
    effective : float array (J, K, K)
        How many labels of items of known class would tell the chance as well.
    easy, easy_error : float arrays (K,)
        Share of the items of a class that every coder gets right for certain; 0 without easy items.
    label_counts : float array (J,)
        Labels each coder gave.
    information_kept : float
        Least share, over directions, of the information that known classes would give: near 0 the labels do not identify the model.
    log_likelihood : float
        At the estimates, without pseudo-counts.
    n, n_labels, n_gold : float
        Items, labels and items of known class.
    patterns : int
        Distinct patterns of labels.
    interval : {"profile", "delta"}
        Kind of the limits of the prevalence.
    level : float
        Confidence level.
    assumptions : tuple of Assumption
        What the estimates rest on.
    items : array (items,), or None after reading from a file
        The items, sorted.
    probabilities : float array (items, K), or None after reading from a file
        Chance that an item is of each class, at the estimates.
    """

    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    summit_low: Floats
    summit_high: Floats
    majority: Floats
    coders: Labels
    theta: Floats
    theta_error: Floats
    theta_low: Floats
    theta_high: Floats
    effective: Floats
    easy: Floats
    easy_error: Floats
    label_counts: Floats
    information_kept: float
    log_likelihood: float
    n: float
    n_labels: float
    n_gold: float
    patterns: int
    interval: LikelihoodInterval
    level: float
    assumptions: tuple[Assumption, ...]
    items: Labels = field(default_factory=dict, repr=False, metadata={"memory_only": True})
    probabilities: Floats | None = field(default=None, repr=False, metadata={"memory_only": True})

    def to_frame(self) -> pd.DataFrame:
        """One row per class: class, estimate, std_error, conf_low, conf_high, majority, easy."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "majority", "easy")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def coder_frame(self) -> pd.DataFrame:
        """One row per coder, class and label: coder, class, label, estimate, std_error, conf_low, conf_high, effective."""
        j, k = self.theta.shape[:2]
        known = self.labels["class"]
        columns = {"coder": np.repeat(self.coders["coder"], k * k), "class": np.tile(np.repeat(known, k), j)}
        columns["label"] = np.tile(known, j * k)
        numbers = {"estimate": self.theta, "std_error": self.theta_error, "conf_low": self.theta_low, "conf_high": self.theta_high}
        return frame({**columns, **{name: value.ravel() for name, value in numbers.items()}, "effective": self.effective.ravel()})

    def item_frame(self) -> pd.DataFrame:
        """One row per item: item, its likeliest class, and the chance that it is of each class (in memory only)."""
        if self.probabilities is None:
            raise InputError("Items are not kept in files: take them from the result itself.", code="items_not_kept", argument="self")
        known = self.labels["class"]
        chances = {f"probability_{name}": column for name, column in zip(known, self.probabilities.T, strict=True)}
        return frame({"item": self.items["item"], "class": known[np.argmax(self.probabilities, axis=1)], **chances})

    def right_and_wrong(self) -> Floats:
        """Numbers (J, K, 2) of labels right and wrong, as if from so many items of known class: what to add to a Beta prior of Se or Sp."""
        right, effective = (np.einsum("jkk->jk", each) for each in (self.theta, np.nan_to_num(self.effective)))
        return np.stack([right * effective, (1.0 - right) * effective], axis=2)

    def tidy(self) -> pd.DataFrame:
        """One row per class, then one per coder and class (share of its items labelled right): term, class, coder, estimate, ..."""
        j, k = self.theta.shape[:2]
        known = self.labels["class"]
        pairs = (("estimate", "theta"), ("std_error", "theta_error"), ("conf_low", "theta_low"), ("conf_high", "theta_high"))
        columns = {
            "term": ["prevalence"] * k + ["right"] * (j * k), "class": np.concatenate([known, np.tile(known, j)]),
            "coder": [None] * k + np.repeat(self.coders["coder"], k).tolist(),
        }
        for name, of_coder in pairs:
            columns[name] = np.concatenate([getattr(self, name), np.einsum("jkk->jk", getattr(self, of_coder)).ravel()])
        return frame(columns)

    def summary(self, language: str = "en") -> str:
        """Prevalence, coders, and what they rest on."""
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.4f}") for each in (self.to_frame(), self.tidy())]
        lines.append(texts.render("variance.coder_information", language, share=f"{100 * self.information_kept:.2g}"))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
