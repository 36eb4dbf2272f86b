"""Likelihood by a language model in memory. Needs torch, so it is imported where it is used and not before."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from inspect import signature
from itertools import groupby
from logging import getLogger
from math import inf, nan
from typing import Any, cast

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

from inspect_autointerp.errors import UserError
from inspect_autointerp.models.batching import Batches
from inspect_autointerp.models.likelihood.interface import (
    Choice,
    ChoiceOrReason,
    LikelihoodError,
    Pair,
    common_length,
    total,
)
from inspect_autointerp.models.likelihood.tokenization import Tokenized, Tokenizing
from inspect_autointerp.store.trust import VARIABLE, trusted

_PAIRS = 256
"""At once: those that share a prefix find each other among them."""
_TOKENS = 1024
"""In a forward pass, padding included: this times the vocabulary is what the logits take."""
_WORTH = 64
"""From how many tokens saved a common prefix gets a forward pass of its own."""

_Layers = list[tuple[Tensor, Tensor]]


class LocalLikelihood:
    """A causal language model of transformers, as a `Likelihood`.

    What several pairs begin with is run once, and its keys and values are lent to each: by reference to a batch's rows,
    so nothing is kept from one batch to the next and nothing grows. Lends in levels: instructions that all share, then
    each explanation's own. Batches are of sequences of like length.

    Args:
        model: As transformers loads it, on one device or spread over several.
        tokenizer: Its fast tokenizer.

    Raises:
        UserError: The tokenizer is not a fast one.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        if not tokenizer.is_fast:
            raise UserError(f"{model.name_or_path}: it has no fast tokenizer (tokenizer.json), which likelihood needs")
        self._model = model.eval()
        self._tokenize = Tokenizing(tokenizer)
        self._device = model.get_input_embeddings().weight.device
        self._most: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._keeps = "logits_to_keep" in signature(model.forward).parameters
        self._lends = True
        self._batches: Batches[Pair, list[float] | LikelihoodError] = Batches(self._answer, _PAIRS)
        self._choosing: Batches[Choice, ChoiceOrReason] = Batches(self._choose, _PAIRS)

    async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """See `Likelihood`; pairs of several callers are answered together.

        Raises:
            LikelihoodError: One of the pairs is longer than the model takes (`too_long`).
        """
        answers: list[list[float]] = []
        for answer in await self._batches(pairs):
            if isinstance(answer, LikelihoodError):
                raise answer
            answers.append(answer)
        return answers

    async def choices(self, questions: Sequence[Choice]) -> list[ChoiceOrReason]:
        """See `Choosing`; questions of several callers are answered together.

        Logits are computed in float32, whatever the model's type: a bfloat16 between 16 and 32 comes in steps of 0.125
        nats, in which many texts would be equal. Reasons: `too_long`, and `ambiguous_labels` where one continuation's
        tokens begin another's.
        """
        return await self._choosing(questions)

    @torch.inference_mode()
    def _choose(self, questions: list[Choice]) -> list[ChoiceOrReason]:
        tokenized = self._tokenize.choices(questions)
        answers: list[ChoiceOrReason] = [(None, self._unfit(options)) for options in tokenized]
        wanted = [i for i, (_, reason) in enumerate(answers) if reason is None]
        with self._float32_head():
            run = _Run(self, [item for i in wanted for item in tokenized[i]])
        logprobs = iter(run.answers)
        for i in wanted:
            answers[i] = [total(next(logprobs)) for _ in tokenized[i]], None
        return answers

    def _unfit(self, options: Sequence[Tokenized]) -> str | None:
        """Return why a question cannot be answered; None if it can."""
        if max(len(option.ids) for option in options) > (self._most or inf):
            return "too_long"
        first = options[0].first
        return "ambiguous_labels" if not first or any(len(option.ids) == first for option in options) else None

    @contextmanager
    def _float32_head(self) -> Generator[None]:
        """Have logits computed in float32 from a narrower model's last hidden states."""
        head = self._model.get_output_embeddings()
        if type(head) is not torch.nn.Linear or head.weight.dtype not in (torch.bfloat16, torch.float16):
            yield
            return

        def widened(module: torch.nn.Linear, inputs: tuple[Tensor], _: Tensor) -> Tensor:
            bias = getattr(module, "bias", None)
            bias = None if bias is None else bias.float()
            return torch.nn.functional.linear(inputs[0].float(), module.weight.float(), bias)

        hook = head.register_forward_hook(widened)
        try:
            yield
        finally:
            hook.remove()

    @torch.inference_mode()
    def _answer(self, pairs: list[Pair]) -> list[list[float] | LikelihoodError]:
        items = self._tokenize(pairs)
        answers: list[list[float] | LikelihoodError] = [self._too_long(item) for item in items]
        wanted = [i for i, item in enumerate(items) if len(item.ids) <= (self._most or len(item.ids))]
        run = _Run(self, [items[i] for i in wanted])
        for i, answer in zip(wanted, run.answers, strict=True):
            answers[i] = answer
        return answers

    def _too_long(self, item: Tokenized) -> LikelihoodError:
        message = f"prefix and continuation are {len(item.ids)} tokens, and the model takes {self._most}"
        return LikelihoodError("too_long", message)

    def extended(self, lent: _Layers, ids: list[int]) -> _Layers | None:
        """Keys and values of a prefix and what follows it, each (1, head, token, d); None if the model has no such."""
        if not self._lends:
            return None
        cache = _cache(lent, 1)
        self._forward(torch.tensor([ids], device=self._device), cache, 1)
        layers = [(getattr(layer, "keys", None), getattr(layer, "values", None)) for layer in cache.layers]
        length = len(ids) + (lent[0][0].shape[-2] if lent else 0)
        usable = [
            (k, v) for k, v in layers if k is not None and v is not None and k.ndim == 4 and k.shape[-2] == length
        ]
        self._lends = bool(usable) and len(usable) == len(layers)  # else it remembers in some other way
        return usable if self._lends else None

    def batch(self, lent: _Layers, rows: Sequence[Sequence[Tokenized]], skip: int) -> list[list[list[float]]]:
        """The answers for some items of which the first `skip` tokens are lent; those of a row differ at the end."""
        inputs = [row[0].ids[skip:-1] for row in rows]
        longest = max(map(len, inputs))
        # (row, token), filled up behind the end, where no token looks: no mask is needed
        ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens in inputs], device=self._device)
        # where a continuation's first token is foretold
        begins = [min(max(item.first, 1) for item in row) - 1 - skip for row in rows]
        kept = longest - min(begins)
        logits = self._forward(ids, _cache(lent, len(rows)) if lent else None, kept)
        answers: list[list[list[float]]] = []
        for i, row in enumerate(rows):
            begin, end = begins[i] - (longest - kept), len(inputs[i]) - (longest - kept)
            own = logits[i, begin:end].float()  # (token, vocabulary)
            normalizers = own.logsumexp(-1)
            answers.append([])
            for item in row:
                n = len(item.ids) - max(item.first, 1)
                targets = torch.tensor(item.ids[len(item.ids) - n :], device=own.device)
                logprobs = own[len(own) - n :].gather(-1, targets[:, None])[:, 0] - normalizers[len(own) - n :]
                answers[i].append([nan] * (len(item.ids) - item.first - n) + cast(Any, logprobs).tolist())
        return answers

    def _forward(self, ids: Tensor, cache: DynamicCache | None, kept: int) -> Tensor:
        """Logits of the last tokens kept, (row, kept, vocabulary)."""
        options: dict[str, Any] = {"logits_to_keep": kept} if self._keeps else {}
        given = {} if cache is None else {"past_key_values": cache}
        return self._model(input_ids=ids, use_cache=cache is not None, **given, **options).logits[:, -kept:]


