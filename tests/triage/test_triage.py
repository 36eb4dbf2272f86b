"""Triage: its measures by hand, its classes on a subject of known cause, its file in selection and leaderboard."""

from math import isnan, log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.planted_subject import WORDS, N, Planted
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.contexts.selection import usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.classes import classes_of, read_triage, triaged_latents, write_triage
from inspect_autointerp.triage.measures import input_score, output_score, token_confidence

HOOKPOINT = "layers.0"


def test_input_score_is_the_share_of_peaks_that_are_promoted() -> None:
    assert input_score([5, 5, 7, 8], {5, 8, 9}) == 0.75
    assert isnan(input_score([], {5}))


def test_output_score_by_hand() -> None:
    # Probabilities 0.1, 0.2, 0.3, 0.4: token 1 is the better of two promoted ones, at rank 2 from 0 of 4.
    logprobs = np.log([0.1, 0.2, 0.3, 0.4])
    assert output_score(logprobs, [0, 1]) == pytest.approx((1 - 2 / 4) * 0.2)
    assert output_score(logprobs, [3]) == pytest.approx(0.4)


def test_token_confidence_by_hand() -> None:
    logprobs = np.log([0.7, 0.2, 0.1])
    assert token_confidence(logprobs, 2) == pytest.approx(-(log(0.7) + log(0.2)) / 2)
    assert token_confidence(logprobs, 9) == pytest.approx(-(log(0.7) + log(0.2) + log(0.1)) / 3)
    even = np.log([1 / 3] * 3)
    assert token_confidence(logprobs, 3) > token_confidence(even, 3), "surer of one token"


def test_classes_are_by_both_thresholds() -> None:
    inputs, outputs = pd.Series([0.1, 0.1, 0.0, 0.0, np.nan, 1.0]), pd.Series([0.5, 0.1, 0.5, 0.1, 0.5, np.nan])
    assert classes_of(inputs, outputs, 0.1, 0.5).tolist() == ["both", "input", "output", "neither", "", ""]


@pytest.fixture(scope="module")
def table(planted_cause: Planted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the command writes of a subject whose latents fire on the words that they raise."""
    file = tmp_path_factory.mktemp("triage") / "triage.csv"
    arguments = ["triage", str(planted_cause.store), "--latents", "all", "--min-contexts", "10"]
    options = ["--tokens", "12", "--prompt", " the fire", "-o", str(file)]
    result = CliRunner().invoke(cli.app, [*arguments, *options])
    assert result.exit_code == 0, result.output
    assert "both 10 (100 %)" in result.output
    return file


def test_latents_that_raise_what_they_fire_on_are_both(table: Path) -> None:
    frame = read_triage(table)
    assert len(frame) == N
    assert (frame["class"] == "both").all()
    assert (frame["input_score"] == 1).all(), "every context peaks on a word of the class, and these are promoted"
    assert (frame["output_score"] > 1 / len(WORDS[0]) / 2).all()
    assert frame["strength"].to_numpy() == pytest.approx(10 * 0.5), "the prompt ends with word 0 of class 0"
    assert frame["contexts"].between(10, 100).all()


def test_a_table_selects_latents_and_refuses_other_stores(
    planted_cause: Planted, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(planted_cause.store)
    frame = read_triage(table)
    frame.loc[frame.index[:3], "class"] = "output"
    file = tmp_path / "some.parquet"
    write_triage(frame, file)
    latents, _ = usable_latents(store, HOOKPOINT, f"{file}#output", 10, 0)
    assert [latent.id for latent in latents] == frame["latent"].iloc[:3].tolist()
    assert len(usable_latents(store, HOOKPOINT, str(file), 10, 0)[0]) == N
    for source, message in (
        (f"{file}#outputs", "unknown class 'outputs'; give one of input, output, both, neither"),
        (f"{file}#input", "the file has no latent of layers.0 in class input"),
        (str(tmp_path / "none.csv"), "cannot be read as a table of triage"),
    ):
        with pytest.raises(UserError, match=message):
            usable_latents(store, HOOKPOINT, source, 10, 0)
    with pytest.raises(UserError, match=r"the file is of store .*, and this store is another"):
        triaged_latents(str(file), HOOKPOINT, "another")
    monkeypatch.setenv("PWD", str(file.parent))  # Inspect runs a task file's code in the file's folder
    assert triaged_latents(file.name, HOOKPOINT, store.digest) == triaged_latents(str(file), HOOKPOINT, store.digest)
    write_triage(pd.concat([frame, frame.iloc[:1]]), file)
    with pytest.raises(UserError, match=r"names the latent layers\.0/0 twice"):
        read_triage(file)
    write_triage(frame.assign(latent=["layers.0/x", *frame["latent"][1:]]), file)
    with pytest.raises(UserError, match=r"'layers.0/x' is not a latent; give HOOKPOINT/INDEX"):
        triaged_latents(str(file), HOOKPOINT, "another")


def test_a_prompt_after_which_no_latent_fires_is_refused(planted_cause: Planted) -> None:
    result = CliRunner().invoke(
        cli.app, ["triage", str(planted_cause.store), "--latents", "0", "--min-contexts", "10", "--prompt", " of the"]
    )
    assert isinstance(result.exception, UserError)
    assert "no latent fires at the end of the prompt ' of the'" in str(result.exception)


def test_the_command_refuses_what_it_cannot_write(planted_cause: Planted) -> None:
    for target, message in (
        ("a.json", "must end in .csv or .parquet"),
        ("none/a.csv", "the folder none does not exist"),
    ):
        result = CliRunner().invoke(cli.app, ["triage", str(planted_cause.store), "-o", target])
        assert isinstance(result.exception, UserError)
        assert message in str(result.exception)


def test_cells_that_are_empty_or_look_like_numbers_are_text(tmp_path: Path) -> None:
    for digest in ("0000123456789012", "1234567890123e45"):
        (tmp_path / "numbers.csv").write_text(f"latent,class,store\nlayers.0/3,both,{digest}\n")
        assert triaged_latents(str(tmp_path / "numbers.csv"), HOOKPOINT, digest) == [3]
    for row, message in (",both,x", "'' is not a latent"), ("layers.0/3,both,", "is of store"):
        (tmp_path / "empty.csv").write_text(f"latent,class,store\n{row}\n")
        with pytest.raises(UserError, match=message):
            triaged_latents(str(tmp_path / "empty.csv"), HOOKPOINT, "x")
