"""Tools side by side: each in a fresh process on one thread, from data in memory to an array; seconds, memory, agreement.

A benchmark names its tools "<tool> <variant>"; ratios are taken between the tools of a variant. Each round runs every fast tool once, so
that a busy machine slows all of them; the median counts, and seconds are those of the processor, which neighbours disturb least. Reading
the data is not timed, and the first call of a process, which warms it up, counts only where a tool takes longer than `SLOW` seconds.
Python peers are looked for in ``$VOCSTATS_PEERS/<tool>/bin/python``, else in this interpreter; R packages through Rscript. Tools that are
not installed are named and left out. ``--record`` writes the results where docs/explanation/make_performance.py finds them.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

RECORDS = Path(__file__).resolve().parents[1] / "docs/explanation/performance"
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"), "1")
SLOW = 15.0  # seconds
TIMED_OUT = 900.0  # seconds
Data = dict[str, np.ndarray]
Run = Callable[[], np.ndarray]


@dataclass(frozen=True)
class Benchmark:
    """What is compared.

    Attributes
    ----------
    file : str
        The script, which is also what the processes run.
    title : str
        Heading of the results.
    generate : callable
        {name: array} from a number of rows; written once, read by every tool.
    tools : {"tool variant": callable}
        From the data to a function without arguments that returns an array.
    r : {"tool variant": script}
        R code that defines `run` from the columns of a list `data` (vectors; matrices column by column).
    rows : int
        Default number of rows.
    agree : float
        Largest relative difference between the results of a variant; None leaves them unchecked. Results of other size are not compared.
    limits : {tool: float}
        Largest accepted ratio of vocstats to a tool.
    check : callable
        From data and result to a figure that is printed beside the seconds, such as the error of a total.
    """

    file: str
    title: str
    generate: Callable[[int], Data]
    tools: dict[str, Callable[[Data], Run]]
    rows: int
    r: dict[str, str] = field(default_factory=dict)
    agree: float | None = None
    limits: dict[str, float] = field(default_factory=dict)
    check: Callable[[Data, str, np.ndarray], float] | None = None


def main(benchmark: Benchmark) -> int:
    """Compare the tools; 1 where vocstats is slower than a limit allows."""
    known = [*benchmark.tools, *benchmark.r]
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=benchmark.rows)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tools", nargs="*", default=sorted({name.split()[0] for name in known}))
    parser.add_argument("--variants", nargs="*", default=sorted({_variant(name) for name in known}))
    parser.add_argument("--record", metavar="NAME", help="write the results for the documentation under this name")
    parser.add_argument("--worker", nargs=2, metavar=("TOOL", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _work(benchmark, given.worker[0], Path(given.worker[1]))
        return 0
    names = [name for name in known if name.split()[0] in given.tools and _variant(name) in given.variants]
    with tempfile.TemporaryDirectory() as folder:
        data = benchmark.generate(given.rows)
        _write(data, Path(folder))
        lines = _compare(benchmark, names, data, Path(folder), given.rounds)
    report(f"{benchmark.title}, {given.rows:,} rows", lines, given.record, rows=given.rows)
    return int(any(line["limit"] is not None and not line["times_vocstats"] * line["limit"] >= 1.0 for line in lines))


def report(title: str, lines: list[dict[str, Any]], record: str | None, **facts: Any) -> None:
    """Print a table, and keep it where the documentation is made from."""
    print(title)
    for line in lines:
        print("  ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in line.items()))
    if record is None:
        return
    RECORDS.mkdir(exist_ok=True)
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "vocstats")}
    document = {
        "title": title, "date": datetime.date.today().isoformat(), "machine": machine(), "python": platform.python_version(),
        "versions": versions, "facts": facts, "rows": lines,
    }
    (RECORDS / f"{record}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    """Processor and memory in a few words."""
    try:
        model = next(line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
        memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    except (OSError, StopIteration):
        return platform.machine()
    return f"{model}, {os.cpu_count()} processors, {memory:.0f} GiB"


def clocked(run: Run) -> tuple[np.ndarray, float, float]:
    """Result of a call, its seconds of processor and of wall clock."""
    start = time.process_time(), time.perf_counter()
    result = run()
    return result, time.process_time() - start[0], time.perf_counter() - start[1]


def peak() -> float:
    """Largest memory of this process so far, MiB; elsewhere than on Linux that of the process that started it may be contained."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _variant(name: str) -> str:
    return name.split(maxsplit=1)[1] if " " in name else ""


