"""Several coders at one place of the subject: distinct hookpoints of one store, each as in a store of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval

from inspect_autointerp.cli import app
from inspect_autointerp.coder_similarity.hookpoints import find_sites, why_apart
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.selection import nothing_usable
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import place_of
from inspect_autointerp.models.activations import Texts
from inspect_autointerp.models.steering import Direction
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.subject.hookpoints import parted, tag_of
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import detection

Prep = Callable[..., Manifest]
PLACE = "layers.1.mlp.down_proj:input"


@pytest.fixture(scope="module")
def shared(prep: Prep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "store"
    prep(folder, coders=["neurons", "neurons:1", "neurons:3"], hookpoints=[PLACE])
    return folder


def test_coders_of_one_place_are_hookpoints_of_their_own(shared: Path) -> None:
    store = Store.open(str(shared))
    assert store.hookpoints == [f"{PLACE}@neurons", f"{PLACE}@neurons:1", f"{PLACE}@neurons:3"]
    assert [store.at(name).entry.coder for name in store.hookpoints] == ["neurons", "neurons:1", "neurons:3"]
    latent = store.at(f"{PLACE}@neurons:3").latent(5)
    assert latent.id == f"{PLACE}@neurons:3/5"
    assert place_of(latent.hookpoint) == PLACE


@pytest.mark.parametrize("coder", ["neurons", "neurons:3"])
def test_coder_of_a_shared_place_keeps_what_it_keeps_alone(
    shared: Path, coder: str, prep: Prep, tmp_path: Path
) -> None:
    prep(tmp_path / "alone", coders=[coder], hookpoints=[PLACE])
    alone, together = Store.open(str(tmp_path / "alone")).at(PLACE), Store.open(str(shared)).at(f"{PLACE}@{coder}")
    assert np.array_equal(alone.n_windows, together.n_windows)
    for index in range(0, alone.width, 7):
        for one, other in zip(alone.postings.activations(index), together.postings.activations(index), strict=True):
            assert np.array_equal(one, other)


def test_manifest_of_a_shared_place_makes_the_store_again(shared: Path, prep: Prep, tmp_path: Path) -> None:
    entries = Manifest.read(shared).hookpoints
    coders = [entry.coder for entry in entries.values()]
    again = prep(tmp_path / "again", coders=coders, hookpoints=list(entries))
    assert again.digest == Manifest.read(shared).digest


@pytest.mark.parametrize("coder", ["neurons", "neurons:3"])
def test_engines_read_and_steer_a_coder_of_a_shared_place(shared: Path, coder: str) -> None:
    store = Store.open(str(shared))
    hookpoint = f"{PLACE}@{coder}"
    at = store.at(hookpoint)
    index = int(at.n_windows.argmax())
    [context] = LatentContexts(store, at.latent(index)).activating("test")[-1:]
    [[fired]] = ReadingSubject(store, hookpoint, device="cpu")([Texts(index, [context.text])])
    assert fired.max_activation > 0
    [direction] = SteeredSubject(store, hookpoint, device="cpu").directions([Direction(index)])
    assert direction.argmax() == index and direction.sum() == 1


def test_directions_of_one_place_have_a_cosine(shared: Path) -> None:
    one, other, _ = find_sites(str(shared))
    assert why_apart(one, other) is None


def test_named_coder_has_its_name_where_it_is_alone_too(prep: Prep, tmp_path: Path) -> None:
    manifest = prep(tmp_path / "store", coders=["neurons:3"], hookpoints=["layers.0@small"], tokens=1000)
    assert list(manifest.hookpoints) == ["layers.0@small"]


@pytest.mark.parametrize(
    ("source", "tag"),
    [
        ("neurons:32", "neurons:32"),
        ("random:4096x32", "random:4096x32"),
        ("/models/sae layer 2/", "sae-layer-2"),
        ("gpt2-small-res-jb:blocks.8.hook_resid_pre", "gpt2-small-res-jb:blocks.8.hook_resid_pre"),
        ("C:\\saes\\one", "one"),
        ("/", "coder"),
    ],
)
def test_tag_of_a_coder_is_the_end_of_its_source(source: str, tag: str) -> None:
    assert tag_of(source) == tag
    assert parted(f"layers.2@{tag}") == ("layers.2", tag)


@pytest.mark.parametrize("name", ["layers.2@", "layers.2@a b", "layers.2@../x", "layers.2@a@b"])
def test_parted_of_a_name_that_no_folder_can_have_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="give a name for the coder after the @"):
        parted(name)


def test_leaderboard_by_coder_compares_coders_of_one_store(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for hookpoint in (f"{PLACE}@neurons:3", f"{PLACE}@neurons:1"):
        given = {"store": str(shared), "hookpoint": hookpoint, "latents": "sample:4", "min_contexts": 1}
        task = detection(test_activating=4, test_nonactivating=4, **given)
        [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")
        assert log.status == "success"
    run_leaderboard(str(tmp_path), "--by", "coder", "--md")
    out = capsys.readouterr().out
    assert "By coder · detection" in out and "Not compared" not in out
    for coder in ("neurons:3", "neurons:1"):
        assert f"| {coder} | {PLACE}@{coder} |" in out
    run_leaderboard(str(tmp_path))
    assert "Not compared" in capsys.readouterr().out, "elsewhere other hookpoints stand apart"


def test_evaluation_of_latents_that_are_never_silent_names_what_helps(shared: Path) -> None:
    store = Store.open(str(shared))
    error = nothing_usable(store, f"{PLACE}@neurons", {"have too few non-activating contexts": 64, "never fire": 1})
    assert "a store of more tokens would not help" in str(error)
    assert "`autointerp prep --coder neurons:32` keeps each token's 32 largest" in str(error)
    few = nothing_usable(store, f"{PLACE}@neurons", {"have too few activating contexts": 64})
    assert str(few).endswith("; make a store of more tokens, or lower min_contexts")


def run_leaderboard(*arguments: str) -> None:
    app(["leaderboard", *arguments], standalone_mode=False)
