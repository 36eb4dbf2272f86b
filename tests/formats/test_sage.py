"""SAGE's results, in the form of the published ones, as explanations with their cost."""

import json
from pathlib import Path
from typing import Any

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import read_explanations

HISTORY = [
    "OBSERVATION:\n- Pattern 1 …\n[HYPOTHESIS LIST]: H1",
    '[DESCRIPTION]: \nFires on the morpheme "hat"\nin its own token; [sic] zero elsewhere.\n\n'
    "[EVIDENCE]:\n- Test 1: …\n\n"
    "[LABEL 1]: hats\n\n[LABEL 2]: a spurious 'et'",
]  # fmt: skip


def result(index: int = 3, layer: int = 7, history: object = HISTORY, **more: Any) -> dict[str, Any]:
    return {
        "feature_id": index, "layer": layer, "final_state": "完成", "total_rounds": 8, "duration_seconds": 485.25,
        "hypotheses": [{"id": 1, "text": "hats", "status": "CONFIRMED", "confidence": 0.0}], "test_results": [],
        "analysis_history": history,
        "token_usage": {"total_calls": 19, "total_tokens": 348963, "by_model": {"gpt-5": {"calls": 19}}},
    } | more  # fmt: skip


def read(path: Path, key: str | None = "layer_7") -> Any:
    return read_explanations(str(path), hookpoint="layers.7", width=10, key=key)


def write(folder: Path, *results: dict[str, Any]) -> Path:
    for one in results:
        (folder / f"feature_{one['feature_id']}").mkdir(parents=True)
        (folder / f"feature_{one['feature_id']}" / "structured_results.json").write_text(json.dumps(one))
    return folder


def test_sage_file_is_an_explanation_with_its_cost(tmp_path: Path) -> None:
    file = write(tmp_path, result()) / "feature_3" / "structured_results.json"
    supplied = read(file)
    assert supplied.format == "sage"
    one = supplied.texts[3]
    assert one.text == 'Fires on the morpheme "hat" in its own token; [sic] zero elsewhere.'
    assert (one.explainer, one.method) == ("gpt-5", "sage")
    assert one.cost == {"explainer_tokens": 348963.0, "calls": 19.0, "seconds": 485.25}


def test_sage_folder_of_a_layer_is_read_whole(tmp_path: Path) -> None:
    supplied = read(write(tmp_path, result(3), result(4), result(5, history=["OBSERVATION: nothing"])))
    assert {*supplied.texts} == {3, 4}
    assert [(problem.latent, problem.reason) for problem in supplied.problems] == [(5, "no_description")]


def test_sage_of_another_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="layer_8"):
        read(write(tmp_path, result(layer=8)))
    with pytest.raises(UserError, match="layer_7"):
        read(write(tmp_path / "b", result()), key=None)


@pytest.mark.parametrize("more", [{"feature_id": "x"}, {"layer": None}, {"feature_id": 11}])
def test_broken_sage_names_its_file(tmp_path: Path, more: dict[str, Any]) -> None:
    folder = write(tmp_path, result(1))
    (folder / "feature_1" / "structured_results.json").write_text(json.dumps(result(1) | more))
    with pytest.raises(UserError, match=r"feature_1/structured_results\.json"):
        read(folder)


def test_sage_without_usage_says_no_cost(tmp_path: Path) -> None:
    supplied = read(write(tmp_path, result(token_usage=[], duration_seconds="long")))
    assert supplied.texts[3].cost == {}
    assert supplied.texts[3].explainer is None
