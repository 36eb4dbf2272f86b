"""Grading one latent's contexts batch by batch, until enough is known: `-T stop=…`.

A batch holds contexts of every kind in the proportion in which they were drawn, in an order that the seed fixes. After
each batch a confidence sequence says where the balanced accuracy over all of the latent's contexts lies. Grading ends
once that interval satisfies the rule. So the answers decide when, and the interval holds all the same
(`statistics.confidence_sequences`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.scorers.shared.ask import in_batches
from inspect_autointerp.scorers.shared.judge import Label
from inspect_autointerp.scorers.shared.score import LatentTest
from inspect_autointerp.scorers.shared.several_graders import Graded, Judged
from inspect_autointerp.statistics.confidence_sequences import balance_interval
from inspect_autointerp.statistics.stop_rule import StopRule

CALLS = 4
"""Calls to the grader in a batch, all at once. With fewer, a call could hardly hold as many activating texts by chance
as without a rule, and an answer would be easier to guess."""
LABELLED = ("detection", "fuzzing")
"""Scores that label contexts one by one, and so take a rule."""
KEY = "stopped"
"""Name, in a score's metadata, of the facts about stopping."""

Ask = Callable[[Sequence[Sequence[str]], int], Awaitable[Judged]]
"""Has texts labelled by every grader, which come in calls; the number is that of the first text, from 1."""


async def grade_texts(
    test: LatentTest,
    kinds: Sequence[str],
    texts: Sequence[str],
    texts_per_call: int,
    rule: StopRule | None,
    ask: Ask,
    partners: Mapping[int, int] | None = None,
) -> Graded:
    """Have texts labelled: all of them at once, or with a rule until it is satisfied.

    Args:
        test: The latent.
        kinds: Kind of each context.
        texts: The contexts as the grader sees them.
        texts_per_call: Texts in one call.
        rule: When to stop; None to grade everything. A rule is for one grader.
        ask: Asks the grader.
        partners: By the number of a negative, that of the activating context whose marks it wears.
    """
    partners = dict(partners or {})
    if rule is None:
        judged = await ask(in_batches(texts, texts_per_call), 1)
        return Graded(list(range(len(texts))), judged, partners, {}, "")
    size = CALLS * texts_per_call
    order = balanced_order(kinds, partners, size, rng_of(test.seed, test.latent.id, "stop"))
    labels: list[Label] = []
    names: list[str] = []
    low, high, why, least = 0.0, 1.0, None, _least(kinds, order, test)
    while len(labels) < len(order) and why is None:
        batch = order[len(labels) : len(labels) + size]
        judged = await ask(in_batches([texts[i] for i in batch], texts_per_call), len(labels) + 1)
        names, labels = judged.names, labels + judged.each[0]
        low, high = interval_of([kinds[i] for i in order], labels, rule.level)
        if len(labels) >= least:
            why = rule.reached(low, high)
    order = order[: len(labels)]
    place = {number: at for at, number in enumerate(order)}
    facts = {"graded": len(order), "of": len(texts), "low": round(low, 4), "high": round(high, 4), "by": why}
    reason = f"stopped by {why}" if why else "the rule never applied"
    note = (
        f"Graded {len(order)} of {len(texts)} contexts ({reason}). Balanced accuracy over all of them: {low:.3f} to"
        f" {high:.3f} ({100 * rule.level:g} %, whenever one stops).\n\n"
    )
    graded = {place[i]: place[partners[i]] for i in order if partners.get(i) in place}  # a random one's may be missing
    return Graded(order, Judged(names, [labels]), graded, {KEY: facts}, note)


def balanced_order(kinds: Sequence[str], partners: Mapping[int, int], size: int, rng: np.random.Generator) -> list[int]:
    """Return an order of contexts in which every beginning holds each kind in its proportion, to a context or two.

    The order within a kind is the one given, which is random, so that the first of a kind are a random draw of it. A
    negative with a partner comes in the partner's batch or a later one: where its kind's proportion is due, or, if
    that is before the partner, right after the partner.

    Args:
        kinds: Kind of each context.
        partners: By the number of a negative, that of its partner.
        size: Contexts in a batch; within one the order is random, so that it says nothing of the kind.
        rng: Random numbers for that.
    """
    members: dict[str, list[int]] = {}
    for i, kind in enumerate(kinds):
        members.setdefault(kind, []).append(i)
    place: dict[int, tuple[float, int]] = {}
    for kind in sorted(members, key=lambda kind: kind != "activating"):  # partners first
        whole = members[kind]
        if kind not in ("activating", "random") and all(i in partners for i in whole):
            whole = sorted(whole, key=lambda i: place[partners[i]])
        for rank, i in enumerate(whole):
            own = ((rank + 0.5) / len(whole), 0)
            behind = place[partners[i]] if i in partners and kind != "random" else (0.0, 0)
            place[i] = max(own, (behind[0], behind[1] + 1))
    order = sorted(place, key=lambda i: (*place[i], i))
    shuffled = [[batch[int(j)] for j in rng.permutation(len(batch)).tolist()] for batch in in_batches(order, size)]
    return [i for batch in shuffled for i in batch]


def interval_of(kinds: Sequence[str], labels: Sequence[Label], level: float) -> tuple[float, float]:
    """Return where the balanced accuracy over all contexts lies, from the labels of the first of them.

    An unscored context counts as one that was not looked at.

    Args:
        kinds: Kind of each context, in the order in which they are graded; `activating` and `random` count.
        labels: Of as many as are graded.
        level: With which probability all intervals of a sequence hold the truth.
    """
    right: dict[str, list[int]] = {"activating": [], "random": []}
    for kind, label in zip(kinds, labels, strict=False):
        if kind in right and label.label is not None:
            right[kind].append(int(label.label == (kind == "activating")))
    positives, negatives = (np.array(side, dtype=np.int64) for side in right.values())
    return balance_interval(positives, negatives, kinds.count("activating"), kinds.count("random"), level)


def _least(kinds: Sequence[str], order: Sequence[int], test: LatentTest) -> int:
    """Return how many contexts are graded in any case: of each hard kind as many as its statistics need."""
    seen, least = dict.fromkeys(test.hard, 0), 1
    for number, i in enumerate(order, 1):
        if kinds[i] in seen:
            seen[kinds[i]] += 1
            if seen[kinds[i]] == test.min_contexts:
                least = number
    return least
