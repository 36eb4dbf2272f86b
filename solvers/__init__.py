"""What produces an explanation."""

from inspect_autointerp.solvers.best_of import best_of as best_of
from inspect_autointerp.solvers.controls import constant as constant
from inspect_autointerp.solvers.controls import empty as empty
from inspect_autointerp.solvers.controls import shuffled as shuffled
from inspect_autointerp.solvers.explain import explain as explain
from inspect_autointerp.solvers.refine import refine as refine
from inspect_autointerp.solvers.single_token import single_token as single_token
from inspect_autointerp.solvers.supply import human as human
from inspect_autointerp.solvers.supply import supply as supply
from inspect_autointerp.solvers.unexplained import unexplained as unexplained
