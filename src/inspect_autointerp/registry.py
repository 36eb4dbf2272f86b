"""What Inspect finds under the prefix `inspect_autointerp/`; it loads this module, which imports no torch."""

from inspect_autointerp.builtin.provider import models as models
from inspect_autointerp.scorers import detection as detection_scorer  # noqa: F401
from inspect_autointerp.scorers import embedding as embedding_scorer  # noqa: F401
from inspect_autointerp.scorers import estimate as estimate
from inspect_autointerp.scorers import fuzzing as fuzzing_scorer  # noqa: F401
from inspect_autointerp.scorers import generation as generation_scorer  # noqa: F401
from inspect_autointerp.scorers import intervention as intervention_scorer  # noqa: F401
from inspect_autointerp.scorers import intruder as intruder_scorer  # noqa: F401
from inspect_autointerp.scorers import simulation as simulation_scorer  # noqa: F401
from inspect_autointerp.scorers import surprisal as surprisal_scorer  # noqa: F401
from inspect_autointerp.solvers import best_of as best_of
from inspect_autointerp.solvers import constant as constant
from inspect_autointerp.solvers import empty as empty
from inspect_autointerp.solvers import explain as explain
from inspect_autointerp.solvers import human as human
from inspect_autointerp.solvers import refine as refine
from inspect_autointerp.solvers import shuffled as shuffled
from inspect_autointerp.solvers import single_token as single_token
from inspect_autointerp.solvers import supply as supply
from inspect_autointerp.solvers import unexplained as unexplained
from inspect_autointerp.tasks import detection as detection
from inspect_autointerp.tasks import embedding as embedding
from inspect_autointerp.tasks import fuzzing as fuzzing
from inspect_autointerp.tasks import generation as generation
from inspect_autointerp.tasks import intervention as intervention
from inspect_autointerp.tasks import intruder as intruder
from inspect_autointerp.tasks import multi_score as multi_score
from inspect_autointerp.tasks import simulation as simulation
from inspect_autointerp.tasks import surprisal as surprisal
