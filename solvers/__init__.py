"""Solvers that produce an explanation."""

from inspect_autointerp.solvers.agent import agent as agent
from inspect_autointerp.solvers.baselines import constant as constant
from inspect_autointerp.solvers.baselines import empty as empty
from inspect_autointerp.solvers.baselines import shuffled as shuffled
from inspect_autointerp.solvers.baselines import verbose as verbose
from inspect_autointerp.solvers.best_of import best_of as best_of
from inspect_autointerp.solvers.clusters import clusters as clusters
from inspect_autointerp.solvers.explain import explain as explain
from inspect_autointerp.solvers.from_file import human as human
from inspect_autointerp.solvers.from_file import supply as supply
from inspect_autointerp.solvers.no_explanation import unexplained as unexplained
from inspect_autointerp.solvers.refine import refine as refine
from inspect_autointerp.solvers.single_token import single_token as single_token
from inspect_autointerp.solvers.tools import TOOLS as TOOLS
from inspect_autointerp.solvers.verbalizer import verbalizer as verbalizer
