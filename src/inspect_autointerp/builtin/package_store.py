"""The context store that the package ships: some latents of SmolLM2, frozen. It is what is evaluated by default."""

from pathlib import Path

STORE = "smollm2"
"""Name for `-T store=`; a folder of that name is `./smollm2`."""
FOLDER = Path(__file__).parent / "smollm2" / "store"
"""Folder of the store: package data, made by `autointerp freeze`."""


def store_folder() -> Path | None:
    """Return its folder; None in a copy of the package without it."""
    return FOLDER if (FOLDER / "manifest.json").is_file() else None
