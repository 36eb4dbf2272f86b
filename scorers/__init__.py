"""What grades an explanation."""

from inspect_autointerp.scorers.detection.scorer import detection as detection
from inspect_autointerp.scorers.embedding.scorer import embedding as embedding
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing as fuzzing
from inspect_autointerp.scorers.generation.scorer import generation as generation
from inspect_autointerp.scorers.intervention.scorer import intervention as intervention
from inspect_autointerp.scorers.intruder.scorer import intruder as intruder
from inspect_autointerp.scorers.shared.metrics import estimate as estimate
from inspect_autointerp.scorers.simulation.scorer import simulation as simulation
from inspect_autointerp.scorers.surprisal.scorer import surprisal as surprisal
