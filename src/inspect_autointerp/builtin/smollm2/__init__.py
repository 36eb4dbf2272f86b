"""SmolLM2-135M-Instruct and its coders, on this machine. `autointerp model smollm2` fetches the model."""

from pathlib import Path

from inspect_autointerp.store.remote import cache_folder

NAME = "smollm2"
"""What manifests and the command line call the subject; its coders are `smollm2:NAME`."""
COMMAND = "autointerp model smollm2"
"""What makes the subject's folder."""


def subject_folder() -> Path | None:
    """Return the folder of the subject in the user's cache; None if it is not there."""
    folder = cache_folder() / NAME / "subject"
    return folder if (folder / "config.json").is_file() else None


def coder_folder(name: str) -> Path | None:
    """Return the folder of a coder; None if it is not on this machine.

    Args:
        name: Without the subject's: `layers.12`.
    """
    for parent in (Path(__file__).parent / "coders", cache_folder() / NAME / "coders"):
        if name and name in (path.name for path in parent.glob("*")):
            return parent / name
    return None
