"""`manifest.json`: what a context store is made of, and the digest that names it.

The manifest is also the configuration that reproduces the store. The digest covers the data and nothing else: the
sha256 of every other file and of all weights, and the settings; not the names under which the user gave the subject,
the coders and the corpus, nor the versions of the packages that wrote the store. So a name can be forged without
another digest: code that a name stands for runs only where the user allows it (`trust`).

Checksums show damage, not malice, so a manifest is read as a file that anyone can have written: every field is of its
type and in its range, and every path is inside the store (`validation`).
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.folder_kind import Kind
from inspect_autointerp.store.settings import CHAT, Settings
from inspect_autointerp.store.validation import STRICT, Count, File, Name, Sha256, Size, Text, validated

FORMAT = 1
NAME = "manifest.json"
_NAMES = {
    *("subject", "revision", "coder", "corpus", "corpus_split", "column", "separator", "chat", "neuronpedia"),
    *("versions", "warning", "second_subject", "second_revision"),
}
"""Fields that say where the data came from, not what they are: no part of the digest."""
NEURONPEDIA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
"""MODEL/SOURCE, as an SAE of SAELens names its place on Neuronpedia."""
_CORPUS = ("tokens.npy", "documents.safetensors", "pool.npy", "tokenizer.json")
_OF_HOOKPOINT = ("postings.safetensors", "latents.parquet")
"""Files that every store has: of its own, and of each hookpoint."""
SPANS = "spans.npy"
"""File of a frozen store: the parts of the corpus in `tokens.npy`, as (first, end) of each, in order."""
FROZEN_POSTINGS = "postings.parquet"
"""Stands for `postings.safetensors` in a frozen store."""
NOTICE = "NOTICE"
"""File with a frozen store's notice about its text; the digest leaves it out."""
NEGATIVES = "negatives"
"""The folder of what can be added to a finished store, `negatives/KIND/HOOKPOINT.safetensors`, and the field that says
how each kind was found. No part of the digest: the data that were there are the same."""


Neuronpedia = Annotated[str, StringConstraints(pattern=rf"^{NEURONPEDIA.pattern}$", max_length=200)]


