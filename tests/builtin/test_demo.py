"""The demo's weights are what their README says, on a small part of the held-out documents."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.prep.negatives.add_negatives import extend
from inspect_autointerp.store.store import Store

KNESER_NEY = 3.647
"""Nats per token of the 5-gram model on all held-out documents (the demo's README)."""


@pytest.fixture(scope="module")
def held_out() -> torch.Tensor:
    """int64 (chunk, token): BOS and 256 tokens, of sixteen held-out documents."""
    from transformers import AutoTokenizer

    from inspect_autointerp.builtin.demo.train_subject import split_documents

    tokenizer = AutoTokenizer.from_pretrained(demo.SUBJECT)
    texts = [text for text in split_documents()[1] if len(text) > 2000][:16]
    rows = [tokenizer(text, verbose=False)["input_ids"][:256] for text in texts]
    return torch.tensor([[tokenizer.bos_token_id, *row] for row in rows if len(row) == 256])


def test_the_subject_beats_the_five_gram_clearly(held_out: torch.Tensor) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(demo.SUBJECT, dtype="float32").eval()
    with torch.inference_mode():
        loss = model(input_ids=held_out, labels=held_out).loss.item()
    assert loss < KNESER_NEY - 0.4


@pytest.mark.parametrize("path", demo.coders(), ids=lambda path: path.name)
def test_a_coder_loads_with_saelens_and_explains_most_of_the_variance(path: Path, held_out: torch.Tensor) -> None:
    from sae_lens import SAE

    from inspect_autointerp.prep.subject.subject import Subject

    sae = SAE.load_from_disk(str(path), dtype="float32")
    assert int(sae.cfg.d_sae) >= 2048
    activations: list[torch.Tensor] = []
    subject = Subject(str(demo.SUBJECT), [path.name])
    subject.run(held_out, lambda _, value: activations.append(value[:, 1:].flatten(0, 1)))
    with torch.inference_mode():
        acts = sae.encode(activations[0])
        residual = activations[0] - sae.decode(acts)
    variance = (activations[0] - activations[0].mean(0)).pow(2).sum()
    assert 1 - residual.pow(2).sum() / variance > 0.7
    assert (acts > 0).sum(1).float().mean() == pytest.approx(16, abs=0.1)


def test_the_weights_are_small_enough_to_ship() -> None:
    folder = Path(demo.__file__).parent
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 25_000_000


def test_the_store_is_made_once_and_all_kinds_of_contexts_with_it(
    tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    calls = []

    def make(command: list[str], **_: Any) -> subprocess.CompletedProcess:
        name = next(word for word in command if word in ("prep", "negatives"))
        calls.append(name)
        if name == "prep":
            shutil.copytree(store_folder, command[command.index("-o") + 1])
        else:
            store = Store(command[command.index(name) + 1])
            extend(store, "similar", iter([]), "by hand")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", make)
    assert demo.ensure_store() == demo.ensure_store() == demo.store_folder()
    assert calls == ["prep", "negatives"]


def test_a_store_that_cannot_be_made_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 2))
    with pytest.raises(UserError, match=r"could not be made .* needs `pip install"):
        demo.ensure_store()


@pytest.mark.parametrize("status", [130, -2])
def test_interruption_while_a_store_is_made_names_no_missing_package(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, status))
    with pytest.raises(Interrupted, match=r"^interrupted while .* were made; repeat the command to make them$"):
        demo.ensure_store()
