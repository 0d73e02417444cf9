"""From tables to what both engines take: counts by cell and source, and how each source sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from ..errors import InputError, shown
from ..options import AuditDrawnBy
from ..prevalence.counts import PainPointCounts
from ..prevalence.taxonomy import Taxonomy
from ..results import Flags, Floats
from ..tables import InputTable
from .pain_audits import CoderAudit, accuracy, coder_column, drawn_by, read_audit
from .pain_drop_off import Acts, DropOff, read_drop_off
from .pain_observations import Observations, read_observations
from .pain_panel import RATHER_RIGHT, Panel, codings, read_panel
from .pain_tables import Frame, PainColumns, read_frame

Column = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of how sources see, by their names.

    Attributes
    ----------
    perfect : tuple of str
        Sources whose word is the truth.
    mentions, false_mentions : {source: (a, b)}
        Beta distributions of m1 and m0.
    modes : {source: scale}
        Standard deviation, in logits, of what the way of asking adds.
    """

    perfect: tuple[str, ...]
    mentions: Mapping[str, tuple[float, float]]
    false_mentions: Mapping[str, tuple[float, float]]
    modes: Mapping[str, float]

    @classmethod
    def checked(
        cls, perfect: Sequence[str] | str, mentions: Any, false_mentions: Any, mode_effects: Any
    ) -> Sight:
        """As `estimate_pain_points` gets them."""
        listed = (perfect,) if isinstance(perfect, str) else tuple(map(str, perfect))
        beta = [
            {str(source): _beta(pair, argument) for source, pair in (given or {}).items()}
            for given, argument in ((mentions, "mentions"), (false_mentions, "false_mentions"))
        ]
        lacking = sorted(set(beta[1]) - set(beta[0]))
        if lacking:
            raise InputError(
                f"false_mentions names {shown(lacking)}, and mentions does not: give both chances of a source.",
                code="mention_missing", argument="mentions", levels=lacking,
            )
        modes = {str(s): _checks.number(scale, "mode_effects", low=0.0, open_low=True) for s, scale in (mode_effects or {}).items()}
        return cls(perfect=listed, mentions=beta[0], false_mentions=beta[1], modes=modes)

    def refuse_unknown(self, sources: Sequence[str]) -> None:
        """Raise where a source is named that the observations do not have."""
        for argument, named in {
            "perfect_sources": self.perfect, "mentions": self.mentions, "false_mentions": self.false_mentions, "mode_effects": self.modes,
        }.items():  # fmt: skip
            unknown = sorted(set(named) - set(sources))
            if unknown:
                raise InputError(
                    f"{argument} names {shown(unknown)}; the sources of the observations are {shown(sources)}.",
                    code="unknown_source", argument=argument, levels=unknown, known=shown(sources),
                )


def _beta(pair: Any, argument: str) -> tuple[float, float]:
    if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2:
        raise InputError(
            f"{argument} must give the pair (a, b) of a beta distribution for each source; got {pair!r}. (6, 14) is: about 30 %, as if "
            "known from 20 customers.",
            code="not_a_beta_pair", argument=argument, value=repr(pair),
        )
    a, b = (_checks.number(each, argument, low=0.0, open_low=True, open_high=True) for each in pair)
    return a, b


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointTable:
    """Everything the tables said.

    Attributes
    ----------
    frame : Frame
    pains : array (K,)
        Labels.
    sources : tuple of str
        Of `counts`; one per source and coder.
    source_names : tuple of str
        The source of each.
    coders : tuple of str
    counts : PainPointCounts
    drawn_by : str
        How the audit was drawn; "" without one.
    unaudited : tuple
        Pain points that the audit has nothing on.
    panel : Panel
        The coders who read the same texts; nobody, where there are none.
    drop_off : DropOff or None
        Who left at which stage of the journey.
    """

    frame: Frame
    pains: Column
    sources: tuple[str, ...]
    source_names: tuple[str, ...]
    coders: tuple[str, ...]
    counts: PainPointCounts
    drawn_by: str
    unaudited: tuple[Any, ...]
    panel: Panel
    drop_off: DropOff | None = None

    @property
    def asked(self) -> Flags:
        """Sources that asked everybody they counted, (sources,)."""
        return np.asarray(np.isnan(self.counts.mention[:, :, 0]).all(axis=1))


