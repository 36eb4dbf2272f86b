"""A check of studies from files: none runs code, or gives `autointerp prep` options beyond what a store is made of."""

import shlex
from collections.abc import Iterator
from dataclasses import fields
from string import Formatter

from inspect_autointerp.errors import UserError
from inspect_autointerp.experiments.definition import Level, Study
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.trust import OPTION, VARIABLE, factory, factory_refusal, trusted

_FACTS = {"subject", "coder", "width", "hookpoint", "layer", "corpus", "tokens"}
"""Placeholders in the options of a store, see `Need`."""
_DEMO_FACTS = {"pandas"}
_OPTIONS = {"coder", "hookpoint", *(field.name for field in fields(Settings))} - {"attention"}


def check_study(study: Study, where: str) -> None:
    """Check a study from a file.

    Args:
        study: What is in it.
        where: The file.

    Raises:
        UserError: It names code, and the user has not allowed that; or the options of a store are not such.
    """
    tasks = {"task": study.task} | {f"{place}.task": level.task for place, level in _levels(study)}
    for place, task in tasks.items():
        if task.get("trust_remote_code") and not trusted():
            raise UserError(
                f"{where}: {place}: trust_remote_code: a file cannot allow code to run; set {VARIABLE}=1 if you know"
                " that code and trust it"
            )
    for place, level in _levels(study):
        demos = {f"{place}.demo": level.demo}
        if level.store:
            _check_facts(level.store.prep, _FACTS, f"{where}: {place}.store.prep")
            demos[f"{place}.store.demo"] = level.store.demo
        for at, demo in demos.items():
            if demo and demo.prep is not None:
                _check_facts(demo.prep, _DEMO_FACTS, f"{where}: {at}.prep")
                _check_options(demo.prep, f"{where}: {at}.prep")


def _levels(study: Study) -> Iterator[tuple[str, Level]]:
    for name, level in study.levels.items():
        yield f"levels.{name}", level
    for name, level in (study.floors or {}).items():
        yield f"floors.{name}", level


def _check_facts(prep: str, known: set[str], where: str) -> None:
    try:
        names = [name for _, name, *_ in Formatter().parse(prep) if name is not None]
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
    for name in names:
        if name not in known:
            raise UserError(f"{where}: {{{name}}}: unknown; give one of {', '.join(sorted(known))}")


def _check_options(prep: str, where: str) -> None:
    """Check what `autointerp prep demo` will be given."""
    try:
        words = shlex.split(prep)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
    for word, after in zip(words, [*words[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option.startswith("-") and (option[:2] != "--" or option[2:].replace("-", "_") not in _OPTIONS):
            raise UserError(f"{where}: {option}: a study's store can set only coders, hookpoints and settings")
        coder = value if equals else after
        if option == "--coder" and factory(coder) and not trusted():
            raise UserError(f"{where}: {factory_refusal(coder).replace(OPTION, f'{VARIABLE}=1')}")
