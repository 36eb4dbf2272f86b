"""The base model's prompt. When its wording changes, so does the version in `shared.specs`."""

from collections.abc import Sequence

from inspect_autointerp.text.render import visible

PSEUDO = "Various unrelated sentences"
"""The explanation that says nothing, with which every other one is compared (arXiv 2410.13928, D.3)."""

_HEAD = "Each description below is followed by sentences that match it.\n\n"
_WORKED = (
    ("names of days of the week", ("The ferry leaves on Tuesday at noon.", "See you Friday, or Saturday.")),
    ("the colon that opens a block of Python code", ("if x > 0:\n    y = 1", "for row in rows:\n    print(row)")),
    (PSEUDO, ("A cup of sugar and two eggs.", "He had never been to sea.")),
    ("words about cold", ("Snow lay on the frozen lake.", "an icy wind, and freezing rain")),
)


def surprisal_prefix(explanation: str) -> str:
    """Return what a text stands after: the same worked blocks for all, then the explanation, on one line."""
    blocks = [_block(worked, texts) for worked, texts in _WORKED]
    return _HEAD + "".join(blocks) + _block(visible(explanation.strip()), ()) + "-"


def surprisal_continuation(text: str) -> str:
    """A text as it stands there: as it is, line ends included."""
    return f" {text}"


def _block(description: str, texts: Sequence[str]) -> str:
    lines = "".join(f"-{surprisal_continuation(text)}\n" for text in texts)
    return f"Description: {description}\nSentences:\n{lines}" + ("\n" if texts else "")
