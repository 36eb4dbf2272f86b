"""Prompts of any lengths, read once, and any number of continuations of them, all rows in step."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DummyLayer, DynamicCache, DynamicLayer, LinearAttentionLayer

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.subject import Subject

_USUAL = "past_key_values"


@dataclass(frozen=True)
class _Part:
    """Prompts that go together into the subject."""

    rows: Tensor
    """int64 (row,): their numbers among all rows."""
    mask: Tensor | None
    """(row, column): 1 where a token stands; None where there is no padding."""
    position: Tensor
    """(row,): of the last token."""
    cache: Any
    """Keys, values and states of all but the last token; None where there is only one."""


class Prompts:
    """Keys, values and states that the subject carries on from all but the last token of each prompt.

    Prompts are padded on the left, so that all end in the same column; padding is masked, and positions are counted
    from each prompt's first token. So what a row gives does not depend on the others, up to the rounding of sums that
    are made in another order. Recurrent layers would read the padding: prompts of a subject that has such are in parts
    of equal length instead, without padding.

    Args:
        subject: Whole.
        prompts: Token ids; none is empty.

    Raises:
        UserError: The subject carries something from token to token that is not in its cache.
    """

    def __init__(self, subject: Subject, prompts: Sequence[Sequence[int]]) -> None:
        self.subject = subject
        self.cache_name = "cache_params" if "cache_params" in signature(subject.base.forward).parameters else _USUAL
        """Name of the cache as an argument of the subject's and in its result."""
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        self._recurrent = _is_recurrent(subject)
        apart = lengths.unique().tolist() if self._recurrent else [None]
        groups = [(lengths == one).nonzero()[:, 0] if one else torch.arange(len(prompts)) for one in apart]
        self.last = torch.tensor([prompt[-1] for prompt in prompts], device=subject.device)
        """(row,): the last token."""
        self.parts = [self._read(rows, [prompts[row] for row in rows.tolist()]) for rows in groups]

    def _read(self, rows: Tensor, prompts: Sequence[Sequence[int]]) -> _Part:
        device = self.subject.device
        width = max(len(prompt) for prompt in prompts) - 1
        pads = [width + 1 - len(prompt) for prompt in prompts]
        padded = [[prompt[0]] * pad + list(prompt) for pad, prompt in zip(pads, prompts, strict=True)]
        ids = torch.tensor(padded, dtype=torch.int64, device=device)
        first = torch.tensor(pads, device=device)[:, None]
        columns = torch.arange(width + 1, device=device)[None]
        mask = (columns >= first).to(torch.int64)
        part = _Part(rows.to(device), None if self._recurrent else mask, columns[:, -1] - first[:, 0], None)
        if not width:
            return part
        out = self.subject.base(
            input_ids=ids[:, :-1],
            attention_mask=None if self._recurrent else mask[:, :-1],  # no padding: recurrent layers misread a mask
            position_ids=(columns - first).clamp(min=0)[:, :-1],
            use_cache=True,
        )
        cache = getattr(out, self.cache_name, None)
        known = (DynamicLayer, LinearAttentionLayer, DummyLayer) if self._recurrent else (DynamicLayer,)
        if not _layers(cache) or not all(isinstance(layer, known) for layer in _layers(cache)):
            raise UserError(
                f"steering: {self.subject.source} carries more from token to token than its cache holds, so a text"
                " cannot be continued twice from one place"
            )
        return replace(part, cache=cache)

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but these, int64 (row,)."""
        self.last = self.last[rows]
        parts: list[_Part] = []
        for part in self.parts:
            new = (rows[:, None] == part.rows[None]).nonzero()  # (row among those kept, row of the part)
            if not len(new):
                continue
            if part.cache is not None:
                for layer in _layers(part.cache):
                    _select(layer, new[:, 1])
            mask = None if part.mask is None else part.mask[new[:, 1]]
            parts.append(_Part(new[:, 0], mask, part.position[new[:, 1]], part.cache))
        self.parts = parts


class Continuation:
    """One continuation of each prompt; the prompts' own cache stays as it is.

    Attributes:
        rows: int64 (row,): the rows that are in the subject at this moment, for what changes activations on the way.
    """

    def __init__(self, prompts: Prompts) -> None:
        self._model, self._name = prompts.subject.model, prompts.cache_name
        self._parts = [replace(part, cache=deepcopy(part.cache)) for part in prompts.parts]
        self.rows = self._parts[0].rows

    def step(self, ids: Tensor) -> Tensor:
        """Read one more token of each row, (row,), the prompt's last first; say what comes next.

        Returns:
            float32 (row, vocabulary): natural logarithms of probabilities.
        """
        logits: list[Tensor] = []
        for number, part in enumerate(self._parts):
            self.rows = part.rows
            out = self._model(
                input_ids=ids[part.rows, None],
                attention_mask=part.mask,
                position_ids=part.position[:, None],
                use_cache=True,
                **{self._name: part.cache},
            )
            self._parts[number] = _Part(
                part.rows,
                None if part.mask is None else torch.nn.functional.pad(part.mask, (0, 1), value=1),
                part.position + 1,
                getattr(out, self._name),
            )
            logits.append(out.logits[:, -1].to(ids.device))  # of a subject spread over several devices
        order = torch.cat([part.rows for part in self._parts]).argsort()
        return torch.cat(logits)[order].float().log_softmax(-1)


def _is_recurrent(subject: Subject) -> bool:
    """Return whether the subject's cache holds states of recurrent layers."""
    cache = DynamicCache(config=subject.model.config.get_text_config(decoder=True))
    return any(isinstance(layer, LinearAttentionLayer) for layer in cache.layers)


def _layers(cache: Any) -> list[Any]:
    return list(getattr(cache, "layers", None) or [])


def _select(layer: Any, rows: Tensor) -> None:
    """Keep these rows of a layer's cache."""
    if isinstance(layer, LinearAttentionLayer):
        for states in (layer.conv_states, layer.recurrent_states):
            states.update({name: state[rows] for name, state in states.items() if state is not None})
    if isinstance(layer, DynamicLayer) and layer.get_seq_length() > 0:
        layer.batch_select_indices(rows)
