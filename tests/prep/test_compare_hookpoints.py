"""The sides of a comparison: which hookpoints of which store they are, and whether they can be compared."""

import shutil
from pathlib import Path

import pytest

from inspect_autointerp.coder_similarity.hookpoints import Site, find_sites, same_subject, why_apart
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store


def test_which_hookpoints_write_in_one_space(stores: Path) -> None:
    store = Store(stores / "one")

    def apart(a: str, b: str) -> bool:
        return why_apart(Site(store, a, "one"), Site(store, b, "one")) is not None

    assert not apart("layers.1", "layers.12.mlp")
    assert not apart("h.3:input", "h.11.attn")
    assert not apart("layers.1.mlp.down_proj:input", "layers.1.mlp.down_proj:input")
    assert apart("layers.1.mlp.down_proj:input", "layers.2.mlp.down_proj:input")
    assert apart("layers.1", "layers.1.self_attn.o_proj:input")


def test_a_store_with_other_hookpoints_can_be_of_the_same_subject(stores: Path) -> None:
    [copy] = find_sites(str(stores / "copy"))
    one = find_sites(f"{stores / 'one'}")
    assert [site.hookpoint for site in one] == ["layers.1", "layers.2"]
    # `one` was read a layer deeper, so more of the weights were hashed.
    assert one[0].store.manifest.subject_sha256 != copy.store.manifest.subject_sha256
    assert same_subject(one[0], copy)


def test_names_with_a_colon_in_them(stores: Path, tmp_path: Path) -> None:
    odd = Path(shutil.copytree(stores / "copy", tmp_path / "a:b"))
    assert find_sites(str(odd))[0].store.folder == odd
    with pytest.raises(UserError, match="no such context store"):
        find_sites(str(tmp_path / "c:layers.1"))
