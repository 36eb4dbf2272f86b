"""Explanations that several latents have: their share, and the warning at the end of an evaluation."""

import logging
from collections import Counter
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from tests.doubles import model, texts_of

from inspect_autointerp.inspect_support.explanation import normalised, share_identical
from inspect_autointerp.inspect_support.identical_warning import warning
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.solvers.baselines import VERBOSE
from inspect_autointerp.tasks import detection


def test_normalised_leaves_words_alone() -> None:
    assert normalised("The colon, that *opens* a block.") == "colon that opens a block"
    assert normalised(":") != normalised(";")
    assert normalised("the") == "the"


def test_share_identical_counts_all_that_have_a_double() -> None:
    # Three of five say "days", two of them in other capitals and signs.
    assert share_identical(["days", "Days.", "the days", "nights", "tables"]) == 0.6
    assert share_identical(["days", "nights"]) == 0
    assert isnan(share_identical(["days"]))


def test_share_identical_is_by_normalised_texts(rng: np.random.Generator) -> None:
    pieces = [
        "the",
        "The ",
        "a",
        "an ",
        " ",
        "\t",
        "\n",
        "\x1c",
        ".",
        "-",
        "_",
        "days",
        "É",
        "ß",
        "\0",
        "'s",
        "",
        ":",
        "²",
    ]
    for _ in range(300):
        texts = ["".join(rng.choice(pieces, rng.integers(0, 5))) for _ in range(rng.integers(2, 30))]
        counts = Counter(map(normalised, texts))
        assert share_identical(texts) == sum(n for n in counts.values() if n > 1) / len(texts)


def test_warning_names_the_commonest_explanation() -> None:
    line = warning(["days", "Days.", "nights", "tables"])
    assert line is not None
    assert "50% of 4 latents have an explanation that another latent has, too; 2 have 'days'" in line
    assert warning(["days", "days", "nights"]) is None, "three are too few to tell"
    assert warning(["days", "days", *map(str, range(6))]) is None, "a quarter is not more than a quarter"


@pytest.mark.parametrize("explainer", ["explain", "verbose"])
def test_evaluation_with_one_explanation_for_all_is_told(
    explainer: str, store_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = detection(
        store=str(store_folder), latents="sample:4", min_contexts=5, test_activating=5, test_nonactivating=5,
        explainer=explainer,
    )  # fmt: skip
    with caplog.at_level(logging.WARNING):
        inspect_eval(
            task,
            model=model(lambda _: "EXPLANATION: words"),
            model_roles={"grader": model(lambda messages: str([1] * len(texts_of(messages))))},
            log_dir=str(tmp_path),
            display="none",
        )
    lines = [record.message for record in caplog.records if "another latent has" in record.message]
    assert len(lines) == (explainer == "explain"), "a floor that says one thing does what it should"
    entries = read_results(str(tmp_path)).entries
    assert entries["identical"].tolist() == [1.0]
    text = VERBOSE if explainer == "verbose" else "words"
    assert entries["words"].tolist() == [len(text.split())]
    assert entries["characters"].tolist() == [len(text)]
    assert entries["floor"].tolist() == [explainer == "verbose"]
