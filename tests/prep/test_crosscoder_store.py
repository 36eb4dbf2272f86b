"""Crosscoders from prep to steering: of two layers of one subject, and of two subjects."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.card.card import latent_named, read_card
from inspect_autointerp.card.header import facts
from inspect_autointerp.contexts.selection import candidate_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.activations import Texts
from inspect_autointerp.models.steering import Direction, Predict, Tune
from inspect_autointerp.prep.cli.config import _from_manifest
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.prep.engines.coder_rows import coder_rows
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.engines.triage import TriageSubject
from inspect_autointerp.store.freeze import freeze
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.classes import read_triage
from inspect_autointerp.triage.relative_norms import relative_norms

Prep = Callable[..., Manifest]
WIDTH, LATENTS = 32, 64
LAYERS, MODELS = "layers.1+layers.2", "layers.1+second:layers.1"
TEXT = "def parse(line):\n    return line.split(',')"
PROMPTS = [[5, 1, 2, 3, 4, 9, 11, 12, 13], [7, 8]]


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    """Random weights of two places. Latent 3 has no decoder at the second, latent 4 none at the first."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"encoder.weight": (2, WIDTH, LATENTS), "encoder.bias": (LATENTS,)}
    shapes |= {"decoder.weight": (2, LATENTS, WIDTH), "decoder.bias": (2, WIDTH)}
    made = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    made["decoder.weight"][1, 3] = made["decoder.weight"][0, 4] = 0
    return made | {"threshold": torch.tensor(14.0), "k": torch.tensor(4), "code_normalization_id": torch.tensor(1)}


