"""Coactivation of two coders' latents: the correlation of their activations over the tokens of shared windows.

The pool's windows are the ones on which a store keeps every latent's activations, so over their tokens the correlation
is exact, zeros included (up to the store's float16).
"""

from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix, vstack

from inspect_autointerp.coder_similarity.candidates import largest
from inspect_autointerp.coder_similarity.matching import Pairs, match_sparse
from inspect_autointerp.coder_similarity.null_baseline import drawn, other_windows
from inspect_autointerp.coder_similarity.progress import Progress, silent
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store

_LATENTS = 4096
"""Latents read at a time."""
_PRODUCTS = 1 << 22
"""Products of activations held at a time."""
_PAIRS = 1 << 14
"""Pairs at a time whose correlation is asked for."""


def shared_windows(a: Store, b: Store) -> np.ndarray:
    """The starts of the windows that are in the pools of both stores, int64, sorted.

    Raises:
        UserError: They are not over the same tokens, or not drawn alike: pools of one seed hold each other.
    """
    one, other = a.settings, b.settings
    read = a.manifest.files["tokens.npy"] == b.manifest.files["tokens.npy"]
    cut = all(getattr(one, name) == getattr(other, name) for name in ("context_length", "pack", "window"))
    if read and cut:
        windows = np.intersect1d(a.pool, b.pool)
        if 0 < len(windows) == min(len(a.pool), len(b.pool)):
            return windows
    raise UserError(
        f"{a.folder} and {b.folder} do not keep the same windows: co-activation needs the same corpus, tokenizer,"
        " tokens, context length, packing, window and seed"
    )


def pool_activations(store: Store, hookpoint: str, windows: np.ndarray) -> csr_matrix:
    """A hookpoint's activations on windows of the pool.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        windows: Their starts, int64, sorted.

    Returns:
        float64 (latent, token), the tokens in order of the windows.
    """
    at, width = store.at(hookpoint), store.settings.window
    postings, n_latents = at.postings, at.width
    blocks: list[csr_matrix[np.float64]] = []
    for begin in range(0, n_latents, _LATENTS):
        latents = range(begin, min(n_latents, begin + _LATENTS))
        postings.fetch(latents)
        kept = [postings.activations(latent) for latent in latents]
        row = np.repeat(np.arange(len(latents)), [len(pos) for pos, _ in kept])
        pos = np.concatenate([pos for pos, _ in kept])
        slot = np.searchsorted(windows, pos, side="right") - 1
        inside = slot >= 0
        inside[inside] = pos[inside] < windows[slot[inside]] + width
        column = slot[inside] * width + pos[inside] - windows[slot[inside]]
        act = np.concatenate([act for _, act in kept])[inside].astype(np.float64)
        blocks.append(csr_matrix((act, (row[inside], column)), shape=(len(latents), len(windows) * width)))
    return csr_matrix(vstack(blocks))


