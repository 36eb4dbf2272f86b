"""Interface of coders for prep, and of a coder that takes whatever width a hookpoint has."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor

from inspect_autointerp.prep.coders.triples import Triples


class Coder(Protocol):
    """Interface of a coder, as prep needs it.

    Exported vectors (`prep.engines.coder_rows`) use three more where a coder has them: `encoder_bias` and `threshold`,
    both (latent,), and `reads`, a text that says what the encoder's rows are multiplied with.
    """

    source: str
    """Origin of the coder."""
    architecture: str
    n_latents: int
    d_in: int
    hookpoint: str | None
    """Place where the coder says it reads: a Hugging Face module path or a TransformerLens name."""
    sha256: str
    """Digest of its weights, or of its description if it has no weights or a seed makes them."""
    decoder: Tensor | None
    """(latent, d_out): what each latent writes; None where latents have no direction of their own. Of latents that
    write to several places it is the sum, which is what they add to the residual stream in all."""
    encoder: Tensor | None
    """(latent, d_in): what each latent reads, in any floating type; None where there is no such direction, or where
    each is at right angles to all others, as neurons are."""
    transcodes: bool
    """True if what latents write stands for the output of a module whose input they read, as a transcoder's does."""
    model_name: str | None
    """The model it says it was trained on; None where it does not say."""

    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in), finite, in whatever type the subject runs in.

        Raises:
            UserError: The coder makes NaN or an infinite activation of them.
        """
        ...


def writes_of(coder: Coder) -> Mapping[str, Tensor] | None:
    """Return the places that a coder's latents write to, by hookpoint, with what they write there, (latent, d).

    The tensors may be on any device and of any floating-point type. It is None where the coder names no places: its
    latents then write at the hookpoint, or, if it transcodes, to the output of the module whose input they read.
    """
    return getattr(coder, "writes", None)


def decoders_of(coder: Coder) -> Sequence[Tensor] | None:
    """Return all that a coder's latents write, (latent, d) for each place; None where they write to one place at most.

    Of a crosscoder of two subjects, the places of the second one are among them.
    """
    decoders: Sequence[Tensor] | None = getattr(coder, "decoders", None)
    if decoders is None and (writes := writes_of(coder)) is not None:
        decoders = list(writes.values())
    return decoders if decoders is not None and len(decoders) > 1 else None


def warning_of(coder: Coder) -> str | None:
    """Return what a person who uses the coder's store has to know; the manifest keeps it."""
    return getattr(coder, "warning", None)


@runtime_checkable
class Widthless(Protocol):
    """A coder that is not made before the hookpoint's width is known: what its `--coder` source says of it."""

    source: str
    hookpoint: str | None

    def of_width(self, d_in: int) -> Coder:
        """Make the coder.

        Raises:
            UserError: It asks for more than this width has.
        """
        ...
