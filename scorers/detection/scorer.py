"""Detection: does the explanation tell texts on which the latent fires from texts on which it does not?

Protocol of arXiv 2410.13928, §3.3.1 and D.1: the grader reads the explanation and a few whole texts at a time, without
marks, and labels each. Differences: the wording; disjoint splits; an answer that cannot be used is unscored rather
than wrong; statistics per latent with intervals over latents, beside the accuracy that the paper reports.
"""

from collections.abc import Sequence

from inspect_ai.model import ChatMessage
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.scorers.detection.probability_prompt import detection_question
from inspect_autointerp.scorers.detection.prompt import detection_messages
from inspect_autointerp.scorers.shared.ask import grader_name
from inspect_autointerp.scorers.shared.concepts import ConceptJudge, read_concepts_option
from inspect_autointerp.scorers.shared.judge_by_probability import judge_by_all_probabilities, own_threshold
from inspect_autointerp.scorers.shared.judging_option import Judging, judging_options, read_judging
from inspect_autointerp.scorers.shared.report import report
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.scorers.shared.several_graders import Judged, labelled_outcome
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.shared.stopping import grade_texts
from inspect_autointerp.scorers.shared.threshold import tuning_contexts
from inspect_autointerp.statistics.stop_rule import stop_rule
from inspect_autointerp.text.render import visible


@scorer(metrics=score_metrics("detection"))
def detection(
    activating: int = 100,
    nonactivating: int = 100,
    texts_per_call: int = 5,
    confidence: bool = False,
    judging: Judging = "answer",
    stop: str | list[str] | None = None,
    concepts: bool | str = False,
    store: str | None = None,
    window: int | None = None,
    negatives: str | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how well it tells test contexts apart.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so. If
    the role has three models or more, each of them judges every context (`shared.several_graders`).

    Args:
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negatives.
        texts_per_call: Texts in one call to the grader.
        confidence: Ask for 0 to 100 rather than 0 or 1. Gives an AUROC where the provider has no log-probabilities.
        judging: `answer`: the grader writes its labels. `probability`: it is asked how probable each label is, one text
            at a time, and writes nothing; see `shared.judging_option` for its options.
        stop: Grade a latent's contexts in batches, and stop once the interval of its balanced accuracy satisfies a
            rule, as `width:0.2` or `above:0.7,below:0.7`; see docs/sequential.md. None grades all of them.
        concepts: Judge each concept of an explanation by itself, and count a context as active if any concept says so;
            see `shared.concepts`. True, or the embedder that polysemanticity is computed with (`tfidf`, `minilm`, …).
        store: The context store; by default the one that the sample names. This and the next four arguments are read
            from the sample's metadata unless given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        negatives: Kinds of negatives; each harder one than random gets its own statistics.
        min_contexts: A hard kind with fewer contexts is undefined.
        seed: Random seed of the draw and the order of contexts.
    """
    options = dict(locals())
    rule = stop_rule(stop)
    options["stop"] = None if rule is None else str(rule)
    by = read_judging(judging)
    options |= judging_options(by, confidence)
    embedder = read_concepts_option(concepts, judging)
    options["concepts"] = embedder

    async def grade(test: LatentTest) -> Outcome:
        def prompt(explanation: str, texts: Sequence[str]) -> list[ChatMessage]:
            return detection_messages(explanation, texts, confidence)

        def question(text: str) -> list[ChatMessage]:
            return detection_question(test.explanation, text)

        async def ask(calls: Sequence[Sequence[str]], first: int) -> Judged:
            if by is not None:
                return await judge_by_all_probabilities(calls, question, by)
            return await judge.ask(calls, first)

        judge = ConceptJudge(test.explanation, test.concepts if embedder else (), prompt, confidence)
        drawn = test.contexts(activating, nonactivating)
        kinds, texts = [context.kind for context in drawn], [visible(context.text) for context in drawn]
        threshold = None
        if by is not None:
            tuning = tuning_contexts(test, by.tuning)
            shown = [visible(context.text) for context in tuning]
            threshold = await own_threshold([context.kind for context in tuning], shown, question, by)
        graded = await grade_texts(test, kinds, texts, texts_per_call, rule, ask)
        contexts = graded.pick(drawn)
        together = texts_per_call if by is None else 1
        outcome = labelled_outcome(test, contexts, graded, together, lambda own: report(contexts, own), threshold)
        return await judge.complete(test, contexts, outcome, embedder) if embedder else outcome

    version = None if by is None else SCORES["detection"].probability_version
    return latent_scorer("detection", grade, options, grader_name, version=version)
