"""Crosscoders: one latent reads several places at once, of one subject or of two, and writes to each of them.

What a latent reads is the sum over places, x₁ · W_enc[1] + x₂ · W_enc[2] + … + b_enc: one encoder of all places'
activations, end to end. So a crosscoder has one activation per latent and token, and is a linear coder to whoever
encodes with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import JOIN, SECOND
from inspect_autointerp.prep.coders.coder import Coder, Widthless
from inspect_autointerp.prep.coders.linear import Linear, LinearCoder
from inspect_autointerp.prep.coders.triples import Triples, above, checked_threshold, strongest


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that says which latents fire; of several rules, a latent fires where one of them says so."""

    gain: Tensor | None = None
    """(latent,): latents are compared with the threshold, and with each other, times this."""
    threshold: Tensor | float = 0.0
    """A latent fires above it: one for all, or (latent,)."""
    k: int | None = None
    """Latents that fire on a token, at most, in place of a threshold."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of a crosscoder, on the CPU and in any floating-point type."""

    encoder: Tensor
    """(place, d, latent)."""
    bias: Tensor
    """(latent,)."""
    decoder: Tensor
    """(place, latent, d), in the units in which the coder was trained."""
    centre: Tensor | None = None
    """(place, d): subtracted from activations before they are encoded."""
    factor: Tensor | None = None
    """(place,): factors by which activations are multiplied before they are encoded; None for ones."""
    stretch: Tensor | None = None
    """(place,): factors from what is decoded to activations; None for ones."""
    rules: Sequence[Rule] = (Rule(),)


class CrossCoder(LinearCoder):
    """A crosscoder, whichever library wrote it.

    Args:
        source: How it was asked for.
        architecture: The library's word for it.
        weights: Its weights.
        options: The keyword arguments of `LinearCoder`; `hookpoint` joins the places that its files name.

    Attributes:
        n_places: Places that a latent reads.
        decoders: What latents write to each place, float32 (latent, d), in the units of the subject.
        decoder_norms: Lengths of the decoder vectors as trained, float32 (latent, place).

    Raises:
        UserError: A threshold is NaN, or k is not between 1 and the number of latents.
    """

    decoder: Tensor | None

    def __init__(self, source: str, architecture: str, weights: Weights, **options: Any) -> None:
        n_places, d, n_latents = weights.encoder.shape
        factor, stretch = weights.factor, weights.stretch
        parts = weights.decoder if stretch is None else weights.decoder.float() * stretch.float()[:, None, None]
        linear = Linear(
            encoder=weights.encoder.reshape(n_places * d, n_latents).T,
            decoder=parts[0],
            bias=weights.bias,
            centre=None if weights.centre is None else weights.centre.flatten(),
            factor=1.0 if factor is None else factor.float().repeat_interleave(d),
        )
        super().__init__(source, architecture, linear, **options)
        device = options.get("device", "cpu")
        self.n_places = n_places
        self.decoder_norms = weights.decoder.float().norm(dim=2).T.contiguous()
        self.decoders = [part.to(device, torch.float32) for part in parts]
        self._rules = [self._checked(rule, device) for rule in weights.rules]

    def _checked(self, rule: Rule, device: str | torch.device) -> Rule:
        if rule.k is not None and not 0 < rule.k <= self.n_latents:
            raise UserError(f"coder {self.source}: k must be between 1 and its {self.n_latents} latents, got {rule.k}")
        gain = None if rule.gain is None else rule.gain.to(device, torch.float32)
        threshold = rule.threshold
        if isinstance(threshold, Tensor):
            threshold = checked_threshold(threshold.to(device, torch.float32), self.source)
        return Rule(gain=gain, threshold=threshold, k=rule.k)

    def read_at(self, places: Sequence[str]) -> None:
        """Take over the names of the places that are read, in the order of the weights; latents write there.

        Steering writes to those of the subject itself. The decoder at the last of them, the closest to the output,
        stands for the latent where one direction is wanted, as for promoted tokens.

        Raises:
            UserError: There are more or fewer of them than the coder reads, or none is of the subject itself.
        """
        named = JOIN.join(places)
        if len(places) != self.n_places:
            raise UserError(
                f"coder {self.source} reads {self.n_places} places at once, and {named} is {len(places)}; give"
                f" --hookpoint with {self.n_places} places, as in {'+'.join(_example(self.n_places))}"
            )
        own = {
            place: decoder for place, decoder in zip(places, self.decoders, strict=True) if not place.startswith(SECOND)
        }
        if not own:
            raise UserError(f"coder {self.source}: {named} has no place of the subject itself")
        self.writes, self.decoder = own, list(own.values())[-1]

    @torch.no_grad()
    def encode(self, x: Tensor) -> Triples:
        """Encode activations of all places, end to end, (token, d_in)."""
        hidden = self.hidden(x)
        fires: list[Tensor] = []
        for rule in self._rules:
            compared = hidden if rule.gain is None else hidden * rule.gain
            if rule.k is None:
                token, latent, _ = above(compared, rule.threshold, self.source)
            else:
                token, latent, _ = strongest(compared, rule.k, self.source)
            fires.append(token * self.n_latents + latent)
        where = fires[0] if len(fires) == 1 else torch.cat(fires).unique()
        token = where // self.n_latents
        return Triples(token, where - token * self.n_latents, hidden.flatten().index_select(0, where))


def set_places(coder: Coder | Widthless, places: Sequence[str]) -> None:
    """Tell a crosscoder the places that it reads, or check that another coder has one place.

    Raises:
        UserError: There are more or fewer than it reads, or none is in the subject itself.
    """
    if isinstance(coder, CrossCoder):
        coder.read_at(places)
    elif len(places) > 1:
        raise UserError(
            f"coder {coder.source} reads one place, and {JOIN.join(places)} is {len(places)}; only crosscoders read"
            " several at once"
        )


def _example(n_places: int) -> list[str]:
    return [f"layers.{2 * number + 3}" for number in range(n_places)]
