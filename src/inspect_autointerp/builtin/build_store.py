"""Stores that the package makes itself, on first use, in the user's cache."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from inspect_autointerp.errors import Interrupted, UserError


def makings(folder: Path, *settings: object) -> str:
    """Eight hexadecimal digits that change with a folder's code and weights, the code of prep, and settings."""
    digest = sha256("\0".join(map(str, settings)).encode())
    prep = find_spec("inspect_autointerp.prep")
    for source in [str(folder), *(prep.submodule_search_locations or [] if prep else [])]:
        for file in sorted([*Path(source).rglob("*.safetensors"), *Path(source).rglob("*.py")]):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


INTERRUPTED = 130
"""Exit status of a command that was interrupted."""


def make_once(folder: Path, module: str, arguments: Sequence[str], what: str) -> Path:
    """Have a module make a store, unless it is there: in a process of its own, since making loads torch.

    Args:
        folder: Of the store.
        module: What `python -m` runs.
        arguments: What it is given.
        what: The store, in words.

    Returns:
        The folder.

    Raises:
        UserError: It could not be made; the packages of the `prep` extra may be missing.
        Interrupted: Making it was interrupted.
    """
    if not folder.exists():
        try:
            run_module(module, arguments, what)
        except UserError:
            if not folder.exists():  # another process may have been faster, and its store is not replaced
                raise
    return folder


def run_module(module: str, arguments: Sequence[str], what: str) -> None:
    """Run a module in a process of its own; what it says goes to standard error. Arguments and errors as above.

    With `-P` it does not import from the working folder, where files of a store's may lie.
    """
    done = subprocess.run([sys.executable, "-P", "-m", module, *arguments], check=False, stdout=sys.stderr)
    if done.returncode in (INTERRUPTED, -signal.SIGINT):
        raise Interrupted(f"interrupted while {what} contexts were made; repeat the command to make them")
    if done.returncode:
        raise UserError(
            f'{what} contexts could not be made (see above); making them needs `pip install "inspect-autointerp[prep]"`'
        )
