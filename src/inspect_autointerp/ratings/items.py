"""The screens of a sheet: which contexts of which latent stand beside which explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from secrets import token_hex
from typing import Any

import numpy as np

from inspect_autointerp.card.tokens import level, pieces
from inspect_autointerp.contexts.sampler import LatentContexts, latent_contexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context
from inspect_autointerp.ratings.checks import check_items
from inspect_autointerp.ratings.draw import draw, strata
from inspect_autointerp.ratings.records import TASKS, Explained, Item, Part, Task
from inspect_autointerp.ratings.sources import Material
from inspect_autointerp.text.render import visible


@dataclass(frozen=True, kw_only=True)
class Choices:
    """Choices of the person who makes a sheet."""

    latents: int = 10
    """Latents, at most, drawn from strata of score and density."""
    contexts: int = 5
    """Contexts that are rated per explanation."""
    texts: int = 10
    """Texts that are labelled per explanation; half of them activating."""
    checks: int = 4
    """Attention checks."""
    tasks: tuple[Task, ...] = TASKS
    by: str | None = None
    """Score of the strata; the first that there is by default."""
    seed: int = 0
    """Seed of every draw; ids are random whatever it is."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: One cannot be.
        """
        for name, least in (("latents", 1), ("contexts", 1), ("texts", 2), ("checks", 0)):
            if getattr(self, name) < least:
                raise UserError(f"--{name} must be at least {least}, got {getattr(self, name)}")


@dataclass(kw_only=True)
class Sheet:
    """A sheet before it is written: items in the file's order, and what the key says of them."""

    id: str
    explained: list[Explained]
    items: list[Item]
    density: dict[str, float]
    """Share of windows on which a latent fires, by its id."""
    notes: list[str]


def make_sheet(material: Material, choices: Choices) -> Sheet:
    """Draw latents and contexts, and make a sheet's items.

    Args:
        material: Explanations and their store.
        choices: See there.

    Raises:
        UserError: No latent has enough contexts.
    """
    density = densities(material)
    places, _ = strata(material.explained, density, choices.by)
    notes = list(material.notes)
    explained: list[Explained] = []
    items: list[Item] = []
    chosen = draw(places, choices.latents, choices.seed)
    for latent in chosen:
        own = [one for one in material.explained if one.latent == latent]
        made = _items_of(material, latent, own, len(explained), choices)
        if made is None:
            notes.append(f"{latent}: fewer contexts of the test split than are to be shown; left out")
            continue
        items += made
        explained += own
    if not items:
        raise UserError("no latent drawn has enough contexts, or none has two explanations to compare; ask for less")
    ids = [token_hex(8) for _ in range(choices.checks)]
    items += check_items(choices.checks, choices.tasks, choices.contexts, choices.texts, choices.seed, ids)
    rng = np.random.default_rng()  # the order of the file says nothing of where an item comes from
    items = [items[int(i)] for i in rng.permutation(len(items)).tolist()]
    items.sort(key=lambda item: TASKS.index(item.task))
    kept = {one.latent: density[one.latent] for one in explained}
    return Sheet(id=token_hex(8), explained=explained, items=items, density=kept, notes=notes)


def densities(material: Material) -> dict[str, float]:
    """Return the share of windows on which each latent fires, by its id.

    Raises:
        UserError: The store has no such latent.
    """
    latents = dict.fromkeys(one.latent for one in material.explained)
    return {latent: latent_contexts(material.store, latent).latent.firing_share for latent in latents}


def _items_of(
    material: Material, latent: str, own: Sequence[Explained], first: int, choices: Choices
) -> list[Item] | None:
    """Return a latent's items, every explanation beside the same contexts; None where it has too few of them."""
    half = choices.texts // 2
    contexts, fires, silent = _drawn(material, latent, choices)
    shown, asked = fires[: choices.contexts], fires[choices.contexts :]
    if len(asked) < half or len(silent) < choices.texts - half:
        return None
    maximum = contexts.latent.max_activation
    rated = [_coloured(context, maximum) for context in shown]
    rng = rng_of(choices.seed, latent, "rate")
    texts = [_plain(context) for context in [*asked, *silent]]
    texts = [texts[int(i)] for i in rng.permutation(len(texts)).tolist()]
    items: list[Item] = []
    for number, one in enumerate(own, first):
        alone: dict[str, Any] = {"explanations": [visible(one.text)], "latent": latent, "which": [number]}
        if "scale" in choices.tasks:
            items.append(Item(id=token_hex(8), task="scale", parts=rated, **alone))
        if "detection" in choices.tasks:
            items.append(Item(id=token_hex(8), task="detection", parts=texts, **alone))
    if "preference" in choices.tasks:
        for pair in combinations(range(len(own)), 2):
            pair = pair if rng.random() < 0.5 else pair[::-1]
            items.append(
                Item(
                    id=token_hex(8),
                    task="preference",
                    explanations=[visible(own[i].text) for i in pair],
                    parts=rated,
                    latent=latent,
                    which=[first + i for i in pair],
                )
            )
    return items or None


def _drawn(material: Material, latent: str, choices: Choices) -> tuple[LatentContexts, list[Context], list[Context]]:
    """Draw test contexts, activating and silent, in random order.

    Where all logs drew theirs alike for detection, and enough of them, the sheet's are among those: then people label
    texts that graders have judged, and the two can be compared text by text.
    """
    half = choices.texts // 2
    wanted = choices.contexts + half, choices.texts - half
    which = latent_contexts(material.store, latent).latent
    if material.judged is not None:
        n_activating, n_silent, seed = material.judged
        contexts = LatentContexts(material.store, which)
        fires, silent = _split(contexts.test(n_activating, n_silent, seed))
        if len(fires) >= wanted[0] and len(silent) >= wanted[1]:
            rng = rng_of(choices.seed, latent, "rate", "contexts")
            fires, silent = ([side[int(i)] for i in rng.permutation(len(side)).tolist()] for side in (fires, silent))
            return contexts, fires[: wanted[0]], silent[: wanted[1]]
    contexts = LatentContexts(material.store, which, centered=False)
    return contexts, *_split(contexts.test(*wanted, choices.seed))


def _split(drawn: Sequence[Context]) -> tuple[list[Context], list[Context]]:
    fires = [context for context in drawn if context.kind == "activating"]
    return fires, [context for context in drawn if context.kind != "activating"]


def _coloured(context: Context, maximum: float) -> Part:
    shown = [(piece.text, 0 if piece.share is None else level(piece.share)) for piece in pieces(context, maximum)]
    return Part(pieces=shown, start=context.start)


def _plain(context: Context) -> Part:
    truth = int(context.kind == "activating")
    return Part(pieces=[(visible(context.text), 0)], truth=truth, start=context.start)


def n_questions(items: Sequence[Item]) -> Mapping[str, int]:
    """Return how many questions of each task items ask."""
    return {task: sum(item.n_questions for item in items if item.task == task) for task in TASKS}
