"""What grades an explanation."""

from inspect_autointerp.scorers.detection import detection as detection
from inspect_autointerp.scorers.embedding import embedding as embedding
from inspect_autointerp.scorers.fuzzing import fuzzing as fuzzing
from inspect_autointerp.scorers.generation import generation as generation
from inspect_autointerp.scorers.intervention import intervention as intervention
from inspect_autointerp.scorers.intruder import intruder as intruder
from inspect_autointerp.scorers.metrics import estimate as estimate
from inspect_autointerp.scorers.simulation import simulation as simulation
from inspect_autointerp.scorers.surprisal import surprisal as surprisal