def _compare(benchmark: Benchmark, names: list[str], data: Data, folder: Path, rounds: int) -> list[dict[str, Any]]:
    taken: dict[str, list[dict[str, Any]]] = {}
    for turn in range(rounds):
        for name in names:
            if turn and (name not in taken or taken[name][0]["cpu"] > SLOW):
                continue
            line = _measure(benchmark, name, folder)
            if line is not None:
                taken.setdefault(name, []).append(line)
    own = {_variant(name): statistics.median(each["cpu"] for each in runs) for name, runs in taken.items() if name.split()[0] == "vocstats"}
    lines = []
    for name, runs in taken.items():
        cpu = statistics.median(each["cpu"] for each in runs)
        tool, variant = name.split()[0], _variant(name)
        result, reference = np.load(folder / f"{name}.npy"), folder / f"{f'vocstats {variant}'.strip()}.npy"
        own_result = np.load(reference) if reference.exists() else np.zeros(0)
        differs = float(np.abs(result.ravel() / own_result.ravel() - 1.0).max()) if own_result.size == result.size else float("nan")
        if benchmark.agree is not None and differs > benchmark.agree:
            raise SystemExit(f"{name} differs from vocstats by {differs:.1e}")
        lines.append({
            "tool": tool, "version": runs[0]["version"], "variant": variant, "cpu": cpu,
            "wall": statistics.median(each["wall"] for each in runs), "memory": max(each["memory"] for each in runs),
            "times_vocstats": cpu / own.get(variant, float("nan")),
            "limit": benchmark.limits.get(tool), "differs": differs,
            "error": benchmark.check(data, name, result) if benchmark.check else float("nan"), "runs": len(runs),
        })
    return lines


def _measure(benchmark: Benchmark, name: str, folder: Path) -> dict[str, Any] | None:
    """One process; None where the tool is not installed or fails."""
    tool = name.split()[0]
    if name in benchmark.r:
        if shutil.which("Rscript") is None:
            print(f"{name}: no Rscript")
            return None
        (folder / "worker.R").write_text(R_HEAD + benchmark.r[name] + R_TAIL)
        command = ["Rscript", "--vanilla", str(folder / "worker.R"), str(folder), tool]
    else:
        own = Path(os.environ.get("VOCSTATS_PEERS", "")) / tool / "bin" / "python"
        command = [str(own) if own.is_absolute() and own.exists() else sys.executable, benchmark.file, "--worker", name, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS, timeout=TIMED_OUT)
    except subprocess.TimeoutExpired:
        print(f"{name}: more than {TIMED_OUT:.0f} s")
        return None
    if done.returncode:
        print(f"{name}: left out, {(done.stderr.strip().splitlines() or ['it failed'])[-1][:200]}")
        return None
    if name in benchmark.r:
        np.save(folder / f"{name}.npy", np.fromfile(folder / "result.bin"))
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _work(benchmark: Benchmark, name: str, folder: Path) -> None:
    """Run one Python tool here: its seconds, its memory and its version as JSON, its result beside the data."""
    data = {path.stem: np.load(path) for path in (folder / "data").glob("*.npy")}
    run = benchmark.tools[name](data)
    before = peak()
    result, cpu, wall = clocked(run)
    memory = peak() - before
    if cpu < SLOW:
        result, cpu, wall = clocked(run)
    np.save(folder / f"{name}.npy", result)
    tool = "vocstats" if name.startswith("vocstats") else name.split()[0].replace("_", "-")
    try:
        version = importlib.metadata.version(tool)
    except importlib.metadata.PackageNotFoundError:
        version = f"numpy {np.__version__}"
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory, "version": version}))


def _write(data: Data, folder: Path) -> None:
    """The data once for numpy and once for R (columns one after the other)."""
    (folder / "data").mkdir()
    for name, array in data.items():
        np.save(folder / "data" / f"{name}.npy", array)
        array.ravel(order="F").astype(np.float64).tofile(folder / f"{name}.bin")
        (folder / f"{name}.shape").write_text(" ".join(map(str, array.shape)))


R_HEAD = """
a <- commandArgs(TRUE); setwd(a[1]); suppressMessages(library(survey)); data <- list()
for (name in sub(".shape", "", list.files(pattern = "shape$"), fixed = TRUE)) {
  shape <- scan(paste0(name, ".shape"), quiet = TRUE)
  x <- readBin(paste0(name, ".bin"), "double", prod(shape))
  data[[name]] <- if (length(shape) == 2) matrix(x, shape[1]) else x
}
"""
R_TAIL = """
invisible(gc()); t <- proc.time(); result <- run(); t <- proc.time() - t
writeBin(as.double(result), "result.bin")
rss <- as.numeric(sub("[^0-9]*([0-9]+).*", "\\\\1", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
cat(sprintf('{"cpu": %f, "wall": %f, "memory": %f, "version": "%s"}\\n', t[[1]] + t[[2]], t[[3]], rss, packageVersion("survey")))
"""
