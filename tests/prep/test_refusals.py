"""Tests of a user's mistakes: each is reported in one line, and nothing is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings

Prep = Callable[..., Manifest]
Save = Callable[..., Path]


def refused(prep: Prep, folder: Path, message: str, **options: Any) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(UserError, match=message) as info:
        prep(folder / "store", **options)
    assert "\n" not in str(info.value)
    assert sorted(folder.iterdir()) == before


def test_a_coder_of_another_width_is_refused_with_both(
    prep: Prep, tmp_path: Path, save_coder: Save, subject_folder: Path
) -> None:
    coder = save_coder(tmp_path / "narrow", "topk", k=4, d_in=16, hook="model.layers.1")
    message = rf"^coder {coder} reads 16 dimensions and {subject_folder} has 32 at layers\.1: they do not fit together$"
    refused(prep, tmp_path, message, coders=[coder])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_activations_that_are_not_finite_are_refused_with_the_hookpoint(
    prep: Prep, tmp_path: Path, subject_folder: Path, value: float
) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "subject"
    shutil.copytree(subject_folder, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.layers.1.mlp.down_proj.weight"][3, 5] = value
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    message = r"^the activations at layers\.1 are NaN or infinite; try another --dtype$"
    refused(prep, tmp_path, message, subject=broken)


def test_a_checkpoint_that_lacks_weights_is_refused(prep: Prep, tmp_path: Path, subject_folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "subject"
    shutil.copytree(subject_folder, broken)
    weights = load_file(broken / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    message = rf"^subject {broken}: its weights cannot be loaded \(.*layers\.1\.mlp\.down_proj\.weight.*\)$"
    refused(prep, tmp_path, message, subject=broken)


def test_a_checkpoint_that_is_no_checkpoint_is_refused(prep: Prep, tmp_path: Path, subject_folder: Path) -> None:
    broken = tmp_path / "subject"
    shutil.copytree(subject_folder, broken)
    (broken / "model.safetensors").write_bytes(b"abc")
    refused(prep, tmp_path, rf"^subject {broken}: its weights cannot be loaded \(.+\)$", subject=broken)


@pytest.mark.parametrize("content", ["{", "{}", '{"model": {"type": "BPE"}}'])
def test_a_tokenizer_that_is_none_is_refused(prep: Prep, tmp_path: Path, subject_folder: Path, content: str) -> None:
    broken = tmp_path / "subject"
    shutil.copytree(subject_folder, broken)
    (broken / "tokenizer.json").write_text(content, encoding="utf-8")
    message = rf"^subject {broken}: its configuration or tokenizer cannot be loaded \(.+\)$"
    refused(prep, tmp_path, message, subject=broken)


def test_a_folder_without_a_model_is_refused(prep: Prep, tmp_path: Path) -> None:
    message = rf"^subject {tmp_path}: its configuration or tokenizer cannot be loaded \(.+\)$"
    refused(prep, tmp_path, message, subject=tmp_path)


@pytest.mark.parametrize(
    ("coders", "hookpoints", "message"),
    [
        (["neurons", "neurons"], ["layers.1"], r"^two coders for layers\.1@neurons: give them names, as in"),
        (
            ["neurons", "neurons:3"],
            ["layers.1@a/b"] * 2,
            r"^hookpoint layers\.1@a/b: give a name for the coder after the @",
        ),
        (["neurons"] * 3, ["layers.1"] * 2, r"^3 coders, 2 hookpoints: give one --hookpoint per --coder, one for all,"),
    ],
)
def test_job_that_contradicts_itself_is_refused_from_its_arguments(
    coders: list[str], hookpoints: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Job(subject="never loaded", coders=coders, hookpoints=hookpoints, settings=Settings())


def test_an_unknown_hookpoint_is_refused(prep: Prep, tmp_path: Path) -> None:
    refused(prep, tmp_path, r"^no hookpoint 'layers\.4' in .+ layers 0 to 3$", hookpoints=["layers.4"])


@pytest.mark.parametrize("name", ["layers", ""])
def test_a_module_that_the_model_never_runs_is_refused(prep: Prep, tmp_path: Path, name: str) -> None:
    refused(prep, tmp_path, rf"^no hookpoint '{name}' in ", hookpoints=[name])


def test_more_tokens_at_once_than_the_model_takes_are_refused(prep: Prep, tmp_path: Path, subject_folder: Path) -> None:
    message = rf"^129 tokens at once, BOS included, are more than the 128 {subject_folder} takes; give a smaller --c"
    refused(prep, tmp_path, message, context_length=128)


def test_a_coder_that_names_no_hookpoint_is_refused_unless_one_is_given(
    prep: Prep, tmp_path: Path, save_coder: Save
) -> None:
    coder = save_coder(tmp_path / "coder", "topk", k=4)
    message = rf"^coder {coder}: it does not say which hookpoint it reads; give --hookpoint$"
    refused(prep, tmp_path, message, coders=[coder])
    prep(tmp_path / "store", coders=[coder], hookpoints=["layers.0"], tokens=200)


def test_two_coders_at_one_hookpoint_are_refused(prep: Prep, tmp_path: Path, sae_folder: Path) -> None:
    message = rf"^two coders for layers\.1@{sae_folder.name}: give them names, as in `--hookpoint layers\.1@one --hook"
    refused(prep, tmp_path, message, coders=[sae_folder, sae_folder])


@pytest.mark.parametrize("names", [["layers.1", "layers.1"], ["layers.1", "blocks.1.hook_resid_post"]])
def test_two_coders_at_one_hookpoint_are_refused_before_weights_load(
    prep: Prep, tmp_path: Path, sae_folder: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedModel

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", lambda *_, **__: pytest.fail("weights are loaded"))
    message = r"^two coders for (layers\.1|blocks\.1\.hook_resid_post)@same: give them names"
    names = [f"{name}@same" for name in names]
    refused(prep, tmp_path, message, coders=[sae_folder, "neurons"], hookpoints=names)


def test_an_unknown_hookpoint_is_refused_before_weights_load(
    prep: Prep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import PreTrainedModel

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", lambda *_, **__: pytest.fail("weights are loaded"))
    refused(prep, tmp_path, r"^no hookpoint 'layers\.4' in .+ layers 0 to 3$", hookpoints=["layers.4"])


def test_hookpoints_must_be_as_many_as_coders(prep: Prep, tmp_path: Path) -> None:
    message = r"^1 coders, 2 hookpoints: give one --hookpoint per --coder, one for all, or none$"
    refused(prep, tmp_path, message, hookpoints=["layers.0", "layers.1"])


def test_a_coder_whose_latents_never_fire_is_refused(prep: Prep, tmp_path: Path, save_coder: Save) -> None:
    from safetensors.torch import load_file, save_file

    coder = save_coder(tmp_path / "coder", "jumprelu", hook="model.layers.1")
    weights = load_file(coder / "sae_weights.safetensors")
    weights["threshold"].fill_(1e9)
    save_file(weights, coder / "sae_weights.safetensors")
    refused(prep, tmp_path, r"^no latent of layers\.1 fires in the corpus; does the coder belong", coders=[coder])


def test_an_empty_corpus_is_refused(prep: Prep, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    refused(prep, tmp_path, r"^the corpus is empty: none of its documents holds a token$", corpus=str(empty))


def test_a_coder_of_another_model_is_refused_unless_the_user_says_so(
    tmp_path: Path, save_coder: Save, subject_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_autointerp.prep.run import load_run
    from inspect_autointerp.prep.run.run_spec import Job

    folder = save_coder(tmp_path / "coder", "topk", k=4, hook="blocks.1.hook_resid_post")
    config = json.loads((folder / "cfg.json").read_text())
    config["metadata"]["model_name"] = "gpt2-small"
    (folder / "cfg.json").write_text(json.dumps(config))
    load_subjects = load_run.load_subjects
    monkeypatch.setattr(load_run, "load_subjects", lambda _, *a, **k: load_subjects(str(subject_folder), *a, **k))

    def load(name: str, **options: Any) -> None:
        load_run.load_sites(Job(subject=name, coders=[str(folder)], settings=Settings(), **options))

    message = "was trained on gpt2-small, but the subject is EleutherAI/pythia-70m; --other-model accepts it anyway$"
    with pytest.raises(UserError, match=message):
        load("EleutherAI/pythia-70m")
    load("EleutherAI/pythia-70m", other_model=True)
    for same in ("gpt2", "openai-community/gpt2", str(subject_folder)):  # a folder's name says nothing
        load(same)
