"""inspect-autointerp: how good is a natural-language explanation of a latent, and who writes the best ones?

The names in `__all__` are the public Python API. Each is imported when it is first used, so importing the package
costs next to nothing. The tasks are in `inspect_autointerp.tasks`; the command line is `autointerp --help`.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect_autointerp.builtin.locate import open_store as open_store
    from inspect_autointerp.contexts.sampler import LatentContexts as LatentContexts
    from inspect_autointerp.contexts.sampler import latent_contexts as latent_contexts
    from inspect_autointerp.latent import Context as Context
    from inspect_autointerp.latent import Latent as Latent
    from inspect_autointerp.leaderboard.analyse.differences import differences as differences
    from inspect_autointerp.leaderboard.analyse.statistics import summary as summary
    from inspect_autointerp.leaderboard.load.results_from_logs import read_results as results
    from inspect_autointerp.leaderboard.load.verdict_frame import verdict_frame as verdicts
    from inspect_autointerp.leaderboard.results import Results as Results
    from inspect_autointerp.store.store import Store as Store

__version__ = "0.1.0"

_PUBLIC = {
    "Context": ("inspect_autointerp.latent", "Context"),
    "Latent": ("inspect_autointerp.latent", "Latent"),
    "LatentContexts": ("inspect_autointerp.contexts.sampler", "LatentContexts"),
    "Results": ("inspect_autointerp.leaderboard.results", "Results"),
    "Store": ("inspect_autointerp.store.store", "Store"),
    "differences": ("inspect_autointerp.leaderboard.analyse.differences", "differences"),
    "latent_contexts": ("inspect_autointerp.contexts.sampler", "latent_contexts"),
    "open_store": ("inspect_autointerp.builtin.locate", "open_store"),
    "results": ("inspect_autointerp.leaderboard.load.results_from_logs", "read_results"),
    "summary": ("inspect_autointerp.leaderboard.analyse.statistics", "summary"),
    "verdicts": ("inspect_autointerp.leaderboard.load.verdict_frame", "verdict_frame"),
}
"""The public names, each with the module and the name that it is defined under; docs/reference/index.md lists them."""

__all__ = [
    "Context",
    "Latent",
    "LatentContexts",
    "Results",
    "Store",
    "differences",
    "latent_contexts",
    "open_store",
    "results",
    "summary",
    "verdicts",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _PUBLIC:
        public = ", ".join(__all__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its public names are {public}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """Return the public names and those that are imported already."""
    return sorted({*globals(), *__all__})


def _check_rooms() -> None:
    """Refuse a checkout whose rooms cannot be imported.

    Git writes a symbolic link as a text file where `core.symlinks` is false, as is Windows' default. The installed
    package does not need the links, and the source on Python's path does.

    Raises:
        ImportError: The links are text files, and the package is not installed.
    """
    here = Path(__file__).parent
    if (here / "prep").is_file() and find_spec(f"{__name__}.prep") is None:
        raise ImportError(
            f"{here}: this checkout has text files in place of symbolic links (git's core.symlinks is false), so it can"
            f' be used only when it is installed: pip install -e "{here.parents[1]}"'
        )


_check_rooms()
