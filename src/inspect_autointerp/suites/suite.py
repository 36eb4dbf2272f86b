"""A suite's definition: everything that decides a score except the explainer."""

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings

FORMAT = 1
_STRICT = ConfigDict(extra="forbid", strict=True)
_Text = Annotated[str, StringConstraints(min_length=1)]
_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class StoreOptions:
    """The store: what `autointerp prep` is given."""

    subject: _Text
    """A Hugging Face model; `demo` for the embedded one."""
    revision: str | None
    """Revision of the subject; None if it has none."""
    coder: list[_Text] = Field(default_factory=list)
    """As prep takes them; those of the demo, where the subject is the demo's, if none are given."""
    hookpoint: list[_Text] = Field(default_factory=list)
    """Hookpoints of the coders; where each says it belongs, if none are given."""
    settings: dict[str, Any]
    """Fields of `Settings`: corpus, tokens, window, seed and the rest; the defaults are this version's."""

    def complete(self) -> Settings:
        """All settings.

        Raises:
            UserError: Two of them do not go together.
        """
        return Settings(**self.settings)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Evaluation:
    """Evaluation that runs on the store."""

    hookpoint: _Text
    latents: Annotated[int, Field(ge=2)]
    """Number of latents drawn, see `draw`."""
    scores: Annotated[list[_Text], Field(min_length=1)]
    """Names as of `tasks.multi_score`, the one that heads the log first."""
    grader: _Text
    """The model that grades, as Inspect names it."""
    grader_options: dict[str, float | int] = Field(default_factory=dict)
    """Settings of its sampling: `temperature` and the like."""
    # Kinds that are added to a finished store are no part of its digest, and so not fixed.
    negatives: list[Literal["random", "neighbours"]]
    min_contexts: Annotated[int, Field(ge=1)]
    """A latent with fewer contexts of a kind is not drawn."""
    test_activating: Annotated[int, Field(ge=1)]
    test_nonactivating: Annotated[int, Field(ge=1)]
    texts_per_call: Annotated[int, Field(ge=1)]
    confidence: bool
    window: Annotated[int, Field(ge=1)] | None
    """Tokens in a context; None for the store's."""
    seed: Annotated[int, Field(ge=0)]
    """Random seed of the draw of latents and of contexts."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Suite:
    """Everything that two people have to agree on for their rows to stand in one table."""

    format: Literal[1]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)]
    version: Annotated[int, Field(ge=1)]
    """Another whenever the rest changes."""
    description: str
    state: Literal["run", "defined"]
    """True if anybody has run it yet."""
    store: StoreOptions | None
    """Options that make the store; None if the suite gives none for a frozen store."""
    frozen: _Text | None = None
    """A frozen store: `smollm2`, a folder or a URL. In a file `store` is that, and `prep` says how it was made."""
    sha256: dict[str, _Hash] = Field(default_factory=dict)
    """Digests of weights, where known: the subject's as `subject`, the coders' by hookpoint."""
    digest: _Digest | dict[_Digest, list[_Digest]] | None
    """The store's, where published. Where everybody makes a store of their own Python's library there are several, by
    the text that the store has of it (the sha256 of its tokens, shortened): builds of one version of Python differ in
    their library, and processors in the last bit of activations."""
    evaluation: Evaluation

    @property
    def definition(self) -> str:
        """The sha256 of what it fixes. Known facts about it (hashes, digests) and its description are left out."""
        fixed = {"format": self.format, "name": self.name, "version": self.version}
        if self.store is None or self.frozen:  # the bytes are fixed, wherever they are
            store: dict[str, Any] = {"digest": self.digest}
        else:
            # The settings in full: a default that changes in a later version would be another suite.
            store = asdict(self.store) | {"settings": self.store.complete().identity}  # pyright: ignore[reportArgumentType]
        evaluation = asdict(self.evaluation)  # pyright: ignore[reportArgumentType]
        text = json.dumps(fixed | {"store": store, "evaluation": evaluation}, sort_keys=True)
        return sha256(text.encode()).hexdigest()

    @property
    def label(self) -> str:
        """Return how tables name it: `demo/1 · 3f2a91c04b7d`."""
        return f"{self.name}/{self.version} · {self.definition[:12]}"

    @property
    def one_store(self) -> bool:
        """Return whether all rows have to be over the same store; else any that is made as the suite says will do."""
        return not isinstance(self.digest, dict)

    def published(self, manifest: Manifest) -> list[str]:
        """The digests that are published of stores over the same text."""
        if isinstance(self.digest, dict):
            return self.digest.get(manifest.files["tokens.npy"][:16], [])
        return [self.digest] if self.digest else []

    @property
    def grader_name(self) -> str:
        """The grader as scores name it: with what is set of its sampling."""
        options = {name: float(value) if name in _FLOATS else value for name, value in self._options.items()}
        return f"{self.evaluation.grader} {json.dumps(options, sort_keys=True)}" if options else self.evaluation.grader

    @property
    def _options(self) -> dict[str, float | int]:
        return self.evaluation.grader_options


_FLOATS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
"""Options that Inspect holds as floating-point numbers."""
