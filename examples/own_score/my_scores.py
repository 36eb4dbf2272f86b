"""A score of our own."""

import re

from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.scorers import register_score
from inspect_autointerp.scorers.shared import ranking
from inspect_autointerp.scorers.shared.report import ranked
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.scorers.shared.specs import ScoreSpec

SPEC = ScoreSpec(
    title="shared words",
    question="Do texts on which the latent fires hold more of the explanation's words than other texts?",
    version="shared_words/1",
    headline="auroc",
    chance=0.5,
    columns=("auroc", "unscored"),
    labels={"auroc": "AUROC"},
    keys=ranking.KEYS,
    by_kind=("auroc",),
    recompute=ranking.ranking_statistics,
)


@scorer(metrics=score_metrics(SPEC))
def shared_words(activating: int = 100, nonactivating: int = 100) -> Scorer:
    """Grade an explanation by how many of its words occur in test contexts."""
    options = dict(locals())

    def words(text: str) -> set[str]:
        return set(re.findall(r"\w{3,}", text.lower()))

    async def grade(test: LatentTest) -> Outcome:
        contexts = test.contexts(activating, nonactivating)
        verdicts = [
            Verdict(**where, value=len(words(test.explanation) & words(context.text)))
            for where, context in zip(locate_contexts(test.store, contexts), contexts, strict=True)
        ]
        report = ranked(contexts, verdicts, "COMPARED · by words in common")
        return Outcome(ranking.ranking_statistics(verdicts, test.facts()), verdicts, report)

    return latent_scorer("shared_words", grade, options)


register_score("shared_words", SPEC, shared_words)
