"""Cost of an explanation, counted while it is written: tokens, calls and seconds.

A solver opens `spending()` around its work on one latent. Calls to models, engines and tools that happen inside add to
it, in whatever task of the event loop they run. What happens outside, a scorer's calls for instance, is not counted.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Literal

Payer = Literal["explainer", "grader"]
"""For whom a call to a model is made: the explainer itself, or a grader that it asks to choose among explanations."""


@dataclass
class Spending:
    """Amounts spent so far on one latent."""

    explainer_tokens: int = 0
    """Input and output of the explainer, whether paid for now or found in Inspect's cache."""
    grader_tokens: int = 0
    """Input and output of the grader, as far as the explainer asked it."""
    subject_tokens: int = 0
    """Tokens that the subject read or wrote, counted once per forward pass that they went through."""
    calls: int = 0
    """Calls to the explainer and the grader."""
    tool_calls: int = 0
    """Calls of tools."""
    seconds: float = 0.0
    """Wall-clock time, with all waiting for other samples' calls."""

    @property
    def tokens(self) -> int:
        """Tokens of the explainer and the grader: what a budget limits."""
        return self.explainer_tokens + self.grader_tokens

    def record(self) -> dict[str, float]:
        """Return the fields for a log."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


FIELDS = tuple(Spending().record())
"""Names of what is counted."""
_current: ContextVar[Spending | None] = ContextVar("spending", default=None)
_payer: ContextVar[Payer] = ContextVar("payer", default="explainer")


@contextmanager
def spending() -> Generator[Spending]:
    """Count what is spent in the block."""
    spent, start = Spending(), monotonic()
    token = _current.set(spent)
    try:
        yield spent
    finally:
        spent.seconds = monotonic() - start
        _current.reset(token)


@contextmanager
def on_behalf_of(payer: Payer) -> Generator[None]:
    """Count the calls in the block for that payer."""
    token = _payer.set(payer)
    try:
        yield
    finally:
        _payer.reset(token)


def current() -> Spending | None:
    """Return what is being counted; None outside of any `spending()`."""
    return _current.get()


def note_call(tokens: int) -> None:
    """Count a call to a model, and its tokens."""
    if (spent := _current.get()) is not None:
        spent.calls += 1
        if _payer.get() == "grader":
            spent.grader_tokens += tokens
        else:
            spent.explainer_tokens += tokens


def note_subject(tokens: int) -> None:
    """Count tokens that went through the subject."""
    if (spent := _current.get()) is not None:
        spent.subject_tokens += tokens


def note_tool() -> int:
    """Count a call of a tool, and return how many there were; 0 outside of any `spending()`."""
    if (spent := _current.get()) is None:
        return 0
    spent.tool_calls += 1
    return spent.tool_calls
