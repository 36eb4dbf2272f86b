from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.builtin.locate import resolve
from inspect_autointerp.contexts.selection import parse_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.dataset import derangement, latent_dataset


@pytest.mark.parametrize(
    ("latents", "expected"),
    [
        pytest.param("0:3", [0, 1, 2], id="range"),
        pytest.param("7:", [7, 8, 9], id="open range"),
        pytest.param("5,3,5", [3, 5], id="list, each once"),
        pytest.param([5, 3], [3, 5], id="list as Inspect parses it"),
        pytest.param(4, [4], id="number as Inspect parses it"),
        pytest.param("all", list(range(10)), id="all"),
    ],
)
def test_latents_are_read(latents: object, expected: list[int]) -> None:
    assert parse_latents(latents, 10, seed=0) == (expected, len(expected))


def test_a_sample_is_a_random_order_of_all_and_how_many_are_wanted() -> None:
    candidates, wanted = parse_latents("sample:3", 10, seed=0)
    assert wanted == 3
    assert sorted(candidates) == list(range(10)) != candidates
    assert parse_latents(None, 10, seed=0)[1] == 100


@pytest.mark.parametrize("latents", ["0:11", "10:12", "3:3", "5:2", "3,10", "10"])
def test_out_of_range_says_the_range(latents: str) -> None:
    with pytest.raises(UserError, match=r"out of range; there are latents 0 to 9"):
        parse_latents(latents, 10, seed=0)


@pytest.mark.parametrize("latents", ["x", "1-3", "-1", "1;2", "sample:", "1.5", "0:1:2"])
def test_nonsense_says_what_is_understood(latents: str) -> None:
    with pytest.raises(
        UserError, match=r"not understood; give 0:100, 3,17,40, sample:200, all, graph\.json:top50, or a file"
    ):
        parse_latents(latents, 10, seed=0)


@given(n=st.integers(2, 60), seed=st.integers(0, 99))
def test_nobody_is_their_own_donor_and_everybody_gives_once(n: int, seed: int) -> None:
    ids = [f"layers.1/{i}" for i in range(n)]
    donors = derangement(ids, seed)
    assert sorted(donors) == sorted(donors.values()) == sorted(ids)
    assert all(donors[id] != id for id in ids)


def test_one_latent_has_no_donor() -> None:
    with pytest.raises(UserError, match="at least two"):
        derangement(["layers.1/0"], 0)


def test_latents_with_too_few_contexts_are_skipped_and_counted(store_folder: Path) -> None:
    data = latent_dataset(store_folder, hookpoint=None, latents="all", min_contexts=20, seed=0)
    assert data.hookpoint == "layers.1"
    assert len(data.samples) + sum(data.skipped.values()) == 256
    assert data.skipped
    assert set(data.skipped) <= {
        "never fire",
        "have too few activating contexts",
        "have too few non-activating contexts",
    }


def test_a_recut_dataset_speaks_of_the_shorter_windows(store_folder: Path) -> None:
    data = latent_dataset(store_folder, hookpoint=None, latents="sample:5", min_contexts=20, seed=0, window=8)
    assert data.store.window == 8
    for sample in data.samples:
        latent = data.store.at("layers.1").latent((sample.metadata or {})["index"])
        assert (sample.metadata or {})["firing_share"] == latent.firing_share


def test_no_usable_latent_says_why(store_folder: Path) -> None:
    with pytest.raises(UserError, match=r"no latent of layers.1 can be evaluated \(.*have too few .* more tokens"):
        latent_dataset(store_folder, hookpoint=None, latents="all", min_contexts=100_000, seed=0)


def test_a_relative_folder_is_looked_for_where_the_shell_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shell" / "contexts").mkdir(parents=True)
    (tmp_path / "tasks").mkdir()
    monkeypatch.chdir(tmp_path / "tasks")  # as Inspect does while it runs a task file's code
    monkeypatch.setenv("PWD", str(tmp_path / "shell"))
    assert resolve("contexts") == tmp_path / "shell" / "contexts"
    assert resolve(tmp_path / "none") == tmp_path / "none"
