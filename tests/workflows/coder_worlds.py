"""Small worlds whose survey texts several coders read, with the true shares: tables as `estimate_pain_points` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

NAMES = ("human", "second", "llm")
CELL = ["pain_point", "segment", "response_group", "source"]


@dataclass(frozen=True, kw_only=True)
class CoderWorld:
    """Texts (answers of the engaged, notes of calls to the silent) with a column of labels per coder; customers, an audit of all coders,
    and the true shares."""

    texts: pd.DataFrame
    frame: pd.DataFrame
    audit: pd.DataFrame
    truth: pd.DataFrame

    def observations(self, *coders: str) -> pd.DataFrame:
        """Patterns of the labels of some coders."""
        read = self.texts.dropna(subset=list(coders), how="all")
        return read.groupby([*CELL, *coders], dropna=False).size().rename("n").reset_index()

    def majority(self, *coders: str) -> pd.DataFrame:
        """Positives where most labels say so (every second text where as many say so as not): one coder, whatever his errors."""
        share = self.texts[list(coders)].mean(axis=1)
        votes = self.texts.assign(positive=np.where(share == 0.5, self.texts.index % 2, share > 0.5), n=1)
        return votes.groupby(CELL)[["positive", "n"]].sum().reset_index()

    def options(self, *coders: str, audited: tuple[str, ...] = ()) -> dict[str, Any]:
        """What else `estimate_pain_points` needs."""
        audit = self.audit[self.audit["coder"].isin(audited)] if audited else None
        return {"groups": "segment", "frame": self.frame, "coders": coders, "coder_audit": audit, "by": "segment"}


def coder_world(
    seed: int, *, pains: int = 6, segments: int = 4, heard: tuple[int, int] = (400, 150), unread: float = 0.1, together: float = 0.0
) -> CoderWorld:
    """Coders err independently, but that of a share `together` of the texts all write down the first coder's label."""
    rng = np.random.default_rng(seed)
    se = rng.beta([[17.0], [15.0], [13.0]], [[3.0], [5.0], [7.0]], (3, pains))
    sp = rng.beta([[98.0], [96.0], [94.0]], [[2.0], [4.0], [6.0]], (3, pains))
    logit = rng.normal(-1.8, 0.6, (pains, 1)) + rng.normal(0.0, 0.3, (pains, segments))
    logit = np.stack([logit, logit + 0.4 + rng.normal(0.0, 0.3, (pains, 1))], axis=-1)
    texts, truth, audit = [], [], []
    for k, s in np.ndindex(pains, segments):
        place = {"pain_point": f"pain {k}", "segment": f"S{s}"}
        truth.append({**place, "prevalence": expit(logit[k, s]).mean()})
        for group, n, at in zip(("engaged", "silent"), heard, logit[k, s], strict=True):
            has = rng.random(n) < expit(at)
            labels = np.where(has[:, None], rng.random((n, 3)) < se[:, k], rng.random((n, 3)) >= sp[:, k]).astype(float)
            labels = np.where((rng.random(n) < together)[:, None], labels[:, :1], labels)
            labels[rng.random(labels.shape) < unread] = np.nan
            source = "survey" if group == "engaged" else "call"
            texts.append(pd.DataFrame(labels, columns=list(NAMES)).assign(**place, response_group=group, source=source))
    for j, k in np.ndindex(3, pains):
        rows = ((1, se[j, k], 60), (0, 1.0 - sp[j, k], 160))
        audit += [(f"pain {k}", true, NAMES[j], rng.binomial(n, share), n) for true, share, n in rows]
    frame = [(f"S{s}", group, max(heard)) for s in range(segments) for group in ("engaged", "silent")]
    return CoderWorld(
        texts=pd.concat(texts, ignore_index=True), frame=pd.DataFrame(frame, columns=["segment", "response_group", "customers"]),
        audit=pd.DataFrame(audit, columns=["pain_point", "truth", "coder", "positive", "n"]), truth=pd.DataFrame(truth),
    )
