"""One pass over the corpus, or over a shard of it: every batch through the subject, its coders and selection."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor

from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.latent import counterpart_of, in_subject, is_second
from inspect_autointerp.prep.cli.progress import say, spinner, token_bar
from inspect_autointerp.prep.coders import Coder, Triples, decoders_of, warning_of
from inspect_autointerp.prep.coders.training import Training, differences, with_bos
from inspect_autointerp.prep.corpus.chat_report import chat_report
from inspect_autointerp.prep.corpus.chat_tokens import ChatReader
from inspect_autointerp.prep.corpus.chunks import Batch, Chunker
from inspect_autointerp.prep.corpus.documents import corpus_documents
from inspect_autointerp.prep.corpus.splits import split_warning
from inspect_autointerp.prep.run.checkpoint import Checkpoint
from inspect_autointerp.prep.run.load_run import load_sites
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.run_state import Found, Header, NothingFound
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.prep.select.decoder_directions import Directions, directions
from inspect_autointerp.prep.select.density import ENOUGH, crowded
from inspect_autointerp.prep.select.reverse_neighbours import Siblings
from inspect_autointerp.prep.select.selector import Selector
from inspect_autointerp.prep.subject.places import Hookpoint
from inspect_autointerp.store.manifest import NEURONPEDIA, HookpointEntry, Manifest
from inspect_autointerp.text.plural import plural


class Scan:
    """A subject and its coders, loaded, and what they have found so far.

    Args:
        job: What to run.
        progress: Show what is under way.

    Raises:
        UserError: Something given cannot be used.
    """

    def __init__(self, job: Job, *, progress: bool = True) -> None:
        settings = job.settings
        self.job, self._progress = job, progress
        with spinner("loading the subject and its coders", shown=progress):
            self.model, self.coders = load_sites(job)
        for name, coder in self.coders.items():
            say(
                f"{coder.source} at {name}: {plural(coder.n_latents, 'latent')} of {coder.architecture}", shown=progress
            )
            if warning := warning_of(coder):
                say(f"coder {coder.source}: {warning}", shown=progress)
        trainings = {coder.source: getattr(coder, "trained", None) for coder in self.coders.values()}
        trained = {source: training for source, training in trainings.items() if isinstance(training, Training)}
        tokenizer = self.model.tokenizer
        chat = ChatReader(tokenizer, settings, job.subject) if settings.chat else None
        usual = chat is None or chat.writes_bos
        bos = with_bos(job.bos, trained, tokenizer.bos_token_id, job.subject, usual)
        for line in differences(trained, bos=bos, context_length=settings.context_length, revision=job.revision):
            say(line, shown=progress)
        self.chunker = Chunker(tokenizer, settings, job.batch_size, with_bos=bos, chat=chat)
        length = settings.context_length + (self.chunker.bos is not None)
        if self.model.max_length and length > self.model.max_length:
            raise UserError(
                f"{length} tokens at once, BOS included, are more than the {self.model.max_length} {job.subject} takes;"
                " give a smaller --context-length"
            )
        with spinner("looking for each latent's neighbours and tokens", shown=progress):
            hookpoint_directions = self._directions()
        selectors = {
            name: Selector(
                coder.n_latents,
                sample=settings.sample,
                top=settings.top,
                pool=settings.pool,
                seed=settings.seed,
                siblings=Siblings.of(
                    hookpoint_directions[name].neighbours, hookpoint_directions[name].cosines, coder.n_latents
                ),
                paired=counterpart_of(name) in self.coders,
                device=job.device,
            )
            for name, coder in self.coders.items()
        }
        self.found = Found(self._draft(), selectors, hookpoint_directions)
        self._rows = job.batch_size
        """Chunks that fit into memory at once."""
        self.done = 0
        """Batches of the corpus that are done, other shards' counted with them."""
        self.n_windows = 0
        """Windows that this process has run."""
        self._warned = False

    def _directions(self) -> dict[str, Directions]:
        """Return facts about each coder's directions, by hookpoint; its neighbours are the same in two subjects."""
        unembedding, second = self.model.unembedding(), self.model.second
        known: dict[str, Directions] = {}
        for name, coder in self.coders.items():
            if is_second(name) and second is not None:
                own = directions(coder.decoder, second.unembedding(), near=None)
                known[name] = replace(known[in_subject(name)], promoted=own.promoted, suppressed=own.suppressed)
                continue
            known[name] = directions(
                coder.decoder,
                unembedding,
                near=_near(coder, self.job.settings.neighbours),
                norms=getattr(coder, "decoder_norms", None),
            )
        return known

    def _draft(self) -> Manifest:
        """The manifest, without what is known at the end of the pass."""
        job, model = self.job, self.model
        entries = {
            hookpoint.name: _entry(hookpoint, self.coders[hookpoint.name], job.names) for hookpoint in model.hookpoints
        }
        packages = ("inspect-autointerp", "numpy", "sae-lens", "tokenizers", "torch", "transformers")
        return Manifest(
            subject=job.names.get(job.subject, job.subject),
            revision=job.revision,
            subject_sha256=model.sha256,
            second_subject=job.second_name,
            second_revision=job.second_revision,
            second_sha256=model.second and model.second.sha256,
            bos=self.chunker.bos is not None,
            settings=job.settings,
            n_documents=0,
            n_tokens=0,
            n_windows=0,
            hookpoints=entries,
            files={},
            versions={name: version(name) for name in packages},
        )

    def header(self, shard: Shard) -> Header:
        """Return what the state is of."""
        return Header(
            manifest=self.found.manifest, batch_size=self.job.batch_size, shard=shard, batches=self.done,
            corpus=self.chunker.sha256 if self.found.manifest.n_tokens else None,
        )  # fmt: skip

    def run(
        self,
        tokens_file: Path | None,
        shard: Shard,
        checkpoint: Checkpoint,
        interrupted: Callable[[], bool] = lambda: False,
        tell: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Read the corpus, and fold the shard's batches into what was found.

        Args:
            tokens_file: Where the corpus goes, as raw token ids.
            shard: Whose batches to run; all text is read in any case.
            checkpoint: Where to go on from, and what to keep on the way.
            interrupted: Whether to stop; asked after each batch.
            tell: Called after each batch with the number of its tokens.

        Raises:
            UserError: The corpus, or an activation, cannot be used.
            NothingFound: No window of the corpus is complete.
            Interrupted: It was to stop.
        """
        job, chunker = self.job, self.chunker
        chunker.tokens_file = tokens_file
        settings = job.settings
        self.done = since = checkpoint.restore(self.header(shard), self.found)
        texts = corpus_documents(settings)
        wanted = chunker.batches(texts, lambda number: number >= since and shard.has(number))
        with closing(wanted) as batches, token_bar(settings.tokens, shown=self._progress) as advance:
            for number, batch in batches:
                self._warn_of_splits(shard)
                before = self.n_windows
                self.fold(batch, number)
                if since == 0 and before < ENOUGH <= self.n_windows:
                    for line in crowded(self.found.selectors, self.coders, self.n_windows):
                        say(line, shown=self._progress)
                n_tokens = int((batch.pos >= 0).sum())
                advance(chunker.n_tokens, n_tokens)
                tell(n_tokens)
                if checkpoint.due:
                    checkpoint.save(self.header(shard), self.found)
                if interrupted():
                    raise Interrupted(f"interrupted after {chunker.n_tokens:,} tokens; --resume continues from there")
            advance(chunker.n_tokens, 0)  # the last batches may be other shards'
            self._warn_of_splits(shard)
        for line in chat_report(chunker):
            say(line, shown=self._progress and shard.number == 1)
        if not chunker.n_windows:
            raise NothingFound(
                f"no document of the corpus holds a window of {settings.window} tokens; give a smaller --window"
            )
        self.found.manifest = replace(
            self.found.manifest,
            n_documents=len(chunker.test),
            n_tokens=chunker.n_tokens,
            n_windows=chunker.n_windows,
            n_counted=chunker.n_counted if chunker.chat else None,
        )

    def _warn_of_splits(self, shard: Shard) -> None:
        """Say once, as soon as it is known, that a split has no document."""
        if self.chunker.complete and not self._warned:
            self._warned = True
            if warning := split_warning(self.chunker.test, self.job.settings):
                say(warning, shown=self._progress and shard.number == 1)

    def fold(self, batch: Batch, number: int) -> None:
        """Run the batch of this number, and fold what every coder says of it into its selector.

        Raises:
            UserError: An activation is NaN or infinite, or one chunk alone is too much for the device.
        """
        # First all coders, then all selectors: a batch on which the model or a coder fails leaves nothing behind.
        activations = self.encode(batch)
        pos, window = (torch.from_numpy(a).to(self.job.device).flatten() for a in (batch.pos, batch.window))
        with self.found.change():
            entries = {
                name: (latent, pos[token], act, window[token]) for name, (token, latent, act) in activations.items()
            }
            for name, own in entries.items():
                other = entries.get(counterpart_of(name) or "")
                self.found.selectors[name].add(*own, batch.windows, other)
            self.n_windows += len(batch.windows.start)
            self.done = number + 1

    def encode(self, batch: Batch) -> dict[str, Triples]:
        """Return the activations of a batch at every hookpoint; tokens are numbered over the whole batch.

        Where the device's memory does not suffice, half as many chunks go at once from here on.
        """
        while True:
            try:
                parts = [self._encode(batch, first) for first in range(0, len(batch.ids), self._rows)]
                if len(parts) == 1:
                    return parts[0]
                return {
                    name: Triples(*map(torch.cat, zip(*(p[name] for p in parts), strict=True))) for name in parts[0]
                }
            except torch.OutOfMemoryError as error:
                if self._rows == 1:
                    raise UserError(
                        f"a single chunk of {self.job.settings.context_length} tokens is too large for the memory of"
                        f" {self.job.device}; give a shorter --context-length, or fewer coders at once"
                    ) from error
                self._rows = (self._rows + 1) // 2
                say(f"out of memory: from here on {plural(self._rows, 'chunk')} at once", shown=self._progress)
            torch.cuda.empty_cache()  # after the except clause, whose traceback holds on to tensors

    def _encode(self, batch: Batch, first: int) -> dict[str, Triples]:
        """The same of the chunks from `first` on that go at once."""
        rows = slice(first, first + self._rows)
        real = torch.from_numpy((batch.pos[rows] >= 0).ravel().nonzero()[0]).to(self.job.device)
        offset = first * batch.pos.shape[1]
        activations: dict[str, Triples] = {}

        def receive(hookpoint: Hookpoint, value: Tensor) -> None:
            value = value.flatten(0, 1)[real.to(value.device)]
            if not bool(torch.isfinite(value.sum(dtype=torch.float32))):
                raise UserError(f"the activations at {hookpoint.name} are NaN or infinite; try another --dtype")
            token, latent, act = self.coders[hookpoint.name].encode(value.to(self.job.device))
            activations[hookpoint.name] = Triples(real[token] + offset, latent, act)

        self.model.run(torch.from_numpy(batch.ids[rows]).to(self.model.device), receive)
        return activations


def _near(coder: Coder, neighbours: str) -> Tensor | list[Tensor] | None:
    """The directions that say which latents are neighbours; of latents that write to several places, one of each."""
    if neighbours == "decoder" and (decoders := decoders_of(coder)) is not None:
        return list(decoders)
    return {"decoder": coder.decoder, "encoder": coder.encoder}.get(neighbours)


def _entry(hookpoint: Hookpoint, coder: Coder, names: dict[str, str]) -> HookpointEntry:
    named = getattr(coder, "neuronpedia", None)
    return HookpointEntry(
        neuronpedia=named if isinstance(named, str) and NEURONPEDIA.fullmatch(named) else None,
        side=hookpoint.side,
        coder=names.get(coder.source, coder.source),
        architecture=coder.architecture,
        width=coder.n_latents,
        sha256=coder.sha256,
        warning=warning_of(coder),
    )
