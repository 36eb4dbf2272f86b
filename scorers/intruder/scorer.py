"""Intruder: do the contexts on which a latent is active belong together, so that one of another latent stands out?

Protocol of arXiv 2507.08473: the grader reads no explanation, but five texts with marked tokens. On four of them the
latent is active where they are marked, and all four are of one decile; the fifth is of another latent. It says which
does not belong; chance is 0.2. Differences: the wording; marks, places and repetitions that say nothing by themselves
(`lineups`), where the paper puts random marks on the intruder; disjoint texts.

It measures the latent, not an explanation of it: where even whole contexts with their marks do not show what a latent's
contexts share, no explanation of them can be expected to, and its low score is the latent's fault, or the grader's.
"""

from collections.abc import Sequence

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.model_name import model_name
from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.scorers.intruder.choose_by_probability import choose
from inspect_autointerp.scorers.intruder.lineups import SHOWN, Lineup, lineups
from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.intruder.prompt import intruder_messages
from inspect_autointerp.scorers.intruder.statistics import intruder_statistics
from inspect_autointerp.scorers.shared.ask import Question, Reply, ask, grader
from inspect_autointerp.scorers.shared.judging_option import Judging, read_judging
from inspect_autointerp.scorers.shared.report import in_sections, largest
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import THRESHOLD, coloured, delimiters, marked

_TITLES = ("WRONG · another text was named than the intruder", "UNSCORED", "RIGHT · the intruder was named")


@scorer(metrics=score_metrics("intruder"))
def intruder(
    questions: int = 5,
    threshold: float = THRESHOLD,
    judging: Judging = "answer",
    store: str | None = None,
    window: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Measure how well an intruder is told from the contexts of a latent; no explanation is read.

    The grader is the model role `grader`, or the main model.

    Args:
        questions: Questions per decile, at most: each takes five contexts of it that no other takes.
        threshold: A token is activating from this share of its context's maximum on.
        judging: `answer`: the grader writes the number. `probability`: it is asked how probable each number is, and
            writes nothing; see `shared.judging_option`.
        store: The context store; by default the one that the sample names. As for the next two, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        seed: Random seed of the draw, and of the intruders' places.
    """
    options = dict(locals())
    if not 0 < threshold <= 1:
        raise UserError(f"threshold must be in (0, 1], got {threshold}")
    if questions < 1:
        raise UserError(f"questions must be at least 1, got {questions}")
    by = read_judging(judging)
    options["judging"] = None if by is None else {"name": "probability", "content_free": by.content_free}

    async def grade(test: LatentTest) -> Outcome:
        rng = rng_of(test.seed, test.latent.id, "intruder")
        asked = lineups(test.store, LatentContexts(test.store, test.latent), questions, rng, threshold)
        if not asked:
            report = f"Unscored: no decile has {SHOWN} test contexts and an intruder for them."
            return Outcome(report=report, reason="too_few_contexts")
        pair = delimiters(one.context for lineup in asked for one in lineup.tests)
        probabilities: Sequence[Sequence[float] | None] = [None] * len(asked)
        if by is None:
            replies = await ask(grader(), [_question(number, lineup, pair) for number, lineup in enumerate(asked, 1)])
        else:
            shown = [[marked(one.context, pair, one.marks) for one in lineup.tests] for lineup in asked]
            replies, probabilities = await choose(grader(), shown, pair, by.content_free)
        verdicts = _verdicts(test.store, asked, replies, probabilities)
        correct = sum(verdict.label == 1 and verdict.kind == "intruder" for verdict in verdicts)
        answer = f"{correct} of {sum(reply.value is not None for reply in replies)} intruders found"
        return Outcome(intruder_statistics(verdicts), verdicts, report_lineups(asked, replies, pair), answer=answer)

    async def grader_alone(_: LatentTest) -> str:
        return model_name(grader())

    version = None if by is None else SCORES["intruder"].probability_version
    return latent_scorer("intruder", grade, options, grader_alone, version=version)


def _question(number: int, lineup: Lineup, pair: tuple[str, str]) -> Question[int]:
    texts = [marked(one.context, pair, one.marks) for one in lineup.tests]
    return Question(f"question {number}", intruder_messages(texts, pair), _read, f"one number from 1 to {SHOWN}")


def _read(output: ModelOutput) -> int:
    """Return the place, from 0, that an answer names."""
    return parse_choice(output.completion, SHOWN) - 1


def _verdicts(
    store: Store,
    asked: Sequence[Lineup],
    replies: Sequence[Reply[int]],
    probabilities: Sequence[Sequence[float] | None],
) -> list[Verdict]:
    """Return a verdict for every text that was shown."""
    verdicts: list[Verdict] = []
    for number, (lineup, reply, shares) in enumerate(zip(asked, replies, probabilities, strict=True)):
        for place, where in enumerate(locate_contexts(store, [one.context for one in lineup.tests])):
            label = None if reply.value is None else int(place == reply.value)
            share = None if shares is None else shares[place]
            verdicts.append(Verdict(**where, label=label, probability=share, question=number, reason=reply.reason))
    return verdicts


def report_lineups(asked: Sequence[Lineup], replies: Sequence[Reply[int]], pair: tuple[str, str]) -> str:
    """Return the questions in sections (wrong, unscored, right), the strongest first, as one block in ANSI colours."""
    maximum = largest([one.context for lineup in asked for one in lineup.tests])
    sections: dict[str, list[str]] = {title: [] for title in _TITLES}
    for lineup, reply in sorted(zip(asked, replies, strict=True), key=lambda one: -one[0].decile):
        title = _TITLES[1 if reply.value is None else 2 * (reply.value == lineup.place)]
        sections[title].append(_lines(lineup, reply, maximum, pair))
    return in_sections(sections, len(asked))


def _lines(lineup: Lineup, reply: Reply[int], maximum: float, pair: tuple[str, str]) -> str:
    source = lineup.tests[lineup.place].context.neighbour
    result = reply.reason if reply.value is None else f"{reply.value + 1} was named"
    lines = [f"  decile {lineup.decile} · the intruder is {lineup.place + 1}, of latent {source} · {result}"]
    for place, one in enumerate(lineup.tests):
        sign = "▸" if place == lineup.place else " "
        lines.append(f"  {sign} {place + 1} │ {coloured(one.context, maximum, one.marks, pair)}")
    return "\n".join(lines)
