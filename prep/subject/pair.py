"""A subject, and the second one that is read beside it on the same token ids."""

import json
from collections.abc import Sequence
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import SECOND, TAG, places_of
from inspect_autointerp.prep.subject.subject import Subject

_PARTS = ("normalizer", "pre_tokenizer", "model")
"""Parts of `tokenizer.json` that decide into which token ids a text is cut, special tokens aside."""


def load_subjects(
    source: str,
    hookpoints: Sequence[str],
    second: str | None,
    *,
    revision: str | None = None,
    second_revision: str | None = None,
    tags: Sequence[str] = (),
    **options: Any,
) -> Subject:
    """Load the subject, and the second one as its `second` if there is one.

    Args:
        source: Name or folder of the subject.
        hookpoints: See `Subject`.
        second: Name or folder of the second subject; None if there is none.
        revision: Revision of the subject.
        second_revision: Revision of the second subject.
        tags: See `Subject`.
        options: Further arguments of `Subject`, for both.

    Raises:
        UserError: One of them cannot be loaded, no hookpoint reads the second one, or they do not read the same tokens.
    """
    other = None
    if second is not None:
        names = [part for name in hookpoints for part in places_of(name) if part.startswith(SECOND)]
        if not names:
            raise UserError(
                f"second subject {second}: no hookpoint reads it; give the places of a crosscoder, as in --hookpoint"
                f" layers.3+{SECOND}layers.3, or leave out --second-subject"
            )
        tagged = [f"{name.removeprefix(SECOND)}{TAG}{number}" for number, name in enumerate(dict.fromkeys(names))]
        other = Subject(second, tagged, revision=second_revision, **options)
    subject = Subject(source, hookpoints, revision=revision, tags=tags, second=other, **options)
    if other is not None:
        _same_tokens(subject, other)
    return subject


def _same_tokens(subject: Subject, other: Subject) -> None:
    """Refuse two subjects that would cut a text into other tokens.

    Special tokens may have other names, as those of a base model and its chat model can.

    Raises:
        UserError: They would, or the second one has no embedding for a token of the first.
    """
    one, two = (json.loads(each.tokenizer.backend_tokenizer.to_str()) for each in (subject, other))
    both = f"subjects {subject.source} and {other.source}"
    if different := [part for part in _PARTS if one[part] != two[part]]:
        raise UserError(
            f"{both}: their tokenizers differ ({', '.join(different)}), so a token of one means nothing to the other;"
            " both must read the same tokens"
        )
    if subject.tokenizer.bos_token_id != other.tokenizer.bos_token_id:
        raise UserError(
            f"{both}: their BOS tokens differ ({subject.tokenizer.bos_token_id} and {other.tokenizer.bos_token_id});"
            " both must read the same tokens"
        )
    n_tokens, n_embeddings = len(subject.tokenizer), other.model.get_input_embeddings().num_embeddings
    if n_tokens > n_embeddings:
        raise UserError(f"{both}: there are {n_tokens} tokens, and the second one has {n_embeddings} embeddings")
