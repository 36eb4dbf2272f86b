"""Which kinds of negatives a task tests on: `-T negatives=…`."""

from typing import get_args

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Negative
from inspect_autointerp.store.store import Store

KINDS: tuple[Negative, ...] = get_args(Negative)
HARD: tuple[Negative, ...] = KINDS[1:]
"""Harder than random ones. They stand for no population, and every score against them is reported apart."""


def negative_kinds(store: Store, hookpoint: str, negatives: object) -> tuple[Negative, ...]:
    """Read `-T negatives=…`: a kind, several with commas between, or `all` that the store holds at the hookpoint.

    Random ones are always among them and come first, so that the same ones are drawn whatever else is asked for.

    Raises:
        UserError: There is no such kind, or the store does not hold it.
    """
    text = ",".join(map(str, negatives)) if isinstance(negatives, list | tuple) else str(negatives)
    wanted = {part.strip() for part in text.split(",")}
    if wanted == {"all"}:
        held: list[Negative] = [kind for kind in HARD if _holds(store, hookpoint, kind)]
        return "random", *held
    if unknown := sorted(wanted - set(KINDS)):
        raise UserError(f"negatives={text}: unknown kind {unknown[0]!r}; give all, or some of {', '.join(KINDS)}")
    hard: list[Negative] = [kind for kind in HARD if kind in wanted]
    for kind in hard:
        _look(store, hookpoint, kind)
    return "random", *hard


def _look(store: Store, hookpoint: str, kind: Negative) -> None:
    at = store.at(hookpoint)
    first = int(at.held[0])
    if kind == "similar":
        at.similar(first)
    else:
        at.neighbours(kind, first)


def _holds(store: Store, hookpoint: str, kind: Negative) -> bool:
    try:
        _look(store, hookpoint, kind)
    except UserError:
        return False
    return True
