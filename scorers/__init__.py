"""Scorers: each grades an explanation in its own way, and has its folder, its task, and its row in `SCORES`."""

from collections.abc import Callable

from inspect_ai.scorer import Scorer

from inspect_autointerp.scorers.detection.scorer import detection as detection
from inspect_autointerp.scorers.discrimination.scorer import discrimination as discrimination
from inspect_autointerp.scorers.embedding.scorer import embedding as embedding
from inspect_autointerp.scorers.example_embedding.scorer import example_embedding as example_embedding
from inspect_autointerp.scorers.fade.scorer import fade as fade
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing as fuzzing
from inspect_autointerp.scorers.generation.scorer import generation as generation
from inspect_autointerp.scorers.intervention.scorer import intervention as intervention
from inspect_autointerp.scorers.intruder.scorer import intruder as intruder
from inspect_autointerp.scorers.output_choice.scorer import output_choice as output_choice
from inspect_autointerp.scorers.reconstruction.scorer import reconstruction as reconstruction
from inspect_autointerp.scorers.shared.metrics import estimate as estimate
from inspect_autointerp.scorers.shared.specs import SCORES, ScoreSpec
from inspect_autointerp.scorers.simulation.scorer import simulation as simulation
from inspect_autointerp.scorers.surprisal.scorer import surprisal as surprisal

SCORERS: dict[str, Callable[..., Scorer]] = {
    "detection": detection,
    "fuzzing": fuzzing,
    "simulation": simulation,
    "embedding": embedding,
    "intruder": intruder,
    "discrimination": discrimination,
    "example_embedding": example_embedding,
    "surprisal": surprisal,
    "intervention": intervention,
    "output_choice": output_choice,
    "generation": generation,
    "fade": fade,
    "reconstruction": reconstruction,
}
"""By the name of the score."""


def register_score(name: str, spec: ScoreSpec, scorer: Callable[..., Scorer]) -> None:
    """Add a score that another package defines; see docs/add-a-score.md.

    Args:
        name: Its name, as `-T scores=…` takes it, and as the scorer is called.
        spec: Its row.
        scorer: Its scorer, decorated with Inspect's `@scorer`.

    Raises:
        ValueError: There is another score of that name, or the scorer or the version has another name.
    """
    if SCORES.get(name, spec) != spec:
        raise ValueError(f"score {name}: another score has this name already")
    if scorer.__name__ != name:
        raise ValueError(f"score {name}: its scorer must have the same name, got {scorer.__name__}")
    if spec.version.partition("/")[0] != name:
        raise ValueError(f"score {name}: its version must be {name}/NUMBER, got {spec.version}")
    SCORES[name], SCORERS[name] = spec, scorer
