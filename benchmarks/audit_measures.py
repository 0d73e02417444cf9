"""What a finished set of audited networks says: pure statistics of a table with one row per dealer of each network.

Columns: `network` (its seed); the truth (`inflated`, `mechanism`, `strength`, `star`, `n`, `raw`, `honest_mean`, `began`); what the audit
said (`p_value`, `flagged`, `corrected`, `low`, `high`, `onset`, `onset_low`, `onset_high`); `p:<signal>` and `n:<signal>`, p-value and
number of answers of each signal; `by:<rule>`, what other rules rank dealers by. Onsets are days since the year began; intervals of 95 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from vocstats.inflation import q_values

FDR = 0.10
DECILES = 10
DECISIVE = 0.01  # p-value at which one signal by itself counts
ENOUGH = 50  # flags of a tenth of the dealers


def discovery(table: pd.DataFrame, flagged: str = "flagged") -> dict[str, Any]:
    """Lists of all networks: realised FDR (mean over networks, with its interval), networks with any flag, power, AUC of the p-values."""
    lists = _lists(table, flagged)
    share = (lists["false"] / lists["flags"].clip(lower=1)).to_numpy()
    error = share.std(ddof=1) / np.sqrt(share.size) if share.size > 1 else np.nan
    any_low, any_high = exact_interval(int((lists["flags"] > 0).sum()), len(lists))
    return {
        "networks": len(lists), "flags": int(lists["flags"].sum()), "fdr": float(share.mean()),
        "fdr_low": max(float(share.mean() - 1.96 * error), 0.0), "fdr_high": float(share.mean() + 1.96 * error),
        "any_flag": float((lists["flags"] > 0).mean()), "any_low": any_low, "any_high": any_high,
        "power": _ratio(lists["true"].sum(), lists["inflated"].sum()), "auc": auc(table, -table["p_value"].fillna(1.0)),
    }


def required(runs: dict[str, pd.DataFrame], usual: str = "15") -> pd.DataFrame:
    """What is required of the audit, the worst that any scenario shows, which one that is, and whether it is met."""
    rows: list[dict[str, Any]] = []

    def worst(text: str, limit: float, found: dict[str, float], *, least: bool = False) -> None:
        known = {name: value for name, value in found.items() if np.isfinite(value)}
        if known:
            name = min(known, key=known.__getitem__) if least else max(known, key=known.__getitem__)
            met = known[name] >= limit if least else known[name] <= limit
            rows.append({
                "required": text, "limit": limit, "worst": known[name], "scenario": name, "networks": lists[name]["networks"],
                "met": "yes" if met else "**no**",
            })

    lists = {name: discovery(table) for name, table in runs.items()}
    inflating = {name: table for name, table in runs.items() if table["inflated"].any()}
    tenths = {name: by_size(table).query("flags >= @ENOUGH")["fdr_high"].max() for name, table in inflating.items()}
    corrected = {name: correction(table) for name, table in inflating.items()}
    worst("false discovery rate, at most", 0.12, {name: lists[name]["fdr"] for name in inflating})
    worst("null networks with any flag, at most", 0.13, {name: lists[name]["any_flag"] for name in runs if name not in inflating})
    worst("upper end of the rate in a tenth with 50 flags, at most", 0.20, tenths)
    worst("power, at least", 0.70, {usual: lists[usual]["power"]} if usual in lists else {}, least=True)
    worst("AUC, at least", 0.96, {usual: lists[usual]["auc"]} if usual in lists else {}, least=True)
    worst("corrected over raw root mean square error, at most", 0.50, {name: each["ratio"] for name, each in corrected.items()})
    worst("coverage of the 90 % interval, at least", 0.85, {name: each["coverage"] for name, each in corrected.items()}, least=True)
    worst("coverage of the 90 % interval, at most", 0.96, {name: each["coverage"] for name, each in corrected.items()})
    shown = {name: stars(table)["standard_errors"] for name, table in runs.items()}
    worst("more flags of honest stars, standard errors, at most", 2.0, shown)
    return pd.DataFrame(rows)


def power_by(table: pd.DataFrame, column: str, flagged: str = "flagged") -> pd.DataFrame:
    """Share flagged of the inflating dealers, by mechanism or strength: the value of `column`, dealers, power."""
    found = table[table["inflated"]].groupby(column)[flagged].agg(["size", "mean"])
    return found.reset_index().set_axis([column, "dealers", "power"], axis=1)


def by_size(table: pd.DataFrame) -> pd.DataFrame:
    """False flags by tenth of the dealers in number of answers: share with its exact interval, power; FDR is that of all flags together."""
    tenth = (DECILES * (table["n"].rank(method="first") - 1.0) / len(table)).astype(int)
    rows = []
    for number, part in table.groupby(tenth):
        flags, false = int(part["flagged"].sum()), int((part["flagged"] & ~part["inflated"]).sum())
        low, high = exact_interval(false, flags)
        rows.append({
            "decile": int(number) + 1, "fewest": int(part["n"].min()), "most": int(part["n"].max()), "flags": flags, "false": false,
            "fdr": _ratio(false, flags), "fdr_low": low, "fdr_high": high,
            "power": _ratio((part["flagged"] & part["inflated"]).sum(), part["inflated"].sum()),
        })
    return pd.DataFrame(rows)


def correction(table: pd.DataFrame) -> dict[str, Any]:
    """Corrected scores of flagged dealers against the honest mean over their rosters: root mean square errors, coverage of the interval."""
    told = table[table["flagged"] & table["corrected"].notna()]
    truth = told["honest_mean"]
    hits = int(told["low"].le(truth).mul(told["high"].ge(truth)).sum())
    low, high = exact_interval(hits, len(told))
    raw, corrected = (float(np.sqrt(np.square(told[name] - truth).mean())) for name in ("raw", "corrected"))
    return {
        "flags": len(told), "raw_rmse": raw, "corrected_rmse": corrected, "ratio": _ratio(corrected, raw),
        "raw_bias": float((told["raw"] - truth).mean()), "corrected_bias": float((told["corrected"] - truth).mean()),
        "coverage": _ratio(hits, len(told)), "coverage_low": low, "coverage_high": high,
        "half_width": float((told["high"] - told["low"]).mean() / 2.0),
    }


def stars(table: pd.DataFrame) -> dict[str, Any]:
    """Flags of honest stars against those of the other honest dealers; the difference in standard errors of pooled shares."""
    honest = table[~table["inflated"]]
    star, other = honest[honest["star"]], honest[~honest["star"]]
    pooled = honest["flagged"].mean()
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / max(len(star), 1) + 1.0 / max(len(other), 1)))
    return {
        "stars": len(star), "stars_flagged": float(star["flagged"].mean()), "others": len(other),
        "others_flagged": float(other["flagged"].mean()),
        "standard_errors": _ratio(star["flagged"].mean() - other["flagged"].mean(), error),
    }


def onset_error(table: pd.DataFrame) -> pd.DataFrame:
    """Days from the true onset to the one told, of flagged dealers who began within the year, by mechanism."""
    begun = table[table["flagged"] & (table["began"] > 0)]
    told, flagged = begun[begun["onset"].notna()], begun.groupby("mechanism").size()
    rows = []
    for mechanism, part in told.groupby("mechanism"):
        days = part["onset"] - part["began"]
        held = (part["onset_low"] <= part["began"]) & (part["began"] <= part["onset_high"])
        rows.append({
            "mechanism": mechanism, "flagged": int(flagged[mechanism]), "told": len(part), "median_error": float(days.median()),
            "median_absolute_error": float(days.abs().median()), "interval_holds": float(held.mean()),
        })
    return pd.DataFrame(rows)


def rules(table: pd.DataFrame) -> pd.DataFrame:
    """Other rules beside the audit, each as kindly as can be.

    No rule but the audit says where its list ends. Each is given three ends: as many dealers as the audit lists, as many as inflate, and
    the longest list of which at most a tenth is honest: an end only the truth knows, in every network anew.
    """
    inflated = table.groupby("network")["inflated"].transform("sum")
    audited = table.groupby("network")["flagged"].transform("sum")
    rows = []
    for column in ["p_value", *(name for name in table.columns if name.startswith("by:"))]:
        score = -table[column].fillna(1.0) if column == "p_value" else table[column].fillna(-np.inf)
        rank = score.groupby(table["network"]).rank(ascending=False, method="first")
        kind = _longest(table, rank)
        row = {"rule": "audit" if column == "p_value" else column.removeprefix("by:"), "auc": auc(table, score)}
        for name, end in (("as_audit", audited), ("number_known", inflated), ("truth_known", kind)):
            lists = _lists(table.assign(listed=rank <= end), "listed")
            row |= {
                f"fdr_{name}": float((lists["false"] / lists["flags"].clip(lower=1)).mean()),
                f"power_{name}": _ratio(lists["true"].sum(), lists["inflated"].sum()),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def signals(table: pd.DataFrame) -> pd.DataFrame:
    """Each signal by itself: share of honest dealers and power at p < .01, and power of Benjamini and Hochberg's list, by mechanism too."""
    rows = []
    for name in _signal_names(table):
        p = table[f"p:{name}"]
        decisive = p < DECISIVE
        alone = p.groupby(table["network"]).transform(lambda each: q_values(each.to_numpy(float))) <= FDR
        inflated = table["inflated"]
        by = decisive[inflated].groupby(table["mechanism"][inflated]).mean()
        rows.append({
            "signal": name, "speaks": float(p.notna().mean()), "honest": float(decisive[~inflated & p.notna()].mean()),
            "power": float(decisive[inflated].mean()), "list": float(alone[inflated].mean()), **by.to_dict(),
        })
    return pd.DataFrame(rows)


