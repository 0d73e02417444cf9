"""Pain points as a study asks for them: ``[pain_points]`` as the arguments of `vocstats.estimate_pain_points`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import VocstatsError
from .requests import pain_dealer_column
from .schema import CORRECTION, SCORE

if TYPE_CHECKING:
    from ..customer_base import CountedPainPoints, CustomerBase
    from ..prevalence.taxonomy import Taxonomy
    from ..report.pain_content import PainPointContent
    from ..workflows.pain_counts import PainPointTable
    from ..workflows.pain_result import PainPointPrevalence
    from .reading import Files
    from .study_file import Study

_COLUMNS = ("pain_point", "response_group", "source", "positive", "n")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyPains:
    """What a study found of pain points.

    Attributes
    ----------
    result : PainPointPrevalence
    counted : CountedPainPoints or None
        What was counted from rows, with what is missing; None where the study gives counts.
    content : PainPointContent
        What the report shows.
    """

    result: PainPointPrevalence
    counted: CountedPainPoints | None
    content: PainPointContent


def study_taxonomy(study: Study) -> Taxonomy:
    """The eighteen, or those of the file the study names."""
    from ..prevalence.taxonomy import Taxonomy
    from ..tables import read_table

    named = study["pain_points"]["taxonomy"]
    if named == "default":
        return Taxonomy.default()
    path = study.locate(named)
    return Taxonomy.load(path if path.suffix.lower() == ".toml" else read_table(path))


def count_study_pains(study: Study, base: CustomerBase) -> CountedPainPoints:
    """Pain points counted from the rows of a base."""
    asked = study["pain_points"]
    window = dict(zip(("from", "to"), asked["window"], strict=True)) if isinstance(asked["window"], list) else None
    return base.count_pain_points(asked["columns"], groups=asked["groups"], window=window, missing_codes=tuple(asked["missing_codes"]))


def _counted(study: Study, base: CustomerBase | None) -> CountedPainPoints | None:
    """What is counted from rows; None where the study gives counts."""
    return None if base is None or study["pain_points"]["observations"] else count_study_pains(study, base)


def pain_arguments(study: Study, files: Files, counted: CountedPainPoints | None) -> tuple[Any, dict[str, Any]]:
    """The observations, and the other arguments of `estimate_pain_points`."""
    asked = study["pain_points"]
    audit: Mapping[str, Any] = asked.get("coder_audit") or {}
    left: Mapping[str, Any] = asked.get("drop_off") or {}
    given = {
        "groups": asked["groups"], "dealer": pain_dealer_column(study), "coders": asked["coders"],
        "perfect_sources": asked["perfect_sources"],
        **{name: _pairs(asked[name]) for name in ("mentions", "false_mentions")}, "mode_effects": asked["mode_effects"],
        "coder_audit": files.table("coder_audit") if audit else None, "audit_drawn_by": audit.get("drawn_by"),
        "drop_off": files.table("drop_off") if left else None, "drop_off_pains": left.get("pains"),
        "taxonomy": study_taxonomy(study), "by": asked["by"], "engine": asked["engine"], "level": asked["level"],
        "seed": study["study"]["seed"],
    }
    if counted is not None:
        return counted.observations, given | {"frame": counted.frame}
    own = {name: asked[name] for name in _COLUMNS} | {"frame": files.table("frame"), "frame_count": asked["frame"]["customers"]}
    return files.table("observations"), given | own


def _pairs(given: Mapping[str, Any] | None) -> dict[str, tuple[float, ...]] | None:
    return None if given is None else {source: tuple(pair) for source, pair in given.items()}


def estimate_study_pains(
    study: Study, files: Files, base: CustomerBase | None, tell: Callable[[str, int, int], None], *, conflict: bool = True
) -> StudyPains:
    """The pain points of a study; with `conflict` each source is left out in turn, which takes a fit for each."""
    from ..report import pain_content
    from ..workflows.pain_points import estimate_pain_points

    tell("pain_points", 0, 1)
    counted = _counted(study, base)
    observations, arguments = pain_arguments(study, files, counted)
    result = estimate_pain_points(observations, **arguments)
    content = pain_content(
        result, taxonomy=arguments["taxonomy"], minimum_group=study["report"]["minimum_group"], window=pain_window(study), conflict=conflict
    )
    tell("pain_points", 1, 1)
    return StudyPains(result=result, counted=counted, content=content)


def pain_window(study: Study) -> str:
    """The time the pains are of, in words."""
    window = study["pain_points"]["window"]
    population = study["registry"].get("population") or {}
    if window is None and population:
        window = [population["from"], population["to"]]
    return (window if isinstance(window, str) else " – ".join(map(str, window))) if window else study.period


def read_pains(study: Study, files: Files, base: CustomerBase | None) -> tuple[PainPointTable | None, list[VocstatsError]]:
    """The counts as an estimate would take them, or what is wrong with them; nothing is estimated."""
    from ..workflows.pain_counts import Sight, read_pain_points
    from ..workflows.pain_drop_off import checked_acts
    from ..workflows.pain_tables import PainColumns

    try:
        counted = _counted(study, base)
        observations, given = pain_arguments(study, files, counted)
        names = {name: given.get(name, name) for name in _COLUMNS} | {"frame_count": given.get("frame_count", "customers")}
        columns = PainColumns.checked(groups=given["groups"], dealer=given["dealer"], coders=given["coders"], **names)
        sight = Sight.checked(*(given[name] for name in ("perfect_sources", "mentions", "false_mentions", "mode_effects")))
        told = {name: given[name] for name in ("audit_drawn_by", "taxonomy", "seed", "drop_off")}
        told["drop_off_pains"] = checked_acts(given["drop_off"], given["drop_off_pains"])
        return read_pain_points(observations, given["frame"], given["coder_audit"], columns, sight, **told), []
    except VocstatsError as error:
        return None, [error]


def pains_alone(study: Study) -> Study:
    """The study without its correction and its audit."""
    left_out = {"audit", *(CORRECTION if study["pain_points"]["observations"] else SCORE)}
    return replace(study, settings={name: value for name, value in study.settings.items() if name not in left_out})
