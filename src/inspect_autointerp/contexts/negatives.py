"""Which kinds of negatives a task tests on: `-T negatives=…`."""

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Negative, counterpart_of
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.json_values import is_sequence

POPULATION: tuple[Negative, ...] = ("random", "importance")
"""Two ways to draw from all windows on which a latent is silent. An evaluation has one of them, and it comes first."""
HARD: tuple[Negative, ...] = ("neighbours", "cooccurring", "similar", "other_subject")
"""Harder than random ones. They stand for no population, and every score against them is reported apart."""


def negative_kinds(store: Store, hookpoint: str, negatives: object) -> tuple[Negative, ...]:
    """Read `-T negatives=…`: a kind, several with commas between, or `all` that the store holds at the hookpoint.

    Random ones, or `importance` in their place, are always among them and come first, so that the same ones are drawn
    whatever else is asked for.

    Raises:
        UserError: There is no such kind, the store does not hold it, or both `random` and `importance` are given.
    """
    text = ",".join(map(str, negatives)) if is_sequence(negatives) else str(negatives)
    wanted = {part.strip() for part in text.split(",")}
    if wanted == {"all"}:
        held: list[Negative] = [kind for kind in HARD if _holds(store, hookpoint, kind)]
        return "random", *held
    known = (*POPULATION, *HARD)
    if unknown := sorted(wanted - set(known)):
        raise UserError(f"negatives={text}: unknown kind {unknown[0]!r}; give all, or some of {', '.join(known)}")
    if wanted >= set(POPULATION):
        raise UserError(f"negatives={text}: random and importance are drawn from the same windows; give one of them")
    hard: list[Negative] = [kind for kind in HARD if kind in wanted]
    for kind in hard:
        _look(store, hookpoint, kind)
    return "importance" if "importance" in wanted else "random", *hard


def other_subject(store: Store, hookpoint: str) -> str:
    """Return the hookpoint at which the coder of another one read the other subject, in the same store.

    Raises:
        UserError: The coder read one subject, or a frozen store lacks one of the latents there.
    """
    at = store.at(hookpoint)
    other = at.counterpart
    if at.pair_counts is None:
        raise UserError(
            f"{store.folder}: no other_subject contexts, since the coder of {hookpoint} read one subject; prep's"
            " --second-subject gives a second one"
        )
    if other is None or not np.isin(at.held, other.held).all():
        raise UserError(
            f"{store.folder}: no other_subject contexts; freeze the same latents of {hookpoint} and"
            f" {counterpart_of(hookpoint)}"
        )
    return other.name


def _look(store: Store, hookpoint: str, kind: Negative) -> None:
    at = store.at(hookpoint)
    first = int(at.held[0])
    if kind == "similar":
        at.similar(first)
    elif kind == "other_subject":
        other_subject(store, hookpoint)
    else:
        at.neighbours(kind, first)


def _holds(store: Store, hookpoint: str, kind: Negative) -> bool:
    try:
        _look(store, hookpoint, kind)
    except UserError:
        return False
    return True
