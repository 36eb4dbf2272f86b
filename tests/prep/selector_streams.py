"""Small streams of activations, and the way through `Selector` that the tests of selection share."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspect_autointerp.prep.corpus.chunks import Windows
from inspect_autointerp.prep.select.result import Block, Selection
from inspect_autointerp.prep.select.reverse_neighbours import Siblings
from inspect_autointerp.prep.select.selector import Selector

VALUES = [0.0, 0.0, 0.0, 1e-9, 2.0**-24, 0.3, 0.5, 0.5, 1.0, 1.0, 3.3, 70000.0]
"""Silence, underflow of float16, its smallest number, ties, and more than it holds."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive tokens that the subject sees at once, and the complete windows among them."""

    begin: int
    lead: int
    """Tokens before the first complete window."""
    act: np.ndarray
    """float32 (token, latent)."""
    windows: Windows
    size: int
    """Tokens in a window."""

    @property
    def window(self) -> np.ndarray:
        """Row of `windows` of each token, −1 outside."""
        row = (np.arange(len(self.act)) - self.lead) // self.size
        return np.where((row >= 0) & (row < len(self.windows.start)), row, -1)


def make_chunk(
    act: np.ndarray,
    *,
    size: int,
    begin: int = 0,
    lead: int = 0,
    margin: int | None = None,
    test: bool = False,
    seed: int = 0,
) -> Chunk:
    n = max(0, (len(act) - lead) // size)
    start = begin + lead + size * np.arange(n)
    low, high = None, None
    if margin is not None:
        low, high = np.maximum(begin, start - margin), np.minimum(begin + len(act), start + size + margin)
    hashes = np.random.default_rng(seed).integers(-(2**63), 2**63, n)
    windows = Windows(start=start, hash=hashes, test=np.full(n, test), low=low, high=high)
    return Chunk(begin, lead, act.astype(np.float32), windows, size)


@st.composite
def streams(draw: st.DrawFn, copies: bool = True) -> list[Chunk]:
    """Small streams of chunks; with `copies`, some documents occur twice and their windows' hashes tie."""
    n_latents, size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    margin = draw(st.none() | st.integers(0, size))
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=8))
    begin, chunks = 0, []
    for number, length in enumerate(lengths):
        act = draw(arrays(np.float32, (length, n_latents), elements=st.sampled_from(VALUES)))
        lead, test = draw(st.integers(0, size - 1)), draw(st.booleans())
        seed = draw(st.integers(0, 3)) if copies else number
        chunk = make_chunk(act, size=size, begin=begin, lead=lead, margin=margin, test=test, seed=seed)
        chunks.append(chunk)
        begin += length
    return chunks


@st.composite
def shared_out(draw: st.DrawFn) -> tuple[list[Chunk], list[list[Chunk]]]:
    """A stream, and its chunks dealt to up to four selectors, which are merged in any order."""
    chunks = draw(streams())
    shards = [
        [chunk for number, chunk in enumerate(chunks) if number % n == i]
        for n in [draw(st.integers(1, 4))]
        for i in range(n)
    ]
    return chunks, draw(st.permutations(shards))


def siblings_of(n_latents: int) -> Siblings:
    """Every latent watches all others, the next one first: bit j of latent i is latent i + 1 + j, in a circle."""
    ring = [(i + 1 + j) % n_latents for i in range(n_latents) for j in range(n_latents - 1)]
    return Siblings(np.arange(n_latents + 1) * (n_latents - 1), np.array(ring, dtype=np.int64))


limits = st.fixed_dictionaries(
    {"sample": st.integers(0, 3), "top": st.integers(0, 2), "pool": st.integers(0, 4), "seed": st.integers(0, 5)}
)


def joined(chunks: list[Chunk]) -> Windows:
    every: list[dict[str, Any]] = [vars(chunk.windows) for chunk in chunks]
    columns = [name for name, column in every[0].items() if column is not None]
    return Windows(**{name: np.concatenate([windows[name] for windows in every]) for name in columns})


def fold(chunks: list[Chunk], batch: int, **options: Any) -> SimpleNamespace:
    """Run the selector over the stream, `batch` chunks at a time."""
    n_latents = chunks[0].act.shape[1]
    selector = Selector(n_latents, siblings=siblings_of(n_latents), **options)
    feed(selector, chunks, batch)
    return whole(selector.finish())


def whole(selection: Selection) -> SimpleNamespace:
    """The same with its blocks joined."""
    types = {"window": np.uint32, "flags": np.uint8, "shared": np.uint32, "peak": np.float16, "pos": np.uint32}
    nothing = Block(act=np.zeros(0, np.float16), **{name: np.zeros(0, dtype) for name, dtype in types.items()})
    columns, blocks = vars(selection), [nothing, *selection.blocks]
    del columns["blocks"]
    return SimpleNamespace(**columns, **{k: np.concatenate([getattr(b, k) for b in blocks]) for k in vars(nothing)})


def feed(selector: Selector, chunks: list[Chunk], batch: int, others: list[Chunk] | None = None) -> None:
    """Fold a stream into a selector; `others` are the same chunks as the other subject reads them."""
    for at in range(0, len(chunks), batch):
        group = slice(at, at + batch)
        other = None if others is None else _entries(others[group])
        selector.add(*_entries(chunks[group]), windows=joined(chunks[group]), other=other)


def _entries(group: list[Chunk]) -> list[torch.Tensor]:
    n_before = np.cumsum([0] + [len(c.windows.start) for c in group])
    row = np.concatenate([np.where(c.window < 0, -1, c.window + n) for c, n in zip(group, n_before, strict=False)])
    pos = np.concatenate([c.begin + np.arange(len(c.act)) for c in group])
    act = np.concatenate([c.act for c in group])
    token, latent = act.nonzero()
    return [torch.from_numpy(e) for e in (latent, pos[token], act[token, latent], row[token])]


def joined_state(selector: Selector) -> dict[str, torch.Tensor]:
    return {name: torch.cat(parts) for name, parts in selector.state().items()}