def auc(table: pd.DataFrame, score: pd.Series) -> float:
    """Chance that an inflating dealer ranks before an honest one of his network, ties half; mean over networks."""
    values = []
    for _, part in table.groupby("network"):
        inflated = part["inflated"].to_numpy(bool)
        ones, zeros = int(inflated.sum()), int((~inflated).sum())
        if ones and zeros:
            ranks = stats.rankdata(score.loc[part.index])
            values.append((ranks[inflated].sum() - ones * (ones + 1) / 2.0) / (ones * zeros))
    return float(np.mean(values)) if values else float("nan")


def exact_interval(hits: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's limits of a share."""
    if not n:
        return float("nan"), float("nan")
    low = float(special.betaincinv(hits, n - hits + 1.0, 0.025)) if hits else 0.0
    high = float(special.betaincinv(hits + 1.0, n - hits, 0.975)) if hits < n else 1.0
    return low, high


def _lists(table: pd.DataFrame, flagged: str) -> pd.DataFrame:
    """Per network: flags, true and false ones, inflating dealers."""
    on, inflated = table[flagged].to_numpy(bool), table["inflated"].to_numpy(bool)
    columns = {"network": table["network"], "flags": on, "true": on & inflated, "false": on & ~inflated, "inflated": inflated}
    return pd.DataFrame(columns).groupby("network").sum()


def _longest(table: pd.DataFrame, rank: pd.Series) -> pd.Series:
    """Per dealer the length of the longest list of his network, in this order, of which at most a tenth is honest."""
    ordered = table.assign(rank=rank).sort_values(["network", "rank"])
    honest = (~ordered["inflated"]).groupby(ordered["network"]).cumsum()
    length = ordered["rank"].where(honest <= FDR * ordered["rank"], 0.0)
    return length.groupby(ordered["network"]).transform("max").reindex(table.index)


def _signal_names(table: pd.DataFrame) -> list[str]:
    return [name.removeprefix("p:") for name in table.columns if name.startswith("p:")]


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