class _Run:
    """Answers some items, what they begin with shared. Items that differ in the last token alone are run as one row."""

    def __init__(self, engine: LocalLikelihood, items: list[Tokenized]) -> None:
        self._engine, self._items = engine, items
        self.answers = [[nan] * (len(item.ids) - item.first) for item in items]
        alike: dict[tuple[int, ...], list[int]] = {}
        for i, item in enumerate(items):
            if max(item.first, 1) < len(item.ids):
                alike.setdefault(tuple(item.ids[:-1]), []).append(i)
        self._rows = list(alike.values())
        """Numbers of the items of each row."""
        firsts = [min(items[i].first for i in row) for row in self._rows]
        self._lendable = [items[row[0]].ids[: max(first - 1, 0)] for row, first in zip(self._rows, firsts, strict=True)]
        """All before the token that foretells a row's first continuation."""
        self._alone(self._visit(list(range(len(self._rows))), [], 0), [], 0)

    def _visit(self, which: list[int], lent: _Layers, skip: int) -> list[int]:
        """Answer those of some rows that share more than is lent, as far as that is worth it; return the others."""
        if len(which) < 2:
            return which
        which = sorted(which, key=self._lendable.__getitem__)
        first, last = self._lendable[which[0]], self._lendable[which[-1]]
        common = common_length((first, last))
        own, depth = None, skip
        if (len(which) - 1) * (common - skip) >= _WORTH:
            own = self._engine.extended(lent, first[skip:common])
        if own is not None:
            depth = common
        left: list[int] = []
        for _, group in groupby(which, key=lambda i: self._lendable[i][common : common + 1]):
            members = list(group)
            left += self._visit(members, own or lent, depth) if len(members) < len(which) else members
        if own is None:
            return left
        self._alone(left, own, depth)
        return []

    def _alone(self, which: list[int], lent: _Layers, skip: int) -> None:
        """Answer rows with what is lent, in batches of like length."""
        order = sorted(which, key=lambda row: (self._length(row), self._rows[row]))
        while order:
            rows = [order.pop()]
            longest = self._length(rows[0]) - skip
            while order and (len(rows) + 1) * longest <= _TOKENS:
                rows.append(order.pop())
            members = [self._rows[row] for row in rows]
            answers = self._engine.batch(lent, [[self._items[i] for i in row] for row in members], skip)
            for row, own in zip(members, answers, strict=True):
                for i, answer in zip(row, own, strict=True):
                    self.answers[i] = answer

    def _length(self, row: int) -> int:
        return len(self._items[self._rows[row][0]].ids)


