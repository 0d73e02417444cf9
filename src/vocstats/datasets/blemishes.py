"""What real exports look like: repeated answers, unknown ids, codes for no answer, missing traits.

The last answer of a customer stays his true one, so the study's ``repeated = "last"`` recovers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .fieldwork import FIRST_INVITED, LAST_ANSWER
from .population import DAY, days

if TYPE_CHECKING:
    import pandas as pd

MISSING = {"age_band": 0.03, "warranty": 0.005}  # share of the registry
REPEATED, NO_ANSWER, UNKNOWN = 0.04, 0.01, 0.003  # shares of the survey's answers
NO_ANSWER_CODES = (98, 99)


def blank_traits(rng: np.random.Generator, registry: pd.DataFrame) -> pd.DataFrame:
    """The registry with some traits missing, at random."""
    return registry.assign(**{name: registry[name].mask(rng.random(len(registry)) < share) for name, share in MISSING.items()})


def spoil_survey(rng: np.random.Generator, survey: pd.DataFrame, customers: int) -> pd.DataFrame:
    """The survey in order of date, with earlier answers of some, codes for no answer, and ids nobody knows."""
    import pandas as pd

    fate = rng.random(len(survey))
    again = survey[(fate < REPEATED) & (survey["answered_on"] > FIRST_INVITED)]
    day = days(rng, FIRST_INVITED, again["answered_on"].to_numpy().astype("datetime64[D]") - DAY, len(again))
    earlier = again.assign(
        answered_on=day.astype("datetime64[s]"), csi=np.clip(again["csi"] + rng.integers(-2, 3, len(again)), 1, 10)
    )
    silent_on_it = fate > 1.0 - NO_ANSWER
    kept = survey.assign(csi=np.where(silent_on_it, rng.choice(NO_ANSWER_CODES, len(survey)), survey["csi"]))
    unknown = _unknown(rng, survey, customers)
    return pd.concat([kept, earlier, unknown], ignore_index=True).sort_values(["answered_on", "customer_id"], ignore_index=True)


def _unknown(rng: np.random.Generator, survey: pd.DataFrame, customers: int) -> pd.DataFrame:
    """Answers under ids that begin with 9, which none of the registry does."""
    import pandas as pd

    size = max(3, round(UNKNOWN * len(survey)))
    width = max(8, len(str(7 * customers)) + 1)
    return pd.DataFrame(
        {
            "customer_id": [f"9{number:0{width - 1}d}" for number in 1 + rng.permutation(10 * size)[:size]],
            "answered_on": days(rng, FIRST_INVITED, LAST_ANSWER, size).astype("datetime64[s]"),
            "csi": rng.integers(1, 11, size),
        }
    )
