"""Suites: what a definition may be, which store is a suite's, and the draw of latents."""

import platform
import sys
from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_suite import content

from inspect_autointerp import cli
from inspect_autointerp.builtin import demo
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.suites import store_location
from inspect_autointerp.suites.load import read_suite, shipped, suite_of
from inspect_autointerp.suites.sample_latents import allotted, density_bands, stratified_draw
from inspect_autointerp.suites.store_location import check_store, is_demo, suite_folder


@pytest.mark.parametrize("name", shipped())
def test_what_comes_along_is_whole_and_says_whether_it_was_run(name: str) -> None:
    suite = read_suite(name)
    assert suite.name == name
    assert (suite.state == "run") == (suite.digest is not None)
    if suite.frozen:
        assert Manifest.read(Path(locate(suite.frozen))).digest == suite.digest
        return
    assert suite.store
    assert {"tokens", "window", "seed", "corpus"} <= suite.store.settings.keys()
    if suite.state == "defined":
        assert "not yet run" in shipped()[name].read_text(encoding="utf-8").splitlines()[0]
        assert suite.store.revision
        assert "@" in suite.store.complete().corpus


def test_a_definition_published_before_a_new_setting_stays() -> None:
    published = {"demo": "30c0015a9539", "gpt2-small": "913838c90518", "gemma-2-2b": "e375d76c2593"}
    published |= {"llama-3.1-8b-scope": "038a292c5cc8", "llama-3.1-8b-eleuther": "6f974d310b54"}
    assert {name: read_suite(name).definition[:12] for name in published} == published
    data = content()
    data["store"]["settings"]["separator"] = "|"
    assert suite_of(data, "x").definition != suite_of(content(), "x").definition


def test_the_definition_is_what_is_fixed_and_nothing_else() -> None:
    suite = suite_of(content(), "x")
    known = {"description": "other words", "state": "run", "digest": "0" * 16, "sha256": {"subject": "1" * 64}}
    assert suite_of(content() | known, "x").definition == suite.definition
    # A default that is written out is the same suite.
    explicit = content()
    explicit["store"]["settings"]["pool"] = 1024
    assert suite_of(explicit, "x").definition == suite.definition
    others = [content(version=2), content(store={"subject": "other"}), content(evaluation={"seed": 1})]
    assert len({suite.definition, *(suite_of(other, "x").definition for other in others)}) == 4


def test_a_grader_is_named_with_what_is_set_of_its_sampling() -> None:
    suite = suite_of(content(evaluation={"grader": "a/b", "grader_options": {"temperature": 0, "max_tokens": 5}}), "x")
    assert suite.grader_name == 'a/b {"max_tokens": 5, "temperature": 0.0}'


def changed(**changes: Any) -> str:
    return yaml.safe_dump(content() | changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(changed(format=2), "format 2; this version of the package reads format 1", id="version"),
        pytest.param(changed(format=True), "format", id="version that equals 1"),
        pytest.param(changed(more=1), "more: Unexpected keyword argument", id="unknown"),
        pytest.param(changed(version="1"), "version: Input should be a valid integer", id="type"),
        pytest.param(changed(version=True), "version: Input should be a valid integer", id="truth is no number"),
        pytest.param(changed(name="../x"), "name: String should match pattern", id="name that is a path"),
        pytest.param(changed(name="a\nb"), "name: String should match pattern", id="name of two lines"),
        pytest.param(changed(digest="xyz"), "digest.* should match pattern", id="digest"),
        pytest.param(changed(digest={"3.11.7": ["0" * 16]}), r": digest\.", id="digest by version"),
        pytest.param(changed(state="done"), "state: Input should be 'run' or 'defined'", id="state"),
        pytest.param(yaml.safe_dump(content(evaluation={"latents": 1})), "evaluation.latents", id="too few latents"),
        pytest.param(
            yaml.safe_dump(content(evaluation={"latents": "triage.csv#both"})),
            "freeze STORE --latents",
            id="a file of latents",
        ),
        pytest.param(yaml.safe_dump(content(evaluation={"negatives": ["similar"]})), "negatives", id="not in digest"),
        pytest.param(yaml.safe_dump(content(evaluation={"x": 1})), "evaluation.x: Unexpected", id="unknown option"),
        pytest.param(yaml.safe_dump(content(settings={"x": 1})), "store.settings.x: unknown setting", id="no setting"),
        pytest.param(yaml.safe_dump(content(settings={"tokens": "9"})), "store.settings.tokens: ", id="setting's type"),
        pytest.param(yaml.safe_dump(content(settings={"window": 7})), "not a multiple of a window of 7", id="window"),
        pytest.param("", "not a suite's definition", id="empty"),
        pytest.param("- 1", "not a suite's definition", id="list"),
        pytest.param("a: [", "not a suite's definition", id="broken"),
        pytest.param("a: 1\na: 2", "line 2: a is given twice", id="twice"),
        pytest.param("!!python/object/apply:os.system [false]", "could not determine a constructor", id="code"),
        pytest.param("a: &a [x, x]\nb: &b [*a, *a]", r"line 2: an alias \(\*a\)", id="a bomb"),
        pytest.param("a: &a {b: 1}\n<<: *a", "an alias", id="merge"),
        pytest.param("[" * 5000, "nested too deeply", id="deep"),
        pytest.param("a: \x00", "not a suite's definition", id="control character"),
        pytest.param(changed(description=b"\xff"), "not JSON serializable", id="bytes"),
        pytest.param("format: 1\n2026-01-01: 1", "keys must be", id="date as a key"),
    ],
)
def test_what_is_no_definition_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message) as info:
        read_suite(str(path))
    assert "\n" not in str(info.value)


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"suite nix: unknown; give one of demo, .*, or the path of a \.yaml file"):
        read_suite("nix")
    with pytest.raises(UserError, match="cannot be read"):
        read_suite(str(tmp_path / "none.yaml"))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not a suite's definition"):
        read_suite(str(tmp_path / "binary.yaml"))


