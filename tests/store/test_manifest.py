"""Manifests that anyone can have written: each is taken as it is, or refused in one line that names file and field."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forged import forge, forge_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.load import suite_of

NESTED: Any = "x"
for _ in range(300):
    NESTED = [NESTED]
HOSTILE: list[Any] = [
    None, True, False, -1, 0, 1, 10**400, 1.5, float("nan"), float("inf"), -1e308, "", ".", "..",
    "../../x", "/etc/hostname", "a\0b", "\ud800", "\x1b[31m", "x" * 100_000, [], [1], {}, {"": 1},
    {"../../x": {}}, NESTED,
]  # fmt: skip
opened: list[str] | None = None


def watch(event: str, arguments: tuple) -> None:
    if opened is not None and event == "open" and isinstance(arguments[0], str):
        opened.append(arguments[0])


sys.addaudithook(watch)


@pytest.fixture
def copy(store_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store_folder, tmp_path / "copy"))


def places(content: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where every value in nested mappings is."""
    for key, value in content.items():
        yield (*at, key)
        if isinstance(value, dict):
            yield from places(value, (*at, key))


def put(content: Any, place: tuple[str, ...], value: Any) -> None:
    for key in place[:-1]:
        content = content[key]
    content[place[-1]] = value


def rename(content: Any, place: tuple[str, ...], name: str) -> None:
    for key in place[:-1]:
        content = content[key]
    content[name] = content.pop(place[-1])


def read_all(folder: Path) -> None:
    """Open a store, and read of each kind of file."""
    store = Store(folder)
    at = store.at(None)
    at.latent(0)
    at.logits(0)
    at.postings.windows(0)
    store.document_bounds(store.pool[:1])
    assert store.detokenizer(store.tokens[:3].tolist())[0]


def refused_or_read(folder: Path) -> str | None:
    """The refusal; anything else that is raised, or a file that is opened elsewhere, fails the test."""
    global opened
    opened, refusal = [], None
    try:
        read_all(folder)
    except UserError as error:
        refusal = str(error)
        assert refusal.isprintable() and len(refusal) < 600, refusal
        assert str(folder) in refusal
    finally:
        touched, opened = opened, None
    elsewhere = [path for path in touched if not path.startswith((str(folder), sys.prefix, sys.base_prefix, "/proc"))]
    assert elsewhere == []
    return refusal


def test_every_field_hostile_is_refused_or_works(copy: Path) -> None:
    whole = (copy / "manifest.json").read_text()
    content = json.loads(whole)
    n_refused = 0
    for place in [place for place in places(content) if place[0] != "checksum"]:
        for value in HOSTILE:
            forge(copy, lambda content, place=place, value=value: put(content, place, value))
            n_refused += refused_or_read(copy) is not None
            (copy / "manifest.json").write_text(whole)
    assert n_refused > 700, "most of them cannot be"


def test_every_name_hostile_is_refused_or_works(copy: Path) -> None:
    whole = (copy / "manifest.json").read_text()
    for place in [place for place in places(json.loads(whole)) if place[0] != "checksum"]:
        for name in ("", "..", "../../x", "/etc/hostname", "a\0b", "\ud800", "x" * 300):
            forge(copy, lambda content, place=place, name=name: rename(content, place, name))
            refusal = refused_or_read(copy)
            assert refusal or place[0] in ("digest", "versions"), (place, name)
            (copy / "manifest.json").write_text(whole)


