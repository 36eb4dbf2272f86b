"""The steering engine: the subject that a store was made of, with a latent's direction added to its activations.

What is added is s · W_dec[i], the decoder's row as it is and not at length one, so that a strength s is in the units of
the latent's activation. For an SAE this is the same as adding s to the latent's activation and keeping the error term:
decode(a + s·eᵢ) + (x − decode(a)) = x + s·W_dec[i], whatever a is (where a coder scales activations before it decodes
them, s is in scaled units). A transcoder reads a module's input and writes its output; the direction is added to the
output, and the error term is what the transcoder leaves of it. A neuron is its own direction: s is added to the
activation that goes into the MLP's last projection.

To ablate a latent is to add −a · W_dec[i], a being its activation at that token, which is looked at in the same pass:
decode(a − aᵢ·eᵢ) + (x − decode(a)) = x − aᵢ·W_dec[i]. The others are held at what they are, and so is the error term
(the result is not encoded again, where a top-k coder would let another latent in). Of a transcoder, a is what it reads
in the module's input, and what it writes is taken off the module's output; of a neuron, a is the neuron itself where it
is above 0, and so 0 is left.

A coder whose files name the places that it writes to (`writes`) is added there. A cross-layer transcoder has one for
its layer and one for each layer after it: at each, s times that place's own decoder row is added. A crosscoder is added
at each place of the subject that it reads, and not at those of a second subject, which does not run. A random direction
has at each place the length of the latent's there.

It is added at the last token of the prompt and at every one generated. The tokens before are the same, clean or
steered, whatever the latent: they are read once, and every pass after that is of one token per row.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import SECOND, places_of
from inspect_autointerp.models.steering import Direction, Generate, Generated, Predict, Predicted, Tune, Tuned
from inspect_autointerp.prep.coders import Coder, writes_of
from inspect_autointerp.prep.engines.coder_directions import coder_activations, coder_direction
from inspect_autointerp.prep.engines.decoding import Continuation, Prompts
from inspect_autointerp.prep.engines.distributions import gumbel_noise, kl_divergence, means_by_owner
from inspect_autointerp.prep.engines.halving import BatchSize
from inspect_autointerp.prep.engines.load_from_store import reloaded
from inspect_autointerp.prep.engines.strength_search import Search
from inspect_autointerp.prep.subject.activation_edit import changed
from inspect_autointerp.prep.subject.hookpoints import Side
from inspect_autointerp.store.store import Store

_START = 0.5
"""Start of the search for a KL of 1: the length of the added vector, as a share of the activations' own length."""
_REACH = 1e4
"""Largest factor by which strengths are tried above or below the start."""

Q = TypeVar("Q", Tune, Predict, Generate)
Place = tuple[torch.nn.Module, Side]
"""A module, and its input or its output."""


