"""Prompts of any lengths, read once, and any number of continuations of them, all rows in step."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.subject import Subject


class Prompts:
    """The keys and values of all but the last token of each prompt.

    Prompts are padded on the left, so that all end in the same column; padding is masked, and positions are counted
    from each prompt's first token. So what a row gives does not depend on the others, up to the rounding of sums that
    are made in another order.

    Args:
        subject: Whole.
        prompts: Token ids; none is empty.

    Raises:
        UserError: The subject is recurrent, in some of its layers at least.
    """

    def __init__(self, subject: Subject, prompts: Sequence[Sequence[int]]) -> None:
        self.subject = subject
        width = max(len(prompt) for prompt in prompts) - 1
        pads = [width + 1 - len(prompt) for prompt in prompts]
        rows = [[prompt[0]] * pad + list(prompt) for pad, prompt in zip(pads, prompts, strict=True)]
        ids = torch.tensor(rows, dtype=torch.int64, device=subject.device)
        first = torch.tensor(pads, device=subject.device)[:, None]
        columns = torch.arange(width + 1, device=subject.device)[None]
        self.mask = (columns >= first).to(torch.int64)
        """(row, column): 1 where a token stands."""
        self.position = columns[:, -1] - first[:, 0]
        """(row,): of the last token."""
        self.last = ids[:, -1]
        """(row,): the last token."""
        self.cache: Any = None
        if width:
            out = subject.base(
                input_ids=ids[:, :-1],
                attention_mask=self.mask[:, :-1],
                position_ids=(columns - first).clamp(min=0)[:, :-1],
                use_cache=True,
            )
            self.cache = getattr(out, "past_key_values", None)
            if not all(isinstance(layer, DynamicLayer) for layer in getattr(self.cache, "layers", [None])):
                raise UserError(
                    f"steering: {subject.source} carries more than keys and values from token to token, which"
                    " padding would change"
                )

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but these, int64 (row,)."""
        self.mask, self.position, self.last = self.mask[rows], self.position[rows], self.last[rows]
        if self.cache is not None:
            self.cache.batch_select_indices(rows)


class Continuation:
    """One continuation of each prompt; the prompts' own cache stays as it is."""

    def __init__(self, prompts: Prompts) -> None:
        self._model = prompts.subject.model
        self._cache, self._mask, self._position = deepcopy(prompts.cache), prompts.mask, prompts.position

    def step(self, ids: Tensor) -> Tensor:
        """Read one more token of each row, (row,), the prompt's last first; say what comes next.

        Returns:
            float32 (row, vocabulary): natural logarithms of probabilities.
        """
        out = self._model(
            input_ids=ids[:, None],
            attention_mask=self._mask,
            position_ids=self._position[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache, self._position = out.past_key_values, self._position + 1
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        return out.logits[:, -1].to(ids.device).float().log_softmax(-1)  # of a subject spread over several devices
