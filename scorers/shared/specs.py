"""The one table of scores: a score is a folder beside this one, a task, and a row here.

Task versions, the viewer's columns, the leaderboard's headlines, page labels and `autointerp cost` are made from it.
docs/add-a-score.md shows how to add one, in this repository or from a package of your own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from logging import getLogger
from math import inf
from re import match
from typing import Literal

from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.scorers.discrimination import statistics as discrimination
from inspect_autointerp.scorers.example_embedding import statistics as example_embedding
from inspect_autointerp.scorers.fade import statistics as fade
from inspect_autointerp.scorers.generation import statistics as generation
from inspect_autointerp.scorers.intervention import statistics as intervention
from inspect_autointerp.scorers.intruder import statistics as intruder
from inspect_autointerp.scorers.output_choice import statistics as output_choice
from inspect_autointerp.scorers.reconstruction import statistics as reconstruction
from inspect_autointerp.scorers.shared import classification, ranking
from inspect_autointerp.scorers.simulation import statistics as simulation

Need = Literal["grader", "likelihood", "subject", "writer"]
"""A model that a score works with: the role `grader`, `likelihood` or `writer`, or the store's own subject."""
Recompute = Callable[[Sequence[Verdict], LatentFacts], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class ScoreSpec:
    """Everything that the rest of the package needs to know about a score."""

    title: str
    """Title in tables and on pages."""
    question: str
    """The question that it asks, in one line."""
    version: str
    """`NAME/NUMBER`: changes whenever a prompt's wording, or what is computed, does. Scores of two versions do not
    compare."""
    probability_version: str | None = None
    """The same where the grader writes nothing and is asked for probabilities (`judging=probability`); None for a score
    that cannot be judged so."""
    headline: str
    """The statistic that explainers are ordered by."""
    chance: float
    """Expected headline of a guesser."""
    bounds: tuple[float, float] = (0.0, 1.0)
    """Least and largest value of the headline; infinite where there is none."""
    columns: Sequence[str]
    """The statistics that the viewer shows, the headline first."""
    labels: dict[str, str]
    """Column titles of the statistics in tables, in order."""
    needs: Sequence[Need] = ()
    """Models that it works with; none for a score that computes everything by itself."""
    judged: bool = True
    """True if `-T scores=judged` means it, too, where a grader is all that it needs."""
    several_graders: bool = False
    """True if several graders can judge its contexts, see `shared.several_graders`."""
    explained: bool = True
    """True if it grades an explanation; `intruder` grades the latent."""
    one_answer: bool = True
    """True if verdicts with the same `question` are about one answer, and so have one reason. In FADE they are about
    texts after the same prompt, each with its own rating."""
    keys: Sequence[str]
    """All statistics, but for those of harder kinds of negatives."""
    optional: Sequence[str] = ()
    """Statistics that are there in some ways of judging alone."""
    by_kind: Sequence[str] = ()
    """Statistics that there are once more for each harder kind of negatives, as `auroc_neighbours`."""
    hard_kinds: Sequence[str] = HARD
    """The kinds of negatives that can have such statistics."""
    recompute: Recompute | None = None
    """Computes the statistics from verdicts; None where they need more than a log holds."""

    def __post_init__(self) -> None:
        """Check that what is shown of the score is among its statistics.

        Raises:
            ValueError: A name is not.
        """
        shown = {"headline": [self.headline], "columns": self.columns, "labels": self.labels, "by_kind": self.by_kind}
        for field, names in shown.items():
            if unknown := [name for name in names if name not in (*self.keys, *self.optional)]:
                raise ValueError(f"score {self.title}: {field} names {unknown[0]}, which keys must list, too")

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that this code computes."""
        return (self.version,) if self.probability_version is None else (self.version, self.probability_version)

    def statistics(self, hard: Sequence[str] = ()) -> list[str]:
        """Return the names of all statistics where these hard kinds were tested on."""
        return [*self.keys, *(f"{name}_{kind}" for kind in hard for name in self.by_kind)]

    @property
    def summary(self) -> list[str]:
        """The statistics that Inspect prints at the end of an evaluation: the headline, AUROC, unscored."""
        return [self.headline, *(name for name in ("auroc", "unscored") if name in self.keys and name != self.headline)]

    def columns_shown(self, hard: Sequence[str] = ()) -> list[str]:
        """Return the statistics that the viewer shows: `columns`, then the headline against each hard kind."""
        return [*self.columns, *(f"{name}_{kind}" for kind in hard for name in self.by_kind[:1])]


_CLASSIFICATION = {
    "balanced_accuracy": "balanced accuracy",
    "balanced_accuracy_tuned": "at own threshold",
    "auroc": "AUROC",
    "tpr": "TPR",
    "tnr": "TNR",
    "f1": "F1 ¶",
    "auprc": "AUPRC ¶",
    "same_labels": "same labels",
}

SCORES: dict[str, ScoreSpec] = {
    "detection": ScoreSpec(
        title="detection",
        question="Can a grader tell texts on which the latent fires from texts on which it does not?",
        keys=classification.KEYS,
        by_kind=classification.BALANCED,
        recompute=classification.classification_statistics,
        version="detection/4",
        probability_version="detection-probability/1",
        optional=(classification.TUNED,),
        headline="balanced_accuracy",
        chance=0.5,
        columns=("balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "same_labels", "unscored"),
        labels=_CLASSIFICATION,
        needs=("grader",),
        several_graders=True,
    ),
    "fuzzing": ScoreSpec(
        title="fuzzing",
        question="Can a grader tell marked tokens on which the latent fires from other marked tokens?",
        keys=classification.KEYS,
        by_kind=classification.BALANCED,
        hard_kinds=(*HARD, "mismarked"),
        recompute=classification.classification_statistics,
        version="fuzzing/4",
        probability_version="fuzzing-probability/1",
        optional=(classification.TUNED,),
        headline="balanced_accuracy",
        chance=0.5,
        columns=("balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "same_labels", "unscored"),
        labels=_CLASSIFICATION,
        needs=("grader",),
        several_graders=True,
    ),
    "simulation": ScoreSpec(
        title="simulation",
        question="Can a grader predict how strongly the latent fires on each token?",
        keys=simulation.KEYS,
        by_kind=("correlation",),
        version="simulation/2",
        headline="correlation",
        chance=0.0,
        bounds=(-1.0, 1.0),
        columns=("correlation", "correlation_activating", "correlation_weighted", "constant", "unscored"),
        labels={
            "correlation": "correlation",
            "correlation_activating": "in activating",
            "correlation_weighted": "correlation ¶",
            "constant": "constant",
        },
        needs=("grader",),
    ),
    "embedding": ScoreSpec(
        title="embedding",
        question="Are texts on which the latent fires more similar to the explanation than other texts?",
        keys=ranking.KEYS,
        by_kind=("auroc",),
        recompute=ranking.ranking_statistics,
        version="embedding/1",
        headline="auroc",
        chance=0.5,
        columns=("auroc", "auroc_decile_1", "auroc_decile_10", "unscored"),
        labels={"auroc": "AUROC"},
    ),
    "intruder": ScoreSpec(
        title="intruder",
        question="Can a grader find the text of another latent among five?",
        keys=intruder.KEYS,
        recompute=intruder.intruder_statistics,
        version="intruder/3",
        probability_version="intruder-probability/1",
        headline="accuracy",
        chance=0.2,
        columns=("accuracy", *(f"accuracy_decile_{decile}" for decile in range(1, 11)), "unscored"),
        labels={"accuracy": "accuracy"},
        needs=("grader",),
        explained=False,
    ),
    "discrimination": ScoreSpec(
        title="discrimination",
        question="Can a grader find the explained latent among its nearest neighbours, by their texts?",
        keys=discrimination.KEYS,
        recompute=discrimination.discrimination_statistics,
        version="discrimination/1",
        headline="recall_at_1",
        chance=0.2,
        columns=("recall_at_1", "mrr", "collision", "unscored"),
        labels={"recall_at_1": "recall@1", "mrr": "MRR", "collision": "collisions"},
        needs=("grader",),
        judged=False,
    ),
    "example_embedding": ScoreSpec(
        title="example embedding",
        question="Are texts on which the latent fires more similar to one another than to other texts?",
        keys=example_embedding.KEYS,
        recompute=example_embedding.example_embedding_statistics,
        version="example_embedding/1",
        headline="auroc",
        chance=0.5,
        columns=("auroc", "auroc_decile_1", "auroc_decile_10", "delta_activating", "delta_random", "unscored"),
        labels={"auroc": "AUROC", "delta_activating": "Δ activating", "delta_random": "Δ random"},
        explained=False,
    ),
    "surprisal": ScoreSpec(
        title="surprisal",
        question="Does the explanation make texts on which the latent fires more probable?",
        keys=ranking.KEYS,
        by_kind=("auroc",),
        recompute=ranking.ranking_statistics,
        version="surprisal/2",
        headline="auroc",
        chance=0.5,
        columns=("auroc", "unscored"),
        labels={"auroc": "AUROC"},
        needs=("likelihood",),
    ),
    "intervention": ScoreSpec(
        title="intervention",
        question="Does the explanation become more probable after text that was steered with the latent?",
        keys=intervention.KEYS,
        version="intervention/3",
        headline="effect",
        chance=0.0,
        bounds=(-inf, inf),
        columns=("effect", "effect_per_token", "effect_se", "choice", "rank", "kl", "unscored"),
        labels={"effect": "effect, nats", "effect_per_token": "per token", "choice": "choice", "kl": "KL"},
        needs=("likelihood", "subject"),
    ),
    "output_choice": ScoreSpec(
        title="output choice",
        question="Can a grader tell the text that was steered with the latent from texts that other latents steered?",
        keys=output_choice.KEYS,
        recompute=output_choice.output_choice_statistics,
        version="output_choice/1",
        headline="picked",
        chance=1 / 3,
        columns=("picked", "kl", "kl_foils", "unscored"),
        labels={"picked": "picked", "kl": "KL", "kl_foils": "KL of foils"},
        needs=("grader", "subject"),
    ),
    "generation": ScoreSpec(
        title="generation",
        question="Does the latent fire on texts that were written from the explanation?",
        keys=generation.KEYS,
        recompute=generation.generation_statistics,
        version="generation/2",
        headline="balanced_accuracy",
        chance=0.5,
        columns=(
            *("balanced_accuracy", "balanced_accuracy_median", "auroc"),
            *("tpr", "tnr", "tpr_median", "tnr_median", "unscored"),
        ),
        labels={
            "balanced_accuracy": "balanced accuracy",
            "balanced_accuracy_median": "at the median",
            "auroc": "AUROC",
            "tpr": "TPR",
            "tnr": "TNR",
        },
        needs=("writer", "subject"),
    ),
    "fade": ScoreSpec(
        title="FADE",
        question="Do texts that clearly express the explanation activate the latent more than texts that do not?",
        keys=fade.KEYS,
        recompute=fade.fade_statistics,
        version="fade/1",
        headline="responsiveness_signed",
        chance=0.0,
        bounds=(-1.0, 1.0),
        columns=("responsiveness_signed", "clarity", "responsiveness", "purity", "faithfulness", "unscored"),
        labels={
            "responsiveness_signed": "responsiveness, signed",
            "clarity": "clarity",
            "responsiveness": "responsiveness",
            "purity": "purity",
            "faithfulness": "faithfulness",
            "clarity_signed": "clarity, signed",
            "purity_chance": "purity by chance",
            "faithfulness_held_out": "faithfulness, held out",
        },
        needs=("grader", "writer", "subject"),
        one_answer=False,
    ),
    "reconstruction": ScoreSpec(
        title="reconstruction",
        question="Is a vector made from the explanation nearer to the latent's own vector than to other latents'?",
        keys=reconstruction.KEYS,
        recompute=reconstruction.reconstruction_statistics,
        version="reconstruction/1",
        headline="recall",
        chance=0.1,
        columns=("recall", "percentile", "margin", "cosine", "unscored"),
        labels={"recall": "recall@1 of 10", "percentile": "percentile", "margin": "margin", "cosine": "cosine"},
        needs=("subject",),
    ),
}
"""By name, in the order in which tables and documentation list them."""


def spec_of(name: str) -> ScoreSpec | None:
    """Return the row of a score; None where no installed package has one of that name.

    A row that is not in the table yet may be of another package, whose Inspect entry point is loaded for it.
    """
    if name not in SCORES:
        _load_packages()
    return SCORES.get(name)


@cache
def _load_packages() -> None:
    """Load the Inspect entry points of the installed packages that require this one: they may register scores."""
    for point in entry_points(group="inspect_ai"):
        required = [match(r"[\w.-]+", line) for line in (point.dist.requires if point.dist else None) or ()]
        if "inspect-autointerp" in {name[0].lower().replace("_", "-") for name in required if name}:
            try:
                point.load()
            except Exception as error:  # another package's fault must not hide what does not need it
                getLogger(__name__).warning("%s: cannot be loaded (%r); its scores are unknown", point.value, error)


def chance_of(statistic: str) -> float:
    """Return what guessing gets in a statistic, by the headline that its name begins with; 0 if that is unknown."""
    known = {spec.headline: spec.chance for spec in SCORES.values()}
    return next((chance for headline, chance in known.items() if statistic.startswith(headline)), 0.0)
