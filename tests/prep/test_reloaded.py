"""Tests of loading a subject again with options that its store's manifest does not hold."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.steering import Direction, Generate, Predict, Tune
from inspect_autointerp.prep.engines.load_from_store import reloaded
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.subject.subject import Subject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

Prep = Callable[..., Manifest]
TRUST, DEVICE_MAP = "INSPECT_AUTOINTERP_TRUST_REMOTE_CODE", "INSPECT_AUTOINTERP_DEVICE_MAP"
QUESTION = Predict(Direction(17), [[5, 1, 2, 3], [7]], 3.0)


def test_remote_code_runs_only_where_the_environment_allows(
    own_code: Path, tmp_path: Path, prep: Prep, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prep(tmp_path / "store", subject=own_code, trust_remote_code=True, tokens=2000)
    store = Store(tmp_path / "store")
    for value in ("", "0"):
        monkeypatch.setenv(TRUST, value)
        with pytest.raises(UserError, match=rf"^steering needs what .+ which {TRUST}=1 lets run on this machine\)$"):
            SteeredSubject(store, "layers.1", device="cpu")
    monkeypatch.setenv(TRUST, "1")
    [effect] = SteeredSubject(store, "layers.1", device="cpu").predict([QUESTION])
    [expected] = SteeredSubject(Store(store_folder), "layers.1", device="cpu").predict([QUESTION])
    np.testing.assert_array_equal(effect.steered, expected.steered)


def test_a_subject_can_be_spread_over_devices(
    sharp_store_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, asked = Store(sharp_store_folder), []
    plain = SteeredSubject(store, "layers.1", device="cpu")
    init = Subject.__init__

    def noted(self: Subject, *args: object, device_map: str | None = None, **options: object) -> None:
        asked.append(device_map)
        init(self, *args, device_map=device_map, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Subject, "__init__", noted)
    monkeypatch.setenv(DEVICE_MAP, "cpu")
    caplog.clear()
    spread = SteeredSubject(store, "layers.1", device="cpu")
    assert asked == ["cpu"]
    [line] = [record.getMessage() for record in caplog.records if record.name == reloaded.__module__]
    coder = store.at("layers.1").entry.coder
    assert line == f"steering: loading {store.manifest.subject} and {coder}, float32 on cpu"
    tune = [Tune(Direction(17), QUESTION.prompts, 0.3)]
    assert spread.tune(tune) == plain.tune(tune)
    generate = [Generate(Direction(17), QUESTION.prompts, 3.0, seed=0)]
    assert spread.generate(generate) == plain.generate(generate)
