"""Selection of the latents to evaluate: `-T latents=…`."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import islice

import numpy as np
from rich.console import Console
from rich.progress import track

from inspect_autointerp.contexts.graph_latents import graph_latents, is_graph
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import seed_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Latent
from inspect_autointerp.store.hookpoint_store import HookpointStore
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.json_values import is_sequence

DEFAULT_LATENTS = "sample:100"
INTRUDING = 128
"""Latents whose contexts may intrude. The order is that of a draw with seed 0, which holds most of them anyway."""
MIN_CONTEXTS = 20
"""Contexts that a latent needs, by default: activating ones in either split, and random ones to test on."""
_TOO_FEW_ACTIVE = "have too few activating contexts"
_TOO_FEW_SILENT = "have too few non-activating contexts"
_ANY_QUIETER = "check that the coder belongs to this hookpoint, or cut shorter contexts, as with -T window=16"
_SPARSE_NEURONS = (
    "make a store in which fewer fire: `autointerp prep --coder neurons:32` keeps each token's 32 largest,"
    " `neurons:3rms` what is above 3 times its token's root mean square"
)
_QUIETER = {"neurons": _SPARSE_NEURONS, "rotated neurons": _SPARSE_NEURONS}
"""Advice for coders whose latents are never silent, by architecture."""


def usable_latents(
    store: Store, hookpoint: str, latents: object, min_contexts: int, seed: int
) -> tuple[list[Latent], dict[str, int]]:
    """The latents that can be evaluated of those asked for, in order, and how many were left out, by reason.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        latents: See `parse_latents`.
        min_contexts: See `latent_dataset`.
        seed: Of a random draw.

    Raises:
        UserError: The latents are not there, or none of them can be evaluated.
    """
    at = store.at(hookpoint)
    candidates, wanted = candidate_latents(at, latents, seed)
    usable: list[Latent] = []
    skipped: Counter[str] = Counter()
    console = Console(emoji=False, stderr=True)
    for latent in track(
        at.latents(candidates), "latents", len(candidates), transient=True, console=console, disable=wanted < 1000
    ):
        if len(usable) == wanted:
            break
        reason = unusable(store, latent, min_contexts)
        if reason:
            skipped[reason] += 1
        else:
            usable.append(latent)
    if not usable:
        raise nothing_usable(store, hookpoint, skipped)
    return sorted(usable, key=lambda latent: latent.index), dict(skipped)


def usable_or_named(store: Store, hookpoint: str, latents: object, min_contexts: int, seed: int) -> list[int]:
    """Return latents to freeze, in order: of `sample:N` those that an evaluation draws, else those that are named.

    Arguments and errors are those of `usable_latents`.
    """
    if _text(latents).startswith("sample:"):
        return [latent.index for latent in usable_latents(store, hookpoint, latents, min_contexts, seed)[0]]
    return sorted(candidate_latents(store.at(hookpoint), latents, seed)[0])


def nothing_usable(store: Store, hookpoint: str, skipped: Mapping[str, int]) -> UserError:
    """Return the error that says why no latent can be evaluated, and what to do.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        skipped: How many latents were left out, by reason.
    """
    reasons = ", ".join(f"{n} {reason}" for reason, n in skipped.items())
    n_documents = {split: store.n_documents(split) for split in ("explain", "test")}
    if empty := [split for split, n in n_documents.items() if not n]:
        remedy = (
            f"the {empty[0]} split has no document ({store.manifest.n_documents} in all); make a store of more"
            r" documents, not of more tokens: `autointerp prep --separator '\n\n'` cuts a text file at blank lines"
        )
    elif skipped and max(skipped, key=lambda reason: skipped[reason]) == _TOO_FEW_SILENT:
        remedy = (
            "its latents fire in every window, or nearly, so a store of more tokens would not help; "
            f"{_QUIETER.get(store.at(hookpoint).entry.architecture, _ANY_QUIETER)}"
        )
    else:
        remedy = "make a store of more tokens" + (", or lower min_contexts" if _TOO_FEW_ACTIVE in skipped else "")
    return UserError(f"no latent of {hookpoint} can be evaluated ({reasons}); {remedy}")


def unusable(store: Store, latent: Latent, least: int) -> str | None:
    """Why a latent is not evaluated, in words that follow a number; None if it can be.

    Args:
        store: Its store.
        latent: Which.
        least: Contexts that it has to have: activating ones in either split, and silent ones to test on.
    """
    if latent.n_tokens == 0:
        return "never fire"
    explain, test, silent = LatentContexts(store, latent).n_available()
    if min(explain, test) < least:
        return _TOO_FEW_ACTIVE
    return _TOO_FEW_SILENT if silent < least else None


def candidate_latents(at: HookpointStore, latents: object, seed: int) -> tuple[list[int], int]:
    """Return the latents of a hookpoint that `-T latents=…` means, in order, and how many of them are wanted.

    A frozen store draws `sample:N` among the latents it holds, in the order of the store that it was frozen from. Of an
    attribution graph they are those of the hookpoint's layer, the most influential first. `FILE` or `FILE#CLASS` means
    the latents in a table of `autointerp triage`, or those of one class.

    Args:
        at: The hookpoint.
        latents: See `parse_latents`.
        seed: Of the evaluation.

    Raises:
        UserError: See `parse_latents`; or a frozen store does not hold one that was named.
    """
    if isinstance(latents, str) and is_graph(latents):
        chosen = [latent.index for latent in graph_latents(at.store, latents, at.name)]
        return chosen, len(chosen)
    if is_triage(latents):
        from inspect_autointerp.triage.classes import triaged_latents

        candidates = triaged_latents(str(latents), at.name, at.store.digest)
        parse_latents(candidates, at.width, 0)
        at.check_held(candidates)
        return candidates, len(candidates)
    candidates, wanted = parse_latents(latents, at.width, seed_of(seed, at.name))
    text = _text(latents)
    if text == "all" or text.startswith("sample:"):
        held = set(at.held.tolist())
        return [index for index in candidates if index in held], min(wanted, len(held))
    at.check_held(candidates)
    return candidates, wanted


def is_triage(latents: object) -> bool:
    """Return whether `-T latents=…` names a table of `autointerp triage`."""
    return isinstance(latents, str) and latents.partition("#")[0].endswith((".csv", ".parquet"))


def latents_to_compare(
    store: Store, hookpoint: str, among: np.ndarray, n: int, min_contexts: int, seed: int
) -> list[int]:
    """Return latents to compare an evaluated one with: at random of those that an evaluation could draw.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        among: Latents to draw from, int64; those that the store does not hold are left out.
        n: Number of latents, at most.
        min_contexts: See `latent_dataset`.
        seed: Random seed of the draw, which does not depend on which latents are evaluated.
    """
    at = store.at(hookpoint)
    order = np.random.default_rng(seed_of(seed, at.name, "compare")).permutation(np.intersect1d(among, at.held))
    usable = (latent.index for latent in at.latents(order.tolist()) if not unusable(store, latent, min_contexts))
    return list(islice(usable, n))


def intruding_latents(at: HookpointStore) -> np.ndarray:
    """Return the latents of a hookpoint whose contexts may intrude among another's, int64.

    They are `INTRUDING` at random of those that fire, the same in every evaluation: so a frozen store can hold them.
    """
    order = np.random.default_rng(seed_of(0, at.name)).permutation(at.width)
    return order[at.n_windows[order] > 0][:INTRUDING]


def parse_latents(latents: object, width: int, seed: int) -> tuple[list[int], int]:
    """Read `-T latents=…`, as the candidates in order and how many of them are wanted.

    `0:100` is a range, `3,17,40` a list, `all` everything, and `sample:200` a random draw of 200 latents that can be
    evaluated (100 by default).

    Raises:
        UserError: It is none of these, or out of the coder's range.
    """
    text = _text(latents)
    if match := re.fullmatch(r"sample:(\d+)", text):
        return np.random.default_rng(seed).permutation(width).tolist(), int(match[1])
    if text == "all":
        chosen = list(range(width))
    elif match := re.fullmatch(r"(\d*):(\d*)", text):
        first, end = int(match[1] or 0), int(match[2] or width)
        if first >= end or end > width:
            raise UserError(f"latents={text}: out of range; there are latents 0 to {width - 1}, so 0:{width} is all")
        chosen = list(range(first, end))
    elif re.fullmatch(r"\d+(,\d+)*", text):
        chosen = sorted({int(part) for part in text.split(",")})
        if chosen[-1] >= width:
            raise UserError(f"latents={text}: out of range; there are latents 0 to {width - 1}")
    else:
        raise UserError(
            f"latents={text}: not understood; give 0:100, 3,17,40, sample:200, all, graph.json:top50, or a file of"
            " `autointerp triage`"
        )
    return chosen, len(chosen)


def _text(latents: object) -> str:
    text = ",".join(map(str, latents)) if is_sequence(latents) else str(latents or DEFAULT_LATENTS)
    return text.replace(" ", "")
