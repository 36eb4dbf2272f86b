"""The demo's tables in words."""

from typing import Any, cast

import pandas as pd

from inspect_autointerp.leaderboard.show import demo_sentence


def test_demo_sentence_has_the_numbers_of_the_tables(monkeypatch) -> None:
    entries = pd.DataFrame(
        {
            "table": [1, 1, 2, 2, 2],
            "coder": ["neurons"] * 2 + ["an SAE"] * 3,
            "floor": [False, True, False, True, True],
            "n_latents": 7,
        }
    )
    means = pd.DataFrame({"mean": [0.55, 0.5, 0.62, 0.506, 0.5]})
    monkeypatch.setattr(demo_sentence, "summary", lambda results: means)
    results = cast(Any, type("Results", (), {"entries": entries})())
    assert demo_sentence.sentence(results).splitlines() == [
        "7 SAE latents: explanations by the lexical baseline get 0.620, the highest floor gets 0.506.",
        "7 neurons: explanations by the lexical baseline get 0.550, the highest floor gets 0.500.",
        "Guessing gets 0.500.",
        demo_sentence.CAVEAT,
    ]
