"""`-T judging=…`: whether the grader writes its answers or is asked how probable each of them is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from inspect_autointerp.errors import UserError

Judging = str | dict[str, Any]
"""`answer` or `probability`, or a mapping: the name as `name`, and options."""
NAMES = ("answer", "probability")


@dataclass(frozen=True)
class ByProbability:
    """Options of judging by probability."""

    tuning: int = 20
    """Contexts of the explain split, of each kind, from which the latent's threshold is chosen; 0 for none."""
    content_free: bool = False
    """Measure each text against one without content, so that what the grader prefers unread does not count."""

    @property
    def recorded(self) -> dict[str, Any]:
        """Return what the log says among a score's options."""
        return {"name": NAMES[1], **asdict(self)}


def read_judging(wanted: str | Mapping[str, Any]) -> ByProbability | None:
    """Read `-T judging=…`.

    Args:
        wanted: A name, or a mapping `{name: probability, tuning: 50, content_free: true}`.

    Returns:
        The options of judging by probability; None where the grader writes its answers.

    Raises:
        UserError: There is no such way, or no such option of it.
    """
    given: dict[str, Any] = (
        {"name": wanted} if isinstance(wanted, str) else {str(key): value for key, value in wanted.items()}
    )
    name = given.pop("name", None)
    if name not in NAMES:
        raise UserError(f"judging={name}: unknown way of judging; give one of {', '.join(NAMES)}")
    known = tuple(ByProbability.__dataclass_fields__) if name == NAMES[1] else ()
    if unknown := sorted(given.keys() - set(known)):
        raise UserError(f"judging={name}: unknown option {unknown[0]!r}; it takes {', '.join(known) or 'none'}")
    if name == NAMES[0]:
        return None
    by = ByProbability(**given)
    if isinstance(by.tuning, bool) or not isinstance(by.tuning, int) or by.tuning < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UserError(f"judging: tuning must be a whole number from 0 on, got {by.tuning}")
    if not isinstance(by.content_free, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UserError(f"judging: content_free must be true or false, got {by.content_free}")
    return by


def judging_options(by: ByProbability | None, confidence: bool) -> dict[str, Any]:
    """Return what the log says of the way of judging, in place of a scorer's own options.

    Args:
        by: The options; None where the grader writes its answers.
        confidence: Whether it is to write confidences.

    Raises:
        UserError: Confidences are asked for, and nothing is written.
    """
    if by is None:
        return {"judging": None}
    if confidence:
        raise UserError("judging=probability and confidence=true do not go together: nothing is written; give one")
    return {"judging": by.recorded, "texts_per_call": 1}
