"""What a run of prep is to do: everything that is the same for all its shards and workers."""

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
    """What `load_coder` takes: folders, `release:id`, `neurons`, …"""
    settings: Settings
    """What the store is to hold."""
    hookpoints: Sequence[str] = ()
    """Where each coder reads, or where all of them do; where each says it belongs, if none are given. Coders of one
    place are told apart by what is behind an `@` in the name (`layers.2@small`), by default by `hookpoints.tag_of`."""
    revision: str | None = None
    """Of a model on the Hub."""
    bos: bool | None = None
    """A BOS token stands before every chunk; None for as the coders were trained, else where the subject has one."""
    batch_size: int = 16
    """Chunks per forward pass. On a CPU it bears on speed and memory alone; on a GPU it may round differently."""
    device: str = "cpu"
    """Where the subject and the coders run."""
    device_map: str | None = None
    """How transformers spreads the subject over devices, in place of `device`."""
    trust_remote_code: bool = False
    """Run the code that comes with the subject, if any does."""
    other_model: bool = False
    """Take coders that say they were trained on a model of another name."""
    names: dict[str, str] = field(default_factory=dict)
    """What the manifest calls the subject and coders, where that is not how they were given."""

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
        """What each coder is called beside others of its place."""
        return [tag_of(self.names.get(source, source)) for source in self.coders]
