"""A coder of the user's own: `module:factory`, imported, called with the device, and tried on a few vectors."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders.triples import Triples, finite

_FIELDS = {
    "architecture": str,
    "n_latents": int,
    "d_in": int,
    "hookpoint": str | None,
    "sha256": str,
    "decoder": Tensor | None,
}
_OPTIONAL = {
    **dict.fromkeys(("encoder", "encoder_bias", "threshold"), Tensor | None),
    "transcodes": bool | None,
    "writes": dict | None,
    "warning": str | None,
    "model_name": str | None,
}


class OwnCoder:
    """A coder that the user's factory returned, checked against the `Coder` protocol.

    Args:
        source: `module:factory`; the module may lie in the folder where the command is run.
        device: What the factory is called with: `make(device)`.

    Raises:
        UserError: The factory cannot be found or fails, or what it returns is no coder.
    """

    def __init__(self, source: str, device: str | torch.device = "cpu") -> None:
        self.source = source
        self._coder = coder = _make(source, device)
        for name, kind in {**_FIELDS, **_OPTIONAL}.items():
            if name in _FIELDS and not hasattr(coder, name):
                raise UserError(f"coder {source}: it lacks {name} (see Coder in {__package__}.coder)")
            value: Any = getattr(coder, name, None)
            if not isinstance(value, kind):
                expected = getattr(kind, "__name__", str(kind))
                raise UserError(f"coder {source}: its {name} is of type {type(value).__name__}, not {expected}")
            if kind is int and value < 1:
                raise UserError(f"coder {source}: its {name} is {value}")
        if not callable(getattr(coder, "encode", None)):
            raise UserError(f"coder {source}: it lacks the method encode (see Coder in {__package__}.coder)")
        self.architecture: str = coder.architecture
        self.n_latents: int = coder.n_latents
        self.d_in: int = coder.d_in
        self.hookpoint: str | None = coder.hookpoint
        self.sha256: str = coder.sha256
        self.decoder: Tensor | None = coder.decoder
        self.encoder: Tensor | None = getattr(coder, "encoder", None)
        self.encoder_bias: Tensor | None = getattr(coder, "encoder_bias", None)
        self.threshold: Tensor | None = getattr(coder, "threshold", None)
        self.transcodes = bool(getattr(coder, "transcodes", False))
        self.model_name: str | None = getattr(coder, "model_name", None)
        self.warning: str | None = getattr(coder, "warning", None)
        self.writes: dict[str, Tensor] | None = getattr(coder, "writes", None)
        for place, decoder in (self.writes or {}).items():
            if not isinstance(decoder, Tensor) or decoder.ndim != 2 or len(decoder) != self.n_latents:
                shape = tuple(decoder.shape) if isinstance(decoder, Tensor) else type(decoder).__name__
                raise UserError(
                    f"coder {source}: its writes must have a tensor ({self.n_latents}, d) for {place}, got {shape}"
                )
        x = torch.randn((16, self.d_in), generator=torch.Generator().manual_seed(0)).to(device)
        self._check(self._triples(x), len(x))

    def encode(self, x: Tensor) -> Triples:
        """Encode activations of shape (token, d_in)."""
        return finite(self._triples(x), self.source)

    @torch.no_grad()
    def _triples(self, x: Tensor) -> Triples:
        try:
            return Triples(*self._coder.encode(x))
        except Exception as error:  # it is not ours
            raise UserError(f"coder {self.source}: its encode failed ({_told(error)})") from error

    def _check(self, triples: Triples, n_tokens: int) -> None:
        token, latent, value = triples
        wrong = None
        if not all(isinstance(tensor, Tensor) and tensor.ndim == 1 for tensor in triples):
            wrong = "it returned something else"
        elif not len(token) == len(latent) == len(value):
            wrong = f"they are of lengths {len(token)}, {len(latent)} and {len(value)}"
        elif not token.dtype == latent.dtype == torch.int64 or not value.is_floating_point():
            wrong = f"they are of types {token.dtype}, {latent.dtype} and {value.dtype}"
        elif len(token) and (token[0] < 0 or token[-1] >= n_tokens or (token.diff() < 0).any()):
            wrong = "the tokens are not rows of the input in increasing order"
        elif len(latent) and (latent.min() < 0 or latent.max() >= self.n_latents):
            wrong = f"the latents are not all from 0 to {self.n_latents - 1}"
        elif not (value > 0).all():
            wrong = "the values are not all above 0"
        if wrong:
            raise UserError(
                f"coder {self.source}: its encode must return three 1-d tensors (token int64, latent int64, value"
                f" above 0), and {wrong}"
            )


def _make(source: str, device: str | torch.device) -> Any:
    module, _, factory = source.partition(":")
    try:
        with _working_folder_importable():
            return getattr(import_module(module), factory)(device)
    except UserError:
        raise
    except Exception as error:  # it is not ours
        raise UserError(
            f"coder {source}: neither in SAELens's registry, nor does {factory}({str(device)!r}) of a module {module}"
            f" return a coder ({_told(error)})"
        ) from error


@contextmanager
def _working_folder_importable() -> Iterator[None]:
    """An installed command does not look for modules where it is run; behind all others, it may."""
    folder = str(Path.cwd())
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
