"""`--suite NAME`: the options of `autointerp prep` from a suite's definition."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import typer

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.agreement import agreement
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store
from inspect_autointerp.suites.load import read_suite
from inspect_autointerp.suites.store_location import check_store, suite_folder, unpublished
from inspect_autointerp.suites.suite import Suite


def suite_defaults(context: typer.Context, name: str | None) -> str | None:
    """Make what a suite says of its store the defaults of the command's options.

    Args:
        context: The command's.
        name: The suite's, or the path of its file.

    Raises:
        UserError: There is no such suite, or `--config` is given, too.
    """
    if name is None or context.resilient_parsing:
        return name
    if context.default_map is not None:
        raise UserError("--suite and --config both define the store; give one of them")
    suite = read_suite(name)
    context.default_map = {**_fixed(suite), "output": str(suite_folder(suite))}
    return name


def check_options(context: typer.Context, name: str) -> None:
    """Refuse what the command line gives that is not the suite's; how and where to run is the user's own business.

    Raises:
        UserError: An option contradicts the suite.
    """
    suite = read_suite(name)
    for option, wanted in _fixed(suite).items():
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE" and context.params[option] != wanted:
            raise UserError(
                f"--{option.replace('_', '-')}: suite {suite.name} fixes this option to {wanted}; leave it out"
            )


def existing(name: str, folder: Path) -> str | None:
    """Return what to say if a suite's store is there already; None if it is not.

    Raises:
        UserError: There is another one.
    """
    if not folder.is_dir():
        return None
    manifest = Manifest.read(folder)
    return f"{folder}: it is there already. {checked(name, manifest, folder)}"


def checked(name: str, manifest: Manifest, folder: str | Path) -> str:
    """Return how a suite's store compares with the suite, in words.

    Raises:
        UserError: It is not the suite's.
    """
    suite = read_suite(name)
    if suite.frozen:
        return _agreement(suite, folder)
    check_store(suite, manifest, Path(folder))
    unknown = unpublished(suite, manifest)
    if unknown:
        return f"Its digest is {manifest.digest}; {unknown}."
    return f"Its digest {manifest.digest} is {'that' if suite.one_store else 'one'} of suite {suite.name}."


def _agreement(suite: Suite, folder: str | Path) -> str:
    """Return how far a store that was prepared as a frozen one was agrees with it, in words.

    Raises:
        UserError: One of them cannot be opened, or they are not of one text.
    """
    published = Store(locate(suite.frozen))
    check_store(suite, published.manifest, published.folder)
    parts = [
        f"{one.hookpoint}: {one.same_windows:.3%} of {one.windows:,} windows and {one.same_activations:.3%} of"
        f" {one.activations:,} activations the same, largest difference {one.largest_difference:.3g}"
        for one in agreement(published, Store(locate(str(folder))))
    ]
    return f"Agreement with the frozen store of suite {suite.name}, {suite.digest}: {'; '.join(parts)}."


def _fixed(suite: Suite) -> dict[str, Any]:
    """All options of prep that decide what a store holds."""
    store = suite.store
    if store is None:
        raise UserError(
            f"suite {suite.name}: its store is frozen and comes without the options that made it, so there is nothing"
            f" to prepare; `-T suite={suite.name}` evaluates on it"
        )
    given = {"subject": store.subject, "revision": store.revision, "coder": store.coder, "hookpoint": store.hookpoint}
    given["bos"] = None  # as its coders were trained
    settings = asdict(store.complete())
    return given | {field.name: settings[field.name] for field in fields(Settings)}
