"""The settings that decide what a context store holds, other than the subject and its coders."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.validation import STRICT, Text

_CHOICES = {
    "neighbours": ("decoder", "encoder", "none"),
    "coder_dtype": ("float32", "bfloat16"),
    "quantization": ("8bit", "4bit", None),
}
_LATER = ("separator",)
"""Settings that came after the first stores and suites."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\n", "f": "\f", "v": "\v", "\\": "\\"}
MAX_WINDOW = 1 << 14
"""Selection keeps an activation's place in its window, margins included, in sixteen bits."""
_MOST = (1 << 32) - 1
_RANGES = {
    "tokens": (1, 1 << 53),
    "context_length": (1, _MOST),
    "window": (1, _MOST),
    "sample": (0, _MOST),
    "top": (0, _MOST),
    "pool": (0, _MOST),
    "min_active": (0, 1 << 53),
    "test_fraction": (0, 1),
    "seed": (0, _MOST),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Part of the manifest: with the subject and the coders, what reproduces a store.

    Raises:
        UserError: One of them is out of its range, or two of them do not go together.
    """

    __pydantic_config__ = STRICT

    corpus: Text = "stdlib"
    """`stdlib`, a local file or folder, or the name of a Hugging Face dataset."""
    corpus_split: Text = "train"
    """Split of a Hugging Face dataset."""
    column: Text = "text"
    """Column that holds the text, where there are columns."""
    separator: str | None = None
    """Separator of the documents in a text file, with escapes as in `\n\n`; if none, a file is one document."""
    tokens: int = 1_000_000
    """Tokens of the corpus to read, at most."""
    context_length: int = 256
    """Tokens that the subject sees at once, BOS not counted."""
    window: int = 32
    """Tokens in a context."""
    center: bool = False
    """True if contexts are centred on the latent's peak, rather than cut on a grid that starts with the document."""
    pack: bool = False
    """True if what the subject sees may run over the end of a document."""
    sample: int = 128
    """Windows kept per latent and split, uniformly."""
    top: int = 32
    """Windows kept per latent and split for their maximum."""
    pool: int = 1024
    """Windows kept for all latents, uniformly."""
    min_active: int = 200
    """A latent that fires, but in fewer windows, is marked as rare. It is kept all the same."""
    neighbours: Literal["decoder", "encoder", "none"] = "decoder"
    """Whose cosines say which latents are neighbours; `none` to look for none."""
    test_fraction: float = 0.5
    """A document is of the test split if a hash of its tokens and the seed falls below this share."""
    seed: int = 0
    """Random seed of the window sampling, the document split, and the order of the standard library's documents."""
    dtype: Text = "float32"
    """In which the subject runs: `float32`, `bfloat16`, `float16`, or `auto` for the checkpoint's own."""
    coder_dtype: Literal["float32", "bfloat16"] = "float32"
    """In which coders hold their weights. They add up in float32 in any case."""
    attention: Text | None = None
    """Implementation of the subject's attention, as transformers names them; its own choice if not given."""
    quantization: Literal["8bit", "4bit"] | None = None
    """Quantization of the subject's weights, by bitsandbytes."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                known = ", ".join(choice for choice in choices if choice)
                raise UserError(f"{name} {getattr(self, name)!r}: unknown; give one of {known}")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise UserError(f"{name} must be from {least} to {most}, got {str(value)[:20]}")
        separator_text(self.separator)
        if self.window > MAX_WINDOW:
            raise UserError(f"a window of {self.window} tokens is more than the {MAX_WINDOW} that a store can hold")
        if self.context_length % self.window:
            raise UserError(
                f"a context length of {self.context_length} is not a multiple of a window of {self.window}:"
                " a window must not cross the end of the text that the subject sees at once"
            )

    @property
    def identity(self) -> dict[str, Any]:
        """All settings, without those that came later and are off: so a new one renames nothing that was there."""
        return {name: value for name, value in asdict(self).items() if value is not None or name not in _LATER}


def separator_text(given: str | None) -> str | None:
    r"""Read a separator as users write it: `\n`, `\t`, `\\` and the like stand for what they do in Python.

    Raises:
        UserError: It is empty, or has an escape that is not known.
    """
    if given is None:
        return None

    def character(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            known = ", ".join(f"\\{letter}" for letter in _ESCAPES)
            raise UserError(f"separator {given!r}: {match[0]} is unknown; there are {known}")
        return _ESCAPES[match[1]]

    text = re.sub(r"\\(.|$)", character, given.replace("\r\n", "\n").replace(r"\r\n", "\n"), flags=re.DOTALL)
    if not text:
        raise UserError(r"the separator is empty; give the text between documents, such as '<|endoftext|>' or '\n\n'")
    return text
