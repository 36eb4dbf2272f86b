"""The study where the truth is known: true explanations of planted latents, and a grader that errs at a known rate."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import get_model

from inspect_autointerp.experiments import plan
from inspect_autointerp.experiments.results import read_found
from inspect_autointerp.experiments.run import run_study
from inspect_autointerp.experiments.stability.design import Design, usable_in_all
from inspect_autointerp.experiments.stability.results import cell_values, stability

ORACLE, ERRING = "inspect_autointerp/oracle", "inspect_autointerp/oracle-erring"
ERRORS, CONTEXTS, DRAWS = 0.2, 40, 3


@pytest.fixture
def told(planted_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    rates = {ORACLE: 0.0, ERRING: ERRORS}
    monkeypatch.setattr(plan, "_model", lambda name: get_model(ORACLE, memoize=False, error_rate=rates[name]))
    whole, hookpoint, latents, left_out = usable_in_all(str(planted_store), None, "all", (1, 2), CONTEXTS // 2, 0)
    design = Design(
        store=str(whole.folder), digest=whole.digest, hookpoint=hookpoint, latents=tuple(latents), left_out=left_out,
        scores=("detection",), explainers=(ORACLE,), samplings=("quantiles",), contexts=(CONTEXTS,), halves=(1, 2),
        draws=DRAWS, reseeds=2, graders=(ERRING,), seed=0,
    )  # fmt: skip
    planned = design.plan({"min_contexts": CONTEXTS // 2, "texts_per_call": CONTEXTS}, ())
    assert run_study(planned, tmp_path / "logs", display="none", retry_attempts=0)
    results = read_found(tmp_path / "logs")
    assert len(results) == len(planned.runs) == 2 * DRAWS * 2
    values = cell_values(design, results)
    assert len(values) == len(results) * len(latents)
    assert values["value"].notna().all()
    return stability(design, results)


def test_variance_is_that_of_the_grader_s_errors(told: dict[str, Any]) -> None:
    [row] = told["scores"]
    parts = {source: part["variance"] for source, part in row["components"].items()}
    assert row["mean"] == pytest.approx(1 - ERRORS, abs=0.02)
    # The explanation is the true one each time, so another one changes nothing.
    assert parts["reseed"] == parts["latent × reseed"] == pytest.approx(0, abs=1e-12)
    # Balanced accuracy is the mean of two shares of 20 verdicts, each wrong with probability ERRORS, of any latent.
    binomial = ERRORS * (1 - ERRORS) * (2 / (CONTEXTS / 2)) / 4
    assert sum(parts.values()) == pytest.approx(binomial, rel=0.35)
    assert parts["latent × draw"] + parts["latent × half"] > 0.7 * sum(parts.values())
    # No latent is better explained than another.
    assert row["components"]["latent"]["low"] < 0.15 * binomial
    assert row["reliability"]["value"] < 0.3
    assert abs(row["ranks"]["documents"]["kendall"]) < 0.3
    assert row["ranks"]["explanation"] == {"kendall": pytest.approx(1.0), "top": pytest.approx(1.0)}
    assert told["differences"] == []  # of one explainer