class Coactivation:
    """Correlations of two coders' latents.

    Args:
        a: (latent, token), as `pool_activations` gives them.
        b: The other coder's, (latent, token): over the same tokens.
        window: Tokens in a window.
        min_fires: A latent that fires on fewer of them has no correlation: of one or two tokens it would be 1 by
            chance.
    """

    def __init__(self, a: csr_matrix, b: csr_matrix, window: int, min_fires: int = 10) -> None:
        self._a, self._b = _Side(a, min_fires), _Side(b, min_fires)
        self._window, self._min_fires = window, min_fires

    @property
    def n_tokens(self) -> int:
        """Number of tokens in the shared windows."""
        return self._a.n_tokens

    @property
    def fires(self) -> tuple[np.ndarray, np.ndarray]:
        """On how many tokens each latent of either side fires, int64 (latent,)."""
        return self._a.fires, self._b.fires

    @property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """Which latents of either side have correlations, bool (latent,)."""
        return self._a.spread > 0, self._b.spread > 0

    def of(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """The correlations of pairs, float64 (pair,); NaN where one of the two has none."""
        correlations = np.empty(len(i))
        for begin in range(0, len(i), _PAIRS):
            part = slice(begin, begin + _PAIRS)
            products = self._a.activations[i[part]].multiply(self._b.activations[j[part]])
            correlations[part] = _correlation(
                np.asarray(products.sum(axis=1)).ravel(), self._a, self._b, i[part], j[part]
            )
        return correlations

    def match(self, k: int | None, progress: Progress = silent) -> Pairs:
        """Match by correlation.

        Args:
            k: Of each latent, how many partners to consider; None for all.
            progress: Is told how far it is.
        """
        return match_sparse(self.candidates(k, progress), progress)

    def unrelated(self, rng: np.random.Generator, at_most: int) -> "Coactivation":
        """The same with b's windows in a random order, and no more than so many latents on the side of fewer."""
        a, b = drawn(self.known, at_most, rng)
        moved = other_windows(csr_matrix(self._b.activations[b]), self._window, rng)
        return Coactivation(csr_matrix(self._a.activations[a]), moved, self._window, self._min_fires)

    def candidates(self, k: int | None, progress: Progress = silent) -> csr_matrix:
        """Pairs of positive correlation, (latent of a, latent of b).

        Args:
            k: Of each latent, on either side, the k largest; None for all there are.
            progress: Is told how far it is.
        """
        graph = _graph(self._a, self._b, k, progress)
        return graph if k is None else csr_matrix(graph.maximum(_graph(self._b, self._a, k, progress).T))


class _Side:
    """One coder's activations, and what a correlation needs to know of each latent."""

    def __init__(self, activations: csr_matrix, min_fires: int) -> None:
        self.activations, self.n_tokens = activations, activations.shape[1]
        self.fires = np.diff(activations.indptr).astype(np.int64)
        squares = np.asarray(activations.multiply(activations).sum(axis=1)).ravel()
        self.sum = np.asarray(activations.sum(axis=1)).ravel()
        around = squares - self.sum**2 / max(1, self.n_tokens)
        # What rounding leaves of a latent that never changes is no spread.
        known = (self.fires >= max(1, min_fires)) & (around > 1e-9 * squares)
        self.spread = np.where(known, np.sqrt(np.where(known, around, 0.0)), 0.0)
        """√Σ(x − mean)², float64 (latent,); 0 where there is no correlation."""

    @cached_property
    def by_token(self) -> csr_matrix:
        """(token, latent), without the latents that have no correlation."""
        return csr_matrix(self.silenced.T.tocsr())

    @cached_property
    def silenced(self) -> csr_matrix:
        """(latent, token), with nothing in the rows that have no correlation."""
        keep = np.repeat(self.spread > 0, self.fires)
        indptr = np.concatenate([[0], np.cumsum(np.where(self.spread > 0, self.fires, 0))])
        activations = self.activations
        return csr_matrix((activations.data[keep], activations.indices[keep], indptr), shape=activations.shape)


def _graph(a: _Side, b: _Side, k: int | None, progress: Progress) -> csr_matrix:
    """Return the k largest positive correlations of each latent of a, in blocks of about as many products each."""
    rows, columns = a.silenced, b.by_token
    cost = np.diff(columns.indptr)[rows.indices]
    ends = np.concatenate([[0], np.cumsum(cost)])[rows.indptr]
    parts: list[csr_matrix[np.float64]] = []
    begin, n = 0, rows.shape[0]
    while begin < n:
        end = max(begin + 1, int(np.searchsorted(ends, ends[begin] + _PRODUCTS, side="right")) - 1)
        product = csr_matrix(rows[begin:end] @ columns)
        row = np.repeat(np.arange(begin, end), np.diff(product.indptr))
        product.data = _correlation(product.data, a, b, row, product.indices)
        parts.append(largest(product, k))
        begin = end
        progress(f"correlations {end / n:.0%} of one side")
    return csr_matrix(vstack(parts))


def _correlation(products: np.ndarray, a: _Side, b: _Side, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Pearson's, from Σxy: (Σxy − Σx Σy / n) / (√Σ(x − x̄)² √Σ(y − ȳ)²)."""
    spread = a.spread[i] * b.spread[j]
    around = products - a.sum[i] * b.sum[j] / max(1, a.n_tokens)
    return np.divide(around, spread, out=np.full(len(products), np.nan), where=spread > 0)