@pytest.fixture(scope="module")
def folders(weights: dict[str, Tensor], subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crosscoder as `trainSAE` writes it, and two subjects whose layers do more than pass on what they read."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("crosscoder")
    (folder / "coder").mkdir()
    torch.save(weights, folder / "coder" / "ae.pt")
    trainer = {"dict_class": "BatchTopKCrossCoder", "layer": 1, "lm_name": "it-base", "submodule_name": None}
    (folder / "coder" / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": {}}))
    for name, factor in (("base", 8), ("chat", 10)):
        shutil.copytree(subject_folder, folder / name)
        model = AutoModelForCausalLM.from_pretrained(subject_folder)
        for parameter in model.model.layers.parameters():
            if parameter.ndim == 2:
                parameter.data *= factor
        model.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="module")
def stores(folders: Path, prep: Prep) -> dict[str, Store]:
    """A store of two layers, and one of two subjects, for which the place is given once."""
    options: dict[str, Any] = {"subject": folders / "base", "coders": [folders / "coder"], "tokens": 3000}
    prep(folders / "layers", hookpoints=[LAYERS], **options)
    prep(folders / "models", hookpoints=["layers.1"], second_subject=str(folders / "chat"), **options)
    return {LAYERS: Store(folders / "layers"), MODELS: Store(folders / "models")}


@torch.no_grad()
def read_by_hand(folders: Path, hookpoint: str, weights: dict[str, Tensor]) -> np.ndarray:
    """Activations of all latents on the text after BOS, in float64, from transformers and the formula alone."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ids = AutoTokenizer.from_pretrained(folders / "base")(TEXT, add_special_tokens=False)["input_ids"]
    places = {LAYERS: [("base", 1), ("base", 2)], MODELS: [("base", 1), ("chat", 1)]}[hookpoint]
    hidden = torch.zeros((len(ids), LATENTS), dtype=torch.float64)
    for number, (name, layer) in enumerate(places):
        model = AutoModelForCausalLM.from_pretrained(folders / name, dtype=torch.float64)
        states = model(torch.tensor([[0, *ids]]), output_hidden_states=True).hidden_states
        hidden += states[layer + 1][0, 1:] @ weights["encoder.weight"][number].double()
    hidden = (hidden + weights["encoder.bias"]).relu()
    scaled = hidden * weights["decoder.weight"].double().norm(dim=2).sum(dim=0)
    return (hidden * (scaled > 14.0)).numpy()


@pytest.mark.parametrize("hookpoint", [LAYERS, MODELS])
def test_activations_are_those_of_the_formula(
    hookpoint: str, stores: dict[str, Store], folders: Path, weights: dict[str, Tensor]
) -> None:
    expected = read_by_hand(folders, hookpoint, weights)
    engine = ReadingSubject(stores[hookpoint], hookpoint, device="cpu")
    fired = [answer[0].activations for answer in engine([Texts(latent, [TEXT]) for latent in range(LATENTS)])]
    assert 0.02 < (expected > 0).mean() < 0.6
    np.testing.assert_allclose(np.stack(fired, axis=1), expected, rtol=1e-3, atol=1e-3)


def test_the_store_holds_those_activations(stores: dict[str, Store]) -> None:
    store = stores[MODELS]
    engine, at = ReadingSubject(store, MODELS, device="cpu"), store.at(MODELS)
    values: list[Tensor] = []
    offsets = load_file(store.folder / "documents.safetensors")["offset"].tolist()
    first = next(a for a, b in pairwise(offsets) if b - a > 64)  # whose first chunk is this:
    ids = torch.tensor([[0, *store.tokens[first : first + 64].tolist()]])
    engine.subject.run(ids, lambda _, value: values.append(value[0, 1:]))
    token, latent, value = engine._coder.encode(values[0])
    n_compared = 0
    for index in latent.unique().tolist():
        pos, act = at.postings.activations(index)
        kept = {int(p) - first: float(a) for p, a in zip(pos, act, strict=True) if first <= p < first + 64}
        read = dict(zip(token[latent == index].tolist(), value[latent == index].tolist(), strict=True))
        for position, activation in kept.items():
            assert activation == pytest.approx(read[position], rel=2e-3)  # kept in float16
        n_compared += len(kept)
    assert n_compared > 50


def test_the_manifest_says_what_was_read(stores: dict[str, Store], folders: Path) -> None:
    one, two = stores[LAYERS].manifest, stores[MODELS].manifest
    assert list(one.hookpoints) == [LAYERS]
    assert list(two.hookpoints) == [MODELS]
    assert (one.second_subject, one.second_sha256) == (None, None)
    assert "second" not in (folders / "layers" / "manifest.json").read_text()  # as in stores older than this field
    assert two.second_subject == str(folders / "chat")
    assert two.second_sha256 not in (None, two.subject_sha256)


def test_the_manifest_is_a_configuration_of_both_subjects(stores: dict[str, Store], folders: Path) -> None:
    given = _from_manifest(asdict(stores[MODELS].manifest), "manifest.json")
    assert (given["second_subject"], given["hookpoint"]) == (str(folders / "chat"), [MODELS])
    assert _from_manifest(asdict(stores[LAYERS].manifest), "manifest.json")["second_subject"] is None


@pytest.mark.parametrize("hookpoint", [LAYERS, MODELS])
def test_steering_writes_to_each_place_of_the_subject_itself(
    hookpoint: str, stores: dict[str, Store], weights: dict[str, Tensor]
) -> None:
    engine = SteeredSubject(stores[hookpoint], hookpoint, device="cpu")
    [effect] = engine.predict([Predict(Direction(17), PROMPTS, 3.0)])
    rows = weights["decoder.weight"][: 2 if hookpoint == LAYERS else 1, 17]
    for i, prompt in enumerate(PROMPTS):
        with ExitStack() as stack, torch.no_grad():
            for layer, row in enumerate(rows, start=1):

                def add(_: object, __: object, out: Tensor, row: Tensor = row) -> Tensor:
                    out = out.clone()
                    out[:, -1] += 3.0 * row
                    return out

                handle = engine.subject.base.get_submodule(f"layers.{layer}").register_forward_hook(add)
                stack.callback(handle.remove)
            ids = torch.tensor([[0, *prompt]])
            expected = engine.subject.model(ids, use_cache=False).logits[0, -1].log_softmax(-1).numpy()
        np.testing.assert_allclose(effect.steered[i], expected, rtol=0, atol=5e-5)


def test_a_latent_that_the_subject_lacks_is_not_steered(stores: dict[str, Store]) -> None:
    engine = SteeredSubject(stores[MODELS], MODELS, device="cpu")
    [tuned] = engine.tune([Tune(Direction(4), PROMPTS, 0.01)])
    assert (tuned.strength, tuned.reason) == (None, "its direction is zero")


@pytest.mark.parametrize("hookpoint", [LAYERS, MODELS])
def test_ablation_is_refused_in_one_line(hookpoint: str, stores: dict[str, Store]) -> None:
    engine = SteeredSubject(stores[hookpoint], hookpoint, device="cpu")
    with pytest.raises(UserError, match=r"^ablation: a latent of layers\.1\+\S+ writes to places before the last"):
        engine.predict([Predict(Direction(17, ablated=True), PROMPTS, 1.0)])


def test_triage_reads_both_subjects(stores: dict[str, Store], folders: Path, weights: dict[str, Tensor]) -> None:
    engine = TriageSubject(stores[MODELS], MODELS, device="cpu")
    largest = engine.largest_activation(engine.token_ids(TEXT))
    assert largest == pytest.approx(read_by_hand(folders, MODELS, weights)[-1].max(), rel=1e-3)
    assert all(len(tokens) == 5 for tokens in engine.promoted([1, 2], 5))


def test_neighbours_are_of_both_subjects_decoders(stores: dict[str, Store], weights: dict[str, Tensor]) -> None:
    unit = torch.nn.functional.normalize(weights["decoder.weight"].transpose(0, 1).flatten(1), dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2)
    at = stores[MODELS].at(MODELS)
    nearest = [int(at.neighbours("neighbours", latent)[0]) for latent in range(LATENTS)]
    assert nearest == cosine.argmax(dim=1).tolist()


def test_decoder_norms_are_in_the_store_and_on_the_card(
    stores: dict[str, Store], weights: dict[str, Tensor], tmp_path: Path
) -> None:
    norms = weights["decoder.weight"].norm(dim=2).T.numpy()
    store = stores[MODELS]
    frozen = tmp_path / "frozen"
    freeze(store, {MODELS: [3, 17]}, frozen, selection="3,17")
    for each in (store, Store(frozen)):
        at = each.at(MODELS)
        kept = at.decoder_norms([3, 17])
        assert kept is not None
        np.testing.assert_allclose(kept, norms[[3, 17]], rtol=1e-6)
        shown = dict(facts(read_card(each, latent_named(each, f"{MODELS}/17"))))
        share = norms[17, 1] / norms[17].sum()
        assert shown["decoder norms"] == (
            f"layers.1 {norms[17, 0]:.3g} ({1 - share:.0%})  second:layers.1 {norms[17, 1]:.3g} ({share:.0%})"
        )


def test_diff_sorts_latents_by_the_model_that_has_them(
    stores: dict[str, Store], weights: dict[str, Tensor], tmp_path: Path
) -> None:
    norms = weights["decoder.weight"].double().norm(dim=2).T.numpy()
    relative = norms[:, 1] / norms.sum(axis=1)
    for name, store in stores.items():
        file = tmp_path / f"{store.folder.name}.csv"
        result = CliRunner().invoke(cli.app, ["diff", str(store.folder), "-o", str(file)])
        assert result.exit_code == 0, result.output
        frame = read_triage(file)
        np.testing.assert_allclose(frame["relative_norm"], relative, rtol=1e-5)
        assert (frame["class"][3], frame["class"][4]) == ("first", "second")
        assert re.search(r"second +0\.9 to 1 +1 +1\.6 %", result.output)
        at = store.at(name)
        assert candidate_latents(at, f"{file}#second", 0) == ([4], 1)
        assert candidate_latents(at, str(file), 0)[1] == LATENTS
    freeze(stores[MODELS], {MODELS: [3, 17]}, tmp_path / "frozen", selection="3,17")
    frozen = relative_norms(Store(tmp_path / "frozen"), MODELS)
    assert frozen["latent"].tolist() == [f"{MODELS}/3", f"{MODELS}/17"]
    assert frozen["relative_norm"].tolist() == pytest.approx(relative[[3, 17]], rel=1e-5)


def test_exported_rows_are_of_all_places(stores: dict[str, Store], weights: dict[str, Tensor]) -> None:
    rows = coder_rows(stores[MODELS], MODELS, [17], "reading vectors")
    np.testing.assert_array_equal(rows.encoder, weights["encoder.weight"][:, :, 17].flatten()[None])
    np.testing.assert_array_equal(rows.decoder, weights["decoder.weight"][:1, 17])
    assert rows.facts["writes"] == "layers.1"


def other_tokenizer(folder: Path, source: Path, change: Callable[[dict[str, Any]], None]) -> str:
    shutil.copytree(source, folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    change(content)
    (folder / "tokenizer.json").write_text(json.dumps(content))
    return str(folder)


def test_two_subjects_of_other_tokens_are_refused(folders: Path, prep: Prep, tmp_path: Path) -> None:
    def drop_merge(content: dict[str, Any]) -> None:
        content["model"]["merges"].pop()

    second = other_tokenizer(tmp_path / "other", folders / "chat", drop_merge)
    options: dict[str, Any] = {"subject": folders / "base", "coders": [folders / "coder"], "hookpoints": ["layers.1"]}
    with pytest.raises(UserError, match=r"^subjects \S+ and \S+: their tokenizers differ \(model\), so a token"):
        prep(tmp_path / "store", second_subject=second, **options)


def test_special_tokens_of_other_names_are_accepted(folders: Path, prep: Prep, tmp_path: Path) -> None:
    def rename(content: dict[str, Any]) -> None:
        content["added_tokens"].append(content["added_tokens"][0] | {"id": 5, "content": "<|im_start|>"})

    second = other_tokenizer(tmp_path / "other", folders / "chat", rename)
    options: dict[str, Any] = {"subject": folders / "base", "coders": [folders / "coder"], "hookpoints": ["layers.1"]}
    prep(tmp_path / "store", second_subject=second, tokens=500, **options)


@pytest.mark.parametrize(
    ("hookpoints", "second", "message"),
    [
        (["layers.1"], False, r"reads 2 places at once, and layers\.1 is 1; give --hookpoint with 2 places, as in"),
        (["layers.1+layers.2+layers.3"], False, r"reads 2 places at once, and layers\.1\+layers\.2\+layers\.3 is 3"),
        (["layers.1+layers.1"], False, "it names a place twice"),
        ([MODELS], False, r"second:layers\.1 is read in a second subject; give --second-subject"),
        ([LAYERS], True, r"second subject \S+: no hookpoint reads it"),
        (["second:layers.1+second:layers.2"], True, "has no place of the subject itself"),
        (["layers.1+layers.9"], False, r"no hookpoint 'layers\.9'"),
        ([], False, r"does not say which hookpoint it reads; give --hookpoint, 2 places joined by \+, as in"),
        (["layers.1+layers.2.mlp.down_proj:input"], False, "reads 64 dimensions and .* has 96 at"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    hookpoints: list[str], second: bool, message: str, folders: Path, prep: Prep, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"second_subject": str(folders / "chat")} if second else {}
    with pytest.raises(UserError, match=message) as info:
        prep(tmp_path / "store", subject=folders / "base", coders=[folders / "coder"], hookpoints=hookpoints, **options)
    assert "\n" not in str(info.value)


def test_another_second_subject_is_noticed(stores: dict[str, Store], folders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    shutil.copytree(folders / "models", folder)
    content = json.loads((folder / "manifest.json").read_text())
    manifest = Manifest.read(folder)
    assert manifest.second_subject == content["second_subject"]
    changed = replace(manifest, second_subject=str(folders / "base"))
    assert changed.digest == manifest.digest  # a name, not data
    changed.write(folder)
    with pytest.raises(UserError, match=r"the weights of second subject \S+base differ from those"):
        ReadingSubject(Store(folder), MODELS, device="cpu")
