"""Options of an evaluation that a suite fixes, and the check that the user's own do not contradict them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from inspect_ai.model import GenerateConfig, Model, get_model
from rich.console import Console

from inspect_autointerp.builtin import demo
from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.load import read_suite
from inspect_autointerp.suites.sample_latents import Drawn, drawn_latents
from inspect_autointerp.suites.store_location import check_store, is_demo, suite_folder, unpublished
from inspect_autointerp.suites.suite import Suite
from inspect_autointerp.text.json_values import is_sequence

_OPEN = ("store", "grader", "latents")
"""Options that are no fields of `suite.Evaluation` of the same meaning."""


@dataclass(frozen=True)
class Fixed:
    """A suite, opened."""

    suite: Suite
    folder: str
    """Folder of its store."""
    digest: str | None
    """The store's; None if the suite does not publish it."""
    drawn: Drawn
    entry: bool
    """True if the evaluation can be an entry of the suite: the suite's own grader grades."""

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of `tasks.multi_score`, all that the suite fixes."""
        options = _options(self.suite)
        return options | {"store": self.folder, "latents": self.drawn.latents}

    @property
    def grader(self) -> str | Model | None:
        """The suite's grader, None where another was given."""
        evaluation = self.suite.evaluation
        if not self.entry:
            return None
        if not evaluation.grader_options:
            return evaluation.grader
        return get_model(evaluation.grader, config=GenerateConfig(**evaluation.grader_options))  # pyright: ignore[reportArgumentType]

    @property
    def metadata(self) -> dict[str, Any]:
        """Return what the log says of it."""
        suite = self.suite
        return {
            "name": suite.name,
            "version": suite.version,
            "sha256": suite.definition,
            "label": suite.label,
            "one_store": suite.one_store,
            "digest": self.digest,
            "scores": suite.evaluation.scores,
            "grader": suite.grader_name,
            "latents": len(self.drawn.latents),
            "entry": self.entry,
        }


def fixed(name: str, given: Mapping[str, Any], grader: str | None) -> Fixed:
    """Open a suite and its store.

    Args:
        name: A name, or a path; see `read_suite`.
        given: Arguments of `tasks.multi_score`; None where they were not given.
        grader: The name of the model that is bound to the role `grader`, with what is set of its sampling; None if
            none is.

    Raises:
        UserError: There is no such suite; an option contradicts it; the store is not there, or not the suite's.
    """
    suite = read_suite(name)
    _check_options(suite, given)
    folder = _store_folder(suite, given.get("store"))
    store = Store.open(folder, suite.evaluation.window)
    check_store(suite, store.manifest, store.folder)
    unknown = unpublished(suite, store.manifest)
    if unknown:
        _say(unknown)
    entry = grader in (None, suite.grader_name)
    if not entry:
        _say(f"Graded by {grader} and not by {suite.grader_name}: no entry of suite {suite.name}")
    digest = None if unknown else store.manifest.digest
    return Fixed(suite, folder, digest, drawn_latents(store, suite.evaluation), entry)


def _options(suite: Suite) -> dict[str, Any]:
    options = asdict(suite.evaluation)  # pyright: ignore[reportArgumentType]
    return {name: value for name, value in options.items() if name not in ("grader", "grader_options", "latents")}


def _check_options(suite: Suite, given: Mapping[str, Any]) -> None:
    if given.get("latents") is not None:
        raise UserError(
            f"latents={given['latents']}: suite {suite.name} draws its own latents; leave out one of the two"
        )
    if given.get("grader") not in (None, suite.evaluation.grader):
        raise UserError(
            f"grader={given['grader']}: the grader of suite {suite.name} is {suite.evaluation.grader};"
            " --model-role grader=… grades with another, outside of the suite"
        )
    options = _options(suite)
    if extra := [name for name in ("stop", "stop_mean", "concepts") if given.get(name) is not None]:
        raise UserError(
            f"{extra[0]}={_plain(given[extra[0]])}: suite {suite.name} fixes what is graded; leave out one of the two"
        )
    for name, value in given.items():
        if name not in options and name not in _OPEN:
            continue
        if name not in _OPEN and value is not None and _plain(value) != _plain(options[name]):
            raise UserError(
                f"{name}={_plain(value)}: suite {suite.name} fixes {name}={_plain(options[name])}; leave out one of"
                " the two"
            )


def _plain(value: object) -> str:
    parts = value.split(",") if isinstance(value, str) else value if is_sequence(value) else [value]
    return ",".join(str(part).strip() for part in parts)


def _store_folder(suite: Suite, store: str | None) -> str:
    if store is not None:
        return locate(store)
    if suite.frozen:
        return locate(suite.frozen)
    if is_demo(suite):
        return str(demo.ensure_store())
    folder = suite_folder(suite)
    if not folder.exists():
        raise UserError(
            f"suite {suite.name}: its store is not on this machine; run `autointerp prep --suite {suite.name}`, or"
            " give -T store=…"
        )
    return str(folder)


def _say(what: str) -> None:
    Console(emoji=False, stderr=True).print(what, markup=False, highlight=False, soft_wrap=True)
