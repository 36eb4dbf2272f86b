"""The two records everything speaks of: a latent, and a context of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Split = Literal["explain", "test"]
Negative = Literal["random", "importance", "neighbours", "cooccurring", "similar", "other_subject"]
Sampling = Literal["quantiles", "random", "top", "mix"]
Kind = Literal["activating", Negative, "mismarked", "intruder"]

DECILES = 10
_BETWEEN = ", "
TAG = "@"
"""Stands in a hookpoint's name between its place and the name of its coder, where several coders read one place."""

JOIN = "+"
"""Stands in a hookpoint's name between the places that a crosscoder reads at once: `layers.2+layers.3`."""
SECOND = "second:"
"""Stands before a place that is read in the second subject: `layers.2+second:layers.2`, or `second:layers.2` where one
coder reads both subjects, each by itself."""


def place_of(hookpoint: str) -> str:
    """Return where in the subject a hookpoint is read: its name without the name of its coder.

    `layers.2.mlp.down_proj:input@neurons:32` is read at `layers.2.mlp.down_proj:input`.
    """
    return hookpoint.partition(TAG)[0]


def places_of(hookpoint: str) -> list[str]:
    """Return the places that a hookpoint reads, in order: several if its coder is a crosscoder, else one."""
    return place_of(hookpoint).split(JOIN)


def is_second(hookpoint: str) -> bool:
    """Return whether a hookpoint is read in the second subject alone, by a coder that reads the first one, too."""
    return hookpoint.startswith(SECOND) and JOIN not in place_of(hookpoint)


def in_subject(hookpoint: str) -> str:
    """Return a hookpoint's name in the subject that it is read in: `layers.2` for `second:layers.2`."""
    return hookpoint.removeprefix(SECOND) if is_second(hookpoint) else hookpoint


def counterpart_of(hookpoint: str) -> str | None:
    """Return the name of the same hookpoint in the other subject; None for a crosscoder's, which reads both at once."""
    if JOIN in place_of(hookpoint):
        return None
    return in_subject(hookpoint) if is_second(hookpoint) else SECOND + hookpoint


def join_hookpoints(names: Sequence[str]) -> str:
    """Return the names of one or several hookpoints as one text, which a log's metadata hold."""
    return _BETWEEN.join(names)


def split_hookpoints(text: str) -> list[str]:
    """Return the names of hookpoints that `join_hookpoints` joined."""
    return text.split(_BETWEEN)


@dataclass(frozen=True, slots=True)
class Latent:
    """One coordinate of a coder, with its statistics over the corpus.

    They are exact, but for those that count windows where a store's windows are cut shorter than it keeps them
    (`Store`): these are then what the latent's sample says of the corpus, n_windows being the exact number of wide
    windows times the mean number of short ones on which it fires in a sampled wide one. They are exact again where the
    sample holds all windows on which it fires. What is left of a document behind its last wide window does not count.
    """

    hookpoint: str
    """Place in the subject where it is read, as a module path under the base model: `layers.2`; where several coders
    read at one place, with the coder's own name: `layers.2@neurons:32`."""
    index: int
    """Its coordinate in the coder, from 0."""
    n_tokens: int
    """On how many of the corpus's tokens it fires."""
    n_windows: int
    """On how many of the corpus's complete windows it fires; an estimate in a re-cut store."""
    firing_share: float
    """Share of the corpus's complete windows on which it fires, in [0, 1]: the natural base rate of a context. An
    estimate in a re-cut store."""
    max_activation: float
    """Its largest activation in the corpus, in the coder's units; 0 for a latent that never fires."""

    @property
    def id(self) -> str:
        """The name used everywhere: `hookpoint/index`."""
        return f"{self.hookpoint}/{self.index}"


@dataclass(slots=True, eq=False)
class Context:
    """A window of the corpus with one latent's activations on it.

    Not to be changed, and not frozen either: that alone would take a fifth of the time in which a latent loads.
    """

    kind: Kind
    """`activating`: the latent fires in it. In all others it does not: `random` ones are drawn from all windows, and so
    are `importance` ones, oftener where an explanation's words stand; `neighbours` and `cooccurring` from those of
    latents that are written alike or that fire along with it, `similar` from those that read alike, and `other_subject`
    from those in which it fires in the other one of two subjects. `mismarked` is fuzzing's: the latent fires in it, on
    other tokens than are marked. `intruder`: of another latent, whichever."""
    start: int
    """Position of its first token in the store's corpus."""
    text: str
    """The window, decoded as a whole."""
    spans: tuple[tuple[int, int], ...]
    """Per token, the characters of `text` that it stands for, as (start, end); empty for part of a character."""
    activations: np.ndarray
    """float32 of shape (token,): the latent's activation on each token, 0 where it is silent."""
    decile: int | None = None
    """Which tenth of its split's activating contexts it falls in by maximum: 1 weakest to 10 strongest."""
    neighbour: int | None = None
    """The other latent of the hookpoint that fires in it, of the kinds `neighbours`, `cooccurring` and `intruder`."""
    cosine: float | None = None
    """Cosine of the directions of the latent and of `neighbour`, of the kind `neighbours`: between decoder directions,
    or encoder ones where the store says so. None where the store does not say."""
    weight: float | None = None
    """Number of windows that a context of the kind `importance` counts for: 1 / the probability of drawing it."""
    in_other: bool | None = None
    """True if the latent also fires in it in the other one of two subjects, False if only in this one. None where the
    store has one subject, or does not say: of a part of a window in which it does, and of contexts that are centred."""

    @property
    def max_activation(self) -> float:
        """The largest activation in the window, in the coder's units; 0 where the latent is silent."""
        return float(self.activations.max(initial=0.0))

    def tokens(self) -> list[str]:
        """The characters of each token, in order."""
        return [self.text[start:end] for start, end in self.spans]
