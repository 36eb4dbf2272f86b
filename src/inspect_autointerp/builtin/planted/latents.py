"""The planted latents: predicates whose true explanation is known, and three false ones of each.

They come in families of four: two or three predicates, one that is the first two together, and one more of the same
sort. So a latent has siblings, a too-broad explanation takes theirs for its own, and contexts of its neighbours can
show it.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from inspect_autointerp.builtin.planted.claims import CLAIMS, Claim

Sort = Literal["true", "too_broad", "too_narrow", "wrong"]
SORTS: tuple[Sort, ...] = get_args(Sort)
FAMILY = 4
"""Latents in a family; they are numbered in a row."""


@dataclass(frozen=True)
class Planted:
    """A latent, and what can be said of it."""

    true: Claim
    """It fires where this says, and nowhere else."""
    too_broad: Claim
    """Holds wherever the true one does, and elsewhere: mostly where siblings fire."""
    too_narrow: Claim
    """Holds on a part of what the true one speaks of."""
    wrong: Claim
    """True of a latent of another family."""

    def claim(self, sort: Sort) -> Claim:
        """The explanation of a sort."""
        return getattr(self, sort)


def _planted(*names: str) -> Planted:
    return Planted(*(CLAIMS[name] for name in names))


LATENTS = (
    _planted("warm", "colour", "reds", "spelled"),
    _planted("cold", "colour", "blues", "capitals"),
    _planted("colour", "look", "cold", "never"),
    _planted("material", "look", "iron", "city"),
    _planted("year", "number", "century", "item"),
    _planted("digit", "number", "three", "person"),
    _planted("number", "quantity", "year", "round"),
    _planted("spelled", "quantity", "seven", "warm"),
    _planted("person", "name", "alice", "square"),
    _planted("city", "name", "oslo", "material"),
    _planted("name", "upper", "city", "number"),
    _planted("capitals", "upper", "nasa", "cold"),
    _planted("round", "bracket", "page", "name"),
    _planted("square", "bracket", "draft", "person"),
    _planted("bracket", "mark", "square", "negation"),
    _planted("question", "mark", "who", "heading"),
    _planted("not", "negation", "not_ready", "quotation"),
    _planted("never", "negation", "never_late", "warm"),
    _planted("negation", "adverb", "never", "year"),
    _planted("very", "adverb", "very_late", "question"),
    _planted("heading", "opening", "maps", "not"),
    _planted("item", "opening", "mend", "year"),
    _planted("opening", "begun", "heading", "bracket"),
    _planted("quotation", "begun", "spare", "very"),
)
"""By index in the store."""
