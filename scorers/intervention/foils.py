"""Explanations of other latents, among which the likelihood model has to choose the right one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from inspect_autointerp.builtin.lexical.describe import describe
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.contexts.selection import intruding_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.explanation import distinct_texts
from inspect_autointerp.latent import split_hookpoints
from inspect_autointerp.scorers.shared.score import LatentTest
from inspect_autointerp.store.store import Store

CHOICES = 5
"""Explanations to choose among, by default."""
SAME_FILE, LEXICAL = "the same file", "the lexical explainer"
"""Sources of foils, as logs name them."""


@dataclass(frozen=True)
class Foils:
    """Explanations of other latents."""

    texts: Mapping[str, str]
    """By the id of the latent that each was written for."""
    source: str
    """Their source: `SAME_FILE` or `LEXICAL`."""


def check_choices(store: Store, hookpoint: str, choices: int, *, from_file: bool) -> None:
    """Check that there are explanations of enough other latents; fewer than asked for are no mistake by default.

    Args:
        store: The store.
        hookpoint: One of its hookpoints, or several as `join_hookpoints` writes them.
        choices: Explanations to choose among, the right one included.
        from_file: Whether the other explanations may be those of a file, which can have one for every latent.

    Raises:
        UserError: There are not.
    """
    for at in map(store.at, split_hookpoints(hookpoint)):
        n = at.width if from_file else len(intruding_latents(at))
        if choices > max(n, CHOICES):
            raise UserError(
                f"choices={choices}: of {at.name}, at most {n} explanations can be compared; give at most {n}"
            )


def draw_foils(test: LatentTest, n: int) -> Foils:
    """Draw explanations of other latents, no two of which say the same.

    They are of the file that the explanation is from, if that has enough of them. Otherwise they are what the lexical
    explainer says of other latents of the store, which are drawn with the seed from those that may intrude.

    Args:
        test: The latent with its explanation.
        n: Number of foils; fewer are returned if the store has no more.
    """
    given = distinct_texts(test.foils.items(), test.explanation, n)
    if len(given) == n:
        return Foils(given, SAME_FILE)
    hookpoint, seed = test.latent.hookpoint, test.seed
    others = rng_of(seed, test.latent.id, "foils").permutation(intruding_latents(test.store.at(hookpoint)))
    lexical = (
        (f"{hookpoint}/{other}", text)
        for other in others.tolist()
        if other != test.latent.index and (text := _lexical(test.store, hookpoint, other, seed))
    )
    return Foils(distinct_texts(lexical, test.explanation, n), LEXICAL)


@lru_cache(maxsize=1024)
def _lexical(store: Store, hookpoint: str, index: int, seed: int) -> str | None:
    return describe(store, store.at(hookpoint).latent(index), seed)
