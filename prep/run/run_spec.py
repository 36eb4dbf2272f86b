"""Specification of a run of prep: everything that is the same for all its shards and workers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import TAG
from inspect_autointerp.prep.subject.hookpoints import name_them, parted, tag_of
from inspect_autointerp.store.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Job:
    """A subject, its coders, and what to keep of them.

    Raises:
        UserError: There are no coders, or neither one hookpoint nor as many as coders, or two coders for a hookpoint
            that nothing tells apart.
    """

    subject: str
    """Name or folder of a Hugging Face causal language model."""
    coders: Sequence[str]
    """Coders as `load_coder` takes them: folders, `release:id`, `neurons`, …"""
    settings: Settings
    """Contents of the store."""
    hookpoints: Sequence[str] = ()
    """Hookpoint of each coder, or one for all of them; where each says it belongs, if none are given. Coders at one
    hookpoint are told apart by what follows an `@` in the name (`layers.2@small`), by default by
    `hookpoints.tag_of`."""
    revision: str | None = None
    """Revision of a model on the Hub."""
    bos: bool | None = None
    """A BOS token stands before every chunk; None for as the coders were trained, else where the subject has one."""
    batch_size: int = 16
    """Chunks per forward pass. On a CPU it bears on speed and memory alone; on a GPU it may round differently."""
    device: str = "cpu"
    """Device of the subject and the coders."""
    device_map: str | None = None
    """Map by which transformers spreads the subject over devices, in place of `device`."""
    trust_remote_code: bool = False
    """Run the code that comes with the subject, if any does."""
    other_model: bool = False
    """Take coders that say they were trained on a model of another name."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of the subject and coders in the manifest, where they differ from those given."""

    def __post_init__(self) -> None:
        if not self.coders:
            raise UserError("give at least one --coder")
        if len(self.hookpoints) == 1:
            object.__setattr__(self, "hookpoints", [self.hookpoints[0]] * len(self.coders))
        if self.hookpoints and len(self.hookpoints) != len(self.coders):
            raise UserError(
                f"{len(self.coders)} coders, {len(self.hookpoints)} hookpoints: give one --hookpoint per --coder,"
                " one for all, or none"
            )
        named = zip(self.hookpoints, self.tags if self.hookpoints else (), strict=True)
        tagged = [name if parted(name)[1] else f"{name}{TAG}{tag}" for name, tag in named]
        if twice := [name for name, n in Counter(tagged).items() if n > 1]:
            raise UserError(f"two coders for {twice[0]}: {name_them(twice[0])}")

    @property
    def tags(self) -> list[str]:
        """Return the tag of each coder, which tells it from others at its hookpoint."""
        return [tag_of(self.names.get(source, source)) for source in self.coders]
