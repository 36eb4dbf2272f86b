"""Tests of samples that share an activation engine."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.models import from_store
from inspect_autointerp.models.activations import Fired, Firing, Texts
from inspect_autointerp.models.from_store import load_firing


def test_activation_questions_are_batched() -> None:
    sizes: list[int] = []

    def engine(questions: Sequence[Texts]) -> list[list[Fired]]:
        sizes.append(len(questions))
        return [
            [Fired(text, ((0, len(text)),), np.full(1, question.latent, dtype=np.float32)) for text in question.texts]
            for question in questions
        ]

    async def main() -> list[list[Fired]]:
        shared = Firing(engine)
        return await asyncio.gather(*(shared(i, [f"{i}a", f"{i}b"]) for i in range(1, 6)))

    for i, answers in enumerate(asyncio.run(main()), 1):
        assert [(one.text, one.max_activation, one.tokens()) for one in answers] == [
            (f"{i}a", i, [f"{i}a"]),
            (f"{i}b", i, [f"{i}b"]),
        ]
    assert sum(sizes) == 5
    assert max(sizes) > 3, "they wait while another is answered"


def test_a_text_without_tokens_is_silent() -> None:
    assert Fired("", (), np.zeros(0, dtype=np.float32)).max_activation == 0


def test_without_torch_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(from_store, "import_module", missing)
    with pytest.raises(UserError, match=r'^reading new texts runs the subject, which needs `pip install "inspect-auto'):
        load_firing(cast(Any, SimpleNamespace()), "layers.1")