def test_the_demos_store_is_the_demo_suites() -> None:
    suite = read_suite("demo")
    assert is_demo(suite)
    assert suite_folder(suite) == demo.store_folder()
    assert not is_demo(suite_of(content(), "x"))


def test_demo_store_has_the_digest_known_for_this_processor() -> None:
    if not demo.store_folder().is_dir():
        pytest.skip("the demo's store is not made here; `.ci/run` makes it and then runs this again")
    suite, manifest = read_suite("demo"), Manifest.read(demo.store_folder())
    check_store(suite, manifest, demo.store_folder())
    known = KNOWN.get((*processor(), manifest.files["tokens.npy"][:16]))
    if known is None or not pinned():
        published = "published" if manifest.digest in suite.published(manifest) else "not published"
        pytest.skip(f"{manifest.digest} is {published}; no digest is known for this processor, library and packages")
    assert manifest.digest == known


KNOWN = {("AuthenticAMD", "25", "17", "bd8617cfa9737c70"): "9cffc7dd5cd6e4a5"}
"""Digests by processor (maker, family, model) and text: on others the last bits of activations may differ."""


def processor() -> tuple[str, str, str]:
    """This processor's maker, family and model, as Linux names them; empty elsewhere."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return facts.get("vendor_id", ""), facts.get("cpu family", ""), facts.get("model", "")


def pinned() -> bool:
    """Return whether the packages that compute activations are those of constraints.txt."""
    lines = (Path(__file__).parents[2] / "constraints.txt").read_text().splitlines()
    packages = [f"{name}=={version(name).partition('+')[0]}" for name in ("torch", "transformers", "sae-lens", "numpy")]
    return set(packages) <= set(lines)


def test_unknown_digest_of_a_self_made_store_is_not_wrong(store_folder: Path) -> None:
    manifest = Manifest.read(store_folder)
    text = manifest.files["tokens.npy"][:16]

    def said(digest: Any) -> str | None:
        suite = suite_of(content(digest=digest, settings={"pool": 600}), "x")
        check_store(suite, manifest, store_folder)
        return store_location.unpublished(suite, manifest)

    assert said({text: ["0" * 16, manifest.digest]}) is None
    python = f"suite tiny publishes no digest for the library of this Python {platform.python_version()}: rows compare"
    assert (said({"1" * 16: [manifest.digest]}) or "").startswith(python)
    other = f"suite tiny publishes {'0' * 16} and {'2' * 16} for this library; other processors and versions of"
    assert (said({text: ["0" * 16, "2" * 16]}) or "").startswith(other)
    assert (said(None) or "").startswith("suite tiny publishes no digest: rows compare")
    # Whatever is published, another model or another setting is not the suite.
    wrong = content(digest={text: [manifest.digest]}, settings={"pool": 601})
    with pytest.raises(UserError, match="not the store of suite tiny: pool is 600, the suite's is 601"):
        check_store(suite_of(wrong, "x"), manifest, store_folder)


def test_another_store_is_refused_with_what_differs(store_folder: Path) -> None:
    manifest = Manifest.read(store_folder)
    same = suite_of(content(digest=manifest.digest, settings={"pool": 600}), "x")
    check_store(same, manifest, store_folder)
    other = replace(manifest, settings=replace(manifest.settings, tokens=5))
    with pytest.raises(
        UserError, match=rf"{other.digest}, and .* {manifest.digest}; tokens is 5, the suite's is 60000"
    ):
        check_store(same, other, store_folder)
    weights = suite_of(content(sha256={"layers.1": "1" * 64}, settings={"pool": 600}), "x")
    with pytest.raises(UserError, match=r"the weights of layers\.1 have sha256 .*, the suite's 1111111111111111"):
        check_store(weights, manifest, store_folder)
    corpus = replace(manifest, files=manifest.files | {"tokens.npy": "0" * 64})
    with pytest.raises(UserError, match="look at the corpus, and at the versions of packages and the device"):
        check_store(same, corpus, store_folder)


def test_shares_by_hand() -> None:
    # Of 10: 10·50/101 = 4.95, 10·30/101 = 2.97, 10·21/101 = 2.08; whole parts 4, 2, 2 and the two largest rests.
    assert allotted({-3: 50, -2: 30, -1: 21}, 10) == {-3: 5, -2: 3, -1: 2}
    assert allotted({-2: 1, -1: 1}, 1) == {-2: 1, -1: 0}  # of equals the rarest


def test_bands_by_hand() -> None:
    bands = density_bands(np.array([0, 1, 9, 10, 99, 100, 1000]), 1000)
    # 0 is dead; 1/1000 and 9/1000; 10/1000 and 99/1000; 0.1 and 1.
    assert bands == {-3: [1, 2], -2: [3, 4], -1: [5, 6]}


sizes = st.dictionaries(st.integers(-9, -1), st.integers(1, 40), min_size=1, max_size=5)


def banded(sizes: dict[int, int]) -> dict[int, list[int]]:
    ends = np.cumsum(list(sizes.values())).tolist()
    return {band: list(range(end - size, end)) for (band, size), end in zip(sizes.items(), ends, strict=True)}


@given(sizes=sizes, n=st.integers(0, 80), seed=st.integers(0, 99))
def test_a_draw_is_disjoint_complete_proportional_and_the_same_again(sizes: dict[int, int], n: int, seed: int) -> None:
    bands = banded(sizes)
    total = sum(sizes.values())
    drawn = stratified_draw(bands, n, seed)
    assert len(drawn) == len(set(drawn)) == min(n, total)
    assert drawn == stratified_draw(bands, n, seed)
    assert drawn == stratified_draw({band: members[::-1] for band, members in bands.items()}, n, seed)
    band_of = {index: band for band, members in bands.items() for index in members}
    counts = Counter(band_of[index] for index in drawn)
    for band, size in sizes.items():
        assert abs(counts[band] - min(n, total) * size / total) < 1


@given(sizes=sizes, n=st.integers(1, 80), seed=st.integers(0, 99), data=st.data())
def test_what_cannot_be_used_is_passed_over_and_nobody_is_asked_twice(
    sizes: dict[int, int], n: int, seed: int, data: st.DataObject
) -> None:
    bands = banded(sizes)
    every = [index for members in bands.values() for index in members]
    good = data.draw(st.sets(st.sampled_from(every)))
    asked: list[int] = []

    def usable(index: int) -> bool:
        asked.append(index)
        return index in good

    drawn = stratified_draw(bands, n, seed, usable)
    assert set(drawn) <= good
    assert len(drawn) == min(n, len(good))
    assert len(asked) == len(set(asked))


def test_seeds_draw_others() -> None:
    bands = {-1: list(range(1000))}
    assert stratified_draw(bands, 10, 0) != stratified_draw(bands, 10, 1)


def test_suites_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["autointerp", "suites"])
    with pytest.raises(SystemExit) as info:
        cli.main()
    assert not info.value.code
    printed = capsys.readouterr().out
    assert all(name in printed for name in shipped())
    assert "defined, not yet run" in printed


def frozen_content(place: str, digest: str | None, **changes: Any) -> dict[str, Any]:
    return content(digest=digest) | {"store": place} | changes


def test_suite_over_a_frozen_store_is_its_digest(tmp_path: Path) -> None:
    here, there = (suite_of(frozen_content(place, "0" * 16), "x") for place in ("smollm2", "hf://datasets/a/b"))
    assert (here.frozen, here.store) == ("smollm2", None)
    assert here.definition == there.definition
    assert here.definition != suite_of(frozen_content("smollm2", "1" * 16), "x").definition
    made = suite_of(frozen_content("smollm2", "0" * 16, prep=content()["store"]), "x")
    assert made.store and made.definition == here.definition
    (tmp_path / "frozen").mkdir()
    assert suite_of(frozen_content("frozen", "0" * 16), str(tmp_path / "a.yaml")).frozen == str(tmp_path / "frozen")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest": None}, "store: smollm2 is a frozen store, which has one digest"),
        ({"digest": {"0" * 16: ["1" * 16]}}, "which has one digest"),
        ({"frozen": "x"}, "frozen: unknown field"),
        ({"store": None}, "store: give the options that make it, or the place"),
    ],
)
def test_suite_over_a_frozen_store_wrong_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        suite_of(frozen_content("smollm2", "0" * 16) | changes, "x")
