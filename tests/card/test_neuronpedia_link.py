"""Cards link to Neuronpedia where the coder says what it is called there, and nowhere else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import make_sae

from inspect_autointerp.card.card import read_card
from inspect_autointerp.card.header import facts
from inspect_autointerp.card.html import card_page
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.show.page.contexts import LatentTexts
from inspect_autointerp.prep.run.run import prep
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.manifest import HookpointEntry, Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store

Make = Callable[[str | None, str], Path]


@pytest.fixture(scope="module")
def make(subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    def make(named: str | None, folder: str) -> Path:
        place = tmp_path_factory.mktemp(folder)
        sae = make_sae(place / "sae", d_sae=64)
        about = json.loads((sae / "cfg.json").read_text())
        about["metadata"]["neuronpedia_id"] = named
        (sae / "cfg.json").write_text(json.dumps(about))
        settings = Settings(tokens=3000, context_length=64, pool=50, sample=8)
        prep(Job(subject=str(subject_folder), coders=[str(sae)], settings=settings), place / "store", progress=False)
        return place / "store"

    return make


def test_a_coder_s_name_on_neuronpedia_is_a_link(make: Make) -> None:
    store = Store.open(str(make("gpt2-small/6-res-jb", "named")))
    [latent] = store.at(None).latents([17])
    card, link = read_card(store, latent), "https://www.neuronpedia.org/gpt2-small/6-res-jb/17"
    assert ("neuronpedia", link) in facts(card)
    assert f'<a href="{link}">{link}</a>' in card_page(card)
    assert LatentTexts(store, latent.id).link == link


@pytest.mark.parametrize("named", [None, "no-source", "a/b/../../c", "a/b?x=<script>"])
def test_no_link_where_no_name_is_known(make: Make, named: str | None) -> None:
    store = Store.open(str(make(named, "unnamed")))
    [latent] = store.at(None).latents([17])
    assert "neuronpedia" not in dict(facts(read_card(store, latent)))
    assert LatentTexts(store, latent.id).link is None
    assert "neuronpedia" not in (store.folder / "manifest.json").read_text()


def test_a_name_changes_no_digest_and_is_checked(store_folder: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(store_folder)

    def renamed(name: Any) -> Manifest:
        entries: dict[str, HookpointEntry] = {
            place: replace(entry, neuronpedia=name) for place, entry in manifest.hookpoints.items()
        }
        return replace(manifest, hookpoints=entries)

    assert renamed("gpt2-small/6-res-jb").digest == manifest.digest
    renamed("../x").write(tmp_path)
    with pytest.raises(UserError, match="neuronpedia"):
        Manifest.read(tmp_path)
