"""A sheet's key, read back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.strict_json import Unreadable, load
from inspect_autointerp.ratings.records import KEY_FORMAT, VALUES, Explained
from inspect_autointerp.store.atomic import reason
from inspect_autointerp.text.json_values import is_dict


@dataclass(frozen=True, kw_only=True)
class KeyItem:
    """An item as the key has it."""

    task: str
    which: list[int]
    """Numbers of its explanations; empty for an attention check."""
    check: str | None
    questions: int
    truths: list[int | None]
    """Right answers of detection; None for every question of the other tasks."""
    starts: list[int | None] = field(default_factory=list[int | None])
    """Positions of the contexts in the store's corpus; empty where the key does not say, None for made-up texts."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """A sheet's key."""

    place: str
    sheet: str
    content: str
    """Checksum of the page's items."""
    store: str
    explained: list[Explained]
    density: list[float]
    """Share of windows on which the latent of each explanation fires."""
    items: dict[str, KeyItem]

    @property
    def n_questions(self) -> int:
        """Questions of the sheet, attention checks included."""
        return sum(item.questions for item in self.items.values())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: It cannot be read; one line with the place.
    """
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({reason(error)})") from None
    except Unreadable as error:
        raise UserError(f"{path}:{error.line}: {error}") from None


def read_key(path: Path) -> Key:
    """Read a key.

    Raises:
        UserError: It cannot be read, or is no key.
    """
    content = read_json(path)
    if not is_dict(content) or content.get("format") != KEY_FORMAT:
        raise UserError(f"{path}: no key of a sheet; `autointerp rate` writes it beside the page, as NAME.key.json")
    try:
        explained = [
            Explained(latent=one["latent"], text=one["text"], explainers=one["explainers"], scores=one["scores"])
            for one in content["explanations"]
        ]
        items: dict[str, KeyItem] = {}
        of_items: dict[str, Any] = content["items"]
        for name, one in of_items.items():
            truths = one["truths"] or [None] * one["questions"]
            item = KeyItem(
                task=one["task"],
                which=one["which"],
                check=one["check"],
                questions=one["questions"],
                truths=truths,
                starts=_starts(one.get("starts"), one["questions"]) if one["task"] == "detection" else [],
            )
            if item.task not in VALUES or any(number not in range(len(explained)) for number in item.which):
                raise KeyError(item.task)
            items[name] = item
        return Key(
            place=str(path),
            sheet=content["sheet"],
            content=content["content"],
            store=content["store"],
            explained=explained,
            density=[float(one["density"]) for one in content["explanations"]],
            items=items,
        )
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise UserError(f"{path}: a damaged key ({type(error).__name__}); take the one that was written") from None


def _starts(starts: Any, n: int) -> list[int | None]:
    if starts is None:
        return []
    if len(starts) != n or not all(start is None or isinstance(start, int) for start in starts):
        raise ValueError("starts")
    return list(starts)
