"""Discrimination: given the explanation, can a grader find its latent among the nearest neighbours, by their contexts?

Detection asks if an explanation is true of a latent's contexts, and cannot see that it is as true of another latent's.
Here the grader reads the explanation and several candidates, each a latent shown by a few test contexts, and names the
one that is described. Chance is 1 over the number of candidates. Several questions about a latent, each with other
contexts of the same candidates, give a share between 0 and 1.

Where another candidate is named at least as often as the explained latent, the explanation fits that one as well: a
collision. The share of latents with one says how many of a coder's explanations are not theirs alone.
"""

from collections.abc import Sequence

from inspect_ai.model import GenerateConfig, ModelOutput
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.scorers.discrimination.lineups import SOURCES, Lineup, lineups
from inspect_autointerp.scorers.discrimination.parse import candidate_probabilities, parse_candidate
from inspect_autointerp.scorers.discrimination.prompt import discrimination_messages
from inspect_autointerp.scorers.discrimination.report import report_lineups
from inspect_autointerp.scorers.discrimination.statistics import discrimination_statistics
from inspect_autointerp.scorers.shared.ask import Question, Reply, ask, grader, grader_name
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import delimiters, marked, visible

Choice = tuple[int, list[float] | None]
"""The place, from 0, that an answer names, and the probabilities of all places where they are known."""


@scorer(metrics=score_metrics("discrimination"))
def discrimination(
    questions: int = 10,
    candidates: str = "neighbours",
    others: int = 4,
    texts: int = 4,
    marks: bool = True,
    store: str | None = None,
    window: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how often a grader finds its latent among others.

    The grader is the model role `grader`, or the main model.

    Args:
        questions: Questions about a latent, at most: each takes `texts` of its test contexts that no other takes.
        candidates: The other candidates. `neighbours`: the latents with the most similar directions, as the store has
            them; where fewer of them have contexts, latents drawn at random in their place. `random`: latents drawn at
            random.
        others: Candidates beside the explained latent.
        texts: Contexts of each candidate in a question.
        marks: Whether the tokens are marked on which a candidate fires.
        store: The context store; by default the one that the sample names. As for the next two, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        seed: Random seed of the draw, and of the candidates' places.
    """
    options = dict(locals())
    with one_line_errors():
        for name, number in (("questions", questions), ("others", others), ("texts", texts)):
            if number < 1:
                raise UserError(f"{name} must be at least 1, got {number}")
        if others > 8:
            raise UserError(f"others must be at most 8, so that each candidate has a number of one digit; got {others}")
        if candidates not in SOURCES:
            raise UserError(f"candidates={candidates}: unknown candidates; give one of {', '.join(SOURCES)}")

    async def grade(test: LatentTest) -> Outcome:
        rng = rng_of(test.seed, test.latent.id, "discrimination")
        contexts = LatentContexts(test.store, test.latent, centered=False)
        with one_line_errors():
            asked = lineups(test.store, contexts, questions, others, texts, candidates, rng)
        if not asked:
            report = f"Unscored: the latent and {others} others do not have {texts} test contexts each."
            return Outcome(report=report, reason="too_few_contexts")
        pair = delimiters(one.context for lineup in asked for candidate in lineup.candidates for one in candidate.tests)
        shown = pair if marks else None
        replies = await ask(
            grader(), [_question(number, test.explanation, lineup, shown) for number, lineup in enumerate(asked, 1)]
        )
        verdicts = _verdicts(test.store, asked, replies)
        return Outcome(discrimination_statistics(verdicts), verdicts, report_lineups(asked, replies, pair))

    return latent_scorer("discrimination", grade, options, grader_name)


def _question(number: int, explanation: str, lineup: Lineup, pair: tuple[str, str] | None) -> Question[Choice]:
    texts = [
        [visible(one.context.text) if pair is None else marked(one.context, pair, one.marks) for one in candidate.tests]
        for candidate in lineup.candidates
    ]
    n = len(texts)

    def read(output: ModelOutput) -> Choice:
        named = parse_candidate(output.completion, n)
        return named - 1, candidate_probabilities(output, named, n)

    messages = discrimination_messages(explanation, texts, pair)
    config = GenerateConfig(logprobs=True, top_logprobs=5)
    return Question(f"question {number}", messages, read, f"one number from 1 to {n}", config)


def _verdicts(store: Store, asked: Sequence[Lineup], replies: Sequence[Reply[Choice]]) -> list[Verdict]:
    """Return a verdict for every text that was shown."""
    verdicts: list[Verdict] = []
    for number, (lineup, reply) in enumerate(zip(asked, replies, strict=True)):
        place, probabilities = (None, None) if reply.value is None else reply.value
        for at, candidate in enumerate(lineup.candidates):
            label = None if place is None else int(at == place)
            probability = None if probabilities is None else probabilities[at]
            verdicts += [
                Verdict(**where, label=label, probability=probability, question=number, reason=reply.reason)
                for where in locate_contexts(store, [one.context for one in candidate.tests])
            ]
    return verdicts
