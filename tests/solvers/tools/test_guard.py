"""The test split, and copies of its texts, are out of reach of the tools, whatever an agent asks for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspect_ai.tool import ToolError

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.selection import usable_latents
from inspect_autointerp.scorers.intervention.steering_prompts import prompts
from inspect_autointerp.solvers.tools.contexts import Kind, show_contexts
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, of_store
from inspect_autointerp.solvers.tools.neighbours import show_neighbours
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

ALL = 1 << 40
KINDS: tuple[Kind, ...] = ("activating", "silent")


class Probe:
    """A latent, and the texts of everything that a scorer can draw for it."""

    def __init__(self, store: Store, id: str) -> None:
        self.at = of_store(store, id)
        kinds = negative_kinds(store, self.at.latent.hookpoint, "all")
        drawn = [LatentContexts(store, self.at.latent, c).test(ALL, ALL, 0, kinds) for c in (True, False)]
        self.texts = {visible(context.text) for contexts in drawn for context in contexts}
        self.words = sorted({word for text in self.texts for word in text.split()})


@pytest.fixture(scope="module", params=["stdlib", "planted", "recut"])
def tested(request: pytest.FixtureRequest, store_folder: Path, planted_cache: Path) -> list[Probe]:
    if request.param == "planted":
        store = Store(next(path for path in planted_cache.iterdir() if path.name.startswith("planted-")))
    else:
        store = Store(store_folder, window=16 if request.param == "recut" else None)
    usable, _ = usable_latents(store, store.hookpoints[0], "sample:3", 10, 0)
    return [Probe(store, latent.id) for latent in usable]


def holds_none(shown: str, tested: Probe) -> None:
    plain = shown
    for mark in ("<<", ">>", "«", "»", "⟦", "⟧", "⦗", "⦘"):
        plain = plain.replace(mark, "")
    lines = {line.partition(": ")[2] for line in plain.splitlines()}
    assert not lines & {text.replace("<<", "").replace(">>", "") for text in tested.texts}


def every_page(show: Callable[[int], str]) -> list[str]:
    """All pages; the guard has to hold on each."""
    pages = []
    for page in range(1, 400):
        try:
            pages.append(show(page))
        except ToolError:
            return pages
        if pages[-1].startswith("There are no "):
            return pages
    raise AssertionError("pages without end")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_contexts_shows_nothing_that_is_tested(tested: list[Probe], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(tested))
    kind: Kind = data.draw(st.sampled_from(KINDS))
    decile = data.draw(st.none() | st.integers(1, 10)) if kind == "activating" else None
    search = data.draw(st.none() | st.sampled_from(one.words) | st.sampled_from(["e", " ", "the", "\n"]))
    seed = data.draw(st.integers(0, 2**63 - 1))
    if search is not None and not search.strip():
        with pytest.raises(ToolError, match="spaces"):
            show_contexts(one.at, kind, decile, search, 1, seed)
        return
    for shown in every_page(lambda page: show_contexts(one.at, kind, decile, search, page, seed)):
        holds_none(shown, one)


def test_contexts_cannot_find_a_whole_tested_text(tested: list[Probe]) -> None:
    for one in tested:
        for text in sorted(one.texts)[:30]:
            for kind in KINDS:
                shown = show_contexts(one.at, kind, None, text[:100].replace("⏎", "\n").strip() or "x", 1, 0)
                holds_none(shown, one)


def test_neighbours_shows_nothing_that_is_tested(tested: list[Probe]) -> None:
    for one in tested:
        for shown in every_page(lambda page, at=one.at: show_neighbours(at, page)):
            holds_none(shown, one)


def test_steer_starts_from_the_explain_split_alone(tested: list[Probe]) -> None:
    for one in tested:
        drawn, scored = prompts(one.at.store, LatentContexts(one.at.store, one.at.latent), tuned=50, scored=0, seed=0)
        assert scored == []
        assert not {visible(one.at.store.detokenizer(prompt)[0]) for prompt in drawn} & one.texts


def test_the_guard_is_what_keeps_them_out(tested: list[Probe], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its gate the explain split would hand over a tested text that was put there."""
    one = tested[0]
    at = LatentAtHand(one.at.store, one.at.latent)
    [first, *_] = LatentContexts(at.store, at.latent).activating("test")
    inside = at.explain.activating
    assert at.explain._allowed([*inside, first]) == inside
    monkeypatch.setattr(at.store, "in_split", lambda starts, split: starts >= 0)  # as if all were explain split
    assert at.explain._allowed([*inside, first]) == inside, "it is a tested text wherever it stands"