def read_pain_points(
    observations: Any, frame: Any, coder_audit: Any, columns: PainColumns, sight: Sight, *, audit_drawn_by: AuditDrawnBy | None,
    taxonomy: Taxonomy | None, seed: int, drop_off: Any = None, drop_off_pains: Acts | None = None,
) -> PainPointTable:
    """The tables, checked, as arrays."""
    room = read_frame(frame, columns)
    reread = None if coder_audit is None else InputTable(coder_audit, "coder_audit")
    by_coder = reread is not None and coder_column(reread, columns) == "coder"
    seen = read_observations(observations, columns, room, coder="coder" if by_coder else None)
    if taxonomy is not None:
        taxonomy.require(seen.pains, argument=columns.pain_point)
    names = tuple(map(str, seen.sources.tolist()))
    sight.refuse_unknown(names)
    audit = None if reread is None else read_audit(reread, columns, seen.pains)
    pairs, source = np.unique(seen.source * seen.coders.size + seen.coder, return_inverse=True)
    of = [(names[pair // seen.coders.size], str(seen.coders[pair % seen.coders.size])) for pair in pairs.tolist()]
    panel, several = read_panel(seen, columns, audit), set(source[seen.pattern >= 0].tolist())
    coder = np.array([_coder_of(name, by, sight, audit, at in several) for at, (name, by) in enumerate(of)], np.intp)
    drawn, known = "", np.zeros((2, 0, seen.pains.size, 2))
    unaudited: list[Any] = []
    if audit is not None:
        coded = codings(seen, coder[source], panel)
        drawn = audit_drawn_by or drawn_by(audit, coded)
        known = np.stack(accuracy(audit, drawn, coded, seed))
        unaudited = seen.pains[(audit.n == 0).any(axis=(0, 2))].tolist()
    guessed = [name for name, place in zip(panel.names, panel.places, strict=True) if place in panel.guessed]
    known = np.concatenate([known, np.tile(RATHER_RIGHT[:, None, None], (1, len(guessed), seen.pains.size, 1))], axis=1)
    sources = tuple(name if by == "" else f"{name} ({by})" for name, by in of)
    left = None if drop_off is None else read_drop_off(drop_off, drop_off_pains or {}, columns, room, seen.pains)
    counts = _counts(seen, room, source, coder, [name for name, _ in of], known, sight, panel, left)
    return PainPointTable(
        frame=room, pains=seen.pains, sources=sources, source_names=tuple(name for name, _ in of),
        coders=(*(() if audit is None else audit.coders), *guessed), counts=counts, drawn_by=drawn, unaudited=tuple(unaudited), panel=panel,
        drop_off=left,
    )


def _counts(
    seen: Observations, frame: Frame, source: npt.NDArray[np.intp], coder: npt.NDArray[np.intp], names: Sequence[str],
    known: Floats, sight: Sight, panel: Panel, left: DropOff | None,
) -> PainPointCounts:
    def layer(given: Mapping[str, tuple[float, float]]) -> Floats:
        pairs = [given.get(name, (np.nan, np.nan)) for name in names]
        return np.repeat(np.array(pairs, float)[:, None, :], seen.pains.size, axis=1)

    patterns = np.full((len(seen.patterns), known.shape[1]), -1)
    patterns[:, panel.places] = seen.patterns
    return PainPointCounts(
        pain=seen.pain, segment=seen.segment, dealer=seen.dealer, group=seen.group, source=source, positive=seen.positive, n=seen.n,
        frame=frame.customers, coder=coder, sensitivity=known[0], specificity=known[1], mention=layer(sight.mentions),
        false_mention=layer(sight.false_mentions), mode_scale=np.array([sight.modes.get(name, 0.0) for name in names]),
        pains=int(seen.pains.size), pattern=seen.pattern, patterns=patterns, drop_off=None if left is None else left.counts,
    )


def _coder_of(source: str, told: str, sight: Sight, audit: CoderAudit | None, several: bool) -> int:
    """The coder of a source: -1 where its word is the truth, or where several read its texts."""
    if several and source in sight.perfect:
        raise InputError(
            f"perfect_sources names {source!r}, whose texts have labels of coders who err. Leave it out.",
            code="perfect_source_coded", argument="perfect_sources", levels=[source], source=source,
        )
    if several or source in sight.perfect:
        return -1
    name = {"source": source, "coder": told}.get(audit.by, "") if audit is not None else ""
    if audit is None or name not in audit.coders:
        who = f"coder {told!r} of source {source!r}" if audit is not None and audit.by == "coder" else f"source {source!r}"
        raise InputError(
            f"Nothing is known of how well {who} finds a pain point. Give coder_audit rows of it, or say in perfect_sources that what it "
            "says is the truth, as of a question answered by the customer himself.",
            code="coder_not_audited", argument="coder_audit", levels=[source], source=source, coder=told,
        )
    return audit.coders.index(name)
