"""Results of given values: a table per score, on the same latents."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from inspect_autointerp.leaderboard.results import COST_COLUMNS, DECILE_COLUMNS, Results, band

Values = Mapping[str, Sequence[float]]
FLOORS = ("empty", "shuffled")
NAN = float("nan")


def results_of_values(
    values: Values | Mapping[str, Values],
    shares: Sequence[float] | None = None,
    deciles: Mapping[str, Mapping[int, Sequence[float]]] | None = None,
    coders: Mapping[str, str] | None = None,
) -> Results:
    """Results of one score, or of several by name.

    Args:
        values: By explainer its value of each latent. `FLOORS` are floors.
        shares: Firing shares of the latents.
        deciles: By explainer and decile its value of each latent.
        coders: By score its coder.
    """
    scores = values if isinstance(next(iter(values.values())), Mapping) else {"detection": values}
    entries, frames = [], []
    n = 0
    for table, (score, of_score) in enumerate(scores.items(), 1):
        coder = (coders or {}).get(score, "some/coder")
        for explainer, values_ in of_score.items():  # pyright: ignore[reportAttributeAccessIssue]
            n = len(values_)
            given = (deciles or {}).get(explainer, {})
            columns = {name: given.get(i, [NAN] * n) for i, name in enumerate(DECILE_COLUMNS, 1)}
            frame = pd.DataFrame(
                {"entry": len(entries), "latent": range(n), "value": values_, "unscored": 0.0} | columns
            )
            frames.append(frame.astype({name: "f4" for name in frame.columns[2:]}))
            entries.append(
                {
                    "table": table,
                    "series": table,
                    "explainer": explainer,
                    "floor": explainer in FLOORS or coder.startswith("random:"),
                    "trained": False,
                    "score": score.split("@")[0],
                    "statistic": "balanced_accuracy",
                    "hookpoint": "layers.1",
                    "store": "d1",
                    "suite": "",
                    "subject": "subject",
                    "coder": coder,
                    "grader": "g",
                    "prompt": "detection/1",
                    "options": "{}",
                    "n_latents": n,
                    "identical": NAN,
                    "words": NAN,
                    "characters": NAN,
                    "tokens_per_latent": 100.0,
                    **dict.fromkeys(COST_COLUMNS, float("nan")),
                    "cost_per_latent": NAN,
                    "created": "2026-01-01",
                    "log": f"logs/{explainer}.eval",
                    "scorer": score,
                }
            )
    firing = pd.Series(shares if shares is not None else [0.01] * n, dtype=float)
    latents = pd.DataFrame(
        {
            "store": pd.Categorical(["d1"] * n),
            "id": [f"layers.1/{i}" for i in range(n)],
            "hookpoint": pd.Categorical(["layers.1"] * n),
            "index": np.arange(n),
            "firing_share": firing,
            "max_activation": 1.0,
            "band": band(firing),
        }
    )
    nothing = pd.DataFrame(columns=["entry", "statistic", "mean", "low", "high", "n"])
    apart = pd.DataFrame(columns=["explainer", "log", "reason"])
    every = pd.DataFrame(entries).rename_axis("entry")
    return Results(every, pd.concat(frames, ignore_index=True), latents.rename_axis("latent"), nothing, apart)
