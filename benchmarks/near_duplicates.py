"""Near-duplicates among 100,000 forms of 20 dealers, beside every pair of a dealer's forms compared.

    python benchmarks/near_duplicates.py [--rows 100000] [--rounds 3] [--record near_duplicates_100000]

`pairs` is a plain numpy matrix of matches per dealer, as the rule of 85 % matches needs it: the largest share of items in which each form
agrees with another. It holds nothing against an honest network. `vocstats` does: against 400 draws of it with so few dealers, against 2 in
`vocstats_two_draws`, which is nearly the cost of the search alone. Blocks are found by sorting, so that its cost grows with the forms, that
of the pairs with their square.
"""

from __future__ import annotations

import numpy as np
from side_by_side import Benchmark, Data, Run, main

DEALERS, ITEMS = 20, 8


def generate(rows: int) -> Data:
    """Answers with a common factor, from 4 to 10."""
    rng = np.random.default_rng(1)
    latent = rng.normal(size=(rows, 1)) + rng.normal(size=(rows, ITEMS))
    return {"items": np.clip(np.rint(8.5 + 1.2 * latent), 4, 10).astype(np.int8), "dealer": np.arange(rows) % DEALERS}


def vocstats(data: Data) -> Run:
    """The signal, p-values included."""
    from vocstats.inflation import near_duplicates

    return lambda: near_duplicates(data["items"], data["dealer"], seed=1).p_value


def vocstats_two_draws(data: Data) -> Run:
    """The search, and hardly any null."""
    from vocstats.inflation import near_duplicates

    return lambda: near_duplicates(data["items"], data["dealer"], draws=2, seed=1).p_value


def pairs(data: Data) -> Run:
    """The largest match of each form with another of its dealer."""
    items, dealer = data["items"], data["dealer"]

    def run() -> np.ndarray:
        largest = np.zeros(dealer.size)
        for each in range(DEALERS):
            rows = np.flatnonzero(dealer == each)
            matches = np.zeros((rows.size, rows.size), np.int8)
            for item in items[rows].T:
                matches += item[:, None] == item
            np.fill_diagonal(matches, 0)
            largest[rows] = matches.max(axis=1) / ITEMS
        return largest

    return run


BENCHMARK = Benchmark(
    file=__file__, title="Near-duplicates of 20 dealers", generate=generate,
    tools={"vocstats": vocstats, "vocstats_two_draws": vocstats_two_draws, "pairs": pairs}, rows=100_000,
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
