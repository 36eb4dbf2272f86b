"""Places and hookpoints: what is read at once, of one subject or of two, and the activations of it.

A hookpoint is one place for most coders, and several for a crosscoder.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import JOIN, SECOND, TAG
from inspect_autointerp.prep.subject.hookpoints import Side, label, layer_of, parted


@dataclass(frozen=True)
class Place:
    """A module of the subject, or of the second subject, and a side of it."""

    path: str
    """Module path under the base model."""
    side: Side
    second: bool = False
    """True for a module of the second subject."""

    @property
    def name(self) -> str:
        """Its name in the store."""
        return (SECOND if self.second else "") + label(self.path, self.side)


@dataclass(frozen=True)
class Hookpoint:
    """A place in the subject, or several that a crosscoder reads at once."""

    places: tuple[Place, ...]
    """Places that it reads; the activations of several are taken end to end, in this order."""
    tag: str = ""
    """Tag that tells this hookpoint from others at the same place with other coders; empty if it is the only one."""

    @property
    def name(self) -> str:
        """Its name in the store."""
        places = JOIN.join(place.name for place in self.places)
        return f"{places}{TAG}{self.tag}" if self.tag else places

    @property
    def side(self) -> Side:
        """The side of the first place."""
        return self.places[0].side


Resolve = Callable[[str], tuple[str, Side]]
"""From a place's name as users give it to a module path and a side: `resolve` for one model."""


def hookpoints_of(
    names: Sequence[str], resolved: Resolve, second: Resolve | None = None, tags: Sequence[str] = ()
) -> list[Hookpoint]:
    """Return the hookpoints of names that users give.

    Args:
        names: Module paths or TransformerLens names, joined by `+` where several are read at once, some with `@` and a
            tag.
        resolved: Resolves names in the subject.
        second: Resolves names in the second subject, if there is one.
        tags: One for each name, for those without a tag that are of one place.

    Raises:
        UserError: One of the names means no place, or several, or one of a second subject that is not given; or it
            names a place twice.
    """
    hookpoints: list[Hookpoint] = []
    for name in names:
        joined, tag = parted(name)
        places: list[Place] = []
        for part in joined.split(JOIN):
            if not part.startswith(SECOND):
                places.append(Place(*resolved(part)))
            elif second is None:
                raise UserError(f"hookpoint {name}: {part} is read in a second subject; give --second-subject")
            else:
                places.append(Place(*second(part.removeprefix(SECOND)), second=True))
        if len(set(places)) < len(places):
            raise UserError(
                f"hookpoint {name}: it names a place twice; join different ones, as in layers.3{JOIN}layers.5"
            )
        hookpoints.append(Hookpoint(tuple(places), tag))
    counts = Counter(hookpoint.places for hookpoint in hookpoints)
    shared = [counts[hookpoint.places] > 1 and not hookpoint.tag for hookpoint in hookpoints]
    given = tags or [""] * len(hookpoints)
    return [
        replace(hookpoint, tag=tag) if alike else hookpoint
        for hookpoint, alike, tag in zip(hookpoints, shared, given, strict=True)
    ]


def deepest_layer(places: Iterable[Place]) -> int | None:
    """Return the number of the deepest layer with a place; None if one is outside the layers, or there are none."""
    layers = [layer_of(place.path) for place in places]
    known = [layer for layer in layers if layer is not None]
    return max(known) if known and len(known) == len(layers) else None


Receive = Callable[[Hookpoint, Tensor], None]
"""Function that takes a hookpoint and its activations, (chunk, token, d)."""


class Collector:
    """Holds the activations of places until a hookpoint has all that it reads, and gives them on.

    Args:
        hookpoints: Those that are asked for.
        receive: Called once for each of them.

    Attributes:
        left: Hookpoints that wait for a place.
    """

    def __init__(self, hookpoints: Iterable[Hookpoint], receive: Receive) -> None:
        self.left = list(hookpoints)
        self._receive, self._values = receive, dict[Place, Tensor]()

    def places(self, *, second: bool) -> list[Place]:
        """Return the places of the subject, or of the second one, each once."""
        return list(dict.fromkeys(p for hookpoint in self.left for p in hookpoint.places if p.second == second))

    def take(self, place: Place, value: Tensor) -> None:
        """Take the activations of a place, and give on those of each hookpoint that lacked only these."""
        self._values[place] = value
        waiting = self.left
        self.left = []
        for hookpoint in waiting:
            if place not in hookpoint.places or any(other not in self._values for other in hookpoint.places):
                self.left.append(hookpoint)
                continue
            parts = [self._values[one] for one in hookpoint.places]
            self._receive(hookpoint, parts[0] if len(parts) == 1 else _end_to_end(parts, value))
        needed = {other for hookpoint in self.left for other in hookpoint.places}
        self._values = {one: values for one, values in self._values.items() if one in needed}
        if place in self._values:
            self._values[place] = value.clone()  # later layers may change it in place


def _end_to_end(parts: list[Tensor], like: Tensor) -> Tensor:
    """Activations of several places in one tensor, on one device and in the widest of their types."""
    return torch.cat([part.to(like.device) for part in parts], dim=-1)
