"""Progress of a comparison, which takes minutes at 131,072 latents a side."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Is told in a few words."""


def silent(_: str) -> None:
    """Tell nobody."""
