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

    `autointerp prep --help` shows the texts below the fields, here and in `Settings` (`prep/cli/spec_options.py`).

    Raises:
        UserError: There are no coders, or neither one hookpoint nor as many as coders, or two coders for a hookpoint
            that nothing tells apart.
    """

    subject: str
    """Hugging Face model, by name or folder; on the command line also `demo` or `smollm2`."""
    coders: Sequence[str]
    """A folder of SAELens, sparsify, Gemma Scope, dictionary_learning, circuit-tracer or llamascopium, with `:12` after
    it for layer 12 of several; `release:id` of SAELens; `neurons`, `neurons:32`, `neurons:3rms`,
    `neurons:32:rotated`, `dimensions`, `random:4096x32` (with --hookpoint); `module:factory` of your own.
    `autointerp coders` lists them. On the command line, repeat the option for several coders."""
    hookpoints: Sequence[str] = ()
    """Place that each coder reads: `layers.12`, `layers.12.mlp`, `layers.12.mlp.down_proj:input`, or
    `blocks.12.hook_resid_post`; `autointerp hooks` lists them. Give one per coder, or one for all. `+` joins the places
    of a crosscoder: `layers.8+layers.12`. Default: the place that the coder names itself. Coders at one place are
    called `PLACE@neurons:32`; to choose a name, give `--hookpoint layers.12@small`."""
    revision: str | None = None
    """Model revision on the Hugging Face Hub."""
    second_subject: str | None = None
    """Second model, which reads the same tokens. A coder that reads one place reads it in both models, each by itself;
    a crosscoder reads both at once. `second:` before a place in --hookpoint means this model."""
    second_revision: str | None = None
    """Model revision of --second-subject."""
    bos: bool | None = None
    """Put BOS before every text. Default: as the coders were trained, if they say so; otherwise, if the subject has a
    BOS token."""
    settings: Settings
    """Contents of the store."""
    batch_size: int = 16
    """Chunks per forward pass. On a CPU it affects speed and memory only; on a GPU the last digits may differ."""
    device: str = "cpu"
    """Device of the subject and the coders: `cpu`, `cuda`, `cuda:1`, …; on the command line also `auto`."""
    device_map: str | None = None
    """Spread the subject over devices, as transformers does: `auto`, `balanced`, …"""
    trust_remote_code: bool = False
    """Run Python code that comes with the subject, if there is any."""
    other_model: bool = False
    """Accept coders trained on a model of another name, such as a fine-tune's base."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of the subject and coders in the manifest, where they differ from those given."""

    def __post_init__(self) -> None:
        if self.second_revision is not None and self.second_subject is None:
            raise UserError("--second-revision needs --second-subject; give both, or neither")
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
    def second_name(self) -> str | None:
        """Return the second subject's name in the manifest; None where there is none."""
        return self.second_subject and self.names.get(self.second_subject, self.second_subject)

    @property
    def tags(self) -> list[str]:
        """Return the tag of each coder, which tells it from others at its hookpoint."""
        return [tag_of(self.names.get(source, source)) for source in self.coders]
