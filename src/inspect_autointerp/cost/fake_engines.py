"""Stand-ins for what runs on this machine in an evaluation: the subject, and what reads a likelihood from a server."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inspect_autointerp.builtin import demo, smollm2
from inspect_autointerp.cost.fake_answers import stand_in
from inspect_autointerp.models.activations import Fired, Firing, Texts
from inspect_autointerp.models.likelihood.role import ROLE, shared_key
from inspect_autointerp.models.likelihood.server import ServedLikelihood
from inspect_autointerp.models.shared_engines import lend
from inspect_autointerp.models.steering import Generate, Generated, Predict, Predicted, Steering, Tune, Tuned
from inspect_autointerp.store.store import Store
from inspect_autointerp.vectors.endpoint import STAND_IN
from inspect_autointerp.vectors.rows import Rows


def lend_stand_ins(store: Store, hookpoint: str) -> None:
    """Have what is asked of the subject and of served likelihood models answered without them, in the next run.

    What they say decides nothing about who is asked what, but for the texts that a likelihood model reads after
    steering, and the tokens that an explainer is told of: these are as long as they would be.
    """
    lend(("firing", store.key, hookpoint), Firing(_silent))
    lend(("steering", store.key, hookpoint), Steering(_Steered(store)))
    for role in ("grader", "main"):
        judge = stand_in(role)
        lend(shared_key(judge), ServedLikelihood(judge))
    held = store.at(hookpoint).held
    rows = np.random.default_rng(0).standard_normal((len(held), 8)).astype(np.float32)
    lend(("rows", store.key, hookpoint, None), Rows(hookpoint, held, encoder=rows, decoder=rows))
    lend(("token vectors", store.key, hookpoint), _TokenVectors())
    lend(STAND_IN, _endpoint)
    for subject in (demo.NAME, smollm2.NAME):
        lend(shared_key(None, subject), ServedLikelihood(stand_in(ROLE)))


def _endpoint(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer in place of any endpoint: a text for a vector, or a vector for a text."""
    return {"texts": ["a text about a vector"], "vectors": [[1.0] * int(request.get("width", 0))]}


class _TokenVectors:
    """A reconstructor that makes the same of every text."""

    def reconstruct(self, text: str, width: int) -> np.ndarray:
        """Return ones."""
        return np.ones(width, dtype=np.float32)


def _silent(questions: Sequence[Texts]) -> list[list[Fired]]:
    nothing = np.zeros(0, dtype=np.float32)
    return [[Fired(text, (), nothing) for text in question.texts] for question in questions]


class _Steered:
    """A subject that writes what stands in the corpus, elsewhere where it is steered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tune(self, questions: Sequence[Tune]) -> list[Tuned]:
        """Every strength will do."""
        return [Tuned(1.0, question.target_kl, 0) for question in questions]

    def predict(self, questions: Sequence[Predict]) -> list[Predicted]:
        """All tokens alike, and when steered those more probable that the corpus begins with."""
        predictions: list[Predicted] = []
        for question in questions:
            clean = np.full((len(question.prompts), self._store.detokenizer.n_ids), -20.0, dtype=np.float32)
            steered = clean.copy()
            steered[:, np.unique(self._store.tokens[:256])[:16]] = -3.0
            predictions.append(Predicted(clean, steered))
        return predictions

    def generate(self, questions: Sequence[Generate]) -> list[Generated]:
        """Tokens of the corpus, others for every prompt."""
        return [self._written(question) for question in questions]

    def _written(self, question: Generate) -> Generated:
        n, length = len(question.prompts), question.n_tokens
        last = max(1, len(self._store.tokens) - length)
        starts = (np.arange(2 * n) + 2 * n * question.direction.latent) * length % last  # others for every latent
        taken = [self._store.tokens[start : start + length].tolist() for start in starts.tolist()]
        return Generated(taken[:n], taken[n:], [1.0] * n)