class SteeredSubject:
    """The subject and the coder of one hookpoint, loaded as the store's manifest names them.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        device: Where they run; by default on a GPU if there is one.
        rows: Prompts in a forward pass, at most, unless one question alone has more; by default 128, on a GPU 512.
            Halved for good where memory does not suffice.

    Raises:
        UserError: One of them cannot be loaded, or its weights are not those that the store was made of: of the subject
            those up to the deepest hookpoint, since prep reads no others.
    """

    def __init__(self, store: Store, hookpoint: str, *, device: str | None = None, rows: int | None = None) -> None:
        self.subject, coder = reloaded(store, hookpoint, "steering", device=device, whole=True)
        self.hookpoint = hookpoint
        self._size = BatchSize(rows or (128 if self.subject.device.type == "cpu" else 512), "prompts")
        self._coder: Coder = coder
        places = places_of(hookpoint)
        self._several = len(places) > 1
        self._read: Place = self.subject.place(places[0].removeprefix(SECOND))
        self._places = self._written(hookpoint)
        bos = self.subject.tokenizer.bos_token_id
        self._bos: list[int] = [bos] if store.manifest.bos else []
        self._vocabulary = len(self.subject.tokenizer)  # behind it a head may have rows that stand for nothing
        ends = getattr(self.subject.model.generation_config, "eos_token_id", None)
        self._ends: frozenset[int] = frozenset([ends] if isinstance(ends, int) else ends or [])

    def _written(self, hookpoint: str) -> list[Place]:
        """Return the places that the coder writes to."""
        if (writes := writes_of(self._coder)) is not None:
            return [self.subject.place(name) for name in writes]
        module, side = self._read
        if not self._coder.transcodes:
            return [self._read]
        if side != "input":
            raise UserError(
                f"steering: {hookpoint} is the output of a module, so the place that a transcoder writes to is"
                " unknown; make the store at the input of the module that the transcoder replaces"
            )
        return [(module, "output")]

    @torch.inference_mode()
    def directions(self, directions: Sequence[Direction]) -> Tensor:
        """Return what is added at strength 1, float32 (direction, d); of several places end to end."""
        own = [coder_direction(self._coder, direction, self.hookpoint) for direction in directions]
        return torch.stack([torch.cat(parts).to(self.subject.device) for parts in own])

    @torch.inference_mode()
    def predict(self, questions: Sequence[Predict]) -> list[Predicted]:
        """Return what comes after each prompt."""
        return self._size.run(lambda: self._predicted(questions))

    def _predicted(self, questions: Sequence[Predict]) -> list[Predicted]:
        answers = []
        for group in self._groups(questions):
            prompts, owner, delta = self._prepared(group)
            clean = Continuation(prompts).step(prompts.last)
            delta, ablated = delta * self._strengths(group)[owner], self._ablated(group, owner)
            steered = self._step(Continuation(prompts), prompts.last, delta, ablated)
            sizes = [len(question.prompts) for question in group]
            parts = zip(clean.cpu().split(sizes), steered.cpu().split(sizes), strict=True)
            answers += [Predicted(a.numpy(), b.numpy()) for a, b in parts]
        return answers

    @torch.inference_mode()
    def tune(self, questions: Sequence[Tune]) -> list[Tuned]:
        """The strengths, by a bracketed secant, for all latents at the same time; see `Search`.

        Raises:
            ValueError: One is to be ablated, which has the strength 1.
        """
        if any(question.direction.ablated for question in questions):
            raise ValueError("an ablation has the strength 1, and no other is looked for")
        return self._size.run(lambda: [a for group in self._groups(questions) for a in self._tuned(group)])

    def _tuned(self, questions: Sequence[Tune]) -> list[Tuned]:
        prompts, owner, delta = self._prepared(questions)
        clean, lengths = self._clean(prompts)
        n = len(questions)
        sizes = means_by_owner(delta.norm(dim=1), owner, n).tolist()
        searches = [
            Search(question.target_kl, start, start / _REACH, start * _REACH) if size else None
            for question, size, length in zip(questions, sizes, means_by_owner(lengths, owner, n).tolist(), strict=True)
            for start in [_START * length / (size or 1.0) * question.target_kl**0.5]
        ]
        rows = torch.tensor([searches[i] is not None for i in owner.tolist()], device=owner.device)
        while True:
            if not rows.all():
                kept = rows.nonzero()[:, 0]
                prompts.keep(kept)
                owner, delta, clean = owner[kept], delta[kept], clean[kept]
            if not len(owner):
                break
            strengths = torch.tensor([s.strength if s else 0.0 for s in searches], device=delta.device)
            steered = self._step(Continuation(prompts), prompts.last, delta * strengths[owner, None])
            kl = means_by_owner(kl_divergence(clean, steered), owner, n).tolist()
            for i in owner.unique().tolist():
                search = searches[i]
                assert search is not None
                search.tell(kl[i])
            rows = torch.tensor([not s.done for i in owner.tolist() if (s := searches[i])], device=owner.device)
        return [_answer(search) for search in searches]

    def _clean(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Return predictions after each prompt, (row, vocabulary), and the activations' norms at its end, (row,)."""
        norms = torch.zeros((len(self._places), len(prompts.last)), device=self.subject.device)
        continuation = Continuation(prompts)
        with ExitStack() as stack:
            for number, place in enumerate(self._places):

                def look(value: Tensor, number: int = number) -> Tensor:
                    norms[number, continuation.rows] = value[:, -1].float().norm(dim=-1).to(self.subject.device)
                    return value

                stack.enter_context(changed(*place, look))
            clean = continuation.step(prompts.last)
        return clean, norms[0] if len(norms) == 1 else norms.norm(dim=0)

    @torch.inference_mode()
    def generate(self, questions: Sequence[Generate]) -> list[Generated]:
        """The new tokens."""
        return self._size.run(lambda: self._generate(questions))

    def _generate(self, questions: Sequence[Generate]) -> list[Generated]:
        groups: dict[tuple[int, float], list[int]] = {}
        for i, question in enumerate(questions):
            groups.setdefault((question.n_tokens, question.temperature), []).append(i)
        answers: dict[int, Generated] = {}
        for alike in groups.values():
            generated = [answer for g in self._groups([questions[i] for i in alike]) for answer in self._generated(g)]
            answers |= zip(alike, generated, strict=True)
        return [answers[i] for i in range(len(questions))]

    def _generated(self, questions: Sequence[Generate]) -> list[Generated]:
        prompts, owner, delta = self._prepared(questions)
        delta, ablated = delta * self._strengths(questions)[owner], self._ablated(questions, owner)
        n_tokens, temperature = questions[0].n_tokens, questions[0].temperature
        rngs = [
            rng_of(q.seed, self.hookpoint, q.direction.latent, "tokens", *prompt)
            for q in questions
            for prompt in q.prompts
        ]
        new: list[list[Tensor]] = [[], []]
        first: list[Tensor] = []
        ways = [(Continuation(prompts), torch.zeros_like(delta), None), (Continuation(prompts), delta, ablated)]
        for _ in range(n_tokens):
            noise: Tensor | None = None
            for tokens, (continuation, added, away) in zip(new, ways, strict=True):
                logprobs = self._step(continuation, tokens[-1] if tokens else prompts.last, added, away)
                if not tokens:
                    first.append(logprobs)
                if noise is None and temperature:
                    noise = gumbel_noise(rngs, logprobs.shape[1]).to(logprobs.device)
                wish = logprobs if noise is None else logprobs / temperature + noise
                tokens.append(wish[:, : self._vocabulary].argmax(dim=1))
        clean, steered = (self._until_end(torch.stack(tokens, dim=1).tolist()) for tokens in new)
        kl = kl_divergence(*first).tolist()
        sizes = [len(question.prompts) for question in questions]
        parts = [slice(end - n, end) for n, end in zip(sizes, np.cumsum(sizes).tolist(), strict=True)]
        return [Generated(clean[part], steered[part], kl[part]) for part in parts]

    def _until_end(self, rows: list[list[int]]) -> list[list[int]]:
        """Each row's tokens before the first that ends a text."""
        return [row[: next((i for i, token in enumerate(row) if token in self._ends), len(row))] for row in rows]

    def _step(self, continuation: Continuation, ids: Tensor, added: Tensor, ablated: Tensor | None = None) -> Tensor:
        """One step with (row, d) added, in rows with a latent to ablate times minus its activation."""
        times = torch.ones_like(added[:, :1])
        with ExitStack() as stack:
            if ablated is not None:

                def look(value: Tensor) -> Tensor:
                    x, rows = value[:, -1].to(self.subject.device), continuation.rows
                    activations = coder_activations(self._coder, x, ablated[rows])
                    times[rows, 0] = torch.where(ablated[rows] < 0, 1.0, -activations)
                    return value

                stack.enter_context(changed(*self._read, look))

            for place, part in zip(self._places, self._parts(added), strict=True):

                def add(value: Tensor, part: Tensor = part) -> Tensor:
                    here = part if ablated is None else part * times
                    return value + here[continuation.rows, None].to(value)

                stack.enter_context(changed(*place, add))
            return continuation.step(ids)

    def _parts(self, added: Tensor) -> tuple[Tensor, ...]:
        """Part what is added at all places, end to end, into what is added at each of them, (row, d)."""
        writes = writes_of(self._coder)
        return (added,) if writes is None else added.split([decoder.shape[1] for decoder in writes.values()], dim=1)

    def _ablated(self, questions: Sequence[Predict | Generate], owner: Tensor) -> Tensor | None:
        """int64 (row,): the latent to ablate, −1 where none is; None if there are none at all."""
        latents = [q.direction.latent if q.direction.ablated else -1 for q in questions]
        if self._several and max(latents) >= 0:
            raise UserError(
                f"ablation: a latent of {self.hookpoint} writes to places before the last that it reads, so its"
                " activation is known too late; leave out ablate=true, and it is steered"
            )
        return None if max(latents) < 0 else torch.tensor(latents, device=owner.device)[owner]

    def _groups(self, questions: Sequence[Q]) -> Iterator[list[Q]]:
        """Questions that go together into the model."""
        group: list[Q] = []
        for question in questions:
            if group and sum(len(q.prompts) for q in [*group, question]) > self._size.most:
                yield group
                group = []
            group.append(question)
        if group:
            yield group

    def _prepared(self, questions: Sequence[Tune | Predict | Generate]) -> tuple[Prompts, Tensor, Tensor]:
        """The questions' prompts, whose each row is, and its direction at strength 1, (row, d).

        Raises:
            UserError: A prompt is empty or too long.
        """
        rows = [[*self._bos, *prompt] for question in questions for prompt in question.prompts]
        if not all(rows):
            raise UserError("steering: a prompt has no tokens")
        new = max((q.n_tokens for q in questions if isinstance(q, Generate)), default=1) - 1
        longest, most = max(map(len, rows)) + new, self.subject.max_length
        if most and longest > most:
            raise UserError(
                f"steering: {longest} tokens, new ones included, are more than the subject's limit of {most}"
            )
        sizes = torch.tensor([len(question.prompts) for question in questions])
        owner = torch.arange(len(questions)).repeat_interleave(sizes).to(self.subject.device)
        return Prompts(self.subject, rows), owner, self.directions([q.direction for q in questions])[owner]

    def _strengths(self, questions: Sequence[Predict | Generate]) -> Tensor:
        """(question, 1)."""
        return torch.tensor([[question.strength] for question in questions], device=self.subject.device)


def _answer(search: Search | None) -> Tuned:
    if search is None:
        return Tuned(None, float("nan"), 0, "its direction is zero")
    strength, kl = search.nearest or (float("nan"), float("nan"))
    return Tuned(strength if search.found else None, kl, search.n_passes, search.reason)
