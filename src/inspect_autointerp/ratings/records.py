"""The parts of a sheet, and the checksum that its files carry."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

KEY_FORMAT = "inspect-autointerp rating key/1"
ANSWERS_FORMAT = "inspect-autointerp ratings/1"
Task = Literal["detection", "scale", "preference"]
TASKS: tuple[Task, ...] = ("detection", "scale", "preference")
"""In the order of a sheet: who has seen coloured contexts of a latent knows its texts, so detection comes first."""
SCALE = ("not relevant", "somewhat relevant", "relevant", "very relevant")
"""Labels of the four points, 1 to 4. The paper publishes that its scale has four points of relevance, not their words;
these are ours."""
VALUES: dict[Task, tuple[int, ...]] = {"detection": (0, 1), "scale": (1, 2, 3, 4), "preference": (0, 1, 2)}
"""The answers that a question allows. Of preference: 1 and 2 are the explanations in the file's order, 0 is neither."""


@dataclass(kw_only=True)
class Explained:
    """One explanation of one latent, which several explainers may have written alike."""

    latent: str
    text: str
    explainers: list[str]
    scores: dict[str, float] = field(default_factory=dict[str, float])
    """Headline of each score by name, `detection.balanced_accuracy`; undefined ones are left out."""


@dataclass(kw_only=True)
class Part:
    """One question of an item."""

    pieces: list[tuple[str, int]]
    """Text, and the depth of its colour: 0 for none, to 10."""
    truth: int | None = None
    """Right label, of detection alone: 1 where the latent fires, 0 where it is silent. Never written into the page."""
    start: int | None = None
    """Position of the context in the store's corpus; None for a text that was made up."""


@dataclass(kw_only=True)
class Item:
    """One screen of a sheet."""

    id: str
    """Random: nothing can be computed from it."""
    task: Task
    explanations: list[str]
    """One; of preference two."""
    parts: list[Part]
    latent: str = ""
    which: list[int] = field(default_factory=list[int])
    """Numbers of the explanations in the key's list; empty for an attention check."""
    check: Literal["true", "wrong"] | None = None
    """For an attention check: which sort of explanation of a planted latent it shows."""

    @property
    def n_questions(self) -> int:
        """Questions that the item asks: one per context, of preference one."""
        return 1 if self.task == "preference" else len(self.parts)


def checksum(lines: Sequence[str]) -> str:
    """Return the CRC-32 of lines as eight hexadecimal digits.

    It tells an edit made by mistake. It is no signature: who wants to forge a file can.
    """
    return f"{zlib.crc32(chr(10).join(lines).encode('utf-8', 'surrogatepass')):08x}"
