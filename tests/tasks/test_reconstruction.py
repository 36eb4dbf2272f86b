"""Tests of the task reconstruction, with a verbalizer and a reconstructor that agree on words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from tests.local_server import JsonHandler, running

from inspect_autointerp.inspect_support.compat import PrerequisiteError
from inspect_autointerp.models.from_store import load_rows
from inspect_autointerp.scorers.reconstruction.scorer import reconstruction as reconstruction_scorer
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks import multi_score, reconstruction

FEW: dict[str, Any] = {"latents": "sample:4", "min_contexts": 10, "others": 20}


class Code(JsonHandler):
    """Writes the four largest numbers of a vector with their places, and reads them back."""

    def do_POST(self) -> None:
        request = self.body()
        if self.path == "/v1/verbalize":
            vector = np.array(request["vectors"][0])
            places = np.argsort(-abs(vector))[:4].tolist()
            words = " ".join(f"{place}:{vector[place]:.3f}" for place in places)
            self.send_json(200, {"texts": [f"fires where {words}"]})
            return
        made = np.zeros(request["width"])
        for word in request["texts"][0].split():
            place, colon, value = word.partition(":")
            if colon:
                made[int(place)] = float(value)
        if self.path == "/v1/narrow":
            made = made[1:]
        self.send_json(200, {"vectors": [made.tolist()], "model": "code", "usage": {"cost": 0.5}})


def run(folder: Path, store: Path, model: str = "inspect_autointerp/lexical", **options: Any) -> EvalLog:
    task = reconstruction(store=str(store), **(FEW | options))
    [log] = inspect_eval(task, model=model, log_dir=str(folder), display="none")
    assert log.status == "success", log.error
    return log


def values(log: EvalLog, key: str) -> list[float]:
    return [(sample.scores or {})["reconstruction"].value[key] for sample in log.samples or []]  # type: ignore[index]


def test_what_was_read_off_the_vector_is_told_from_others(store_folder: Path, tmp_path: Path) -> None:
    with running(Code) as url:
        verbal = {"name": "verbalizer", "url": f"{url}/verbalize"}
        log = run(tmp_path, store_folder, explainer=verbal, reconstructor=f"{url}/reconstruct")
        floors = [
            run(tmp_path, store_folder, reconstructor=f"{url}/reconstruct", **floor)
            for floor in ({"explainer": "shuffled", "explanations": log.location}, {"explainer": "empty"})
        ]
        broken = run(tmp_path, store_folder, explainer=verbal, reconstructor=f"{url}/narrow", latents="sample:1")
    assert values(log, "recall") == [1.0] * 4
    assert min(values(log, "cosine")) > 0.5
    assert max(values(floors[0], "recall")) < 0.9
    assert np.mean(values(floors[0], "recall")) < 0.4
    assert values(floors[1], "recall") == [0.1] * 4
    score = (log.samples or [])[0].scores["reconstruction"]  # type: ignore[index]
    assert score.metadata is not None
    assert score.metadata["endpoint"] == {"model": "code", "cost": 0.5}
    compared = score.metadata["verdicts"]["neighbour"]
    assert f"layers.1/{compared[0]}" == str((log.samples or [])[0].id)
    assert 10 <= len(compared) == len(set(compared)) <= 21
    reason = (broken.samples or [])[0].scores["reconstruction"].reason  # type: ignore[index]
    assert reason == "invalid_response_format"
    assert values(broken, "unscored") == [1.0]


def test_tokens_of_the_subject_need_no_endpoint(store_folder: Path, tmp_path: Path) -> None:
    task = multi_score(store=str(store_folder), scores="reconstruction", latents="sample:3", min_contexts=10)
    [log] = inspect_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path), display="none")
    assert log.status == "success", log.error
    assert all(0 <= value <= 1 for value in values(log, "recall"))
    assert all(abs(value) <= 1 for value in values(log, "cosine"))
    assert values(log, "unscored") == [0.0] * 3


def test_too_few_others_are_unscored_with_the_reason(store_folder: Path, tmp_path: Path) -> None:
    store = Store(store_folder)
    from inspect_autointerp.vectors.file import write_vectors

    probe = run(tmp_path, store_folder, explainer="empty", latents="sample:1")
    index = int(str((probe.samples or [])[0].id).rpartition("/")[2])
    write_vectors(store, [load_rows(store, "layers.1", [index])], tmp_path / "one.safetensors")
    log = run(tmp_path, store_folder, explainer="empty", latents=str(index), vectors=str(tmp_path / "one.safetensors"))
    assert (log.samples or [])[0].scores["reconstruction"].reason == "too_few_other_latents"  # type: ignore[index]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"others": 8}, "others=8: must be at least 9"),
        ({"vector": "none"}, "vector=none: give decoder or encoder"),
        ({"reconstructor": "words"}, "url=words: give the address of an endpoint"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PrerequisiteError, match=message):
        reconstruction_scorer(**options)
