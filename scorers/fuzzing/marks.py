"""Marks for fuzzing that say nothing by themselves: a negative wears the marks of a positive.

A positive is an activating context whose truly activating tokens are marked. A negative is a context with the marks of
one positive, laid on at the same places in the window: on a context of another kind, or (*mismarked*) on another
activating context where they fall on tokens on which the latent is silent. So the number of marks, their positions and
their runs are those of positives.

Kept exactly: every negative's marks are, token for token, some positive's, each lent once before any is lent twice; and
a hard negative is compared with the very positive whose marks it wears, so both sides of that comparison hold the same
marks equally often. So do positives and random negatives where there are as many of them. Marks that fit nowhere are
not lent and not bent to fit: a latent that fires on the last token of every window has no mismarked contexts.
Kept on average only: if there are more or fewer random negatives than positives, it is drawn at random whose marks are
used, or used twice.
Not kept, since text is text: what the marked tokens are, how many characters they have, and, next to a token that is
but part of a character and shows no mark, where a run ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inspect_autointerp.contexts.sampling import stratified
from inspect_autointerp.latent import Context
from inspect_autointerp.text.render import THRESHOLD, active_tokens

MISMARKED = "mismarked"


@dataclass(frozen=True, slots=True)
class Marked:
    """A context with marks: the right ones if it is activating, another's if it is a negative."""

    context: Context
    marks: np.ndarray
    """bool (token,)."""


def marked_contexts(
    contexts: Sequence[Context], n_activating: int, rng: np.random.Generator, threshold: float = THRESHOLD
) -> tuple[list[Marked], dict[int, int]]:
    """Positives and negatives in random order, no context twice.

    Activating contexts beyond the positives become mismarked ones. A context that no marks fit is left out, and so is
    an activating one of which every activating token is but part of a character and so cannot be shown marked.

    Args:
        contexts: Activating contexts and those of any kinds of negatives.
        n_activating: How many of the activating ones are to be positives, the deciles in equal shares.
        rng: Draws them, whose marks each negative wears, and the order.
        threshold: A token is marked from this share of its context's maximum on.

    Returns:
        The contexts, and by the number of each negative that of the positive whose marks it wears.
    """
    activating = [context for context in contexts if context.kind == "activating"]
    marks = [active_tokens(context, threshold) & showable(context) for context in activating]
    chosen = stratified([context.decile or 0 for context in activating], n_activating, rng)
    positives = [Marked(activating[i], marks[i]) for i in sorted(chosen) if marks[i].any()]
    lent = np.array([positive.marks for positive in positives])
    others: dict[str, list[Context]] = {}
    for context in contexts:
        if context.kind != "activating":
            others.setdefault(context.kind, []).append(context)
    left = sorted(set(range(len(activating))) - set(chosen))
    if left:
        others[MISMARKED] = [replace(activating[i], kind=MISMARKED, decile=None) for i in left]
    tests, lenders = list(positives), list(range(len(positives)))
    for negatives in others.values():
        allowed = np.array([showable(context) & (context.activations == 0) for context in negatives])
        for context, lender in zip(negatives, lend(lent, allowed, rng), strict=True):
            if lender is not None:
                tests.append(Marked(context, positives[lender].marks))
                lenders.append(lender)
    order = rng.permutation(len(tests)).tolist()
    place = {number: at for at, number in enumerate(order)}
    like = {place[i]: place[lender] for i, lender in enumerate(lenders) if i >= len(positives)}
    return [tests[i] for i in order], like


def lend(marks: np.ndarray, allowed: np.ndarray, rng: np.random.Generator) -> list[int | None]:
    """Whose marks each context gets, such that they fit and as many contexts as possible get some.

    Args:
        marks: bool (positive, token).
        allowed: bool (context, token): where a mark may fall.
        rng: Draws one of the ways in which it can be done.

    Returns:
        Per context the number of a positive, None where none is left that fits. Each is lent ⌈contexts / positives⌉
        times at most.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not (len(marks) and len(allowed)):
        return [None] * len(allowed)
    fits = ~(marks.astype(np.int64) @ (~allowed).T.astype(np.int64)).astype(bool).T  # (context, positive)
    times = -(-len(allowed) // len(marks))
    # Round by round, so that none is lent twice while another that fits was not lent once.
    whose: list[int | None] = [None] * len(allowed)
    for _ in range(times):
        rows = rng.permutation([i for i, lender in enumerate(whose) if lender is None]).tolist()
        columns = rng.permutation(len(marks))
        matching = maximum_bipartite_matching(csr_array(fits[np.ix_(rows, columns)]), perm_type="column")
        for row, column in zip(rows, matching.tolist(), strict=True):
            if column >= 0:
                whose[row] = int(columns[column])
        if None not in whose:
            break
    return whose


def showable(context: Context) -> np.ndarray:
    """Bool (token,): which tokens have characters of their own, so that a mark on them can be seen."""
    return np.array([end > start for start, end in context.spans])
