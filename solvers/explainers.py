"""The solvers by the names that `-T explainer=…` takes, and how that is read."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from inspect_ai.solver import Solver

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.argument_types import check_arguments
from inspect_autointerp.latent import split_hookpoints
from inspect_autointerp.solvers.agent import agent
from inspect_autointerp.solvers.baselines import constant, empty, shuffled, verbose
from inspect_autointerp.solvers.best_of import best_of
from inspect_autointerp.solvers.clusters import clusters
from inspect_autointerp.solvers.explain import explain
from inspect_autointerp.solvers.from_file import forget_changed, human, supplied, supply
from inspect_autointerp.solvers.refine import refine
from inspect_autointerp.solvers.single_token import single_token
from inspect_autointerp.solvers.verbalizer import verbalizer
from inspect_autointerp.store.store import Store

EXPLAINERS: dict[str, Callable[..., Solver]] = {
    solver.__name__: solver
    for solver in (
        *(explain, refine, best_of, agent, single_token, clusters, verbalizer),
        *(supply, human, shuffled, constant, verbose, empty),
    )
}
"""By name."""
_FROM_FILE = ("supply", "human", "shuffled")
_OF_FILES = ("file", "format", "by", "key", "repeated")
"""Their options that say what is read."""

Explainer = str | dict[str, Any]
"""A name, or a mapping: the name as `name`, and options of that solver."""


def explainer(
    wanted: str | Mapping[str, Any], explanations: str | None, seed: int, store: Store, hookpoint: str
) -> Solver:
    """Read `-T explainer=…` and `-T explanations=…`.

    Args:
        wanted: A name, or a mapping `{name: refine, rounds: 2}`.
        explanations: A file that the explanations are from: what `supply` is given, or `human` or `shuffled` where
            one of these is asked for.
        seed: Of the draw of contexts, unless the mapping has one.
        store: The store; a file is read at once, so that errors in it are reported before anything is paid for.
        hookpoint: Of the latents; several as `join_hookpoints` writes them.

    Raises:
        UserError: There is no such solver or option, or the file cannot be read.
    """
    name_of(wanted)
    given: dict[str, Any] = (
        {"name": wanted} if isinstance(wanted, str) else {str(key): value for key, value in wanted.items()}
    )
    name = str(given.pop("name", "explain"))
    if name not in EXPLAINERS:
        raise UserError(f"explainer={name}: unknown explainer; give one of {', '.join(EXPLAINERS)}")
    if explanations is not None:
        if name == "explain" and not given:
            name = "supply"
        if name not in _FROM_FILE:
            raise UserError(
                f"explanations={explanations} already provides explanations; it cannot be combined"
                f" with explainer={name}"
            )
        given["file"] = explanations
    solver = EXPLAINERS[name]
    parameters = signature(solver).parameters
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    if not takes_any and (unknown := sorted(given.keys() - parameters.keys())):
        known = ", ".join(parameters) or "none"
        raise UserError(f"explainer={name}: unknown option {unknown[0]!r}; it takes {known}")
    check_arguments(solver, given)
    if name in ("supply", "human") and not given.get("file"):
        raise UserError(f"explainer={name}: give its file, for instance -T explanations=labels.jsonl")
    if "seed" in parameters or takes_any:
        given.setdefault("seed", seed)
    if name in _FROM_FILE and given.get("file"):
        forget_changed(given["file"])
        for place in split_hookpoints(hookpoint):
            supplied(store, place, **{key: given[key] for key in _OF_FILES if key in given})
    return solver(**given)


def name_of(wanted: str | Mapping[str, Any]) -> str:
    """The solver's name in `-T explainer=…`.

    Raises:
        UserError: It is neither a name nor a mapping.
    """
    if not isinstance(wanted, str | Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UserError(f"explainer={wanted}: give a name, or a mapping such as '{{name: refine, rounds: 2}}'")
    return wanted if isinstance(wanted, str) else str(wanted.get("name", "explain"))
