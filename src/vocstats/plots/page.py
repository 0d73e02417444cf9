"""A chart as an offline HTML page, its specification unable to end the script element it stands in."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependencyError

if TYPE_CHECKING:
    import altair as alt

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><title>{title}</title></head>
<body><div id="chart"></div>
<script type="application/json" id="spec">{spec}</script>
<script>{script}</script>
</body></html>
"""
_DRAW = 'vegaEmbed("#chart", JSON.parse(document.getElementById("spec").textContent), {actions: false});'


def json_text(document: Any) -> str:
    """JSON for a script element: ``<``, ``>``, ``&`` and the line separators as ``\\u`` escapes.

    Parameters
    ----------
    document : object
        What `json.dumps` accepts, without NaN.

    Returns
    -------
    str
        JSON that any parser reads back unchanged and no HTML parser can leave.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    for character, replacement in _ESCAPES.items():
        text = text.replace(character, replacement)
    return text


def page(chart: alt.TopLevelMixin, *, title: str = "") -> str:
    """A chart as one HTML file that needs no network.

    Parameters
    ----------
    chart : altair chart
        What to show.
    title : str
        Title of the page.

    Returns
    -------
    str
        The page, about 1 MB: it carries the drawing library.

    Raises
    ------
    MissingDependencyError
        vl-convert-python is not installed.
    """
    try:
        from vl_convert import javascript_bundle
    except ImportError as error:
        message = "An offline page needs vl-convert-python; install it with: pip install 'vocstats[report]'"
        raise MissingDependencyError(message, code="missing_dependency", package="vl-convert-python", extra="report") from error
    script = javascript_bundle(_DRAW).replace("</script", "<\\/script")
    return _PAGE.format(title=escape(title), spec=json_text(chart.to_dict()), script=script)
