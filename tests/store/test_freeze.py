"""A frozen store gives for its latents what the whole store gives, and says of others that they are not there."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspect_ai import eval as inspect_eval
from tests.freezing import HOOKPOINTS, KINDS, everything, frozen, source_store

from inspect_autointerp import tasks
from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.selection import usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.agreement import agreement
from inspect_autointerp.store.freeze import freeze
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import fetch, publish
from inspect_autointerp.store.store import Store

HELD = {"layers.1": [3, 17, 21, 29, 102], "layers.2": [0, 17, 51, 92]}
"""All but the first fire."""


@pytest.fixture(scope="module")
def grid_source(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path) -> Path:
    return source_store(tmp_path_factory.mktemp("grid"), subject_folder)


@pytest.fixture(scope="module")
def centred_source(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path) -> Path:
    return source_store(tmp_path_factory.mktemp("centred"), subject_folder, center=True)


@pytest.fixture(scope="module", params=["grid_source", "centred_source"])
def source(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def few(grid_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen(grid_source, tmp_path_factory.mktemp("few") / "store", HELD)


@pytest.fixture(scope="module")
def usable(grid_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen store of latents that can be evaluated."""
    store = Store(grid_source)
    drawn = {name: usable_latents(store, name, "sample:5", 5, 0)[0] for name in HOOKPOINTS}
    held = {name: [latent.index for latent in latents] for name, latents in drawn.items()}
    return frozen(grid_source, tmp_path_factory.mktemp("usable") / "store", held)


@cache
def kept(source: Path, held: tuple[tuple[str, tuple[int, ...]], ...]) -> Path:
    target = source.parent / f"frozen-{abs(hash(held))}"
    return frozen(source, target, {name: list(indices) for name, indices in held})


indices = st.lists(st.integers(0, 255), min_size=1, max_size=2, unique=True)


@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    one=indices, two=indices, seed=st.integers(0, 3), n=st.integers(1, 60), window=st.sampled_from([32, 16, 4]),
    centered=st.booleans(),
)  # fmt: skip
def test_freeze_any_latents_draws_what_the_whole_store_does(
    source: Path, one: list[int], two: list[int], seed: int, n: int, window: int, centered: bool
) -> None:
    held = {}
    for hookpoint, some in zip(HOOKPOINTS, (one, two), strict=True):
        order = np.argsort(-Store.open(str(source)).at(hookpoint).n_windows, kind="stable")
        held[hookpoint] = tuple(sorted({int(order[index % 70]) for index in some}))  # about 60 fire
    whole, part = Store.open(str(source), window), Store.open(str(kept(source, tuple(held.items()))), window)
    for hookpoint, some in held.items():
        for index in some:
            assert everything(part, hookpoint, index, seed, n, centered) == everything(
                whole, hookpoint, index, seed, n, centered
            )


VARYING = ("store", "store_key", "explanation_cost")
"""Metadata that differ between runs: places, and seconds."""


def graded(store: Path, name: str, logs: Path, **options: Any) -> list[dict[str, Any]]:
    task = getattr(tasks, name)(store=str(store), **options)
    model = None if name == "embedding" else "inspect_autointerp/lexical"
    [log] = inspect_eval(task, model=model, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    results = []
    for sample in log.samples or []:
        metadata = {key: value for key, value in sample.metadata.items() if key not in VARYING}
        scores = json.loads(json.dumps({k: score.model_dump() for k, score in (sample.scores or {}).items()}))
        text = json.dumps({"id": sample.id, "metadata": metadata, "scores": scores}, sort_keys=True, default=str)
        results.append(json.loads(text.replace(str(store), "STORE").replace(Manifest.read(store).digest, "DIGEST")))
    assert results
    return results


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("detection", {"negatives": "all", "seed": 1}),
        ("detection", {"window": 16, "explainer": "shuffled"}),
        ("fuzzing", {"hookpoint": "layers.2", "negatives": "random,similar"}),
        ("simulation", {}),
        ("intruder", {"hookpoint": "layers.2", "seed": 2}),
        ("embedding", {"negatives": "neighbours", "window": 8}),
    ],
)
def test_freeze_task_gives_the_numbers_of_the_whole_store(
    name: str, options: dict[str, Any], grid_source: Path, usable: Path, tmp_path: Path
) -> None:
    held = Store(usable).at(options.get("hookpoint", "layers.1")).held.tolist()
    given = options | {"latents": ",".join(map(str, held)), "min_contexts": 5}
    whole, part = (graded(store, name, tmp_path / store.name, **given) for store in (grid_source, usable))
    for one, other in zip(part, whole, strict=True):
        assert one == other


