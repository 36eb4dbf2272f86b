"""Tests of the classes of a crosscoder's latents; the command is tested in tests/prep/test_crosscoder_store.py."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.triage.diff_command import diff

from inspect_autointerp.errors import UserError
from inspect_autointerp.triage.classes import read_triage, write_classes
from inspect_autointerp.triage.relative_norms import share_classes


def test_classes_are_by_the_relative_norm() -> None:
    relative = pd.Series([0.0, 0.1, 0.2, 0.4, 0.5, 0.61, 0.9, 1.0, np.nan])
    names = ["first", "first", "between", "shared", "shared", "between", "second", "second", ""]
    assert share_classes(relative, 0.1, 0.1).tolist() == names
    assert share_classes(relative, 0.25, 0.25).tolist()[2] == "first"


def test_a_file_of_these_classes_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"latent": ["a/1", "a/2"], "class": ["second", ""], "store": ["x", "x"], "more": [1, 2]})
    write_classes(frame, ["latent", "class", "store"], tmp_path / "diff.csv")
    assert read_triage(tmp_path / "diff.csv").to_dict("list") == frame.drop(columns="more").to_dict("list")


def test_what_is_not_a_crosscoder_is_refused(store_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=rf"^{re.escape(str(store_folder))}: the coder of layers\.1 is not a crosscoder,"
    ):
        diff(store_folder)
    with pytest.raises(UserError, match=r"must end in \.csv or \.parquet"):
        diff(store_folder, "-o", tmp_path / "a.json")
    with pytest.raises(UserError, match=r"the folder .*none does not exist"):
        diff(store_folder, "-o", tmp_path / "none" / "a.csv")
    with pytest.raises(UserError, match=r"--exclusive 0\.3 and --shared 0\.3 overlap; their sum must be at most 0\.5"):
        diff(store_folder, "--exclusive", 0.3, "--shared", 0.3)
