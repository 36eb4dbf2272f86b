"""The tools by themselves: what they show, what they refuse, and how many samples share one subject."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from inspect_ai.tool import ToolError

from inspect_autointerp.contexts.selection import usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.activations import Fired, Firing, Texts
from inspect_autointerp.models.shared_engines import lend, release
from inspect_autointerp.models.spending import note_call, on_behalf_of, spending
from inspect_autointerp.solvers.tools.activations import show_activations
from inspect_autointerp.solvers.tools.contexts import show_contexts
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, of_store
from inspect_autointerp.store.store import Store


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


@pytest.fixture
def at(store: Store) -> LatentAtHand:
    [latent], _ = usable_latents(store, "layers.1", "sample:1", 10, 0)
    return of_store(store, latent.id)


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    release()


class Engine:
    """Fires with strength 2 on each `x`, and counts what came together."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, questions: Sequence[Texts]) -> list[list[Fired]]:
        self.batches.append(len(questions))
        return [[self._fired(text) for text in question.texts] for question in questions]

    def _fired(self, text: str) -> Fired:
        spans = tuple((i, i + 1) for i in range(len(text)))
        return Fired(text, spans, np.array([2.0 * (c == "x") for c in text], dtype=np.float32), 3 * text.endswith("!"))


@pytest.fixture
def engine(store: Store) -> Engine:
    made = Engine()
    lend(("firing", store.key, "layers.1"), Firing(made))
    return made


def test_activations_shows_marks_strengths_and_silence(at: LatentAtHand, engine: Engine) -> None:
    shown = asyncio.run(show_activations(at, ["a x b", "nothing", "так 日本語 🙂 עברית", "x!"]))
    lines = shown.splitlines()
    assert "Text 1: a <<x>> b" in lines
    assert lines[lines.index("Text 1: a <<x>> b") + 1].startswith('Active: "x": ')
    assert "Silent: the latent is active on no token." in lines
    assert "Text 3: так 日本語 🙂 עברית" in lines
    assert "Cut: the last 3 tokens were not read." in lines
    assert lines[-1] == "Active in 2 of 4 texts."


def test_latent_that_never_fires_is_said_to_be_silent(at: LatentAtHand, engine: Engine) -> None:
    assert asyncio.run(show_activations(at, ["one", "two"])).endswith("Active in 0 of 2 texts.")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "Give 1 to 20"), (["a"] * 21, "Give 1 to 20"), (["a", " \n"], "text 2 is empty"),
        (["a" * 2001], "2,001 characters"), (["half \ud800"], "surrogate"), (["a <|bos|>"], "control token"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_read_are_refused(
    at: LatentAtHand, engine: Engine, texts: list[str], message: str
) -> None:
    with pytest.raises(ToolError, match=message):
        asyncio.run(show_activations(at, texts))
    assert engine.batches == []


def test_latents_of_many_samples_share_the_engine_in_batches(at: LatentAtHand, engine: Engine) -> None:
    async def main() -> float:
        late = 0.0

        async def heart() -> None:
            nonlocal late
            for _ in range(20):
                start = asyncio.get_running_loop().time()
                await asyncio.sleep(0.005)
                late = max(late, asyncio.get_running_loop().time() - start)

        beating = asyncio.create_task(heart())
        await asyncio.gather(*(show_activations(at, [f"text {i} x"]) for i in range(64)))
        await beating
        return late

    assert asyncio.run(main()) < 30
    assert sum(engine.batches) == 64
    assert len(engine.batches) <= 4, "of 32 at most, they went together"


def test_deciles_come_strongest_first_and_pages_are_bounded(at: LatentAtHand) -> None:
    pages = show_contexts(at, "activating", None, None, 1, 0)
    assert pages.count("\nExample ") <= 20
    strongest = [context for context in at.explain.activating if context.decile == 10]
    peaks = [context.max_activation for context in strongest]
    assert peaks == sorted(peaks, reverse=True)
    assert show_contexts(at, "activating", 10, None, 1, 0).count("\nExample ") == min(20, len(strongest))
    assert show_contexts(at, "silent", None, "no such words anywhere", 1, 0).startswith("There are no silent texts")


def test_unknown_latents_are_refused(store: Store) -> None:
    for id in ("layers.1/99999", "layers.1/x", "layers.1/-1", "layers.1/²"):
        with pytest.raises(UserError, match="there is no latent"):
            of_store(store, id)


def test_spending_counts_by_payer_and_only_inside(at: LatentAtHand, engine: Engine) -> None:
    note_call(5)
    with spending() as spent:
        note_call(7)
        with on_behalf_of("grader"):
            note_call(11)
        asyncio.run(show_activations(at, ["four"]))
    note_call(13)
    assert (spent.explainer_tokens, spent.grader_tokens, spent.calls, spent.subject_tokens) == (7, 11, 2, 4)
    assert spent.tokens == 18
