"""Memory that does not suffice halves what goes through a model at once, and changes no answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.activations import Texts
from inspect_autointerp.models.steering import Direction, Predict
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.prep.engines.halving import BatchSize
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.store.store import Store


def test_size_is_halved_until_it_suffices_and_stays() -> None:
    size = BatchSize(13, "rows")

    def work() -> int:
        if size.most > 3:
            raise torch.OutOfMemoryError
        return size.most

    assert size.run(work) == 2  # 13, 7, 4, 2
    assert size.run(lambda: size.most) == 2


def test_work_that_never_fits_is_a_users_error_and_other_errors_pass() -> None:
    def never() -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")

    with pytest.raises(UserError, match="give a shorter one"):
        BatchSize(4, "rows").run(never)

    def broken() -> None:
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        BatchSize(4, "rows").run(broken)


@pytest.fixture(scope="module")
def store(sharp_store_folder: Path) -> Store:
    return Store(sharp_store_folder)


class Small:
    """A device that holds so many elements of a batch at once."""

    def __init__(self, run: Any, most: int) -> None:
        self._run, self._most, self.refused = run, most, 0

    def __call__(self, ids: torch.Tensor, *given: Any, **more: Any) -> Any:
        if ids.numel() > self._most:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self._run(ids, *given, **more)


def test_activations_are_the_same_in_less_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ReadingSubject(store, "layers.1", device="cpu")
    texts = [f"def f{i}(self, x): return {i}" + " and more" * i for i in range(12)]
    whole = engine([Texts(3, texts), Texts(5, texts)])
    small = Small(engine.subject.run, 150)
    monkeypatch.setattr(engine.subject, "run", small)
    halved = engine([Texts(3, texts), Texts(5, texts)])
    assert small.refused > 0
    for one, other in zip([*whole[0], *whole[1]], [*halved[0], *halved[1]], strict=True):
        assert one.text == other.text
        np.testing.assert_allclose(one.activations, other.activations, atol=1e-4)
    refused = small.refused
    engine([Texts(3, texts)])
    assert small.refused == refused, "the size stays"


@pytest.fixture
def steered(store: Store) -> Iterator[SteeredSubject]:
    yield SteeredSubject(store, "layers.1", device="cpu")


def test_steering_is_the_same_in_less_memory(
    store: Store, steered: SteeredSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [Predict(Direction(i), [store.tokens[k : k + 5].tolist() for k in (0, 50)], 1.0) for i in range(6)]
    whole = steered.predict(questions)
    prepare, refused = steered._prepared, []

    def prepared(group: Any) -> Any:
        if len(group) > 2:
            refused.append(len(group))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return prepare(group)

    monkeypatch.setattr(steered, "_prepared", prepared)
    halved = steered.predict(questions)
    assert refused
    for one, other in zip(whole, halved, strict=True):
        np.testing.assert_allclose(one.steered, other.steered, atol=1e-4)
