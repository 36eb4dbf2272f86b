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
_LATER = ("separator", "chat", "role", "template_tokens")
"""Settings that came after the first stores and suites."""
CHAT = ("chat", "role", "template_tokens")
"""Settings of a corpus of conversations. A manifest has them only where they are on."""
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
    """Corpus: `stdlib`; a file, folder or URL (text, JSON, CSV, Parquet; also .gz, .bz2, .xz, .zst); or
    dataset[@revision][:config] on the Hub."""
    corpus_split: Text = "train"
    """Split of a Hugging Face dataset."""
    column: Text = "text"
    """Column that holds the text."""
    separator: str | None = None
    r"""Separator of the documents in a text file, such as `<|endoftext|>` or `\n\n`; by default a file is one
    document."""
    chat: Text | None = None
    """Column that holds conversations, in place of --column: lists of messages, which the subject's own chat template
    renders. The template's tokens are in the input, and their activations do not count."""
    role: Text | None = None
    """Count activations on the messages of one role only, such as `assistant`, and cut windows from them alone (with
    --chat)."""
    template_tokens: bool = False
    """Count activations on the chat template's tokens too, special tokens included (with --chat)."""
    tokens: int = 1_000_000
    """Tokens of the corpus to read."""
    context_length: int = 256
    """Tokens the subject sees at once, without BOS."""
    window: int = 32
    """Tokens in a context."""
    center: bool = False
    """Centre contexts on the latent's peak, instead of cutting them on a grid that starts with the document."""
    pack: bool = False
    """Fill each context length with text from several documents."""
    sample: int = 128
    """Windows kept per latent and split, drawn uniformly."""
    top: int = 32
    """Windows kept per latent and split for the strongest activations."""
    pool: int = 1024
    """Windows kept for all latents together, as non-activating contexts."""
    min_active: int = 200
    """Mark latents that fire in fewer windows as rare; they are kept."""
    neighbours: Literal["decoder", "encoder", "none"] = "decoder"
    """Weights whose cosines define a latent's neighbours: `decoder`, `encoder` or `none`."""
    test_fraction: float = 0.5
    """Share of documents in the test split, by a hash of their tokens and the seed."""
    seed: int = 0
    """Random seed for window sampling, the document split, and the order of the corpus `stdlib`."""
    dtype: Text = "float32"
    """Type of the subject's weights: `float32`, `bfloat16`, `float16` or `auto`, the checkpoint's own."""
    coder_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of the coders' weights: `float32` or `bfloat16`; sums are always float32."""
    attention: Text | None = None
    """Attention: `eager`, `sdpa`, `flash_attention_2`, …; by default transformers chooses."""
    quantization: Literal["8bit", "4bit"] | None = None
    """Load the subject in `8bit` or `4bit`, by bitsandbytes."""

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
        self._check_chat()
        if self.window > MAX_WINDOW:
            raise UserError(f"a window of {self.window} tokens is more than the {MAX_WINDOW} that a store can hold")
        if self.context_length % self.window:
            raise UserError(
                f"a context length of {self.context_length} is not a multiple of a window of {self.window}:"
                " a window must not cross the end of the text that the subject sees at once"
            )

    def _check_chat(self) -> None:
        """Refuse settings that do not go with a corpus of conversations, or that need one.

        Raises:
            UserError: There are such settings.
        """
        for name in ("chat", "role"):
            if getattr(self, name) == "":
                raise UserError(f"--{name} is empty; give a name, or leave --{name} out")
        if self.chat is None:
            for name in ("role", "template_tokens"):
                if getattr(self, name):
                    option = name.replace("_", "-")
                    raise UserError(f"--{option} is for conversations; give --chat COLUMN, or leave --{option} out")
            return
        if self.corpus == "stdlib":
            raise UserError("--chat: the corpus `stdlib` holds no conversations; give --corpus with rows of messages")
        if self.separator is not None:
            raise UserError("--separator is for text files, and --chat for rows of messages; leave one of them out")
        if self.column != "text":
            raise UserError(f"--chat {self.chat} and --column {self.column} both name the column; leave out --column")
        if self.role and self.center:
            raise UserError(
                "--center and --role do not go together: a context around a peak could hold other roles' tokens, whose"
                " activations are not kept; leave one of them out"
            )

    @property
    def identity(self) -> dict[str, Any]:
        """All settings, without those that came later and are off: so a new one renames nothing that was there."""
        return {name: value for name, value in asdict(self).items() if value or name not in _LATER}


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
