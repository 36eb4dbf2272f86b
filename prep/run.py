"""Corpus, subject and coders to a context store, in one pass."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import HookpointEntry, Manifest
from inspect_autointerp.prep.chunks import Batch, Chunker
from inspect_autointerp.prep.coders import Coder, Widthless, load_coder
from inspect_autointerp.prep.corpus import documents
from inspect_autointerp.prep.directions import directions
from inspect_autointerp.prep.progress import spinner, token_bar
from inspect_autointerp.prep.selector import Selector
from inspect_autointerp.prep.subject import Hookpoint, Subject
from inspect_autointerp.prep.writer import atomic_folder, hash_files, write_corpus, write_hookpoint
from inspect_autointerp.settings import Settings


def prep(
    subject: str,
    coders: Sequence[str],
    output: Path,
    settings: Settings,
    *,
    hookpoints: Sequence[str] = (),
    revision: str | None = None,
    batch_size: int = 16,
    device: str = "cpu",
    overwrite: bool = False,
    names: dict[str, str] | None = None,
    progress: bool = True,
) -> Manifest:
    """Make a context store.

    Args:
        subject: Name or folder of a Hugging Face causal language model.
        coders: What `load_coder` takes: folders, `release:id`, `neurons`, …
        output: The store's folder.
        settings: What the store is to hold.
        hookpoints: Where each coder reads; where it says it belongs, if none are given.
        revision: Of a model on the Hub.
        batch_size: Chunks per forward pass. Bears on speed and memory, not on the result.
        device: Where the subject and the coders run.
        overwrite: Replace a store that exists.
        names: What the manifest calls the subject and coders, where that is not how they were given.
        progress: Show a progress bar.

    Raises:
        UserError: Something given cannot be used. Nothing is changed then.
    """
    names = names or {}
    if hookpoints and len(hookpoints) != len(coders):
        raise UserError(
            f"{len(coders)} coders, {len(hookpoints)} hookpoints: give one --hookpoint per --coder, or none"
        )
    if output.exists() and not overwrite:
        raise UserError(f"{output} exists; give another --output, or --overwrite")
    with spinner("loading the subject and its coders", shown=progress):
        loaded = [load_coder(source, device, seed=settings.seed) for source in coders]
        wanted = list(hookpoints) or [_own_hookpoint(coder) for coder in loaded]
        model = Subject(subject, wanted, revision=revision, device=device, dtype=settings.dtype)
        sites = _sites(model, loaded)
    chunker = Chunker(model.tokenizer, settings, batch_size)
    length = settings.context_length + (chunker.bos is not None)
    if model.max_length and length > model.max_length:
        raise UserError(f"{length} tokens at once, BOS included, are more than the {model.max_length} {subject} takes")
    selectors = {
        name: Selector(
            coder.n_latents,
            sample=settings.sample,
            top=settings.top,
            pool=settings.pool,
            seed=settings.seed,
            device=device,
        )
        for name, coder in sites.items()
    }
    with atomic_folder(output, overwrite=overwrite) as folder:
        chunker.tokens_file = folder / "tokens.raw"
        texts = documents(settings.corpus, seed=settings.seed, split=settings.corpus_split, column=settings.column)
        with token_bar(settings.tokens, shown=progress) as advance:
            for batch in chunker.batches(texts):
                fold(model, sites, selectors, batch)
                advance(chunker.n_tokens)
        if not chunker.n_windows:
            raise UserError(f"no document of the corpus holds a window of {settings.window} tokens; give a --window")
        write_corpus(folder, chunker.tokens_file, chunker)
        model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
        unembedding = model.unembedding()
        for name, selector in selectors.items():
            with spinner(f"writing {name}", shown=progress):
                selection = selector.finish()
                if not selection.n_tokens.any():
                    raise UserError(f"no latent of {name} fires in the corpus; does the coder belong to this model?")
                found = directions(sites[name].decoder, unembedding)
                write_hookpoint(folder, name, selection, found, settings.window)
                np.save(folder / "pool.npy", selection.pool)  # the same for all: it does not depend on the latents
        manifest = Manifest(
            subject=names.get(subject, subject),
            revision=revision,
            subject_sha256=model.sha256,
            bos=chunker.bos is not None,
            settings=settings,
            n_documents=len(chunker.test),
            n_tokens=chunker.n_tokens,
            n_windows=chunker.n_windows,
            hookpoints={
                hookpoint.name: _entry(hookpoint, sites[hookpoint.name], names) for hookpoint in model.hookpoints
            },
            files=hash_files(folder),
            versions=_versions(),
        )
        manifest.write(folder)
    return manifest


def fold(model: Subject, sites: dict[str, Coder], selectors: dict[str, Selector], batch: Batch) -> None:
    """Run the subject on one batch, and fold what every coder says of it into its selector.

    Raises:
        UserError: An activation is NaN or infinite.
    """
    device = model.device
    pos = torch.from_numpy(batch.pos).to(device).flatten()
    window = torch.from_numpy(batch.window).to(device).flatten()
    real = (pos >= 0).nonzero().squeeze(1)

    def receive(hookpoint: Hookpoint, value: Tensor) -> None:
        value = value.flatten(0, 1)[real]
        if not bool(torch.isfinite(value.sum(dtype=torch.float32))):
            raise UserError(f"the activations at {hookpoint.name} are NaN or infinite; try another --dtype")
        token, latent, act = sites[hookpoint.name].encode(value)
        where = real[token]
        selectors[hookpoint.name].add(latent, pos[where], act, window[where], batch.windows)

    model.run(torch.from_numpy(batch.ids).to(device), receive)


def _own_hookpoint(coder: Coder | Widthless) -> str:
    if coder.hookpoint is None:
        raise UserError(f"coder {coder.source}: it does not say to which hookpoint it belongs; give --hookpoint")
    return coder.hookpoint


def _sites(model: Subject, coders: Sequence[Coder | Widthless]) -> dict[str, Coder]:
    """Coders by the name of their hookpoint, made for the model's width there or checked against it."""
    given: dict[str, Coder | Widthless] = {}
    for hookpoint, coder in zip(model.hookpoints, coders, strict=True):
        if hookpoint.name in given:
            raise UserError(f"two coders for {hookpoint.name}: make a store for each")
        given[hookpoint.name] = coder
    widths: dict[str, int] = {}
    ids = torch.zeros((1, 1), dtype=torch.int64, device=model.device)
    model.run(ids, lambda hookpoint, value: widths.__setitem__(hookpoint.name, value.shape[-1]))
    sites: dict[str, Coder] = {}
    for name, coder in given.items():
        if name not in widths:
            raise UserError(f"hookpoint {name}: {model.source} does not run this module; give another")
        if isinstance(coder, Widthless):
            coder = coder.of_width(widths[name])
        if widths[name] != coder.d_in:
            raise UserError(
                f"coder {coder.source} reads {coder.d_in} dimensions and {model.source} has {widths[name]} at {name}:"
                " they do not belong together"
            )
        sites[name] = coder
    return sites


def _entry(hookpoint: Hookpoint, coder: Coder, names: dict[str, str]) -> HookpointEntry:
    return HookpointEntry(
        side=hookpoint.side,
        coder=names.get(coder.source, coder.source),
        architecture=coder.architecture,
        width=coder.n_latents,
        sha256=coder.sha256,
    )


def _versions() -> dict[str, str]:
    packages = ("inspect-autointerp", "numpy", "sae-lens", "tokenizers", "torch", "transformers")
    return {name: version(name) for name in packages}
