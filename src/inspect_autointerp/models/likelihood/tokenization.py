"""A prefix and its continuation as the tokens of one text, and where the continuation begins among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inspect_autointerp.models.likelihood.interface import Choice, Pair, common_length
from inspect_autointerp.store.detokenizer import Detokenizer


@dataclass(frozen=True, slots=True)
class Tokenized:
    """One pair as tokens."""

    ids: list[int]
    """BOS first, where the model has one."""
    first: int
    """Index of the continuation's first token."""


class Tokenizing:
    """Tokenizes pairs with a fast tokenizer of transformers.

    BOS is put in front where the tokenizer has one, whatever it does by itself; no other special token is added.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._bos: list[int] = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        self._decoder = Detokenizer(tokenizer.backend_tokenizer)

    def __call__(self, pairs: Sequence[Pair]) -> list[Tokenized]:
        """Each pair's tokens."""
        if not pairs:
            return []
        texts = [prefix + continuation for prefix, continuation in pairs]
        token_ids = self._token_ids(texts)
        return [
            Tokenized([*self._bos, *ids], len(self._bos) + first_behind(self._spans(ids, text), len(prefix)))
            for ids, text, (prefix, _) in zip(token_ids, texts, pairs, strict=True)
        ]

    def choices(self, questions: Sequence[Choice]) -> list[list[Tokenized]]:
        """Each question's whole texts as tokens. The continuations begin where the texts first differ."""
        texts = [prefix + continuation for prefix, continuations in questions for continuation in continuations]
        token_ids = iter([[*self._bos, *ids] for ids in self._token_ids(texts)] if texts else [])
        tokenized: list[list[Tokenized]] = []
        for _, continuations in questions:
            own = [next(token_ids) for _ in continuations]
            first = common_length(own)
            tokenized.append([Tokenized(ids, first) for ids in own])
        return tokenized

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return self._tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]

    def _spans(self, ids: list[int], text: str) -> Sequence[tuple[int, int]]:
        """Return where tokens lie in the text: by their bytes, or as a tokenizer reports that changes its input.

        That is the second choice, since some tokenizers leave a token's spaces out of what they say.
        """
        spelled, spans = self._decoder(ids)
        if spelled == text:
            return spans
        return self._tokenizer(text, add_special_tokens=False, verbose=False, return_offsets_mapping=True)[
            "offset_mapping"
        ]


def first_behind(spans: Sequence[tuple[int, int]], boundary: int) -> int:
    """Index of the first token that holds anything behind a place in the text; of none, how many tokens there are.

    A character made of several tokens is in the last one's span (`Decoder`); the others go with it.

    Args:
        spans: Of each token its characters (start, end), in order.
        boundary: The place, in characters.
    """
    before = [i for i, (start, end) in enumerate(spans) if start < end <= boundary]
    return before[-1] + 1 if before else 0
