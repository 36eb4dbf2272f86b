"""`autointerp prep --suite`: a suite's store, and whether it has the suite's digest."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.tiny_suite import content

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.freeze import freeze
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.frozen_options import fixed
from inspect_autointerp.suites.load import read_suite
from inspect_autointerp.suites.store_location import check_store

Autointerp = Callable[..., tuple[int, str, str]]


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Autointerp:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["autointerp", "prep", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as info:
            cli.main()
        captured = capsys.readouterr()
        return int(info.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """The file of a suite."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(content(**changes)), encoding="utf-8")
        return path

    return write


def test_prep_makes_a_suites_store_and_compares_digests(
    autointerp: Autointerp, written: Callable[..., Path], subject_folder: Path, sae_folder: Path, corpus_folder: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    store = {"subject": str(subject_folder), "revision": None, "coder": [str(sae_folder)]}
    settings = {"corpus": str(corpus_folder), "tokens": 3000, "context_length": 64, "sample": 6, "top": 3, "pool": 30}
    path = written(store={**store, "settings": settings})
    with pytest.raises(UserError, match=r"store is not on this machine; run `autointerp prep --suite tiny`"):
        fixed(str(path), {}, None)
    status, out, err = autointerp("--suite", path)
    assert status == 0, err
    [folder] = (tmp_path / "cache").glob("suite-tiny-*")
    digest = Manifest.read(folder).digest
    assert f"Its digest is {digest}; suite tiny publishes no digest" in out
    assert Manifest.read(folder).n_tokens == 3000
    assert "it is there already" in autointerp("--suite", path)[1]
    written(store={**store, "settings": settings}, digest=digest)
    status, out, _ = autointerp("--suite", path, "-o", tmp_path / "again")
    assert status == 0
    assert f"Its digest {digest} is that of suite tiny." in out
    written(store={**store, "settings": settings}, digest="0" * 16)
    status, _, err = autointerp("--suite", path)
    assert status == 2
    assert f"its digest is {digest}, and that of suite tiny is 0000000000000000; settings and known weights are" in err


@pytest.mark.parametrize("given", [("--tokens", "5"), ("gpt2",), ("--coder", "neurons"), ("--revision", "x")])
def test_prep_refuses_what_contradicts_a_suite(
    given: tuple[str, ...], autointerp: Autointerp, written: Callable[..., Path]
) -> None:
    status, _, err = autointerp(*given, "--suite", written())
    assert status == 2
    assert "suite tiny fixes this option to" in err


def test_prep_takes_a_suite_or_a_file(autointerp: Autointerp, written: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("tokens: 5")
    by_suite, by_file = ("--suite", written()), ("--config", tmp_path / "run.yaml")
    for order in (by_suite + by_file, by_file + by_suite):
        status, _, err = autointerp(*order)
        assert status == 2
        assert "give one of them" in err


def test_prep_reports_how_far_a_store_agrees_with_a_suites_frozen_one(
    autointerp: Autointerp, tmp_path: Path, subject_folder: Path, sae_folder: Path, corpus_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    settings = {"corpus": str(corpus_folder), "tokens": 3000, "context_length": 64, "sample": 6, "top": 3, "pool": 30}
    store = {"subject": str(subject_folder), "revision": None, "coder": [str(sae_folder)], "settings": settings}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content() | {"store": store}), encoding="utf-8")
    assert autointerp("--suite", path, "-o", tmp_path / "whole")[0] == 0
    whole = Store(tmp_path / "whole")
    alive = np.flatnonzero(whole.at("layers.1").n_windows)[:3].tolist()
    manifest = freeze(whole, {"layers.1": alive}, tmp_path / "frozen", selection="three")
    suite = content() | {"store": "frozen", "digest": manifest.digest, "prep": store}
    path.write_text(yaml.safe_dump(suite), encoding="utf-8")
    check_store(read_suite(str(path)), manifest, tmp_path / "frozen")
    status, out, err = autointerp("--suite", path)
    assert status == 0, err
    assert f"Agreement with the frozen store of suite tiny, {manifest.digest}: layers.1: 100.000% of" in out
    assert "largest difference 0." in out
    path.write_text(yaml.safe_dump(suite | {"digest": "0" * 16}), encoding="utf-8")
    with pytest.raises(UserError, match=r"its digest is .*, and that of suite tiny is 0{16}: not the suite's store"):
        check_store(read_suite(str(path)), manifest, tmp_path / "frozen")
    del suite["prep"]
    path.write_text(yaml.safe_dump(suite), encoding="utf-8")
    status, _, err = autointerp("--suite", path)
    assert status == 2 and "its store is frozen and comes without the options that made it" in err
