"""The header of a checkpoint or a shard, forged: taken or refused in one line."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tests.store.test_manifest import HOSTILE, places, put

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.run.run_state import STATE, Header
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store.manifest import HookpointEntry, Manifest
from inspect_autointerp.store.settings import Settings


@pytest.fixture
def header() -> Header:
    entry = HookpointEntry(side="output", coder="neurons", architecture="neurons", width=4, sha256="0")
    manifest = Manifest(
        subject="gpt2", revision=None, subject_sha256="0", bos=True, settings=Settings(), n_documents=0, n_tokens=0,
        n_windows=0, hookpoints={"layers.1": entry}, files={}, versions={"torch": "2"},
    )  # fmt: skip
    return Header(manifest=manifest, batch_size=16, shard=Shard(1, 2), batches=3)


def test_a_header_comes_back_as_it_was(header: Header, tmp_path: Path) -> None:
    header.write(tmp_path)
    assert Header.read(tmp_path) == header


def test_every_field_of_a_header_hostile_is_refused_or_works(header: Header, tmp_path: Path) -> None:
    header.write(tmp_path)
    whole, n_refused = (tmp_path / STATE).read_text(), 0
    for place in places(json.loads(whole)):
        for value in HOSTILE:
            content = json.loads(whole)
            put(content, place, value)
            (tmp_path / STATE).write_text(json.dumps(content))
            try:
                Header.read(tmp_path)
            except UserError as error:
                n_refused += 1
                assert str(error).isprintable() and str(tmp_path) in str(error)
    assert n_refused > 600


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("manifest", "settings", "window"), 0, r"settings: window must be from 1"),
        (("manifest", "hookpoints"), {"../../x": {}}, r"manifest\.hookpoints: '\.\./\.\./x' cannot be part of a path"),
        (("shard", "of"), 10**9, r"shard\.of: Input should be less than or equal to 1000000 \(it is 1000000000\)"),
        (("batches",), "3", r"batches: Input should be a valid integer \(it is '3'\)"),
    ],
)
def test_a_refusal_names_the_field(
    header: Header, tmp_path: Path, place: tuple[str, ...], value: Any, message: str
) -> None:
    content = asdict(header) | {"format": 2}
    put(content, place, value)
    (tmp_path / STATE).write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"^{tmp_path}/{STATE}: {message}"):
        Header.read(tmp_path)


def test_a_header_nested_too_deeply_is_one_line(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"no readable state of a prep run"):
        Header.read(tmp_path)
