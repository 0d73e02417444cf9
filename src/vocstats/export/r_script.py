"""The R script that rebuilds a design from a file that `write_survey` wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .._checks import Floats
from ..estimation import Design, Replicates

REPLICATE = re.compile(r"replicate_\d+")
_READERS = {
    ".csv": 'read.csv(path, fileEncoding = "UTF-8-BOM", check.names = FALSE, na.strings = ""{classes})',
    ".sav": "as.data.frame(haven::zap_labels(haven::read_sav(path)))",
    ".parquet": "as.data.frame(arrow::read_parquet(path))",
}
_HEAD = """# Rebuilds the survey design of {file}. Run: Rscript {script}
if (!l10n_info()[["UTF-8"]]) invisible(Sys.setlocale("LC_CTYPE", "C.UTF-8"))
suppressPackageStartupMessages(library(survey))
self <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
self <- gsub("~+~", " ", self, fixed = TRUE)  # how R hands over a space
path <- file.path(if (length(self)) dirname(self[1]) else ".", {quoted})
data <- {reader}
data <- data[data$weight != 0, ]  # heard only
"""
_MEAN = """estimate <- svymean(~{outcome}, design)
print(data.frame(mean = as.numeric(coef(estimate)), SE = as.numeric(SE(estimate))), digits = 15)
"""


def r_script(
    file: str, added: Sequence[str], texts: Sequence[str], outcome: str | None, design: Design | None, replicates: Replicates | None
) -> str:
    """The text of the script.

    Parameters
    ----------
    file : str
        Name of the data file, in the folder of the script.
    added : sequence of str
        Columns `write_survey` added.
    texts : sequence of str
        Columns of text, which R must not turn into numbers.
    outcome : str or None
        Column whose mean is printed.
    design : Design or None
        How the rows were drawn.
    replicates : Replicates or None
        Whose scale, rscales and centre are written out.
    """
    stem, dot, kind = file.rpartition(".")
    kept = ", ".join(_name(name) + ' = "character"' for name in texts)
    classes = f", colClasses = c({kept})" if texts else ""
    reader = _READERS[dot + kind.lower()].format(classes=classes)
    lines = [_HEAD.format(file=file, script=f"{stem}.R", quoted=_text(file), reader=reader)]
    if "count" in added:
        lines.append("data <- data[rep(seq_len(nrow(data)), data$count), ]  # each row as often as it counts\n")
    lines.append(_sample(design or Design()) if replicates is None else _replicated(replicates))
    if outcome is not None:
        lines.append(_MEAN.format(outcome=_name(outcome)))
    return "".join(lines)


def _sample(design: Design) -> str:
    lines = []
    ids = [f"cluster_{stage}" if column is not None else ".row" for stage, column in enumerate(design.clusters, 1)]
    if ids == [".row"]:
        ids = ["1"]
    elif ".row" in ids:
        lines.append("data$.row <- seq_len(nrow(data))\n")
    strata = [f"stratum_{stage}" for stage, _ in enumerate(design.strata, 1)]
    terms = {"ids": ids, "strata": strata, "fpc": [f"fpc_{stage}" for stage, _ in enumerate(design.fpc, 1)]}
    given = ", ".join(f"{name} = ~{' + '.join(columns)}" for name, columns in terms.items() if columns)
    lines.append(f'options(survey.lonely.psu = "{design.lonely_psu}")\n')
    lines.append(f"design <- svydesign({given}, weights = ~weight, data = data)  # the weights are taken as given\n")
    return "".join(lines)


def _replicated(replicates: Replicates) -> str:
    scaling = replicates.scaling
    mse = scaling.centre == "estimate"
    rscales = scaling.rscales if mse else np.repeat(scaling.rscales / scaling.often, scaling.often.astype(int))
    return (
        f"rscales <- {_numbers(rscales)}\n"
        'replicates <- as.matrix(data[, grep("^replicate_[0-9]+$", names(data))])\n'
        f'design <- svrepdesign(data = data, weights = ~weight, repweights = replicates, type = "other", scale = {scaling.scale!r},\n'
        f"  rscales = rscales, combined.weights = TRUE, mse = {'TRUE' if mse else 'FALSE'})\n"
    )


def _numbers(values: Floats) -> str:
    if (values == values[0]).all():
        return f"rep({float(values[0])!r}, {values.size})"
    lines = [", ".join(map(repr, values[k : k + 6].tolist())) for k in range(0, values.size, 6)]
    return "c(" + ",\n  ".join(lines) + ")"


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
