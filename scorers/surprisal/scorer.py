"""Surprisal: does the explanation make texts on which the latent fires more probable than others?

Protocol of arXiv 2410.13928, §3.3.3 and D.3: the *information value* of an explanation for a text is how much more
probable a base model finds the text after it than after a fixed pseudo-explanation, and the score is the AUROC of that
value. No grader is asked, and no marks are shown. Differences: the wording; disjoint splits; every kind of negative
apart; no batch sees the texts of another (the paper's code lets its cache grow).
"""

from collections.abc import Sequence
from math import isfinite

from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.models.likelihood.interface import UNDEFINED, Likelihood, logprobs_or_reason, total
from inspect_autointerp.models.likelihood.role import likelihood, likelihood_name
from inspect_autointerp.scorers.shared.ranking import ranking_statistics
from inspect_autointerp.scorers.shared.report import ranked
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.scorers.surprisal.prompt import PSEUDO, surprisal_continuation, surprisal_prefix

_DECIMALS = 4
"""Decimals of a value: the last bits depend on which texts share a batch, and would part equal texts."""


@scorer(metrics=score_metrics("surprisal"))
def surprisal(
    activating: int = 100,
    nonactivating: int = 100,
    store: str | None = None,
    window: int | None = None,
    negatives: str | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how much more probable it makes activating test contexts than it makes others.

    The base model is the model role `likelihood`, see `likelihood.role`; without one it is the store's subject
    where that is SmolLM2, else the demo's. An empty
    explanation tells nothing of any context: its values are all 0 by definition, its AUROC one half.

    Args:
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negatives.
        store: The context store; by default the one that the sample names. As for the next four, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        negatives: Kinds of negatives; each harder one than random gets its own statistics.
        min_contexts: A hard kind with fewer contexts is undefined.
        seed: Random seed of the draw and the order of contexts.
    """
    options = dict(locals())

    async def grade(test: LatentTest) -> Outcome:
        contexts = test.contexts(activating, nonactivating)
        with one_line_errors():
            model = await likelihood(test.store.manifest.subject)
        values = await information(model, test.explanation, [context.text for context in contexts])
        verdicts = [
            Verdict(**where, value=value, reason=reason)
            for where, (value, reason) in zip(locate_contexts(test.store, contexts), values, strict=True)
        ]
        title = "BY INFORMATION VALUE · nats that the explanation makes a text more probable"
        shown = ranked(contexts, verdicts, title)
        return Outcome(ranking_statistics(verdicts, test.facts()), verdicts, shown)

    async def base_model(test: LatentTest) -> str:
        return likelihood_name(test.store.manifest.subject)

    return latent_scorer("surprisal", grade, options, base_model)


async def information(
    model: Likelihood, explanation: str, texts: Sequence[str]
) -> list[tuple[float | None, str | None]]:
    """Return for each text log p(text | explanation) − log p(text | pseudo-explanation) in nats, or None and why.

    Args:
        model: The base model.
        explanation: An empty one gives 0 for every text, and the model is not asked.
        texts: All asked about at once; which share a batch changes nothing.
    """
    if not explanation.strip():
        return [(0.0, None)] * len(texts)
    prefixes = (surprisal_prefix(explanation), surprisal_prefix(PSEUDO))
    answers = await logprobs_or_reason(
        model, [[(prefix, surprisal_continuation(text)) for prefix in prefixes] for text in texts]
    )
    return [(None, reason) if logprobs is None else _difference(*map(total, logprobs)) for logprobs, reason in answers]


def _difference(with_explanation: float, without: float) -> tuple[float | None, str | None]:
    """Return the difference of two log-probabilities, or the reason where it is no number: it would rank nothing."""
    value = with_explanation - without
    return (round(value, _DECIMALS), None) if isfinite(value) else (None, UNDEFINED)
