"""Estimate how many customers have which pain point, from sources that each see a part of them, and that imperfectly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import _checks
from ..errors import IdentificationError, InputError
from ..options import AuditDrawnBy, PainEngine
from ..prevalence.counts import PainPointPriors
from ..prevalence.response_ties import response_tie
from ..prevalence.taxonomy import Taxonomy
from ..results import Assumption
from .pain_counts import Sight, read_pain_points
from .pain_drop_off import HIGHEST_DRIFT, checked_acts
from .pain_fit import PainPointFit, heard, run_engine
from .pain_panel import coder_assumptions
from .pain_result import PainPointPrevalence, result_of
from .pain_tables import CHURNED, SILENT, PainColumns
from .question import names

_DOUBT = 0.01  # p-value of the test of response ties, and r-hat above 1, from which the result speaks of it
_NEVER_HEARD = {SILENT: "pain_silent_never_followed", CHURNED: "pain_churned_never_interviewed"}


def estimate_pain_points(
    observations: Any,
    /,
    *,
    pain_point: str = "pain_point",
    groups: Sequence[str] | str = (),
    dealer: str = "dealer",
    response_group: str = "response_group",
    source: str = "source",
    positive: str = "positive",
    n: str = "n",
    coders: Sequence[str] | str = (),
    frame: Any,
    frame_count: str = "customers",
    coder_audit: Any = None,
    audit_drawn_by: AuditDrawnBy | None = None,
    perfect_sources: Sequence[str] | str = (),
    mentions: Mapping[str, tuple[float, float]] | None = None,
    false_mentions: Mapping[str, tuple[float, float]] | None = None,
    mode_effects: Mapping[str, float] | None = None,
    drop_off: Any = None,
    drop_off_pains: Mapping[str, Sequence[str] | str] | None = None,
    taxonomy: Taxonomy | None = None,
    by: Sequence[str] | str | None = None,
    engine: PainEngine = "approximate",
    priors: PainPointPriors | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> PainPointPrevalence:
    """Share of all customers who have each pain point, over everybody in the frame: those who answered, the silent and the churned.

    A hierarchical model ties the sources together: the level of a pain among the engaged, its spread over segments and dealers, by how
    much the silent and the churned differ (δ, pooled over pains), and how each source sees. Its draws are poststratified to the frame.

        logit θ_ksdr = α_k + a_ks + b_kd + δ_kr          segment s, dealer d, response group r; δ of the engaged 0
        y ~ Bin(n, s θ + f (1 - θ)),     s = Se m1 + (1 - Sp)(1 - m1),     f = Se m0 + (1 - Sp)(1 - m0)
        texts by pattern of several coders' labels l: multinomial, with Π Se_j^l_j (1 - Se_j)^(1 - l_j) for Se, likewise for 1 - Sp
        Θ_kg = Σ N_sdr θ_ksdr / Σ N_sdr  over the cells of group g

    Parameters
    ----------
    observations : dataframe
        pandas, Polars or PyArrow table, or DuckDB relation; one row per pain point × group cell × response group × source: of `n`
        customers the source looked at, `positive` were found to have the pain. All sources are of one stated time window.
    pain_point, response_group, source, positive, n : str
        Columns of `observations`. Response groups are "engaged" (answered the survey), "silent" and "churned"; others may be added.
    coders : sequence of str, optional
        Columns of `observations` that hold the labels of coders who read the same texts: 1, 0, or missing where this coder did not read. A
        row with any label is `n` texts labelled alike, its `positive` empty, and a cell has a row for every such pattern. Two coders or
        more need no audit: their agreement tells how often each errs (with two, a prior that takes them for rather right tells too).
    groups : sequence of str
        Columns, of `observations` and `frame`, that tell customers apart.
    dealer : str
        Which of `groups` is the dealer (effects of their own, independent by pain); the crossing of the others is the segment.
    frame : dataframe
        One row per group cell and response group, with the number of customers.
    frame_count : str
        Column of that number.
    coder_audit : dataframe, optional
        Coded answers that were read again: the pain point's column, ``truth`` (1 has the pain, 0 not), `positive` (so many the coder
        found), `n`; and ``coder`` or the source's column, where coders differ (with ``coder``, `observations` has that column too, but
        for `coders`).
        Customers who answered the question and stand in another source as well are rows of it, their own answer the truth.
    audit_drawn_by : {"random", "truth", "predicted"}, optional
        How the audited answers were drawn. At random or by truth the table gives Se and Sp themselves; drawn by what the coder found,
        it gives predictive values, from which they are worked out with the share found in the observations. None: taken from the
        table where its numbers show that it was one of the first two, and refused where they do not.
    perfect_sources : sequence of str
        Sources whose word is the truth; every other source needs a coder audit, or `coders`.
    mentions, false_mentions : {source: (a, b)}, optional
        Of sources that nobody was asked by, such as comments, tickets and notes: beta distributions of the chance m1 that who has the
        pain is found there to mention it, and of m0, that who has it not is; of sources without `false_mentions` m0 is 0.
    mode_effects : {source: scale}, optional
        Standard deviation, in logits, of what the way of asking may add to answers, such as .2 for a follow-up by telephone.
    drop_off : dataframe, optional
        Who left at which stage of the journey, seen for everyone: columns ``stage``, the groups (rows of several dealers are added up),
        ``reached`` (customers who came to the stage), ``dropped`` (those of them who left there). It says how segments differ, hardly how
        many customers have a pain.
    drop_off_pains : {stage: pain points}, optional
        Which pain points can make customers leave at a stage: drop-off rises with these, and with nothing else that differs between
        segments but by chance.
    taxonomy : Taxonomy, optional
        The pain points there are; others in the observations are refused. None: those of the observations.
    by : str or sequence of str, optional
        Which of `groups` to estimate by, crossed; None: everybody. Dealers are estimated where it names theirs.
    engine : {"approximate", "nuts"}
        The deterministic engine, or sampling with PyMC (extra [bayes]), of the same model.
    priors : PainPointPriors, optional
        None: the defaults.
    level : float
        Probability of the intervals.
    seed : int
        With "approximate", the same seed gives the same bits.

    Returns
    -------
    PainPointPrevalence
        `to_frame`, `ranking`, `silent_gap`, `contrast`, `sensitivity`, `source_conflict`, `value_of_information`.

    Raises
    ------
    InputError
        A table or an option is not usable; the message names column, rows and remedy.
    MissingDependencyError
        ``engine="nuts"`` without the extra [bayes].

    References
    ----------
    Gelman & Carpenter (2020), J. R. Stat. Soc. C 69(5), for prevalence with an imperfect, audited test in a hierarchical model;
    Little (1993), JASA 88(421), for offsets between response groups; Gelman & Little (1997), Survey Methodology 23(2), for
    poststratifying a hierarchical model; Dawid & Skene (1979), J. R. Stat. Soc. C 28(1), eq. 2.3, for several coders, and Joseph, Gyorkos
    & Coupal (1995), Am. J. Epidemiology 141(3), for their priors.

    Examples
    --------
    >>> import vocstats as vs
    >>> world = vs.datasets.simulate_pain_points(12, seed=4, pains=4, segments=3)
    >>> p = vs.estimate_pain_points(
    ...     world.observations, groups=["segment", "dealer"], frame=world.frame, coder_audit=world.coder_audit,
    ...     perfect_sources=["follow_up", "exit_interview"],
    ... )
    >>> p.to_frame()["pain_point"].tolist()
    ['information_overload', 'price_value', 'product_quality', 'purchase_friction']
    """
    columns = PainColumns.checked(
        groups=groups, dealer=dealer, coders=coders, pain_point=pain_point, response_group=response_group, source=source,
        positive=positive, n=n, frame_count=frame_count,
    )
    _checks.choice(engine, PainEngine, "engine")
    if audit_drawn_by is not None:
        _checks.choice(audit_drawn_by, AuditDrawnBy, "audit_drawn_by")
    probability, start = _checks.level(level), _checks.whole_seed(seed, "seed")
    listed = names(by, "by")
    sight = Sight.checked(perfect_sources, mentions, false_mentions, mode_effects)
    table = read_pain_points(
        observations, frame, coder_audit, columns, sight, audit_drawn_by=audit_drawn_by, taxonomy=taxonomy, seed=start,
        drop_off=drop_off, drop_off_pains=checked_acts(drop_off, drop_off_pains),
    )
    prior = priors or PainPointPriors()
    posterior = run_engine(engine, table.counts, prior, dealers=_names_dealer(listed, columns), seed=start)
    fit = PainPointFit(table=table, posterior=posterior, priors=prior, engine=engine, seed=start)
    diagnostics = dict(posterior.diagnostics) | _tie(fit)
    return result_of(fit, listed, probability, _assumptions(fit, sight, diagnostics), diagnostics)


def _names_dealer(by: tuple[str, ...], columns: PainColumns) -> bool:
    unknown = [name for name in by if name not in columns.groups]
    if unknown:
        raise InputError(
            f"by names {unknown[0]!r}, which is none of groups {list(columns.groups)}. Add it to groups=.",
            code="unknown_group", argument="by", levels=unknown, known=", ".join(columns.groups),
        )
    return columns.dealer in by


def _tie(fit: PainPointFit) -> dict[str, float]:
    """p-value of the test that at the dealers who answer least no more have the pains, which taking dealers together rests on."""
    if fit.posterior.model != "collapsed" or fit.table.frame.columns.dealer is None:
        return {}
    try:
        return {"response_tie_p": response_tie(fit.table.counts).overall_p_value}
    except IdentificationError:  # too few dealers to tell
        return {"response_tie_p": float("nan")}


def _assumptions(fit: PainPointFit, sight: Sight, diagnostics: Mapping[str, float]) -> tuple[Assumption, ...]:
    """What the estimates rest on, the weightiest first."""
    table = fit.table
    response_groups = table.frame.response_groups
    said: list[tuple[str, str, dict[str, Any]]] = [
        (_NEVER_HEARD.get(group, "pain_group_never_heard"), "no", {"group": group})
        for group, was in zip(response_groups, heard(table).tolist(), strict=True) if not was
    ]
    if SILENT not in response_groups:
        said.append(("pain_no_silent", "no", {}))
    if len(response_groups) > 1:
        said.append(("pain_offsets_pooled", "partly", {}))
    if fit.posterior.model == "collapsed" and table.frame.columns.dealer is not None:
        tied = diagnostics["response_tie_p"] < _DOUBT
        said.append(("pain_response_tied" if tied else "pain_dealers_collapsed", "yes", {}))
    if diagnostics.get("divergences", 0.0) > 0 or diagnostics.get("r_hat", 1.0) > 1.0 + _DOUBT:
        said.append(("pain_chains_not_mixed", "yes", {}))
    if diagnostics.get("drop_off_drift", 0.0) > HIGHEST_DRIFT:
        said.append(("pain_drop_off_unsettled", "yes", {}))
    said += [("pain_perfect_source", "no", {"source": name}) for name in sight.perfect]
    if table.drawn_by:
        said.append((f"pain_audit_{table.drawn_by}", "no", {}))
    if table.unaudited:
        said.append(("pain_not_audited", "no", {"count": len(table.unaudited)}))
    said += coder_assumptions(table.panel)
    said += [("pain_mention_prior", "no", {"source": name}) for name in sight.mentions]
    said += [("pain_mode_effect", "no", {"source": name}) for name in sight.modes]
    if table.drop_off is not None:
        said += [("pain_drop_off", "no", {"stage": at, "pains": ", ".join(pains)}) for at, pains in table.drop_off.acts.items()]
        said += [("pain_drop_off_idle", "no", {"stage": stage}) for stage in table.drop_off.idle]
    said += [("pain_one_window", "no", {}), ("pain_process", "no", {}), ("priors", "no", {})]
    return tuple(Assumption(code=code, testable=testable, values=values) for code, testable, values in said)