def test_every_field_null_is_named(copy: Path) -> None:
    whole = (copy / "manifest.json").read_text()
    defaults = {"digest", "negatives", "format", "checksum"}
    for place in [place for place in places(json.loads(whole)) if place[0] not in defaults]:
        if place[0] in ("settings", "versions") and len(place) > 1:
            continue  # settings have defaults
        forge(copy, lambda content, place=place: put(content, place, None))
        refusal = refused_or_read(copy)
        assert refusal is None if place == ("revision",) else place[len(place) - 1] in str(refusal)
        (copy / "manifest.json").write_text(whole)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("settings", "window"), 0, r"settings: window must be from 1 to 4294967295, got 0"),
        (("settings", "seed"), "0", r"settings\.seed: Input should be a valid integer \(it is '0'\)"),
        (("settings", "test_fraction"), float("nan"), r"settings: test_fraction must be from 0 to 1, got nan"),
        (("files",), [], r"files: Input should be "),
        (("hookpoints",), {}, r"hookpoints: "),
        (("n_tokens",), -1, r"n_tokens: Input should be greater than or equal to 0 \(it is -1\)"),
        (("n_tokens",), 10**400, r"n_tokens: .+ \(it is a very large number\)"),
        (("subject",), "a\x1b[31mb", r"subject: has control characters \(it is 'a\\x1b\[31mb'\)"),
        (("files", "../../etc/passwd"), "0" * 64, r"files: '\.\./\.\./etc/passwd' is not a path inside the store"),
        (("files", "/etc/hostname"), "0" * 64, r"files: '/etc/hostname' is not a path inside the store"),
    ],
)
def test_a_refusal_names_file_field_and_value(copy: Path, place: tuple[str, ...], value: Any, message: str) -> None:
    forge(copy, lambda content: put(content, place, value))
    with pytest.raises(UserError, match=rf"^{copy}/manifest\.json: {message}"):
        Store(copy)


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "a/b", "a\\b", "a\0b", "\ud800", "x" * 300])
def test_a_hookpoint_that_leads_elsewhere_is_refused(copy: Path, name: str) -> None:
    forge(copy, lambda content: rename(content, ("hookpoints", "layers.1"), name))
    with pytest.raises(UserError, match=r"manifest\.json: (hookpoints: .+ cannot be part of a path|.+JSON)"):
        Manifest.read(copy)


@pytest.mark.parametrize("deep", ["[", '{"a":'])
def test_a_manifest_nested_too_deeply_is_one_line(copy: Path, deep: str) -> None:
    (copy / "manifest.json").write_text(deep * 100_000)
    with pytest.raises(UserError, match=r"manifest\.json: not a readable manifest \(nested too deeply\)"):
        Store(copy)


def test_a_link_out_of_the_store_is_refused(copy: Path, tmp_path: Path) -> None:
    shutil.move(copy / "pool.npy", tmp_path / "pool.npy")
    (copy / "pool.npy").symlink_to(tmp_path / "pool.npy")
    with pytest.raises(UserError, match=r"pool\.npy is a link that leads out of the store"):
        Store(copy)
    (copy / "pool.npy").unlink()
    shutil.move(tmp_path / "pool.npy", copy / "other.npy")
    (copy / "pool.npy").symlink_to("other.npy")
    Store(copy)


@pytest.mark.parametrize("name", ["tokens.npy", "pool.npy", "tokenizer.json", "documents.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\x93NUMPY\x01\0v\0{'descr': '|O', }", b"{}"])
def test_a_file_that_is_none_is_one_line(copy: Path, name: str, content: bytes) -> None:
    forge_file(copy, name, content)
    assert name in str(refused_or_read(copy))


@pytest.mark.parametrize("file", ["postings.safetensors", "latents.parquet"])
def test_a_hookpoints_file_that_is_none_is_one_line(copy: Path, file: str) -> None:
    forge_file(copy, f"hookpoints/layers.1/{file}", b"\xff" * 50)
    assert file in str(refused_or_read(copy))


def test_a_width_that_the_rows_do_not_have_is_refused(copy: Path) -> None:
    forge(copy, lambda content: put(content, ("hookpoints", "layers.1", "width"), 10**9))
    assert "256 rows, but the manifest's width is 1000000000" in str(refused_or_read(copy))


@pytest.mark.parametrize("settings", [{"window": 0}, {"seed": -1}, {"context_length": 0}, {"test_fraction": 2.0}])
def test_settings_out_of_range_are_refused_wherever_they_are_from(settings: dict[str, Any]) -> None:
    [name] = settings
    with pytest.raises(UserError, match=f"^{name} must be from"):
        Settings(**settings)
    counts = ("latents", "min_contexts", "test_activating", "test_nonactivating", "texts_per_call")
    evaluation = dict.fromkeys(counts, 2)
    evaluation |= {"hookpoint": "layers.2", "scores": ["detection"], "grader": "a/b", "negatives": ["random"]}
    suite = {"format": 1, "name": "x", "version": 1, "description": "", "state": "defined", "digest": None}
    suite |= {"store": {"subject": "demo", "revision": None, "settings": settings}}
    with pytest.raises(UserError, match=f"^here: {name} must be from"):
        suite_of(suite | {"evaluation": evaluation | {"confidence": False, "window": None, "seed": 0}}, "here")
