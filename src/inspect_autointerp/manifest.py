"""`manifest.json`: what a context store is made of, and the digest that names it.

The manifest is also the configuration that reproduces the store. The digest covers the data and nothing else: the
sha256 of every other file and of all weights, and the settings; not the names under which the user gave the subject,
the coders and the corpus, nor the versions of the packages that wrote the store.
"""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.settings import Settings

FORMAT = 1
NAME = "manifest.json"
_NAMES = {"subject", "revision", "coder", "corpus", "corpus_split", "column", "separator", "versions"}
"""Fields that say where the data came from, not what they are: no part of the digest."""
NEGATIVES = "negatives"
"""The folder of what can be added to a finished store, `negatives/KIND/HOOKPOINT.safetensors`, and the field that says
how each kind was found. No part of the digest: the data that were there are the same."""


@dataclass(frozen=True, kw_only=True)
class HookpointEntry:
    """One hookpoint of a store and the coder that read it."""

    side: str
    """`output` or `input` of the module."""
    coder: str
    """Where the coder came from, as the user gave it: a folder, `release:id` of SAELens's registry, `neurons`, …"""
    architecture: str
    """The coder library's word for it: `topk`, `jumprelu`, …; or ours: `neurons`, `random topk`, …"""
    width: int
    """Number of latents."""
    sha256: str
    """Of the coder's weights; of its description where it has none, or where a seed makes them."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything a reader needs to know of a store before its first token."""

    subject: str
    """Name or folder of the Hugging Face model, as the user gave it."""
    revision: str | None
    """The revision of it that was asked for."""
    subject_sha256: str
    """Of its weights as loaded: a folder's name can stay the same while what is in it changes."""
    bos: bool
    """Whether a BOS token stood before every chunk of the model's input (it is not in the stored corpus)."""
    settings: Settings
    n_documents: int
    n_tokens: int
    n_windows: int
    """Complete windows: the population that `firing_share` speaks of."""
    hookpoints: dict[str, HookpointEntry]
    files: dict[str, str]
    """sha256 of every other file of the store, by its path."""
    versions: dict[str, str]
    """Packages that wrote the store; not part of the digest."""
    negatives: dict[str, str] = field(default_factory=dict)
    """Kinds of non-activating contexts that were added to the store, and how they were found."""
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name the data: two scores compare only where they agree."""
        content = asdict(self)
        del content[NEGATIVES]
        content["files"] = {name: value for name, value in self.files.items() if not name.startswith(f"{NEGATIVES}/")}
        for holder in (content, content["settings"], *content["hookpoints"].values()):
            for name in _NAMES & holder.keys():
                del holder[name]
        return _sha256(content)[:16]

    def write(self, folder: Path) -> None:
        """Write it into a store's folder, with its digest, and a checksum over all of it; in one step."""
        content = asdict(self) | {"digest": self.digest}
        content["checksum"] = _sha256(content)
        partial = folder / f".{NAME}.partial"
        partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(folder / NAME)

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Read a store's manifest.

        Raises:
            UserError: There is no store, or one of another format version, half-written, or edited by hand.
        """
        path = folder / NAME
        if not folder.exists():
            raise UserError(f"{folder}: no such context store; make one with `autointerp prep`")
        if not path.is_file():
            raise UserError(f"{folder}: not a context store (no {NAME}); make one with `autointerp prep`")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            version, checksum = content["format"], content.pop("checksum")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{path}: not a readable manifest ({error}); make the store again") from error
        if version != FORMAT:
            raise UserError(
                f"{folder}: a context store of format {version}, and this version reads format {FORMAT};"
                " make it again with `autointerp prep`, or install the version that wrote it"
            )
        if _sha256(content) != checksum:
            raise UserError(f"{path}: changed since it was written (its checksum does not fit); make the store again")
        del content["digest"]
        try:
            return Manifest.of(content)
        except (TypeError, AttributeError, KeyError) as error:
            known = {known.name for known in fields(Manifest)}
            odd = ", ".join(sorted(set(content) ^ known)) or str(error)
            raise UserError(f"{path}: fields missing or unknown ({odd}); make the store again") from error

    @staticmethod
    def of(content: dict[str, Any]) -> "Manifest":
        """The inverse of `asdict`."""
        entries = {name: HookpointEntry(**entry) for name, entry in content["hookpoints"].items()}
        return replace(Manifest(**content), hookpoints=entries, settings=Settings(**content["settings"]))


def _sha256(content: dict) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
