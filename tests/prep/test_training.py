"""Tests that prep follows what coders say of their training, or reports the difference."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.triples import dense

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import SaeLensCoder
from inspect_autointerp.prep.coders.training import Training, differences, with_bos
from inspect_autointerp.prep.subject.subject import Subject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store

Prep = Callable[..., Manifest]
Save = Callable[..., Path]


def say(folder: Path, **metadata: Any) -> Path:
    """The same coder, saying more of its training."""
    cfg = json.loads((folder / "cfg.json").read_text())
    cfg["metadata"] |= metadata
    (folder / "cfg.json").write_text(json.dumps(cfg))
    return folder


def coder(save_coder: Save, folder: Path, **metadata: Any) -> Path:
    return say(save_coder(folder, "topk", k=4, hook="model.layers.1"), **metadata)


@pytest.mark.parametrize(
    ("metadata", "options", "bos"),
    [
        ({}, {}, True),
        ({"prepend_bos": True}, {}, True),
        ({"prepend_bos": False}, {}, False),
        ({"prepend_bos": False}, {"bos": True}, True),
        ({"prepend_bos": True}, {"bos": False}, False),
    ],
)
def test_prep_puts_bos_as_the_coder_was_trained_unless_told(
    prep: Prep,
    save_coder: Save,
    tmp_path: Path,
    subject_folder: Path,
    corpus_folder: Path,
    metadata: dict[str, Any],
    options: dict[str, Any],
    bos: bool,
) -> None:
    folder = coder(save_coder, tmp_path / "coder", **metadata)
    corpus = str(corpus_folder / "1.txt")
    manifest = prep(tmp_path / "store", coders=[folder], corpus=corpus, tokens=600, **options)
    assert manifest.bos == bos
    # The first chunk, run by hand: the store's activations are those of a subject that saw BOS or did not.
    store, subject, end = Store(tmp_path / "store"), Subject(str(subject_folder), ["layers.1"]), 64
    ids = torch.tensor([[0] * bos + store.tokens[:end].tolist()])  # 0 is BOS
    x: list[torch.Tensor] = []
    subject.run(ids, lambda _, value: x.append(value[0, int(bos) :]))
    expected = dense(SaeLensCoder(str(folder)).encode(x[0]), (end, 64)).numpy()
    n_checked = 0
    for latent in range(64):
        pos, act = store.at("layers.1").postings.activations(latent)
        inside = pos < end
        np.testing.assert_allclose(act[inside], expected[pos[inside], latent], rtol=2e-3, atol=1e-3)
        n_checked += int(inside.sum())
    assert n_checked > 50


def test_prep_of_coders_that_differ_in_bos_asks_for_the_option(prep: Prep, save_coder: Save, tmp_path: Path) -> None:
    one = coder(save_coder, tmp_path / "one", prepend_bos=True)
    other = coder(save_coder, tmp_path / "other", prepend_bos=False, hf_hook_name="model.layers.2")
    message = rf"^coder {one} was trained with BOS before every text and {other} without \(prepend_bos\); give --bos or"
    with pytest.raises(UserError, match=message):
        prep(tmp_path / "store", coders=[one, other])
    assert prep(tmp_path / "store", coders=[one, other], bos=True, tokens=600).bos


def test_with_bos_of_a_tokenizer_without_one_is_no() -> None:
    trained = {"a": Training(bos=True)}
    assert not with_bos(None, trained, None, "model")
    [line] = differences(trained, bos=False, context_length=8, revision=None)
    assert line == "coder a was trained with BOS before every text, and the subject is run without it"
    with pytest.raises(UserError, match=r"^--bos: the tokenizer of model has no BOS token$"):
        with_bos(True, trained, None, "model")


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ({"context_size": 64}, r"^coder .* was trained on 64 tokens at once, and the subject is run on 65: --context-"),
        ({"context_size": 65}, None),
        (
            {"seqpos_slice": [1, None]},
            r"^coder .* on the positions slice\(1, None\) alone \(seqpos_slice\), a",
        ),
        ({"seqpos_slice": [None]}, None),
        ({"exclude_special_tokens": [5, 7]}, r"^coder .* without certain tokens \(exclude_special_tokens\), and they"),
        ({"exclude_special_tokens": True}, None),  # special tokens are never encoded
        (
            {"model_from_pretrained_kwargs": {"checkpoint_index": 3}},
            r"^coder .* checkpoint .*\(checkpoint_index: 3\): ",
        ),
    ],
)
def test_differences_names_what_a_coder_was_trained_on(
    save_coder: Save, tmp_path: Path, metadata: dict[str, Any], line: str | None
) -> None:
    import re

    trained = SaeLensCoder(str(coder(save_coder, tmp_path / "coder", **metadata))).trained
    lines = list(differences({"x": trained}, bos=True, context_length=64, revision=None))
    assert len(lines) == (line is not None)
    assert line is None or re.search(line, lines[0])


def test_prep_says_how_it_differs_from_training(
    prep: Prep, save_coder: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_autointerp.prep.run import scan

    lines: list[str] = []
    monkeypatch.setattr(scan, "say", lambda line, **_: lines.append(line))
    folder = coder(save_coder, tmp_path / "coder", context_size=32)
    prep(tmp_path / "store", coders=[folder], tokens=600)
    assert [line for line in lines if line.startswith("coder ")] == [
        f"coder {folder} was trained on 32 tokens at once, and the subject is run on 65: --context-length shortens that"
    ]


def test_a_coder_of_one_head_is_refused(save_coder: Save, tmp_path: Path) -> None:
    folder = coder(save_coder, tmp_path / "coder", hook_head_index=3)
    with pytest.raises(UserError, match=rf"^coder {folder}: it reads one head of several \(hook_head_index: 3\), w"):
        SaeLensCoder(str(folder))


def test_an_activation_function_that_sae_lens_drops_is_refused(save_coder: Save, tmp_path: Path) -> None:
    folder = save_coder(tmp_path / "coder", "standard")
    old = {"d_in": 32, "d_sae": 64, "hook_name": "blocks.1.hook_resid_post", "activation_fn_str": "tanh-relu"}
    (folder / "cfg.json").write_text(json.dumps(old | {"dtype": "float32"}))
    with pytest.raises(UserError, match=rf"^coder {folder}: its activation function, tanh-relu, is neither relu"):
        SaeLensCoder(str(folder))
    (folder / "cfg.json").write_text(json.dumps(old | {"dtype": "float32", "activation_fn_str": "relu"}))
    assert SaeLensCoder(str(folder)).trained.bos is True  # what SAELens before version 6 did