@dataclass(frozen=True, kw_only=True)
class HookpointEntry:
    """One hookpoint of a store and the coder that read it."""

    __pydantic_config__ = STRICT

    side: Literal["output", "input"]
    """`output` or `input` of the module."""
    coder: Text
    """Origin of the coder, as the user gave it: a folder, `release:id` of SAELens's registry, `neurons`, …"""
    architecture: Text
    """The coder library's word for it: `topk`, `jumprelu`, …; or ours: `neurons`, `random topk`, …"""
    width: Size
    """Number of latents."""
    sha256: Text
    """Digest of the coder's weights, or of its description if it has no weights or a seed makes them."""
    warning: Text | None = None
    """Sentence about the coder for a person who uses this hookpoint, as prep said it; not part of the digest."""
    neuronpedia: Neuronpedia | None = None
    """Neuronpedia's names of model and source, `gpt2-small/6-res-jb`, if the coder says so; not part of the digest."""

    def link(self, index: int) -> str | None:
        """Return the address of a latent's page on Neuronpedia, if that is known."""
        return None if self.neuronpedia is None else f"https://www.neuronpedia.org/{self.neuronpedia}/{index}"


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """The origin of a store that holds some latents of another one (`autointerp freeze`)."""

    __pydantic_config__ = STRICT

    source: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    """Digest of the store that prep wrote."""
    latents: Text
    """The user's selection of latents, as written; not part of the digest."""
    licence: Text | None = None
    """Licence of the text; not part of the digest."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything a reader needs to know of a store before its first token."""

    __pydantic_config__ = STRICT

    subject: Text
    """Name or folder of the Hugging Face model, as the user gave it."""
    revision: Text | None
    """The revision of it that was asked for."""
    subject_sha256: Text
    """Digest of the subject's weights as loaded: the contents of a folder can change while its name stays."""
    bos: bool
    """True if a BOS token stood before every chunk of the model's input (it is not in the stored corpus)."""
    settings: Settings
    n_documents: Count
    n_tokens: Count
    n_windows: Count
    """Complete windows: the population that `firing_share` speaks of."""
    hookpoints: Annotated[dict[Name, HookpointEntry], Field(min_length=1)]
    files: dict[File, Sha256]
    """sha256 of every other file of the store, by its path."""
    versions: dict[Text, Text]
    """Packages that wrote the store; not part of the digest."""
    negatives: dict[Name, Text] = field(default_factory=dict[Name, Text])
    """Kinds of non-activating contexts that were added to the store, and how they were found."""
    format: Literal[1] = FORMAT
    frozen: Frozen | None = None
    """Origin of a frozen store, which holds some latents of another one."""
    second_subject: Text | None = None
    """Name or folder of the model that crosscoders read beside the subject; None if they read one model."""
    second_revision: Text | None = None
    """The revision of it that was asked for."""
    second_sha256: Text | None = None
    """Digest of its weights, as `subject_sha256`."""
    n_counted: Count | None = None
    """Tokens whose activations count, in a corpus of conversations; None for other corpora, where all do but special
    ones."""

    @property
    def n_population(self) -> int:
        """Return the number of tokens that a latent's density is a share of."""
        return self.n_tokens if self.n_counted is None else self.n_counted

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name the data: two scores compare only where they agree."""
        content = self._content()
        del content[NEGATIVES]
        if self.frozen:  # nothing is added to it later, so all of its data count
            content["frozen"] = {"source": self.frozen.source}
            content["files"] = {name: value for name, value in self.files.items() if name != NOTICE}
        else:
            content["files"] = {k: value for k, value in self.files.items() if not k.startswith(f"{NEGATIVES}/")}
        for holder in (content, content["settings"], *content["hookpoints"].values()):
            for name in _NAMES & holder.keys():
                del holder[name]
        return _sha256(content)[:16]

    @property
    def key(self) -> str:
        """The digest, and eight digits that change with all that the digest leaves out: names and added negatives."""
        return f"{self.digest}-{_sha256(self._content())[:8]}"

    def write(self, folder: Path) -> None:
        """Write it into a store's folder, with its digest, and a checksum over all of it; in one step."""
        content = self._content() | {"digest": self.digest}
        content["checksum"] = _sha256(content)
        partial = folder / f".{NAME}.partial"
        try:
            partial.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            partial.replace(folder / NAME)
        finally:
            partial.unlink(missing_ok=True)

    @staticmethod
    def read(folder: Path) -> "Manifest":
        """Read a store's manifest.

        Raises:
            UserError: There is no store, or one of another format version, half-written, edited by hand, or with a
                field that cannot be.
        """
        path = folder / NAME
        if not folder.exists():
            raise UserError(f"{folder}: no such context store; make one with `autointerp prep`")
        if not path.is_file():
            raise UserError(f"{folder}: not a context store (no {NAME}); make one with `autointerp prep`")
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            version, checksum = content["format"], content.pop("checksum")
            intact = _sha256(content) == checksum
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(f"{path}: not a readable manifest ({_reason(error)}); make the store again") from error
        if version != FORMAT:
            raise UserError(
                f"{folder}: a context store of format {ascii(version)[:20]}, but this version reads format {FORMAT};"
                " make it again with `autointerp prep`, or install the version that wrote it"
            )
        if not intact:
            raise UserError(f"{path}: changed since it was written (its checksum differs); make the store again")
        content.pop("digest", None)
        manifest = validated(Manifest, json.dumps(content), path)
        if missing := [name for name in manifest._needed if name not in manifest.files]:
            raise UserError(f"{path}: it does not list the file {missing[0]}; make the store again")
        return manifest

    def _content(self) -> dict[str, Any]:
        """Return the fields; without later ones that are off, so that what was written before them keeps its names."""
        content = asdict(self)
        for name in ("frozen", "n_counted", "second_subject", "second_revision", "second_sha256"):
            if content[name] is None:
                del content[name]
        for name in CHAT:
            if not content["settings"][name]:
                del content["settings"][name]
        for entry in content["hookpoints"].values():
            for name in ("warning", "neuronpedia"):
                if entry[name] is None:
                    del entry[name]
        return content

    @property
    def _needed(self) -> list[str]:
        """The files that a store of these hookpoints has at least."""
        of_hookpoint = (FROZEN_POSTINGS, *_OF_HOOKPOINT[1:]) if self.frozen else _OF_HOOKPOINT
        files = [f"hookpoints/{name}/{file}" for name in self.hookpoints for file in of_hookpoint]
        return [*_CORPUS, *([SPANS] if self.frozen else []), *files]


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text if text.isprintable() and len(text) < 200 else ascii(text)[:200]


def _sha256(content: dict[str, Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def written_files(content: bytes) -> set[str]:
    """Return the files of a store, from its manifest of this or another format version.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, RecursionError: This package did not write it.
    """
    manifest = json.loads(content)
    version, checksum = manifest["format"], manifest.pop("checksum")
    if not isinstance(version, int) or _sha256(manifest) != checksum:
        raise ValueError("not a manifest that this package wrote")
    return {NAME, *manifest["files"]}


def _store_files(folder: Path) -> Callable[[str], bool]:
    """Test for files of a store, and for those that an interrupted `autointerp negatives` leaves in it."""
    files = written_files((folder / NAME).read_bytes())
    left = re.compile(rf"\.{NAME}\.partial|{NEGATIVES}/[^/]+/(.+\.safetensors|\.[^/]+\.partial)")
    return lambda name: name in files or bool(left.fullmatch(name))


STORE = Kind("a context store", _store_files)
"""Folders that `atomic_folder` may replace with a store."""
