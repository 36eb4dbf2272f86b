"""Detection: does the explanation tell texts on which the latent fires from texts on which it does not?

Protocol of arXiv 2410.13928, §3.3.1 and D.1: the grader reads the explanation and a few whole texts at a time, without
marks, and labels each. Differences: the wording; disjoint splits; an answer that cannot be used is unscored rather
than wrong; statistics per latent with intervals over latents, beside the accuracy that the paper reports.
"""

from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.scorers.detection.prompt import detection_messages
from inspect_autointerp.scorers.shared.ask import grader, grader_name, in_batches
from inspect_autointerp.scorers.shared.classification import classification_statistics
from inspect_autointerp.scorers.shared.judge import judge, labelled
from inspect_autointerp.scorers.shared.report import report
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.text.render import visible


@scorer(metrics=score_metrics("detection"))
def detection(
    activating: int = 100,
    nonactivating: int = 100,
    texts_per_call: int = 5,
    confidence: bool = False,
    store: str | None = None,
    window: int | None = None,
    negatives: str | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how well it tells test contexts apart.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so.

    Args:
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negatives.
        texts_per_call: Texts in one call to the grader.
        confidence: Ask for 0 to 100 rather than 0 or 1. Gives an AUROC where the provider has no log-probabilities.
        store: The context store; by default the one that the sample names. This and the next four arguments are read
            from the sample's metadata unless given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        negatives: Kinds of negatives; each harder one than random gets its own statistics.
        min_contexts: A hard kind with fewer contexts is undefined.
        seed: Random seed of the draw and the order of contexts.
    """
    options = dict(locals())

    async def grade(test: LatentTest) -> Outcome:
        contexts = test.contexts(activating, nonactivating)
        batches = in_batches([visible(context.text) for context in contexts], texts_per_call)
        labels = await judge(
            grader(),
            batches,
            lambda texts: detection_messages(test.explanation, texts, confidence),
            confidence=confidence,
        )
        verdicts = labelled(test.store, contexts, labels)
        values = classification_statistics(verdicts, test.facts(texts_per_call))
        return Outcome(values, verdicts, report(contexts, verdicts))

    return latent_scorer("detection", grade, options, grader_name)
