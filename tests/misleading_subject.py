"""Latents whose contexts mislead: a shadow word is active in all of them, and is silent by itself.

The subject is that of `planted_subject`: its attention writes, for each class of words, the mean of *here* over all
words so far. Latent j fires on a trigger word of class 2j; and on a shadow word of class 2j + 1, but only if the
trigger stood before it. In the corpus the shadow follows the trigger wherever the trigger stands, so every activating
context shows both words active, about equally strongly. The shadow also stands by itself in many texts, in which the
latent is silent. So contexts say "trigger or shadow", and a test of the shadow by itself says "trigger".
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.planted_subject import _D, _SEEN_AT, FILLERS, WORDS, N

N_LATENTS = N // 2
TRIGGERS = [WORDS[2 * j][-1] for j in range(N_LATENTS)]
SHADOWS = [WORDS[2 * j + 1][-1] for j in range(N_LATENTS)]
_WORDS = 15
_WINDOW = 8


@dataclass(frozen=True)
class Misleading:
    """Folders."""

    coder: Path
    store: Path


def plant_misleading(subject: Path, folder: Path) -> Misleading:
    """Make coder and store for the subject of `planted_subject`."""
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    made = Misleading(folder / "coder", folder / "store")
    _save_coder(made.coder)
    (folder / "corpus").mkdir()
    for number in range(1200):
        (folder / "corpus" / f"{number:04}.txt").write_text(_text(Random(number)))
    settings = Settings(
        corpus=str(folder / "corpus"), tokens=1200 * (_WORDS + 1), context_length=64, window=_WINDOW, pool=600
    )
    job = Job(subject=str(subject), coders=[str(made.coder)], hookpoints=["layers.0"], settings=settings)
    prep(job, made.store, progress=False)
    return made


def _text(rng: Random) -> str:
    """Fifteen words and a full stop: two windows."""
    words = [rng.choice(FILLERS) for _ in range(_WORDS)]
    places = rng.sample(range(_WORDS), _WORDS)
    latent = rng.randrange(N_LATENTS) if rng.random() < 0.35 else None
    taken = set()
    if latent is not None:
        at = rng.randrange(_WINDOW - 1)
        words[at : at + 2] = TRIGGERS[latent], SHADOWS[latent]
        taken = {at, at + 1}
    shadows = [shadow for j, shadow in enumerate(SHADOWS) if j != latent and rng.random() < 0.8]
    for shadow, place in zip(shadows, [place for place in places if place not in taken], strict=False):
        words[place] = shadow
    return "".join(f" {word}" for word in words) + "."


def _save_coder(folder: Path) -> None:
    """Latent j is ReLU(28.1 trigger + 30 shadow + 24 share of the trigger among the words so far − 30.1).

    On the trigger as word p of a text that is −2 + 24 / p, and on the shadow right after it −0.1 + 24 / (p + 1). On the
    shadow without a trigger before it that is −0.1: silent.
    """
    import torch
    from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig

    sae = StandardSAE(StandardSAEConfig(d_in=_D, d_sae=N_LATENTS, dtype="float32", device="cpu"))
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.zero_()
        sae.b_enc.fill_(-30.1)
        for j in range(N_LATENTS):
            sae.W_enc[1 + 2 * j, j], sae.W_enc[2 + 2 * j, j], sae.W_enc[_SEEN_AT + 2 * j, j] = 28.1, 30, 24
            sae.W_dec[j, 1 + 2 * j] = 1
    sae.save_model(folder)
