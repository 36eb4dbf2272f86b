"""Tools for an agent that explains a latent; any Inspect agent can be given them.

They know which latent they are about from the sample in which they are called. Nothing of the test split is behind
them, see `contexts.explain_split`.
"""

from inspect_autointerp.solvers.tools.activations import activations as activations
from inspect_autointerp.solvers.tools.contexts import contexts as contexts
from inspect_autointerp.solvers.tools.hypotheses import hypotheses as hypotheses
from inspect_autointerp.solvers.tools.neighbours import neighbours as neighbours
from inspect_autointerp.solvers.tools.promoted_tokens import promoted_tokens as promoted_tokens
from inspect_autointerp.solvers.tools.steer import steer as steer

TOOLS = {
    "contexts": contexts,
    "activations": activations,
    "steer": steer,
    "promoted_tokens": promoted_tokens,
    "neighbours": neighbours,
}
"""By name; `hypotheses` belongs to every agent and is not listed."""
