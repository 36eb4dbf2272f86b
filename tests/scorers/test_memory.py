"""A grader that remembers the earlier batches of a latent, and not the explanation, knows no more for it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.scorers.fuzzing.marks import marked_contexts
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import delimiters, marked, visible

N, SHOWN = 60, 5
Texts = list[tuple[str, bool]]
"""Texts as they are shown, in order, and whether they are activating or rightly marked."""


def detection(contexts: LatentContexts) -> Texts:
    return [(visible(test.text), test.kind == "activating") for test in contexts.test(N, N, 0)]


def fuzzing(contexts: LatentContexts) -> Texts:
    tests, _ = marked_contexts(contexts.test(N, N, 0), N, np.random.default_rng(0))
    pair = delimiters(test.context for test in tests)
    return [(marked(test.context, pair, test.marks), test.context.kind == "activating") for test in tests]


def seen_whole(text: str) -> str:
    return text


def seen_beginning(text: str) -> str:
    return text[:16]


def seen_end(text: str) -> str:
    return text[-16:]


@pytest.mark.parametrize("score", [detection, fuzzing])
@pytest.mark.parametrize("part", [seen_whole, seen_beginning, seen_end])
def test_what_was_seen_before_says_nothing(
    score: Callable[[LatentContexts], Texts], part: Callable[[str], str], store_folder: Path
) -> None:
    store = Store(store_folder)
    accuracies = []
    for index in range(store.at("layers.1").width):
        latent = store.at("layers.1").latent(index)
        if not latent.n_tokens:
            continue
        texts, seen, guesses = score(LatentContexts(store, latent)), set[str](), []
        for first in range(0, len(texts), SHOWN):
            batch = [part(text) for text, _ in texts[first : first + SHOWN]]
            guesses += [piece in seen for piece in batch]
            seen.update(batch)
        right = np.array([truth for _, truth in texts], dtype=bool)
        if min(right.sum(), (~right).sum()) >= 20:
            accuracies.append((np.mean(np.array(guesses)[right]) + np.mean(~np.array(guesses)[~right])) / 2)
    assert len(accuracies) >= 10
    if part is seen_whole:
        assert set(accuracies) == {0.5}, "no text is shown twice"
    # As in the other tests of blind graders: contexts overlap between latents, so a floor stands beside the spread.
    assert abs(np.mean(accuracies) - 0.5) < 3 * max(np.std(accuracies) / len(accuracies) ** 0.5, 0.01)