def _cache(lent: _Layers, rows: int) -> DynamicCache:
    """Return what is lent, for each of some rows: a cache of its own, for a forward pass extends the one it gets."""
    cache = DynamicCache()
    for layer, (keys, values) in enumerate(lent):
        cast(Any, cache).update(keys, values, layer)
        held: Any = cache.layers[layer]
        held.keys, held.values = keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)  # no copies yet
    return cache


def load(source: str, device: str | None = None, dtype: str = "float32") -> LocalLikelihood:
    """Load a model by name or folder.

    Args:
        source: Name on the Hub, or folder.
        device: Where it runs; a GPU where there is one by default.
        dtype: In which type, as transformers calls it; `auto` for the checkpoint's own.

    Raises:
        UserError: It, or its tokenizer, cannot be loaded.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    getLogger(__name__).warning("likelihood: loading %s, %s on %s", source, dtype, device)  # Inspect shows no less
    logging.disable_progress_bar()  # Inspect's display has one of its own
    try:
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(source, trust_remote_code=trusted())
        model = cast(Any, AutoModelForCausalLM).from_pretrained(source, dtype=dtype, trust_remote_code=trusted())
        model.to(device)
    except Exception as error:  # of a missing file, another's code, a device
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        if "trust_remote_code" in str(error):
            reason = f"it needs code that comes with it, which {VARIABLE}=1 lets run on this machine"
        raise UserError(f"likelihood model {source}: it cannot be loaded ({reason})") from error
    return LocalLikelihood(model, tokenizer)
