"""Fuzzing: does the explanation tell the tokens on which the latent fires from others?

Protocol of arXiv 2410.13928, §3.3.2 and D.2: the grader reads the explanation and a few texts at a time in which tokens
are marked, and says of each whether the marks are right. Differences: the wording; marks on negatives that say nothing
by themselves (`marks`), where the paper's code marks other numbers of tokens at other places; activating texts with
wrong marks beside silent ones, and apart from them; no text twice; disjoint splits.
"""

from collections.abc import Sequence

from inspect_ai.model import ChatMessage
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED, Marked, marked_contexts
from inspect_autointerp.scorers.fuzzing.probability_prompt import fuzzing_question
from inspect_autointerp.scorers.fuzzing.prompt import fuzzing_messages
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
from inspect_autointerp.text.render import THRESHOLD, delimiters, marked

_TITLES = (
    "WRONG · right marks, the grader said they are not",
    "WRONG · wrong marks, the grader said they are right",
    "UNSCORED",
    "RIGHT · right marks",
    "RIGHT · wrong marks",
)


@scorer(metrics=score_metrics("fuzzing"))
def fuzzing(
    activating: int = 100,
    nonactivating: int = 100,
    mismarked: int = 50,
    texts_per_call: int = 5,
    confidence: bool = False,
    threshold: float = THRESHOLD,
    judging: Judging = "answer",
    stop: str | list[str] | None = None,
    concepts: bool | str = False,
    store: str | None = None,
    window: int | None = None,
    negatives: str | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how well it tells right marks from wrong ones.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so. If
    the role has three models or more, each of them judges every context (`shared.several_graders`).

    Args:
        activating: Test contexts with their activating tokens marked, the deciles in equal shares.
        nonactivating: Test contexts of each kind on which the latent is silent, with marks.
        mismarked: Further activating test contexts, marked where the latent is silent. Where there are too few
            activating contexts for both, both get fewer in proportion.
        texts_per_call: Texts in one call to the grader.
        confidence: Ask for 0 to 100 rather than 0 or 1. Gives an AUROC where the provider has no log-probabilities.
        threshold: A token is activating from this share of its context's maximum on.
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
    if not 0 < threshold <= 1:
        raise UserError(f"threshold must be in (0, 1], got {threshold}")

    async def grade(test: LatentTest) -> Outcome:
        def prompt(explanation: str, texts: Sequence[str]) -> list[ChatMessage]:
            return fuzzing_messages(explanation, texts, pair, confidence)

        def question(text: str) -> list[ChatMessage]:
            return fuzzing_question(test.explanation, text, pair)

        async def ask(calls: Sequence[Sequence[str]], first: int) -> Judged:
            if by is not None:
                return await judge_by_all_probabilities(calls, question, by)
            return await judge.ask(calls, first)

        judge = ConceptJudge(test.explanation, test.concepts if embedder else (), prompt, confidence)
        drawn, lenders = draw(test)
        tuning = [] if by is None else marked_tuning(test, by.tuning)
        pair = delimiters([one.context for one in (*drawn, *tuning)])
        kinds, texts = [one.context.kind for one in drawn], [marked(one.context, pair, one.marks) for one in drawn]
        own = None
        if by is not None:
            shown = [marked(one.context, pair, one.marks) for one in tuning]
            own = await own_threshold([one.context.kind for one in tuning], shown, question, by)
        graded = await grade_texts(test, kinds, texts, texts_per_call, rule, ask, lenders)
        tests = graded.pick(drawn)
        contexts = [one.context for one in tests]
        marks = [one.marks for one in tests]
        together = texts_per_call if by is None else 1
        outcome = labelled_outcome(
            test, contexts, graded, together, lambda verdicts: report(contexts, verdicts, _TITLES, marks, pair), own
        )
        return await judge.complete(test, contexts, outcome, embedder) if embedder else outcome

    def marked_tuning(test: LatentTest, n: int) -> list[Marked]:
        rng = rng_of(test.seed, test.latent.id, "fuzzing, tuning")
        return marked_contexts(tuning_contexts(test, n), n, rng, threshold)[0] if n else []

    def draw(test: LatentTest) -> tuple[list[Marked], dict[int, int]]:
        contexts = test.contexts(activating + mismarked, nonactivating)
        n_activating = sum(context.kind == "activating" for context in contexts)
        share = activating / (activating + mismarked)
        rng = rng_of(test.seed, test.latent.id, "fuzzing")
        return marked_contexts(contexts, min(activating, max(1, round(n_activating * share))), rng, threshold)

    version = None if by is None else SCORES["fuzzing"].probability_version
    return latent_scorer("fuzzing", grade, options, grader_name, (MISMARKED,) if mismarked else (), version)
