"""The oracle as a writer: lines of the planted corpus's sort on which an explanation holds, and near misses."""

from functools import cache
from itertools import chain, zip_longest

import numpy as np

from inspect_autointerp.builtin.planted.claims import BY_TEXT, Claim
from inspect_autointerp.builtin.planted.corpus import LINE, documents
from inspect_autointerp.builtin.planted.latents import FAMILY, LATENTS, Planted
from inspect_autointerp.contexts.sampling import rng_of, seed_of

_LINES = 16_000
"""So many that the rarest claim holds on forty and more."""


def written(explanation: str, n: int, error_rate: float = 0.0, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts on which an explanation holds, and near misses on which it does not, n of each, all different.

    A near miss is a line on which one of the explanation's relatives holds (what else may be said of the latents of
    its family), one after another; where none does without the explanation, any line on which it does not hold.

    Args:
        explanation: A planted one, or an empty one, which tells the two kinds in nothing.
        n: How many of each kind.
        error_rate: With which probability a text changes places with one of the other kind.
        seed: Of the draw and of the errors.

    Raises:
        KeyError: It is neither of the planted explanations nor empty.
    """
    order = rng_of(seed, explanation, "written").permutation(len(_lines()))
    if explanation:
        claim = BY_TEXT[explanation]
        active, others = order[_holds(claim)[order]], order[~_holds(claim)[order]]
        near = [others[_holds(relative)[others]].tolist() for relative in _relatives(claim)]
        turns = (line for one_of_each in zip_longest(*near) for line in one_of_each if line is not None)
        silent = list(dict.fromkeys(chain(turns, others.tolist())))
    else:
        active, silent = order[:n], order[n:].tolist()
    texts = [[_lines()[int(i)] for i in chosen[:n]] for chosen in (active.tolist(), silent)]
    pairs = list(zip(*texts, strict=False))  # of the rarest there are but forty
    pairs = [(b, a) if seed_of(seed, explanation, a, b) < error_rate * 2**64 else (a, b) for a, b in pairs]
    return [a for a, _ in pairs], [b for _, b in pairs]


@cache
def _lines() -> list[str]:
    """Distinct lines, none of them of the planted store but by chance."""
    text = "".join(chain.from_iterable(documents(LINE * _LINES, seed=1)))
    return list(dict.fromkeys(text.splitlines()))


@cache
def _holds(claim: Claim) -> np.ndarray:
    """Bool (line,)."""
    return np.array([claim.holds(line) for line in _lines()])


def _relatives(claim: Claim) -> list[Claim]:
    """Return what else may be said of the latents of a claim's family; of its own latents first."""
    own = [number for number, planted in enumerate(LATENTS) if claim in _said(planted)]
    family = [LATENTS[i] for number in own for i in range(number // FAMILY * FAMILY, (number // FAMILY + 1) * FAMILY)]
    relatives = [other for planted in [*(LATENTS[i] for i in own), *family] for other in _said(planted)]
    return [relative for relative in dict.fromkeys(relatives) if relative != claim]


def _said(planted: Planted) -> tuple[Claim, ...]:
    return planted.true, planted.too_broad, planted.too_narrow
