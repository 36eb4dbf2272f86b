"""Rules of stopping: `-T stop=width:0.2`, `-T stop=above:0.7,below:0.7`, `-T stop_mean=width:0.04`."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from inspect_autointerp.errors import UserError

_FORM = "width:0.2, above:0.7, below:0.7, some of them separated by commas, and level:0.95"
_FROM = "differs_from"


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """Conditions on an interval. It is enough that one of them holds."""

    width: float | None = None
    """The interval is at most so wide."""
    above: float | None = None
    """All of it is above this value."""
    below: float | None = None
    """All of it is below this value."""
    differs_from: str | None = None
    """Log: the mean difference from its values, on the same latents, is surely not 0."""
    level: float = 0.95
    """Probability with which the intervals hold the truth, all those of one sequence at once; in (0, 1)."""

    def __str__(self) -> str:
        """Return the rule in the form that is parsed, with its parts in order: what the log says of it."""
        parts = [f"{name}:{value:g}" for name in ("width", "above", "below") if (value := getattr(self, name)) is not None]  # fmt: skip # noqa: E501
        parts += [f"{_FROM}:{self.differs_from}"] if self.differs_from else []
        return ",".join([*parts, *([] if self.level == 0.95 else [f"level:{self.level:g}"])])

    def reached(self, low: float, high: float) -> str | None:
        """Return the condition that an interval satisfies, as `width:0.2`; None if none."""
        if self.width is not None and high - low <= self.width + 1e-9:
            return f"width:{self.width:g}"
        if self.above is not None and low > self.above:
            return f"above:{self.above:g}"
        if self.below is not None and high < self.below:
            return f"below:{self.below:g}"
        return None


def stop_rule(
    given: str | Sequence[str] | None, option: str = "stop", least: float = 0.0, most: float = 1.0, logs: bool = False
) -> StopRule | None:
    """Read a rule of stopping.

    Args:
        given: Conditions as text, or as a list of such; None for no rule.
        option: The option's name, for errors.
        least: Smallest value of the statistic.
        most: Largest value of the statistic.
        logs: Whether `differs_from:LOG` is allowed.

    Returns:
        The rule; None where none was given.

    Raises:
        UserError: It is not understood, or no interval could ever satisfy it, or all would.
    """
    if given is None:
        return None
    # A number, as `-T stop=0.1` is one, is neither a text nor a list.
    text = ",".join(map(str, given)) if isinstance(given, list | tuple) else str(given)
    parts: dict[str, float | str] = {}
    allowed = ("width", "above", "below", "level", *((_FROM,) if logs else ()))
    form = f"{_FORM}, or {_FROM}:LOG" if logs else _FORM
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name not in allowed or not value or name in parts:
            raise UserError(f"{option}={text}: {part.strip() or 'nothing'} is not understood; give {form}, each once")
        parts[name] = value if name == _FROM else _number(option, text, name, value)
    limits = {"width": (0.0, most - least), "above": (least, most), "below": (least, most), "level": (0.0, 1.0)}
    for name, value in parts.items():
        low, high = limits.get(name, (-inf, inf))
        if not isinstance(value, str) and not low < value < high:
            raise UserError(f"{option}={text}: {name} must be in ({low:g}, {high:g}), got {value:g}")
    if not parts.keys() - {"level"}:
        raise UserError(f"{option}={text}: it has no condition; give {form}")
    if _FROM in parts and len(parts.keys() - {"level"}) > 1:
        raise UserError(f"{option}={text}: {_FROM} is about differences and the others are not; give one of them")
    return StopRule(**parts)  # pyright: ignore[reportArgumentType]


def _number(option: str, text: str, name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = inf
    if not isfinite(number):
        raise UserError(f"{option}={text}: {name} must be a number, got {value}")
    return number
