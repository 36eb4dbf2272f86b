"""The store of each level: the one given, that of `--level-store`, or one of the demo's, made on first use."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from inspect_autointerp.builtin import demo
from inspect_autointerp.builtin.build_store import make_once
from inspect_autointerp.builtin.locate import BUILT_IN, DEMO, locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.experiments.definition import Demo, Level
from inspect_autointerp.latent import place_of
from inspect_autointerp.store.store import Store

HOOKPOINT = "layers.2"
"""Default hookpoint of the demo."""


@dataclass(frozen=True)
class Place:
    """Location of a level's contexts."""

    store: str
    hookpoint: str
    stand_in: str | None = None
    """The level's replacement in the demo, empty if there is none; None for contexts that were given."""
    coder: str = ""
    """Coder at the hookpoint, as the store's manifest names it; empty where nobody asks."""
    corpus: str = ""


@dataclass(frozen=True)
class Given:
    """Stores that the command line names."""

    store: str | None = None
    """None for the demo's."""
    hookpoint: str | None = None
    stores: Mapping[str, str] | None = None
    """By level, `DIR` or `DIR@HOOKPOINT`."""

    def place(self, name: str, level: Level) -> Place | str:
        """Return where a level's contexts are, or how to make them.

        Raises:
            UserError: A store that was given is not there, or the demo's cannot be made.
        """
        stores = self.stores or {}
        short = name.removeprefix(f"{level.of}, ") if level.floor else name
        if wanted := stores.get(name, stores.get(short)):
            return _named(wanted)
        if self.store is None:
            return self._of_demo(level)
        opened = _opened(self.store)
        window = level.task.get("window", 0)
        if level.store is None or 0 < window <= opened.settings.window:
            return _place(opened, self.hookpoint)
        return self._command(short, level.store.prep, opened)

    def hookpoints(self) -> dict[str, Place]:
        """Each hookpoint of the contexts; of `--level-store` where there are some, by level."""
        if self.stores:
            return {name: _named(wanted) for name, wanted in self.stores.items()}
        store = _opened(self.store or DEMO)
        stand_in = "" if self.store is None else None
        return {name: _place(store, name, stand_in) for name in store.hookpoints}

    def _of_demo(self, level: Level) -> Place | str:
        held = level.store.demo if level.store else level.demo or Demo.model_validate({"as": ""})
        if held is None:
            return "the demo has no such thing"
        folder = Path(demo.ensure_store()) if held.prep is None else _made(held.prep)
        hookpoint = held.hookpoint or (self.hookpoint or HOOKPOINT if held.prep is None else None)
        return _place(_opened(str(folder)), hookpoint, held.as_)

    def _command(self, name: str, prep: str, store: Store) -> str:
        at, settings = store.at(self.hookpoint), store.settings
        entry, hookpoint = at.entry, place_of(at.name)
        facts = {
            "subject": store.manifest.subject,
            "coder": entry.coder,
            "width": entry.width,
            "hookpoint": hookpoint,
            "layer": (re.match(r"[\w.]*?\d+", hookpoint) or [hookpoint])[0],
            "corpus": settings.corpus,
            "tokens": settings.tokens,
        }
        # What a manifest says is quoted: the command is there to be copied into a shell.
        quoted = {name: shlex.quote(str(fact)) for name, fact in facts.items()}
        return f"autointerp prep {prep.format(**quoted)} -o DIR, then --level-store {shlex.quote(f'{name}=DIR')}"


def read_stores(given: list[str]) -> dict[str, str]:
    """`--level-store LEVEL=DIR` or `LEVEL=DIR@HOOKPOINT`, by level.

    Raises:
        UserError: One is not of that form.
    """
    stores: dict[str, str] = {}
    for argument in given:
        name, _, folder = argument.partition("=")
        if not (name and folder):
            raise UserError(f"--level-store {argument}: give LEVEL=DIR, or LEVEL=DIR@HOOKPOINT")
        stores[name] = folder
    return stores


def _named(wanted: str) -> Place:
    """Return the place that `DIR` or `DIR@HOOKPOINT` names; folders, URLs and hookpoints may have an @ in them."""
    parts = wanted.split("@")
    ways = [("@".join(parts[:n]), "@".join(parts[n:])) for n in range(len(parts), 0, -1)]
    there = [way for way in ways if way[0] in BUILT_IN or Path(way[0]).is_dir()]
    others = [way for way in ways if "/" not in way[1]]
    folder, hookpoint = there[0] if there else others[-1]
    return _place(_opened(folder), hookpoint or None)


def _place(store: Store, hookpoint: str | None, stand_in: str | None = None) -> Place:
    at = store.at(hookpoint)
    return Place(str(store.folder), at.name, stand_in, at.entry.coder, store.settings.corpus)


def _opened(contexts: str | None) -> Store:
    return Store.open(locate(contexts))


def _made(prep: str) -> Path:
    """A store of the demo's subject beside the demo's own, made on first use."""
    spec = find_spec("pandas")  # a corpus that is there wherever this project is
    arguments = shlex.split(prep.format(pandas=Path(spec.origin).parent if spec and spec.origin else ""))
    name = sha256("\0".join([str(demo.TOKENS), *arguments]).encode()).hexdigest()[:8]
    own = demo.store_folder()
    folder = own.with_name(f"{own.name}-{name}")
    command = ["prep", "demo", *arguments, "-o", str(folder), "--tokens", str(demo.TOKENS), "--resume"]
    return make_once(folder, "inspect_autointerp.cli", command, "the demo's")
