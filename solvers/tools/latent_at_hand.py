"""The latent that a tool is about, and what every tool does around its own work."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache

from inspect_ai.tool import ToolError

from inspect_autointerp.contexts.explain_split import ExplainSplit
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.compat import sample_state
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.latent import Latent
from inspect_autointerp.models.spending import note_tool
from inspect_autointerp.store.store import Store

MOST_CALLS = 200
"""Tool calls for one latent; an agent that goes on gets errors until its budget of rounds ends."""
LONGEST_TEXT = 2_000
"""Characters of a text that an agent writes."""


class LatentAtHand:
    """A latent with its explain split, which all tools of one latent share.

    Args:
        store: The store.
        latent: One of its latents.
    """

    def __init__(self, store: Store, latent: Latent) -> None:
        self.store, self.latent = store, latent
        self.explain = ExplainSplit(store, latent)


def at_hand() -> LatentAtHand:
    """Return the latent of the sample that is running.

    Raises:
        UserError: No sample of this package's tasks is running, or its store cannot be opened.
    """
    state = sample_state()
    if state is None or "store" not in state.metadata:
        raise UserError("there is no latent here: these tools work in samples of inspect_autointerp's tasks")
    store = store_of(state)
    return of_store(store, str(state.sample_id))


@lru_cache(maxsize=128)
def _made(store: Store, id: str) -> LatentAtHand:
    return LatentAtHand(store, latent_named(store, id))


def of_store(store: Store, id: str) -> LatentAtHand:
    """Return a store's latent by its id, `hookpoint/index`.

    Raises:
        UserError: There is no such latent.
    """
    hookpoint, _, index = id.rpartition("/")
    width = store.at(hookpoint).width
    if not index.isascii() or not index.isdecimal() or int(index) >= width:
        raise UserError(f"there is no latent {id}; {hookpoint} has the latents 0 to {width - 1}")
    return _made(store, f"{hookpoint}/{int(index)}")


@contextmanager
def tool_call() -> Generator[None]:
    """Count a tool's call, and turn what a user could mend into an error that the agent reads.

    Raises:
        ToolError: In place of a `UserError`, or because there were too many calls.
    """
    if note_tool() > MOST_CALLS:
        raise ToolError(f"You have made {MOST_CALLS} tool calls, which is all there are. Submit your explanation now.")
    try:
        yield
    except UserError as error:
        raise ToolError(str(error)) from error


def check_texts(store: Store, texts: list[str], most: int, what: str) -> None:
    """Check texts that an agent wrote.

    Args:
        store: The store, whose tokenizer says what a special token is.
        texts: The texts.
        most: How many are allowed.
        what: What messages call one.

    Raises:
        ToolError: There are none or too many, or one is empty, too long, not Unicode, or holds a special token.
    """
    if not 0 < len(texts) <= most:
        raise ToolError(f"{len(texts)} {what}s were given. Give 1 to {most}.")
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise ToolError(f"{what} {number} is empty. Write some words in it, or leave it out.")
        if len(text) > LONGEST_TEXT:
            raise ToolError(f"{what} {number} has {len(text):,} characters. At most {LONGEST_TEXT:,} are read.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ToolError(f"{what} {number} holds half of a surrogate pair, which is no character. Leave it out.")
        if special := next((token for token in store.detokenizer.special if token in text), None):
            raise ToolError(
                f"{what} {number} holds {special}, which the subject reads as a control token and not as text."
                " Leave it out."
            )
