"""Surprisal: does the explanation make texts on which the latent fires more probable than others?

Protocol of arXiv 2410.13928, §3.3.3 and D.3: the *information value* of an explanation for a text is how much more
probable a base model finds the text after it than after a fixed pseudo-explanation, and the score is the AUROC of that
value. No grader is asked, and no marks are shown. Differences: the wording; disjoint splits; every kind of negative
apart; no batch sees the texts of another (the paper's code lets its cache grow).
"""

from collections import Counter
from collections.abc import Sequence
from math import fsum

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.negatives import HARD, negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.evaluation import one_line_errors
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.models.likelihood.interface import Likelihood
from inspect_autointerp.models.likelihood.role import likelihood, likelihood_name
from inspect_autointerp.models.likelihood.told import told
from inspect_autointerp.scorers.shared.ranking import KEYS, ranked, ranked_keys, ranked_statistics
from inspect_autointerp.scorers.shared.score import (
    judged_metrics,
    judged_score,
    latent_of,
    made_by,
    too_few,
    without_explanation,
)
from inspect_autointerp.text.render import visible

VERSION = "surprisal/1"
"""Changes whenever the wording below does."""
PSEUDO = "Various unrelated sentences"
"""What stands in the place of an explanation for comparison (the paper's)."""
_DECIMALS = 4
"""Of a value: the last bits depend on which texts share a batch, and would part equal texts."""

_HEAD = "Every description below is followed by sentences that it fits.\n\n"
_WORKED = (
    ("names of days of the week", ("The ferry leaves on Tuesday at noon.", "See you Friday, or Saturday.")),
    ("the colon that opens a block of Python code", ("if x > 0:\n    y = 1", "for row in rows:\n    print(row)")),
    (PSEUDO, ("A cup of sugar and two eggs.", "He had never been to sea.")),
    ("words about cold", ("Snow lay on the frozen lake.", "an icy wind, and freezing rain")),
)


def surprisal_prefix(explanation: str) -> str:
    """What a text stands after: the same worked blocks for all, then the explanation, on one line."""
    blocks = [_block(worked, texts) for worked, texts in _WORKED]
    return _HEAD + "".join(blocks) + _block(visible(explanation.strip()), ()) + "-"


def surprisal_continuation(text: str) -> str:
    """A text as it stands there: as it is, line ends included."""
    return f" {text}"


def _block(description: str, texts: Sequence[str]) -> str:
    lines = "".join(f"-{surprisal_continuation(text)}\n" for text in texts)
    return f"Description: {description}\nSentences:\n{lines}" + ("\n" if texts else "")


@scorer(metrics=judged_metrics(HARD, KEYS))
def surprisal(
    contexts: str | None = None,
    activating: int = 100,
    nonactivating: int = 100,
    seed: int = 0,
    window: int | None = None,
    negatives: str = "random",
    min_contexts: int = 20,
) -> Scorer:
    """Grade an explanation by how much more probable it makes activating test contexts than it makes others.

    The base model is the model role `likelihood`, see `likelihood.role`; without one it is the demo's subject. An empty
    explanation tells nothing of any context: its values are all 0 by definition, its AUROC one half.

    Args:
        contexts: The context store, see `evaluation.locate`.
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negative.
        seed: Of the draw and the order of contexts.
        window: Tokens in a context; the store's own by default.
        negatives: Kinds of negatives, see `negative_kinds`; each harder one than random gets a statistic of its own.
        min_contexts: A latent with fewer contexts of a harder kind is undefined there.
    """
    options = dict(locals())

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        with one_line_errors():
            metadata = made_by(likelihood_name(), VERSION, options)
            model = await likelihood()
        kinds = negative_kinds(store, latent.hookpoint, negatives)
        hard = kinds[1:]
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, ranked_keys(hard), metadata)
        tests = LatentContexts(store, latent).test(activating, nonactivating, seed, kinds)
        found = await information(model, explanation.text, [context.text for context in tests])
        values = [value for value, _ in found]
        reasons = [reason for _, reason in found]
        metadata |= too_few(Counter(context.kind for context in tests), hard, min_contexts)
        statistics = ranked_statistics(tests, values, hard, min_contexts)
        title = "BY INFORMATION VALUE · nats that the explanation makes a text more probable"
        return judged_score(statistics, explanation.text, reasons, ranked(tests, values, reasons, title), metadata)

    return score


async def information(
    model: Likelihood, explanation: str, texts: Sequence[str]
) -> list[tuple[float | None, str | None]]:
    """Of each text log p(text | explanation) − log p(text | pseudo-explanation) in nats, or None and why.

    Args:
        model: The base model.
        explanation: An empty one gives 0 for every text, and the model is not asked.
        texts: All asked about at once; which share a batch changes nothing.
    """
    if not explanation.strip():
        return [(0.0, None)] * len(texts)
    prefixes = (surprisal_prefix(explanation), surprisal_prefix(PSEUDO))
    answers = await told(model, [[(prefix, surprisal_continuation(text)) for prefix in prefixes] for text in texts])
    return [
        (None if found is None else round(fsum(found[0]) - fsum(found[1]), _DECIMALS), reason)
        for found, reason in answers
    ]
