"""One Inspect task per score, and `multi_score` for several at once."""

from inspect_autointerp.tasks.detection import detection as detection
from inspect_autointerp.tasks.discrimination import discrimination as discrimination
from inspect_autointerp.tasks.embedding import embedding as embedding
from inspect_autointerp.tasks.example_embedding import example_embedding as example_embedding
from inspect_autointerp.tasks.fade import fade as fade
from inspect_autointerp.tasks.fuzzing import fuzzing as fuzzing
from inspect_autointerp.tasks.generation import generation as generation
from inspect_autointerp.tasks.intervention import intervention as intervention
from inspect_autointerp.tasks.intruder import intruder as intruder
from inspect_autointerp.tasks.multi_score import multi_score as multi_score
from inspect_autointerp.tasks.output_choice import output_choice as output_choice
from inspect_autointerp.tasks.reconstruction import reconstruction as reconstruction
from inspect_autointerp.tasks.simulation import simulation as simulation
from inspect_autointerp.tasks.surprisal import surprisal as surprisal