def test_freeze_sample_draws_what_an_evaluation_draws(grid_source: Path, tmp_path: Path) -> None:
    whole = Store(grid_source)
    drawn = [latent.index for latent in usable_latents(whole, "layers.1", "sample:12", 10, seed=0)[0]]
    part = Store(frozen(grid_source, tmp_path / "store", {"layers.1": drawn}))
    for n in (3, 12):
        ids = [
            [latent.id for latent in usable_latents(store, "layers.1", f"sample:{n}", 10, 0)[0]]
            for store in (whole, part)
        ]
        assert ids[0] == ids[1]
    assert len(usable_latents(part, "layers.1", "all", 10, 0)[0]) == 12
    assert len(usable_latents(part, "layers.1", "sample:500", 10, 7)[0]) == 12


def test_freeze_keeps_what_is_known_of_the_population(grid_source: Path, few: Path) -> None:
    whole, part = Store(grid_source), Store(few)
    for name in ("n_tokens", "n_windows", "n_documents", "settings", "subject_sha256"):
        assert getattr(part.manifest, name) == getattr(whole.manifest, name)
    for hookpoint in HOOKPOINTS:
        assert part.at(hookpoint).width == whole.at(hookpoint).width
        assert (part.at(hookpoint).n_windows == whole.at(hookpoint).n_windows).all()


def test_freeze_tokens_are_held_where_windows_need_them(grid_source: Path, tmp_path: Path) -> None:
    whole, part = Store(grid_source), Store(frozen(grid_source, tmp_path / "store", {"layers.1": [3]}))
    spans = np.load(part.folder / "spans.npy")
    outside = np.ones(len(whole.tokens), dtype=bool)
    for first, end in spans.tolist():
        outside[first:end] = False
        assert (part.tokens[first:end] == whole.tokens[first:end]).all()
    assert not part.tokens[outside].any()
    assert len(np.load(part.folder / "tokens.npy")) == (~outside).sum()
    start = int(np.flatnonzero(outside)[0]) if outside.any() else None
    if start is not None:
        with pytest.raises(UserError, match="does not hold the context that starts at"):
            part.ids(np.array([start]))


def test_freeze_says_what_it_was_frozen_from(grid_source: Path, tmp_path: Path) -> None:
    manifest = freeze(
        Store(grid_source), {"layers.2": [5, 9]}, tmp_path / "store", selection="5,9", licence="CC0", notice="Ours.\n"
    )
    assert manifest == Manifest.read(tmp_path / "store")
    assert manifest.frozen is not None
    assert (manifest.frozen.source, manifest.frozen.latents) == (Manifest.read(grid_source).digest, "5,9")
    assert manifest.frozen.licence == "CC0"
    assert list(manifest.hookpoints) == ["layers.2"]
    assert (tmp_path / "store" / "NOTICE").read_text() == "Ours.\n"
    silent = freeze(Store(grid_source), {"layers.2": [9, 5]}, tmp_path / "other", selection="9,5")
    assert silent.digest == manifest.digest
    assert silent.key != manifest.key


def test_freeze_digest_covers_its_negatives_and_source(few: Path) -> None:
    manifest = Manifest.read(few)
    assert manifest.frozen is not None
    similar = next(name for name in manifest.files if name.startswith("negatives/similar/"))
    content = json.loads((few / "manifest.json").read_text())
    assert content["digest"] == manifest.digest
    from dataclasses import replace

    assert replace(manifest, files=manifest.files | {similar: "0" * 64}).digest != manifest.digest
    assert replace(manifest, frozen=replace(manifest.frozen, source="0" * 16)).digest != manifest.digest


