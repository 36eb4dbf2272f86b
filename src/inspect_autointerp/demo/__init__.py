"""The embedded default: a small language model and three sparse autoencoders, trained by this project.

`README.md` beside this file says how they were trained and what they are worth. They are loaded through the same code
as any Hugging Face model and any SAELens coder. The corpus is the running Python's own standard library, so the demo's
context store differs between versions of Python.
"""

import subprocess
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from inspect_autointerp import __version__
from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import Manifest
from inspect_autointerp.remote import cache_folder

NAME = "inspect_autointerp/demo"
"""What manifests call the subject."""
SUBJECT = Path(__file__).parent / "subject"
TOKENS = 500_000
"""Of the standard library, for the demo's store."""


def coders() -> list[Path]:
    """The folders of the three SAEs, each named after its hookpoint."""
    return sorted((Path(__file__).parent / "coders").iterdir())


def store_folder() -> Path:
    """Where the demo's context store lies or will lie: in the user's cache, under a name that changes with its makings.

    Those are the version of Python, whose library is the corpus, the weights, and the code of prep. The variable
    `INSPECT_AUTOINTERP_CACHE` moves the cache.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    makings = sha256(str(TOKENS).encode())
    prep = find_spec("inspect_autointerp.prep")
    for folder in [str(Path(__file__).parent), *(prep.submodule_search_locations or [] if prep else [])]:
        for file in sorted([*Path(folder).rglob("*.safetensors"), *Path(folder).rglob("*.py")]):
            makings.update(file.read_bytes())
    return cache_folder() / f"demo-{__version__}-python{python}-{makings.hexdigest()[:8]}"


def ensure_store() -> Path:
    """Make the demo's context store if it is not there yet, in a process of its own, and return its folder.

    Raises:
        UserError: It could not be made; the packages of the `prep` extra may be missing.
    """
    folder = store_folder()
    if not folder.exists():
        _autointerp("prep", "demo", "-o", str(folder), "--tokens", str(TOKENS), "--resume")
    if not Manifest.read(folder).negatives:
        _autointerp("negatives", str(folder))
    return folder


def _autointerp(*arguments: str) -> None:
    command = [sys.executable, "-m", "inspect_autointerp.cli", *arguments]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise UserError(
            "the demo's contexts could not be made (see above);"
            ' making them needs `pip install "inspect-autointerp[prep]"`'
        )
