"""The firing engine: the subject and coder that a store was made of, on texts that are not in it.

A text is read as prep reads a document: its tokens without special ones added, BOS in front where prep put it, no more
than a chunk of the store holds, and special tokens count for nothing. So a text that is a whole document of the store
has the activations that the store keeps.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import in_subject
from inspect_autointerp.models.activations import Fired, Texts
from inspect_autointerp.prep.engines.halving import BatchSize
from inspect_autointerp.prep.engines.load_from_store import reloaded
from inspect_autointerp.prep.subject.places import Hookpoint
from inspect_autointerp.store.store import Store


class ReadingSubject:
    """The subject up to the store's deepest hookpoint, and the coder of one, loaded as the manifest names them.

    Args:
        store: The store.
        hookpoint: One of its hookpoints.
        device: Where they run; by default on a GPU if there is one.
        tokens: In a forward pass, padding included, at most, unless one text alone has more; by default as many as
            prep's default batch has. Halved for good where memory does not suffice.

    Raises:
        UserError: See `reloaded`.
    """

    def __init__(self, store: Store, hookpoint: str, *, device: str | None = None, tokens: int = 4096) -> None:
        self.subject, self._coder = reloaded(store, hookpoint, "reading new texts", device=device)
        self._store, self._hookpoint, self._size = store, hookpoint, BatchSize(tokens, "tokens")
        tokenizer = self.subject.tokenizer
        self._bos: list[int] = [tokenizer.bos_token_id] if store.manifest.bos else []
        self._special = np.array(sorted(tokenizer.all_special_ids), dtype=np.int64)

    def __call__(self, questions: Sequence[Texts]) -> list[list[Fired]]:
        """Return the texts of each question with their activations, in order.

        Raises:
            UserError: An activation is NaN or infinite.
        """
        texts = [text for question in questions for text in question.texts]
        latents = [question.latent for question in questions for _ in question.texts]
        read = self._tokenized(texts)
        most = self._store.settings.context_length
        rows = [ids[:most] for ids in read]
        values: dict[int, np.ndarray] = {}

        def read_rest() -> None:  # begun again at half the size, it goes on with what is not read yet
            for group in self._groups({i: row for i, row in enumerate(rows) if i not in values}):
                own = self._activations([rows[i] for i in group], [latents[i] for i in group])
                values.update(zip(group, own, strict=True))

        self._size.run(read_rest)
        fired = []
        for i, (ids, row) in enumerate(zip(read, rows, strict=True)):
            text, spans = self._store.detokenizer(row)
            fired.append(Fired(text, spans, values.get(i, np.zeros(0, dtype=np.float32)), len(ids) - len(row)))
        answers = iter(fired)
        return [[next(answers) for _ in question.texts] for question in questions]

    def _tokenized(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        return self.subject.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]

    def _groups(self, rows: Mapping[int, Sequence[int]]) -> Iterator[list[int]]:
        """The numbers of the rows that go together into the model, alike in length; of no tokens, none."""
        group: list[int] = []
        for i in sorted((i for i, row in rows.items() if row), key=lambda i: len(rows[i])):
            if group and (len(group) + 1) * (len(self._bos) + len(rows[i])) > self._size.most:
                yield group
                group = []
            group.append(i)
        if group:
            yield group

    @torch.inference_mode()
    def _activations(self, rows: Sequence[Sequence[int]], latents: Sequence[int]) -> list[np.ndarray]:
        """Return the activations of each row's latent, float32 (token,)."""
        before, device = len(self._bos), self.subject.device
        shape = (len(rows), before + max(map(len, rows)))
        ids = np.full(shape, self._bos[0] if before else 0, dtype=np.int64)  # padding is behind, where none can see it
        real = np.zeros(shape, dtype=bool)
        for i, row in enumerate(rows):
            ids[i, before : before + len(row)] = row
            real[i, before : before + len(row)] = ~np.isin(row, self._special)
        places = torch.from_numpy(np.flatnonzero(real)).to(device)
        wanted = torch.from_numpy(np.array(latents).repeat(real.sum(axis=1))).to(device)
        dense = torch.zeros(ids.size, dtype=torch.float32, device=device)

        def receive(hookpoint: Hookpoint, value: Tensor) -> None:
            value = value.flatten(0, 1)[places]
            if not bool(torch.isfinite(value.sum(dtype=torch.float32))):
                raise UserError(f"the activations at {hookpoint.name} are NaN or infinite on a new text")
            token, latent, act = self._coder.encode(value)
            own = latent == wanted[token]
            dense[places[token[own]]] = act[own].float()

        if real.any():
            self.subject.run(torch.from_numpy(ids).to(device), receive, only=in_subject(self._hookpoint))
        activations = dense.view(shape).cpu().numpy()
        return [activations[i, before : before + len(row)] for i, row in enumerate(rows)]
