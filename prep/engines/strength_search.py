"""The strength at which a growing function meets a target: a bracketed secant in logarithms."""

from math import exp, isfinite, log

TOLERANCE = 0.1
"""Largest accepted distance from the target, as a share of it."""
_MOST_PASSES = 16
_LARGEST_STEP = log(30.0)


class Search:
    """Asks for the KL at one strength after the other until one is near enough to the target.

    KL grows with the strength, for small ones as its square: the first step assumes that, further ones the slope
    between the last two points, and once the target lies between two points the secant between them, kept off their
    ends. Where KL is not monotone there is still a crossing between the two, since it is continuous; nothing else is
    assumed of it.

    Args:
        target: The KL wanted, above 0.
        start: The first strength, above 0.
        low: The least strength to try.
        high: The greatest.
    """

    def __init__(self, target: float, start: float, low: float, high: float) -> None:
        self._target, self._low, self._high = target, log(low), log(high)
        self._x = log(start)
        self._below: tuple[float, float] | None = None
        """The last strength known below the target: its logarithm, and that of the KL over the target."""
        self._above: tuple[float, float] | None = None
        self.nearest: tuple[float, float] | None = None
        """Strength whose KL is nearest to the target among those tried, and that KL."""
        self.n_passes = 0
        self.found = False
        self.reason: str | None = None
        """Why there is none; None as long as it goes on, and where one was found."""

    @property
    def done(self) -> bool:
        """Return whether there is nothing more to try."""
        return self.found or self.reason is not None

    @property
    def strength(self) -> float:
        """The one to try next."""
        return exp(self._x)

    def tell(self, kl: float) -> None:
        """Return what the KL is at `strength`. NaN and infinity count as too much: of a strength, not of a fault."""
        self.n_passes += 1
        usable = isfinite(kl)
        if usable and (self.nearest is None or self._off(kl) < self._off(self.nearest[1])):
            self.nearest = self.strength, kl
        if usable and abs(kl - self._target) <= TOLERANCE * self._target:
            self.found = True
            return
        here = self._x, (log(max(kl, 1e-12) / self._target) if usable else float("inf"))
        before = self._below if here[1] < 0 else self._above
        if here[1] < 0:
            self._below = here
        else:
            self._above = here
        if self._below is not None and self._above is not None:
            self._x = _between(self._below, self._above)
        else:
            self._x = min(max(_beyond(here, before), self._low), self._high)
        if self.n_passes == _MOST_PASSES or self._x == here[0]:
            nearest = "nothing finite" if self.nearest is None else f"{self.nearest[1]:.3g} at {self.nearest[0]:.3g}"
            self.reason = f"no strength was found for a KL of {self._target:g}; the nearest was {nearest}"

    def _off(self, kl: float) -> float:
        return abs(log(max(kl, 1e-12) / self._target))


def _beyond(here: tuple[float, float], before: tuple[float, float] | None) -> float:
    """Extrapolate to the target, which is on the same side of all points so far."""
    if not isfinite(here[1]):
        return here[0] - _LARGEST_STEP
    slope = 2.0
    if before is not None and isfinite(before[1]) and before[0] != here[0]:
        slope = min(max((here[1] - before[1]) / (here[0] - before[0]), 0.25), 4.0)
    step = -here[1] / slope
    return here[0] + min(max(step, -_LARGEST_STEP), _LARGEST_STEP)


def _between(below: tuple[float, float], above: tuple[float, float]) -> float:
    """The secant's zero, at least a tenth of the way from either end; the middle where one end is not finite."""
    share = 0.5 if not isfinite(above[1]) else -below[1] / (above[1] - below[1])
    return below[0] + min(max(share, 0.1), 0.9) * (above[0] - below[0])
