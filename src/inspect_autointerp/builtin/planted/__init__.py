"""Planted latents: known predicates over a generated text, so that what a score measures can be checked.

`-T store=planted` evaluates on them. Each has its true explanation and a too-broad, a too-narrow and a wrong one
(`latents.LATENTS`); the model `inspect_autointerp/oracle` knows them all, as explainer and as grader.
`python -m inspect_autointerp.builtin.planted`
prints which statistic tells which of them apart. The store is the same on every
machine and under every version of Python.
"""

from pathlib import Path

from inspect_autointerp import __version__
from inspect_autointerp.builtin.build_store import make_once, makings
from inspect_autointerp.store.remote import cache_folder

CONTEXTS = "planted"
"""Name of the store for `-T store=`; a folder of that name is `./planted`."""
NAME = "inspect_autointerp/planted"
"""Name of the subject, the coder and the corpus in manifests."""
HOOKPOINT = "planted"
TOKENS = 640_000


def store_folder() -> Path:
    """Return the folder of the store, in the user's cache; see `demo.store_folder`."""
    return cache_folder() / f"planted-{__version__}-{makings(Path(__file__).parent, TOKENS)}"


def ensure_store() -> Path:
    """Make the store if it is not there yet, in a process of its own, and return its folder.

    Raises:
        UserError: It could not be made; the packages of the `prep` extra may be missing.
    """
    folder = store_folder()
    return make_once(folder, f"{__name__}.make", [str(folder)], "the planted")