def test_freeze_of_a_frozen_store_is_the_same(grid_source: Path, few: Path, tmp_path: Path) -> None:
    some = {"layers.2": [17, 92]}
    again, direct = (frozen(store, tmp_path / store.parent.name, some) for store in (few, grid_source))
    names = sorted(path.relative_to(direct) for path in direct.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((again / name).read_bytes() == (direct / name).read_bytes() for name in names)


@pytest.mark.parametrize("latents", ["4", "0:256", "3,17,18"])
def test_freeze_latent_that_is_not_held_is_one_line(latents: str, few: Path) -> None:
    with pytest.raises(UserError, match=r"holds 5 of the 256 latents of layers.1 \(3, 17, 21, 29, 102\), and not"):
        usable_latents(Store(few), "layers.1", latents, 2, 0)
    with pytest.raises(UserError, match="not 4"):
        Store(few).at("layers.1").neighbours("neighbours", 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--latents", "900"], "out of range; there are latents 0 to 255"),
        (["--latents", "some"], "not understood"),
        (["--hookpoint", "layers.9"], "no hookpoint 'layers.9'"),
        (["--notice", "absent.txt"], "--notice absent.txt: cannot be read"),
        (["--latents", "sample:3", "--min-contexts", "5000"], "no latent of layers.1 can be evaluated"),
    ],
)
def test_freeze_command_wrong_input_is_one_line(
    arguments: list[str], message: str, grid_source: Path, tmp_path: Path
) -> None:
    from inspect_autointerp.cli import app

    target = tmp_path / "store"
    with pytest.raises(UserError, match=message):
        app(["freeze", str(grid_source), "-o", str(target), *arguments], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_freeze_command_writes_and_does_not_replace(
    grid_source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from inspect_autointerp.cli import app

    target = tmp_path / "store"
    command = ["freeze", str(grid_source), "--latents", "sample:4", "--min-contexts", "5", "-o", str(target)]
    app([*command, "--hookpoint", "layers.2"], standalone_mode=False)
    assert f"digest {Manifest.read(target).digest}, frozen from {Manifest.read(grid_source).digest}" in " ".join(
        capsys.readouterr().out.split()
    )
    with pytest.raises(UserError, match="exists; give another --output, or --overwrite"):
        app(command, standalone_mode=False)
    app([*command, "--overwrite"], standalone_mode=False)
    assert Store(target).hookpoints == list(HOOKPOINTS)


def test_freeze_interrupted_leaves_nothing(grid_source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("inspect_autointerp.store.freeze._write_corpus", interrupted)
    with pytest.raises(KeyboardInterrupt):
        frozen(grid_source, tmp_path / "store", HELD)
    assert list(tmp_path.iterdir()) == []


def test_frozen_store_under_a_url_is_fetched(few: Path, tmp_path: Path) -> None:
    url = f"memory://frozen-{tmp_path.name}"
    publish(few, url)
    assert Store(fetch(url, tmp_path)).digest == Manifest.read(few).digest


def test_frozen_store_holds_all_kinds(few: Path) -> None:
    assert [negative_kinds(Store(few), hookpoint, "all") for hookpoint in HOOKPOINTS] == [KINDS, KINDS]


@pytest.mark.parametrize("name", ["spans.npy", "tokens.npy", "hookpoints/layers.1/postings.parquet"])
def test_frozen_store_with_a_broken_file_is_one_line(name: str, few: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(few, tmp_path / "copy"))
    (copy / name).write_bytes((copy / name).read_bytes()[:-9])
    with pytest.raises(UserError, match="changed since it was written"):
        Store(copy)


def test_agreement_of_a_store_with_its_frozen_one_is_full(grid_source: Path, few: Path) -> None:
    for one in agreement(Store(few), Store(grid_source)):
        assert (one.same_windows, one.same_activations, one.largest_difference) == (1.0, 1.0, 0.0)
        assert one.latents == len(HELD[one.hookpoint])


def test_agreement_counts_what_differs(grid_source: Path, few: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    copy = Path(shutil.copytree(grid_source, tmp_path / "copy"))
    path = copy / "hookpoints/layers.1/postings.safetensors"
    arrays = load_file(path)
    at = int(arrays["indptr"][17])
    before = float(arrays["act"][at])
    arrays["act"][at] = before + 1
    first = int(arrays["window_indptr"][17])
    arrays["flags"][first] ^= 7
    save_file(arrays, path)
    one, other = agreement(Store(few), Store(copy, verify=False))
    assert one.same_windows == pytest.approx(1 - 1 / one.windows)
    assert one.same_activations == pytest.approx(1 - 1 / one.activations)
    assert one.largest_difference == pytest.approx(1, abs=0.01)
    assert other.same_windows == 1


def test_agreement_of_other_text_is_refused(few: Path, store_folder: Path) -> None:
    with pytest.raises(UserError, match="not made with the same options"):
        agreement(Store(few), Store(store_folder))


def test_frozen_store_is_shown_and_counted(
    few: Path, grid_source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_autointerp.card.card import latent_named, random_latents, read_card
    from inspect_autointerp.cli import app
    from inspect_autointerp.store_stats.statistics import latents_frame

    app(["stats", str(few), "--latents", "all"], standalone_mode=False)
    text = capsys.readouterr().out
    assert "5 held of 256" in text and f"{Manifest.read(grid_source).digest}: latents some" in text
    part, whole = Store(few), Store(grid_source)
    frame = latents_frame(whole, "layers.1").iloc[HELD["layers.1"]].reset_index(drop=True)
    assert latents_frame(part, "layers.1").equals(frame)
    cards = [read_card(store, latent_named(store, "layers.1/17")) for store in (part, whole)]
    assert cards[0].edges == cards[1].edges and cards[0].neighbours == cards[1].neighbours
    assert [latent.index in HELD["layers.2"] for latent in random_latents(part, "layers.2", 9, 0)] == [True] * 4
    with pytest.raises(UserError, match="and not 18"):
        latent_named(part, "layers.1/18")


@pytest.mark.parametrize(
    ("command", "purpose"),
    [(["negatives", "STORE"], "adding negatives"), (["compare", "STORE", "STORE"], "comparing coders")],
)
def test_frozen_store_is_refused_where_all_latents_are_needed(command: list[str], purpose: str, few: Path) -> None:
    from inspect_autointerp.cli import app

    with pytest.raises(UserError, match=f"{purpose} needs all latents, and .* is a frozen store"):
        app([word.replace("STORE", str(few)) for word in command], standalone_mode=False)
