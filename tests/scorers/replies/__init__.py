"""Replies as models write them, each with what a careful person reads in it; None where that person would ask again.

They were written by hand, before the parsers were run on them. `Reply.n` is how many texts were asked about.
"""

from typing import Any, NamedTuple


class Reply(NamedTuple):
    """Reply of a model, and its meaning."""

    n: int
    text: str
    means: Any
