"""`python -m inspect_autointerp.builtin.planted.make FOLDER`: write the planted store.

In place of a subject and a coder it has the latents' predicates, on the text of what a subject would read at once.
"""

import json
import sys
from bisect import bisect_left, bisect_right
from dataclasses import asdict, replace
from hashlib import sha256
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.builtin.planted import HOOKPOINT, NAME, TOKENS
from inspect_autointerp.builtin.planted.corpus import documents
from inspect_autointerp.builtin.planted.latents import FAMILY, LATENTS
from inspect_autointerp.prep.corpus.chunks import Batch, Chunker
from inspect_autointerp.prep.negatives.add_negatives import extend
from inspect_autointerp.prep.negatives.cooccurrence import cooccurring
from inspect_autointerp.prep.negatives.similar import similar
from inspect_autointerp.prep.negatives.window_embeddings import Tfidf
from inspect_autointerp.prep.run.run import write_store
from inspect_autointerp.prep.run.run_state import Found
from inspect_autointerp.prep.select.decoder_directions import directions
from inspect_autointerp.prep.select.reverse_neighbours import Siblings
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.prep.write.writer import write_corpus
from inspect_autointerp.store.atomic import atomic_folder
from inspect_autointerp.store.manifest import STORE, HookpointEntry, Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible


def make(output: Path, tokens: int = TOKENS, seed: int = 0) -> Manifest:
    """Make the store.

    Args:
        output: Its folder.
        tokens: Of the corpus.
        seed: Of the corpus and of what is kept.
    """
    settings = Settings(corpus=NAME, tokens=tokens, pool=4096, seed=seed)
    corpus = list(documents(tokens, seed))
    vocabulary = sorted({token for document in corpus for token in document})
    chunker = Chunker(_tokenizer(vocabulary), settings)
    decoder = _directions()
    decoder_directions = directions(None, None, near=decoder, n_neighbours=FAMILY - 1)
    selector = Selector(
        len(LATENTS),
        sample=settings.sample,
        top=settings.top,
        pool=settings.pool,
        seed=seed,
        siblings=Siblings.of(decoder_directions.neighbours, decoder_directions.cosines, len(LATENTS)),
    )
    with atomic_folder(output, kind=STORE, overwrite=False) as folder:
        chunker.tokens_file = folder / "tokens.raw"
        for _, batch in chunker.batches("".join(document) for document in corpus):
            selector.add(*_activations(batch, vocabulary), batch.windows)
        write_corpus(folder, chunker)
        manifest = replace(
            _draft(settings), n_documents=len(chunker.test), n_tokens=chunker.n_tokens, n_windows=chunker.n_windows
        )
        write_store(folder, Found(manifest, {HOOKPOINT: selector}, {HOOKPOINT: decoder_directions}), progress=False)
        _add_negatives(folder)
    return Manifest.read(output)


def _tokenizer(vocabulary: list[str]):
    """A tokenizer of these tokens, in the format of GPT-2's: the space belongs to the word behind it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = {token.replace(" ", "Ġ").replace("\n", "Ċ"): id for id, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(pieces))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def _directions() -> Tensor:
    """(latent, dimension): what stands for the decoder's directions: of cosine 0.64 in a family, 0 outside of it."""
    number = torch.arange(len(LATENTS))
    family = torch.nn.functional.one_hot(number // FAMILY)
    return torch.cat([family, 0.75 * torch.nn.functional.one_hot(number)], dim=1).float()


def _draft(settings: Settings) -> Manifest:
    """The manifest, without what is known at the end."""
    described = json.dumps([asdict(latent) for latent in LATENTS]).encode()
    entry = HookpointEntry(
        side="output", coder=NAME, architecture="predicates", width=len(LATENTS), sha256=sha256(described).hexdigest()
    )
    return Manifest(
        subject=NAME, revision=None, subject_sha256=entry.sha256, bos=False, settings=settings, n_documents=0,
        n_tokens=0, n_windows=0, hookpoints={HOOKPOINT: entry}, files={},
        versions={name: version(name) for name in ("inspect-autointerp", "numpy", "tokenizers", "torch")},
    )  # fmt: skip


def _activations(batch: Batch, vocabulary: list[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return latent, position, activation and window for a batch, as `Selector.add` takes them."""
    latent: list[int] = []
    pos: list[int] = []
    act: list[float] = []
    window: list[int] = []
    for ids, places, windows in zip(batch.ids, batch.pos, batch.window, strict=True):
        tokens = [vocabulary[int(id)] for id, place in zip(ids.tolist(), places.tolist(), strict=True) if place >= 0]
        begins = [0, *accumulate(map(len, tokens))][:-1]
        text = visible("".join(tokens))  # one character for one: ⏎ for each line end
        for index, planted in enumerate(LATENTS):
            for start, end in planted.true.spans(text):
                for i in range(bisect_right(begins, start) - 1, bisect_left(begins, end)):
                    latent.append(index)
                    pos.append(places[i])
                    act.append(_strength(tokens[i - 1], tokens[i]))
                    window.append(windows[i])
    latents, positions, rows = (torch.as_tensor(np.array(column, dtype=np.int64)) for column in (latent, pos, window))
    return latents, positions, torch.tensor(act), rows


def _strength(before: str, token: str) -> float:
    """From 2 to 5, by the token and the one before: deciles differ, and none is too weak to be marked.

    (Before a chunk's first token stands its last in its place: it is a line end, as the one before would be.)
    """
    return 2 + 3 * (crc32(f"{before}{token}".encode()) % 997) / 996


def _add_negatives(folder: Path) -> None:
    """The kinds of contexts that are added to a finished store."""
    store = Store(folder)
    embed = Tfidf(store)
    extend(store, "similar", iter([(HOOKPOINT, similar(store, HOOKPOINT, embed, range(len(LATENTS))))]), embed.name)
    store = Store(folder)
    extend(store, "cooccurring", iter([(HOOKPOINT, cooccurring(store, HOOKPOINT))]), "Jaccard index over the pool")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
