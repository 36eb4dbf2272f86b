"""Comparison of what coders say that they were trained on with what the subject is run on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from inspect_autointerp.errors import UserError


@dataclass(frozen=True)
class Training:
    """Facts that a coder gives about its training; None where it gives none."""

    bos: bool | None = None
    """A BOS token stood before every text."""
    context_size: int | None = None
    """Tokens that the subject saw at once, BOS included."""
    positions: tuple[int | None, ...] | None = None
    """The bounds of the slice of positions that it was trained on; None for all of them."""
    excluded_tokens: bool = False
    """It was not trained on certain tokens that are not special ones."""
    checkpoint: dict[str, Any] = field(default_factory=dict)
    """The checkpoint of the subject that was loaded."""


def with_bos(
    wish: bool | None, trained: dict[str, Training], bos: int | None, subject: str, usual: bool = True
) -> bool:
    """Return whether a BOS token stands before every chunk.

    Args:
        wish: What the user asks for.
        trained: What coders say of their training, by their source. If they say nothing, BOS stands where the subject
            has one.
        bos: The subject's BOS token.
        subject: The subject's name.
        usual: BOS stands where nobody says anything and the subject has one.

    Raises:
        UserError: BOS is asked for, and the subject has none; or coders differ and nothing is asked for.
    """
    if wish and bos is None:
        raise UserError(f"--bos: the tokenizer of {subject} has no BOS token")
    if wish is not None:
        return wish
    by_answer = {answer: source for source, training in trained.items() if (answer := training.bos) is not None}
    if len(by_answer) == 2:
        raise UserError(
            f"coder {by_answer[True]} was trained with BOS before every text and {by_answer[False]} without"
            " (prepend_bos); give --bos or --no-bos for both, or make a store for each"
        )
    return bos is not None and (by_answer.keys() == {True} or (usual and not by_answer))


def differences(trained: dict[str, Training], *, bos: bool, context_length: int, revision: str | None) -> Iterable[str]:
    """Say in a line each how the run differs from what coders were trained on.

    Args:
        trained: What coders say of their training, by their source.
        bos: A BOS token stands before every chunk.
        context_length: Tokens in a chunk without it.
        revision: Of the subject.
    """
    for source, training in trained.items():
        was = f"coder {source} was trained"
        if training.bos is not None and training.bos != bos:
            having = ("without", "with")
            yield f"{was} {having[training.bos]} BOS before every text, and the subject is run {having[bos]} it"
        if training.context_size and context_length + bos > training.context_size:
            yield (
                f"{was} on {training.context_size} tokens at once, and the subject is run on {context_length + bos}:"
                " --context-length shortens that"
            )
        if training.positions:
            bounds = ", ".join(map(str, training.positions))
            yield f"{was} on the positions slice({bounds}) alone (seqpos_slice), and all of them are encoded"
        if training.excluded_tokens:
            yield f"{was} without certain tokens (exclude_special_tokens), and they are encoded like all others"
        if training.checkpoint and revision is None:
            which = ", ".join(f"{name}: {value}" for name, value in training.checkpoint.items())
            yield f"{was} on another checkpoint of the subject ({which}): --revision takes it"
