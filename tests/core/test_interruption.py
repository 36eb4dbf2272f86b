"""Advice at the end of a run that was interrupted."""

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec

from inspect_autointerp.inspect_support.interruption_advice import advice


@pytest.mark.parametrize(
    ("status", "metadata", "advised"),
    [
        ("cancelled", {"inspect_autointerp": "1"}, True),
        ("error", {"inspect_autointerp": "1"}, True),
        ("success", {"inspect_autointerp": "1"}, False),
        ("cancelled", {}, False),
    ],
)
def test_advice_interrupted_run_says_how_to_go_on(status: str, metadata: dict[str, str], advised: bool) -> None:
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00", task="t", dataset=EvalDataset(), config=EvalConfig(), model="m/m",
        metadata=metadata,
    )  # fmt: skip
    log = EvalLog(eval=spec, status=status, location="logs/x.eval")  # type: ignore[arg-type]
    line = advice(log)
    assert (line is not None) == advised
    if line:
        assert "inspect eval-retry logs/x.eval" in line
        assert "--cache" in line
