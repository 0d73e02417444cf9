"""What the deterministic engine of pain points costs from counts to draws, and how that grows with pains, segments and dealers.

    python benchmarks/pain_points.py [--largest 1000] [--record pain_points]

`network` draws the network and its segments, `dealers` every dealer too; `rows` is the plain way to what takes `dealers` longest, the log
likelihoods of a pain's dealers at 60 nodes for 25 draws of the network, row by row of the counts, and `product` the engine's. Every line is
a fresh process on one thread; seconds are those of the processor, memory the peak of the process, counts and imports included. Exit code
1 when 18 pains, 24 segments and 1000 dealers take more than 10 s (`network`), 60 s (`dealers`) or 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from side_by_side import THREADS, Run, clocked, peak, report

FULL = (18, 24, 1000)
LIMITS = {"network": 10.0, "dealers": 60.0}
MOST = 1024.0  # MiB
PLAN = [
    *(("network", 18, 24, dealers) for dealers in (30, 300, 1000)), *(("network", pains, 24, 300) for pains in (6, 54)),
    *(("network", 18, segments, 300) for segments in (6, 96)), *(("dealers", 18, 24, dealers) for dealers in (30, 300, 1000)),
    *((job, 1, 24, 1000) for job in ("product", "rows")),
]
NODES, DRAWS = np.linspace(-2.0, 2.0, 60), 25


def counts_of(pains: int, segments: int, dealers: int) -> Any:
    """A survey through a coder, a follow-up and exit interviews at a thousand customers per dealer."""
    from vocstats.prevalence.counts import PainPointCounts

    rng = np.random.default_rng(1)
    customers = rng.poisson(1000.0 * np.exp(0.4 * rng.normal(size=dealers)) / segments, (segments, dealers))
    frame = np.stack([rng.binomial(customers, share) for share in (0.25, 0.61, 0.14)], axis=-1)
    n = np.stack([frame[..., 0], rng.binomial(frame[..., 1], 0.05), rng.binomial(frame[..., 2], 0.12)], axis=-1)
    shape = (pains, segments, dealers, 3)
    logit = np.linspace(-3.0, -0.6, pains)[:, None, None, None] + 0.35 * rng.normal(size=(pains, segments, 1, 1))
    logit = logit + 0.35 * rng.normal(size=(pains, 1, dealers, 1)) + np.array([0.0, 0.5, 0.7])
    share = 1.0 / (1.0 + np.exp(-logit))
    share[..., 0] = 0.87 * share[..., 0] + 0.03 * (1.0 - share[..., 0])
    positive = rng.binomial(np.broadcast_to(n, shape), share)
    k, s, d, r = np.nonzero(np.broadcast_to(n > 0, shape))
    layer = np.full((3, pains, 2), np.nan)
    return PainPointCounts(
        pain=k, segment=s, dealer=d, group=r, source=r, positive=positive[k, s, d, r], n=n[s, d, r], frame=frame, coder=[0, -1, -1],
        sensitivity=np.tile([53.0, 9.0], (1, pains, 1)), specificity=np.tile([156.0, 6.0], (1, pains, 1)), mention=layer,
        false_mention=layer, mode_scale=np.zeros(3), pains=pains,
    )


def fit(counts: Any, dealers: bool) -> Run:
    """From counts to draws."""
    from vocstats.prevalence.latent_field import fit_latent_field

    return lambda: fit_latent_field(counts, dealers=dealers).intercept


def product(counts: Any) -> Run:
    """One product of counts by cells with log chances of cells."""
    from vocstats.prevalence.dealer_quadrature import DealerCounts, NetworkDraws
    from vocstats.prevalence.design_effects import dealer_cells

    table = DealerCounts.of(dealer_cells(counts, 0))
    one = np.ones((DRAWS, 1))
    network = NetworkDraws(-2.0 + np.linspace(-0.5, 0.5, 24) * one, np.array([0, 0.5, 0.7]) * one, np.array([0.87, 1, 1]) * one,
                           np.array([0.03, 0, 0]) * one, np.array([0, 0.5, 0.7]) * one)
    return lambda: np.array([table.log_likelihood(network, draw, NODES).sum() for draw in range(DRAWS)])


def rows(counts: Any) -> Run:
    """Every row of the counts at every node."""
    logit = -2.0 + np.linspace(-0.5, 0.5, 24)[counts.segment] + np.array([0, 0.5, 0.7])[counts.group]
    found, false = np.where(counts.group == 0, 0.87, 1.0)[:, None], np.where(counts.group == 0, 0.03, 0.0)[:, None]

    def once() -> float:
        share = false + (found - false) / (1.0 + np.exp(-(logit[:, None] + NODES)))
        log = counts.positive[:, None] * np.log(share) + (counts.n - counts.positive)[:, None] * np.log1p(-share)
        total = np.zeros((counts.frame.shape[1], NODES.size))
        np.add.at(total, counts.dealer, log)
        return float(total.sum())

    return lambda: np.array([once() for _ in range(DRAWS)])


def work(job: str, size: tuple[int, int, int]) -> None:
    """One line, as JSON."""
    counts = counts_of(*size)
    run = {"product": product, "rows": rows}[job](counts) if job in ("product", "rows") else fit(counts, job == "dealers")
    result, cpu, _ = clocked(run)
    print(json.dumps({"rows": int(counts.n.size), "cpu": cpu, "memory": peak(), "check": float(result.sum())}))


def main() -> int:
    """Print a line per job and size; 1 where a limit is broken or the plain way finds something else."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=FULL[2], help="number of dealers")
    parser.add_argument("--record", metavar="NAME")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        pains, segments, dealers = map(int, given.worker[1:])
        work(given.worker[0], (pains, segments, dealers))
        return 0
    lines: list[dict[str, Any]] = []
    for job, *size in PLAN:
        if size[2] <= given.largest:
            command = [sys.executable, __file__, "--worker", job, *map(str, size)]
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS, check=True)
            lines.append({"job": job, **dict(zip(("pains", "segments", "dealers"), size, strict=True)), **json.loads(done.stdout)})
    report("Pain points", lines, given.record)
    full = [line for line in lines if (line["pains"], line["segments"], line["dealers"]) == FULL]
    plain = {line["check"] for line in lines if line["job"] in ("product", "rows")}
    agree = not plain or max(plain) - min(plain) < 1e-9 * abs(max(plain))
    return int(not agree or any(line["cpu"] > LIMITS[line["job"]] or line["memory"] > MOST for line in full))


if __name__ == "__main__":
    raise SystemExit(main())
