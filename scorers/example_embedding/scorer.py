"""Example embedding: are a latent's texts nearer to one another, as an embedding has it, than to other texts?

The score of arXiv 2507.08473 that needs no grader: each activating query is compared with other activating texts of its
decile and with random ones, and so is a random query. The latent is clear if activating queries are nearer to
activating texts, by more than random queries are. No explanation is read: it measures the latent, as intruder does.

Differences from Delphi's code (eai-delphi 0.1.3), whose two differences of means are computed alike: no query twice; a
random query is an example nowhere; texts without marks; the AUROC of the differences in place of their list.
"""

from collections.abc import Sequence

import numpy as np
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.latent import Context
from inspect_autointerp.models.text_vectors import TFIDF, prepare_embedder
from inspect_autointerp.scorers.embedding.scorer import context_cosines
from inspect_autointerp.scorers.example_embedding.draw import comparisons, nearer
from inspect_autointerp.scorers.example_embedding.statistics import example_embedding_statistics
from inspect_autointerp.scorers.shared.report import ranked
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics

_DECIMALS = 6
"""Decimals of a difference: the last bits depend on the machine, and would part equal values."""


@scorer(metrics=score_metrics("example_embedding"))
def example_embedding(
    queries: int = 20,
    examples: int = 10,
    embedder: str = TFIDF,
    trust_remote_code: bool = False,
    store: str | None = None,
    window: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Measure how much nearer a latent's texts are to one another than to others; no explanation is read.

    Args:
        queries: Activating queries, at most, the deciles in equal shares; and as many random ones.
        examples: Activating examples, and random ones, that a query is compared with, at most.
        embedder: As for `embedding`.
        trust_remote_code: Run the code that comes with the embedder, if any does.
        store: The context store; by default the one that the sample names. As for the next two, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        seed: Random seed of the draw.
    """
    options = dict(locals())
    with one_line_errors():
        for name, number in (("queries", queries), ("examples", examples)):
            if number < 1:
                raise UserError(f"{name} must be at least 1, got {number}")
        prepare_embedder(embedder, "embedder", trust_remote_code=trust_remote_code)

    async def grade(test: LatentTest) -> Outcome:
        rng = rng_of(test.seed, test.latent.id, "example_embedding")
        contexts = LatentContexts(test.store, test.latent)
        activating = contexts.activating("test")
        silent = contexts.silent("random", "test", 2 * max(queries, examples), rng)
        made = comparisons(activating, silent, queries, examples, rng)
        if not made:
            report = "Unscored: no decile has two activating test contexts, or there are no two random ones."
            return Outcome(report=report, reason="too_few_contexts")
        shown: list[Context] = [*activating, *silent]
        cosines = await context_cosines(test.store, embedder, trust_remote_code, shown)
        asked = [(number, one) for one in made for number in (one.query, one.silent_query)]
        verdicts = _verdicts(
            test, [shown[number] for number, _ in asked], [nearer(number, one, cosines) for number, one in asked]
        )
        report = ranked(
            [shown[number] for number, _ in asked],
            verdicts,
            "QUERIES · by how much nearer they are to the latent's texts",
        )
        return Outcome(example_embedding_statistics(verdicts, test.facts()), verdicts, report)

    async def embedder_name(test: LatentTest) -> str:
        return embedder

    return latent_scorer("example_embedding", grade, options, embedder_name)


def _verdicts(test: LatentTest, contexts: Sequence[Context], values: Sequence[float]) -> list[Verdict]:
    return [
        Verdict(**where, reason="empty_context") if np.isnan(value) else Verdict(**where, value=round(value, _DECIMALS))
        for where, value in zip(locate_contexts(test.store, contexts), values, strict=True)
    ]
