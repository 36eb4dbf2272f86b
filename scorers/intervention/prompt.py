"""The likelihood model's prompt. When its wording changes, so does the version in `shared.specs`."""

from inspect_autointerp.text.render import visible

_WORKED = (
    ("She unlocked the door and the whole street smelled of the sea, the salt, the boats coming in", "the sea"),
    ("def total(rows):⏎    return sum(row.price for row in rows) * 1.19 + 250 - 38 / 4", "numbers"),
    ("We met at noon and he said that on Tuesday, or Wednesday, or the Friday after", "names of days of the week"),
    ("the results are are shown in the table below below below", "saying the last word again"),
)
_HEAD = (
    "A language model continued each text below while one concept inside it was amplified. The line below each text"
    " names the amplified concept.\n\n"
)


def before(text: str) -> str:
    """Return what the likelihood model reads before the explanation.

    What never changes comes first, so that it is read once for all texts.

    Args:
        text: The prompt, and how the subject went on.
    """
    worked = "".join(f"{_asked(example)}{after(explanation)}\n" for example, explanation in _WORKED)
    return _HEAD + worked + _asked(visible(text))


def after(explanation: str) -> str:
    """The explanation as it stands there, with what shows that it ends."""
    return f" {visible(explanation.strip())}\n"


def _asked(text: str) -> str:
    return f"Text: {text}\nAmplified:"
