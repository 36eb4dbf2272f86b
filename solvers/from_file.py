"""Explanations that were written elsewhere: from a file in any format that `exchange` reads, or from a log."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from inspect_ai.model import ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver
from rich.console import Console

from inspect_autointerp.builtin.locate import located
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.formats.read import read_explanations
from inspect_autointerp.formats.records import Supplied
from inspect_autointerp.inspect_support.dataset import FOILS, N_FOILS, store_of
from inspect_autointerp.inspect_support.explanation import Explanation, distinct_texts
from inspect_autointerp.solvers.costs import COST
from inspect_autointerp.solvers.trained_on import read_trained_on
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.plural import plural

_states: dict[Path, tuple[int, int, int]] = {}
"""Time of change, size and inode of the files that were read."""
NOT_IN_FILE = "not_in_file"
"""Why a latent that the file does not name is unscored."""
_LISTED = 20
"""Latents without a usable explanation that are named on the terminal."""


@solver
def supply(
    file: str,
    format: str | None = None,
    by: str | None = None,
    key: str | None = None,
    repeated: str | None = None,
    trained_on: str | list[str] | None = None,
) -> Solver:
    """Explain latents by what a file says of them. No model is asked.

    A latent that the file does not name, or of which it has nothing that can be used, is unscored, with the reason.

    Args:
        file: A file, folder or URL: JSON lines, CSV, Parquet, Neuronpedia's, Delphi's, SAEBench's, EleutherAI's,
            SAGE's, PRISM's, or an Inspect log of this project.
        format: Which of these it is, where its content does not say.
        by: Whose, where it has several explanations of a latent: an explainer, a method or an author by its name there.
        key: What it calls the hookpoint, where that is another name.
        repeated: Which to take where there still are several: `first`, `last` or `newest`. By default such a file is
            refused.
        trained_on: Scores that their writer was trained on; the leaderboard does not rank it by these.
    """
    return _from_file("supply", trained_on, file, format, by, key, repeated)


@solver
def human(
    file: str,
    format: str | None = None,
    by: str | None = None,
    key: str | None = None,
    repeated: str | None = None,
    trained_on: str | list[str] | None = None,
) -> Solver:
    """Explain latents by what people wrote: as `supply`, under its own name in logs and leaderboards.

    Args:
        file: As for `supply`, and so the rest.
        format: Which format it is.
        by: Whose.
        key: What it calls the hookpoint.
        repeated: Which of several.
        trained_on: Scores that the people were trained on.
    """
    return _from_file("human", trained_on, file, format, by, key, repeated)


def _from_file(source: str, trained_on: str | Sequence[str] | None, file: str, *options: str | None) -> Solver:
    forget_changed(file)
    with one_line_errors():
        scores = read_trained_on(trained_on)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        id = str(state.sample_id)
        with one_line_errors():
            explanations = supplied(store_of(state), id.rpartition("/")[0], file, *options)
        put_supplied(state, explanations, id, source, scores)
        return state

    return solve


def put_supplied(
    state: TaskState, explanations: Supplied, latent_id: str, source: str, trained_on: Sequence[str] = ()
) -> None:
    """Leave what a file says of a latent, which may be another than the sample's, for the scorer and the log."""
    index = int(latent_id.rpartition("/")[2])
    text = explanations.texts.get(index)
    reason = None
    if text is None:
        reason = next((problem.reason for problem in explanations.problems if problem.latent == index), NOT_IN_FILE)
    state.output = ModelOutput.from_content("none", text.text if text else "")
    if text and text.cost:
        state.metadata[COST] = dict(text.cost)
    if n := state.metadata.get(N_FOILS):
        state.metadata[FOILS] = _others(explanations, str(state.sample_id), text.text if text else "", n, state)
    Explanation(
        text=text and text.text,
        source=f"{source}/{text.method}" if text and text.method else source,
        latent=text.written_for or latent_id if text else latent_id,
        reason=reason,
        store=text and text.store,
        model=text and text.explainer,
        concepts=text.concepts if text else (),
        trained_on=_merged(trained_on, text and text.trained_on),
        file=explanations.sha256,
    ).put(state)


def _others(explanations: Supplied, latent_id: str, chosen: str, n: int, state: TaskState) -> dict[str, str]:
    """Return what a file says of n other latents, no two alike, by the ids of the latents; fewer if it has no more."""
    hookpoint, _, own = latent_id.rpartition("/")
    indices = sorted(index for index in explanations.texts if index != int(own))
    order = rng_of(state.metadata.get("seed", 0), latent_id, FOILS).permutation(indices).tolist()
    candidates = ((f"{hookpoint}/{index}", explanations.texts[index].text) for index in order)
    return distinct_texts(candidates, chosen, n)


def _merged(given: Sequence[str], in_file: str | None) -> list[str]:
    """Return the scores that the user and the file name, each once."""
    names = [*given, *(in_file.split(",") if in_file else ())]
    return list(dict.fromkeys(name.strip() for name in names))


def supplied(
    store: Store,
    hookpoint: str,
    file: str,
    format: str | None = None,
    by: str | None = None,
    key: str | None = None,
    repeated: str | None = None,
) -> Supplied:
    """Return what a file has of a hookpoint's latents; read once, and what cannot be used is listed then.

    A running evaluation keeps what it has read. Where a task is made, `forget_changed` has a changed file read anew.

    Raises:
        UserError: It cannot be read, or is refused; see `read_explanations`.
    """
    path = file if is_url(file) else str(located(file))
    return _read(path, hookpoint, store.at(hookpoint).width, format, by, key, repeated)


def forget_changed(file: str) -> None:
    """Forget what was read of files if this one was changed since, as in a notebook between two evaluations.

    Of a folder, only files that were added or removed are noticed, and of a URL nothing.
    """
    path = located(file)
    if is_url(file) or not path.exists():
        return
    stat = path.stat()
    state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    if _states.get(path, state) != state:
        _read.cache_clear()
    _states[path] = state


@lru_cache(maxsize=8)
def _read(
    path: str,
    hookpoint: str,
    width: int,
    format: str | None,
    by: str | None,
    key: str | None,
    repeated: str | None,
) -> Supplied:
    explanations = read_explanations(
        path, hookpoint=hookpoint, width=width, format=format, by=by, key=key, repeated=repeated
    )
    lines = [
        f"{problem.place}: latent {problem.latent}: {problem.reason}" for problem in explanations.problems[:_LISTED]
    ]
    if len(explanations.problems) > _LISTED:
        lines.append(f"… and {len(explanations.problems) - _LISTED} more latents without a usable explanation")
    passed = f", {plural(explanations.passed_over, 'row')} passed over" if explanations.passed_over else ""
    lines.append(
        f"{path} ({explanations.format}): explanations of {plural(len(explanations.texts), 'latent')}"
        f" of {hookpoint}{passed}"
    )
    console = Console(emoji=False, stderr=True)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return explanations
