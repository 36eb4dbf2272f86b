"""Neurons, plain, by their k largest and rotated, against a loop over tokens."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.triples import dense
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.neurons import Neurons
from inspect_autointerp.prep.coders.rotation import rotation
from inspect_autointerp.prep.subject.subject import Subject
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.store import Store


def reference(x: Tensor, k: int) -> Tensor:
    """Token by token the k largest signed values, and of these the positive ones."""
    result = torch.zeros_like(x)
    for token, row in enumerate(x.tolist()):
        for dimension in sorted(range(len(row)), key=lambda i: -row[i])[:k]:
            result[token, dimension] = max(0, row[dimension])
    return result


def test_neurons_are_whatever_is_positive(x: Tensor) -> None:
    coder = Neurons("neurons").of_width(32)
    assert torch.equal(dense(coder.encode(x), (50, 32)), torch.relu(x))
    assert (coder.architecture, coder.n_latents, coder.d_in, coder.decoder) == ("neurons", 32, 32, None)
    assert (coder.encoder, coder.model_name) == (None, None)


@pytest.mark.parametrize("k", [1, 4, 32])
def test_with_k_they_are_the_positive_ones_of_the_k_largest_signed_values(x: Tensor, k: int) -> None:
    x = x - 1  # so that fewer than k = 32 of them are positive, and mostly more than 4
    triples = Neurons(f"neurons:{k}").of_width(32).encode(x)
    assert torch.equal(dense(triples, (50, 32)), reference(x, k))
    assert (triples.value > 0).all()
    assert (triples.token.diff() >= 0).all()


def test_neurons_with_a_threshold_are_those_that_stand_out(x: Tensor) -> None:
    x[0] = 0  # a token on which nothing stands out
    coder = Neurons("neurons:1.5rms").of_width(32)
    expected = torch.where(x > 1.5 * x.square().mean(dim=1, keepdim=True).sqrt(), x, 0)
    assert torch.equal(dense(coder.encode(x), (50, 32)), expected)
    assert 0 < (expected > 0).sum() < (x > 0).sum()
    assert torch.equal(dense(coder.encode(x.bfloat16()), (50, 32)) > 0, expected.bfloat16() > 0)
    assert (
        len({Neurons(f"neurons{end}").of_width(32).sha256 for end in ("", ":1", ":1rms", ":2rms", ":1rms:rotated")})
        == 5
    )


def test_rotated_they_are_those_of_another_basis(x: Tensor) -> None:
    coder = Neurons("neurons:4:rotated", seed=3).of_width(32)
    basis = rotation(32, 3)
    assert torch.equal(dense(coder.encode(x), (50, 32)), reference(x @ basis, 4))
    assert coder.architecture == "rotated neurons"


def test_a_rotation_keeps_lengths_and_depends_on_nothing_but_its_seed() -> None:
    basis = rotation(64, 0)
    torch.testing.assert_close(basis @ basis.T, torch.eye(64))
    torch.manual_seed(5)
    assert torch.equal(basis, rotation(64, 0))
    assert not torch.allclose(basis, rotation(64, 1))
    # Uniform over all rotations: each entry is of mean 0 and variance 1 / 64, its diagonal too (a QR whose signs are
    # left as they come has a negative diagonal in R, and a Q of trace far from 0).
    diagonal = torch.stack([rotation(64, seed).diagonal() for seed in range(40)])
    assert diagonal.mean().abs() < 5 / 8 / (40 * 64) ** 0.5


def test_bfloat16_activations_stay_what_they_are_unless_rotated(x: Tensor) -> None:
    triples = Neurons("neurons:4").of_width(32).encode(x.bfloat16())
    assert torch.equal(dense(triples, (50, 32)).float(), reference(x.bfloat16().float(), 4))
    rotated = Neurons("neurons:4:rotated").of_width(32).encode(x.bfloat16())
    assert torch.equal(dense(rotated, (50, 32)), reference(x.bfloat16().float() @ rotation(32, 0), 4))


def test_the_digest_follows_the_description() -> None:
    def sha256(source: str, d_in: int = 32, seed: int = 0) -> str:
        return Neurons(source, seed=seed).of_width(d_in).sha256

    assert sha256("neurons") == sha256("neurons", seed=1)  # no seed is in it
    assert sha256("neurons:4") == sha256("neurons:4", seed=1)
    different = ["neurons", "neurons:4", "neurons:5", "neurons:4:rotated"]
    digests = [sha256(source) for source in different]
    digests += [sha256("neurons", 16), sha256("neurons:4:rotated", seed=1)]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("source", ["neurons:", "neurons:0", "neurons:0rms", "neurons:3.rms", "neurons:4:turned"])
def test_another_word_is_refused(source: str) -> None:
    with pytest.raises(UserError, match=rf"^coder {source}: after `neurons` comes nothing, `:32` .+ or `:3rms`"):
        Neurons(source)


def test_more_neurons_than_there_are_are_refused() -> None:
    with pytest.raises(UserError, match=r"^coder neurons:33: the hookpoint has only 32 dimensions$"):
        Neurons("neurons:33").of_width(32)


def test_without_a_hookpoint_it_is_asked_for(prep: Callable[..., Manifest], tmp_path: Path) -> None:
    message = r"^coder neurons:4: it does not say which hookpoint it reads; give --hookpoint$"
    with pytest.raises(UserError, match=message):
        prep(tmp_path / "store", coders=["neurons:4"])


def test_a_store_of_neurons(
    prep: Callable[..., Manifest], tmp_path: Path, subject_folder: Path, corpus_folder: Path
) -> None:
    options = {"corpus": str(corpus_folder / "1.txt"), "coders": ["neurons:4"], "tokens": 600}
    manifest = prep(tmp_path / "store", hookpoints=["blocks.1.mlp.hook_post"], **options)
    [(name, entry)] = manifest.hookpoints.items()
    assert (name, entry.side) == ("layers.1.mlp.down_proj:input", "input")
    assert (entry.coder, entry.architecture, entry.width) == ("neurons:4", "neurons", 64)
    # The first 64 tokens, run again: what the store keeps there are the subject's neurons, at most four a token.
    store, subject = Store(tmp_path / "store"), Subject(str(subject_folder), ["blocks.1.mlp.hook_post"])
    end = 64
    activations: list[Tensor] = []
    ids = torch.tensor([[0, *store.tokens[:end].tolist()]])  # 0 is BOS
    subject.run(ids, lambda _, value: activations.append(value[0, 1:]))
    expected = reference(activations[0], 4)
    assert ((expected > 0).sum(1) <= 4).all()
    n_checked = 0
    for latent in range(64):
        pos, act = store.at(name).postings.activations(latent)
        for p, a in zip(pos.tolist(), act.tolist(), strict=True):
            if p < end:
                assert a == float(expected[p, latent].half())
                n_checked += 1
    assert n_checked > 50
