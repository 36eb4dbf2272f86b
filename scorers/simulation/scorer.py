"""Simulation: does the explanation tell how strongly the latent fires on each token?

Protocol of Bills et al. 2023 as in arXiv 2410.13928, all at once: the grader reads the explanation and some
texts token by token, and predicts each token's activation. Differences: the wording; several texts a call, and silent
tokens go without saying (with `every` they are named, as in the paper); tokens are answered by number and name, so that
what does not line up is caught; what was answered is read, and its log-probabilities, rather than those of a prompt;
random contexts are included beside activating ones, and the natural base rate is accounted for.
"""

from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.scorers.shared.ask import grader, grader_name, in_batches
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.scorers.simulation.predict import predict
from inspect_autointerp.scorers.simulation.prompt import simulation_messages
from inspect_autointerp.scorers.simulation.report import side_by_side
from inspect_autointerp.scorers.simulation.statistics import correlation_statistics
from inspect_autointerp.text.token_lines import as_shown


@scorer(metrics=score_metrics("simulation"))
def simulation(
    activating: int = 50,
    nonactivating: int = 50,
    texts_per_call: int = 5,
    every: bool = False,
    store: str | None = None,
    window: int | None = None,
    negatives: str | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how well activations are predicted from it.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so.

    Args:
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negatives.
        texts_per_call: Texts in one call to the grader.
        every: Have every token answered, not only those above 0: many more tokens, and expected values for all.
        store: The context store; by default the one that the sample names. As for the next four, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        negatives: Kinds of negatives; each harder one than random gets its own statistics.
        min_contexts: A hard kind with fewer contexts is undefined.
        seed: Random seed of the draw and the order of contexts.
    """
    options = dict(locals())

    async def grade(test: LatentTest) -> Outcome:
        contexts = test.contexts(activating, nonactivating, centered=False)
        batches = in_batches([as_shown(context.tokens()) for context in contexts], texts_per_call)
        predictions = await predict(
            grader(), batches, lambda texts: simulation_messages(test.explanation, texts, every), every=every
        )
        verdicts = [
            Verdict(
                **where,
                values=None if prediction.values is None else prediction.values.tolist(),
                reason=prediction.reason,
            )
            for where, prediction in zip(locate_contexts(test.store, contexts), predictions, strict=True)
        ]
        metadata = {
            "tokens_named": sum(prediction.n_named for prediction in predictions),
            "expected_values": sum(prediction.n_weighed for prediction in predictions),
        }
        values = correlation_statistics(contexts, verdicts, test.facts())
        return Outcome(values, verdicts, side_by_side(contexts, verdicts), metadata)

    return latent_scorer("simulation", grade, options, grader_name)
