"""Tests of samples that share a steering engine."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.models import from_store
from inspect_autointerp.models.from_store import load_steering
from inspect_autointerp.models.steering import (
    Direction,
    Generate,
    Generated,
    Predict,
    Predicted,
    Steering,
    Tune,
    Tuned,
)


class Engine:
    """Says who asked, in place of an answer, and notes how many asked at once."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def tune(self, questions: Sequence[Tune]) -> list[Tuned]:
        self.calls.append(("tune", len(questions)))
        return [Tuned(float(question.direction.latent), question.target_kl, 1) for question in questions]

    def predict(self, questions: Sequence[Predict]) -> list[Predicted]:
        self.calls.append(("predict", len(questions)))
        row = np.zeros((1, 1), dtype=np.float32)
        return [Predicted(row, row + question.direction.latent) for question in questions]

    def generate(self, questions: Sequence[Generate]) -> list[Generated]:
        self.calls.append(("generate", len(questions)))
        return [Generated([[question.direction.latent]], [[question.seed]], [0.0]) for question in questions]


def test_steering_questions_of_all_kinds_are_batched() -> None:
    engine = Engine()

    async def sample(shared: Steering, i: int) -> tuple[float | None, float, int]:
        tuned = await shared.tune(Tune(Direction(i), [[1]], 1.0))
        predicted, generated = await asyncio.gather(
            shared.predict(Predict(Direction(i), [[1]], 1.0)), shared.generate(Generate(Direction(i), [[1]], 1.0, 0))
        )
        return tuned.strength, float(predicted.steered[0, 0]), generated.clean[0][0]

    async def main() -> list[tuple[float | None, float, int]]:
        shared = Steering(engine)
        return await asyncio.gather(*(sample(shared, i) for i in range(5)))

    assert asyncio.run(main()) == [(i, i, i) for i in range(5)]
    for kind in ("tune", "predict", "generate"):
        sizes = [n for called, n in engine.calls if called == kind]
        assert sum(sizes) == 5
        assert max(sizes) > 3, "they wait while another is answered"
        assert all(sizes), "no call without a question"


def test_kl_is_that_of_two_tosses() -> None:
    # Row 1: ½ ln(½ / ¼) + ½ ln(½ / ¾) = ½ ln 4⁄3. Row 2: what clean never says counts for nothing.
    with np.errstate(divide="ignore"):
        clean = np.log(np.array([[0.5, 0.5], [1.0, 0.0]], dtype=np.float32))
        steered = np.log(np.array([[0.25, 0.75], [1.0, 0.0]], dtype=np.float32))
    assert Predicted(clean, steered).kl() == pytest.approx([0.5 * np.log(4 / 3), 0.0], abs=1e-7)


def test_without_torch_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(from_store, "import_module", missing)
    with pytest.raises(UserError, match=r'^steering runs the subject, which needs `pip install "inspect-autointerp\['):
        load_steering(cast(Any, SimpleNamespace()), "layers.1")
