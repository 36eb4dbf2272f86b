"""The warning at the end of an evaluation of which more than half is unscored."""

import logging
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.scorer import Score
from tests.doubles import Answer, model

from inspect_autointerp.inspect_support.unscored_warning import Tally, score_reasons, warning
from inspect_autointerp.tasks import detection


def test_the_commonest_reason_is_named() -> None:
    # Unscored are 1 + 0.5 + 1 of three latents, 2.5 / 3 = 83 %; of these 2.5 refusals are 1.5, 60 %.
    reasons = Counter({"refusal": 1.5, "truncated": 1.0})
    message = warning("fuzzing", Tally([1.0, 0.5, 1.0], reasons, 2))  # type: ignore[arg-type]
    assert message == (
        "fuzzing: 2 of 3 latents are unscored, and 83% of the contexts are unscored, mostly for refusal (60% of them)."
        " The scores speak of the rest alone."
    )


def test_warning_details_of_one_reason_count_together() -> None:
    # Of 1 + 1 + 1: 1.6 invalid in two ways, 1.4 refusals, so invalid answers are the commonest.
    three, two = "invalid_response_format: it holds a list of 3 labels", "invalid_response_format: it holds no list"
    reasons = Counter({"refusal": 1.4, three: 0.9, two: 0.7})
    message = warning("detection", Tally([1.0, 1.0, 1.0], reasons, 3))  # type: ignore[arg-type]
    assert message is not None
    assert "mostly for invalid_response_format (53% of them; most often it holds a list of 3 labels)" in message


@pytest.mark.parametrize("shares", [[], [0.5], [1.0, 0.0], [0.0]])
def test_where_half_is_scored_nothing_is_said(shares: list[float]) -> None:
    assert warning("fuzzing", Tally(shares, Counter(refusal=1), shares.count(1.0))) is None


def test_latents_without_a_headline_are_counted() -> None:
    tally = Tally()
    for value in (float("nan"), float("nan"), 0.5):
        tally.add(Score(value={"unscored": 0.0, "auroc": value}), "auroc")
    assert warning("embedding", tally) == (
        "embedding: 2 of 3 latents are unscored, mostly for an undefined auroc (100% of them)."
        " The scores speak of the rest alone."
    )


def test_a_latent_counts_by_the_share_of_its_contexts() -> None:
    score = Score(value={"unscored": 0.6}, metadata={"unscored_reasons": {"refusal": 1, "truncated": 2}})
    assert score_reasons(score) == pytest.approx({"refusal": 0.2, "truncated": 0.4})
    without = Score(value={"unscored": 1.0}, reason="invalid_response_format", metadata={})
    assert score_reasons(without) == {"invalid_response_format": 1.0}


@pytest.mark.parametrize(
    ("answer", "reason"), [("no idea", "invalid_response_format"), (RuntimeError("down"), "provider_error: RuntimeErr")]
)
def test_an_evaluation_that_says_little_ends_with_the_warning(
    answer: Answer, reason: str, store_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = detection(store=str(store_folder), latents="sample:2", min_contexts=5, test_activating=5)
    with caplog.at_level(logging.WARNING):
        inspect_eval(
            task,
            model=model(lambda _: "EXPLANATION: x"),
            model_roles={"grader": model(lambda _: answer)},
            log_dir=str(tmp_path),
            display="none",
        )
    [message] = [record.message for record in caplog.records if "unscored" in record.message]
    assert f"detection: 2 of 2 latents are unscored, mostly for {reason}" in message
    assert message.endswith("No latent has a score.")
