"""inspect-autointerp: how good is a natural-language explanation of a latent, and who writes the best ones?

The package root imports nothing heavy. Start with `inspect_autointerp.store.store.Store` to read a context store,
`inspect_autointerp.tasks` for the Inspect tasks, and the command line `autointerp --help`.
"""

from importlib.util import find_spec
from pathlib import Path

__version__ = "0.1.0"


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
