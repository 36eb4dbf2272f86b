"""The steering engine with what triage asks beside steering: promoted tokens, and how strongly latents fire."""

from collections.abc import Sequence

import torch
from torch import Tensor

from inspect_autointerp.latent import in_subject
from inspect_autointerp.models.steering import Direction, Predict
from inspect_autointerp.prep.engines.steering import SteeredSubject


class TriageSubject(SteeredSubject):
    """The subject and the coder of one hookpoint; see `SteeredSubject`."""

    def token_ids(self, text: str) -> list[int]:
        """Return a text's tokens, without BOS."""
        return list(self.subject.tokenizer(text, add_special_tokens=False)["input_ids"])

    @torch.inference_mode()
    def promoted(self, latents: Sequence[int], n: int) -> list[list[int]]:
        """Return the n tokens whose logits each latent's direction raises most, the most first.

        Returns:
            By latent, in order; empty lists if directions are not in the space that the subject's head reads.
        """
        head = self.subject.unembedding()
        own = self.directions([Direction(latent) for latent in latents])
        if head is None or head.shape[1] != own.shape[1]:
            return [[] for _ in latents]
        logits = own.float() @ head.to(own.device).T
        return logits[:, : self._vocabulary].topk(n, dim=1).indices.tolist()

    @torch.inference_mode()
    def largest_activation(self, prompt: Sequence[int]) -> float:
        """Return the largest activation of any latent at a prompt's last token, in units of what decoders say.

        Args:
            prompt: Token ids, without BOS.
        """
        self._prepared([Predict(Direction(0), [prompt], 0.0)])  # refuses a prompt that is empty or too long
        ids = torch.tensor([[*self._bos, *prompt]], device=self.subject.device)
        seen: list[Tensor] = []
        self.subject.run(ids, lambda _, value: seen.append(value[:, -1]), only=in_subject(self.hookpoint))
        _, _, activations = self._coder.encode(seen[-1])
        scale = getattr(self._coder, "scale", None)  # of a coder that scales what it reads
        largest = float(activations.max()) if len(activations) else 0.0
        return largest if scale is None else largest * float(scale(seen[-1]).max())
