"""The embedded default: a small language model and three sparse autoencoders, trained by this project.

`README.md` beside this file says how they were trained and what they are worth. They are loaded through the same code
as any Hugging Face model and any SAELens coder. The corpus is the running Python's own standard library, so the demo's
context store differs between versions of Python.
"""

import sys
from pathlib import Path

from inspect_autointerp import __version__
from inspect_autointerp.builtin.build_store import make_once, makings, run_module
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import cache_folder

NAME = "inspect_autointerp/demo"
"""Name of the subject in manifests."""
SUBJECT = Path(__file__).parent / "subject"
TOKENS = 500_000
"""Tokens of the standard library in the demo's store."""


def coders() -> list[Path]:
    """The folders of the three SAEs, each named after its hookpoint."""
    return sorted((Path(__file__).parent / "coders").iterdir())


def located(name: str) -> str:
    """The folder that a manifest means by a name of the demo's subject or coders; another name as it is."""
    folders = {NAME: SUBJECT} | {f"{NAME}/{path.name}": path for path in coders()}
    return str(folders.get(name, name))


def store_folder() -> Path:
    """Return the folder of the demo's context store, in the user's cache; its name changes with what it is made from.

    Those are the version of Python, whose library is the corpus, the weights, and the code of prep. The variable
    `INSPECT_AUTOINTERP_CACHE` moves the cache.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return cache_folder() / f"demo-{__version__}-python{python}-{makings(Path(__file__).parent, TOKENS)}"


def ensure_store() -> Path:
    """Make the demo's context store if it is not there yet, in a process of its own, and return its folder.

    Raises:
        UserError: It could not be made; the packages of the `prep` extra may be missing.
    """
    folder = store_folder()
    arguments = ["prep", "demo", "-o", str(folder), "--tokens", str(TOKENS), "--resume"]
    make_once(folder, "inspect_autointerp.cli", arguments, "the demo's")
    if not Manifest.read(folder).negatives:
        run_module("inspect_autointerp.cli", ["negatives", str(folder)], "the demo's")
    return folder
