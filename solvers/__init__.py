"""What produces an explanation."""

from inspect_autointerp.solvers.controls import empty as empty
from inspect_autointerp.solvers.controls import shuffled as shuffled
from inspect_autointerp.solvers.explain import explain as explain
from inspect_autointerp.solvers.unexplained import unexplained as unexplained
