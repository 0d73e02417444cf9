"""What an estimator returns: a number or one per domain, its standard error, and what that refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import texts
from ..errors import InputError, shown
from ..options import Inference
from ..results import Floats, Labels, Result, frame, register
from .covariance import covariance
from .replication import Replication
from .variance import Linearization

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 20


@register("estimate")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate(Result):
    """An estimate, or one per domain, with its standard error.

    Attributes
    ----------
    statistic : str
        What was estimated: "mean", "total", "ratio", "proportion", "quantile", "net_promoter_score", "top_box", "bottom_box",
        "variance", "covariance", "correlation", "difference", or the name given to a smooth function.
    estimate, std_error, conf_low, conf_high, df : float arrays
        Shape () without domains, (domains,) with; NaN where nobody (std_error: fewer than two) was heard.
    n : float array
        Units heard, of the same shape.
    labels : {name: array (domains,)}
        Labels of the domains, sorted, in their original dtype; empty without domains.
    level : float
        Confidence level of the limits.
    inference : {"r", "registry", "process"}
        What the standard error refers to.
    variance_accounts_for : tuple of str
        Codes of what the standard error includes; `accounts` puts them in words.
    material : Linearization, Replication or None
        What the variance was computed from: influence values in factors and the draw, or the figures of all replicates;
        None after reading from a file.
    """

    statistic: str
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    n: Floats
    labels: Labels
    level: float
    inference: Inference
    variance_accounts_for: tuple[str, ...]
    material: Linearization | Replication | None = field(default=None, repr=False, metadata={"influence": True})

    @property
    def influence(self) -> Floats:
        """Influence of one unit of each row on the estimate, (n,) or (n, domains), written out."""
        if not isinstance(self.material, Linearization):
            raise InputError(
                "This estimate has no influence values: it comes from replicates, or was read from a file. "
                "Compute it again from the weights.",
                code="no_influence", argument="estimate",
            )
        values = self.material.influence.values()
        return values if self.labels else values[:, 0]

    def covariance(self) -> Floats:
        """Covariances between the domains, (domains, domains); the diagonal is the squared standard error."""
        if isinstance(self.material, Linearization):
            table = covariance(self.material, self.inference)
        elif isinstance(self.material, Replication):
            table = self.material.scaling.covariance(self.material.values, np.ravel(self.estimate))
        else:
            raise InputError(
                "This estimate was read from a file, which holds no covariances. Compute it again from the weights.",
                code="no_covariance", argument="estimate",
            )
        error = np.ravel(self.std_error)
        table[np.isnan(error), :] = table[:, np.isnan(error)] = np.nan
        np.fill_diagonal(table, error**2)
        return table

    def at(self, labels: Mapping[str, Any]) -> Estimate:
        """The estimate of one domain as one without domains, to be compared with others.

        Parameters
        ----------
        labels : {name: label}
            The domain's label in every column of `labels`.

        Returns
        -------
        Estimate
            Shape ().

        Raises
        ------
        InputError
            No domain has these labels.
        """
        domains = [dict(zip(self.labels, row, strict=True)) for row in zip(*self.labels.values(), strict=True)]
        if dict(labels) not in domains:
            raise InputError(
                f"No domain has the labels {dict(labels)!r}; there are {len(domains)}: {shown(domains)}. Name every column of labels.",
                code="no_domain", argument="labels", levels=[dict(labels)],
            )
        place = domains.index(dict(labels))
        numbers = {name: getattr(self, name)[place] for name in ("estimate", "std_error", "conf_low", "conf_high", "df", "n")}
        return replace(self, **numbers, labels={}, material=_of_domain(self.material, place))

    def to_dict(self, *, influence: bool = False) -> dict[str, Any]:
        """The estimate as plain Python values; with `influence`, its influence values written out under that name."""
        document = super(Estimate, self).to_dict()
        return {**document, "influence": self.influence.tolist()} if influence else document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the estimate, without its influence values."""
        return super(Estimate, cls).from_dict({name: value for name, value in document.items() if name != "influence"})

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: labels, estimate, std_error, conf_low, conf_high, df, n."""
        numbers = {name: np.atleast_1d(getattr(self, name)) for name in ("estimate", "std_error", "conf_low", "conf_high", "df", "n")}
        return frame({**self.labels, **numbers})

    def tidy(self) -> pd.DataFrame:
        """Long form: term, labels, estimate, std_error, conf_low, conf_high."""
        table = self.to_frame().drop(columns=["df", "n"])
        table.insert(0, "term", self.statistic)
        return table

    def summary(self, language: str = "en") -> str:
        """One screen: the first domains, the level, and what the standard error accounts for."""
        frame = self.to_frame()
        rest = len(frame) - _SHOWN
        lines = [frame.head(_SHOWN).to_string(index=False, float_format=lambda value: f"{value:.6g}")]
        if rest > 0:
            lines.append(texts.render("variance.more_rows", language, rows=rest))
        lines.append(texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        return "\n".join(lines)


def _of_domain(material: Linearization | Replication | None, domain: int) -> Linearization | Replication | None:
    if isinstance(material, Replication):
        return replace(material, values=material.values[[domain]])
    if material is None:
        return None
    sides = {name: getattr(material, name).at(domain) for name in ("influence", "contrast", "deviation")}
    targets = None if material.targets is None else material.targets.at(domain)
    return replace(material, **sides, heard=material.heard[[domain]], targets=targets)
