"""Scores that an explainer was trained on: the leaderboard does not rank it by them."""

from collections.abc import Sequence

from inspect_autointerp.errors import UserError
from inspect_autointerp.scorers.shared.specs import SCORES, spec_of


def read_trained_on(trained_on: str | Sequence[str] | None) -> list[str]:
    """Read the argument `trained_on` of an explainer.

    Args:
        trained_on: Names of scores, in a list or separated by commas; None for none.

    Raises:
        UserError: There is no score of a name.
    """
    parts = trained_on.split(",") if isinstance(trained_on, str) else list(trained_on or ())
    names = list(dict.fromkeys(str(part).strip() for part in parts))
    if unknown := [name for name in names if spec_of(name) is None]:
        raise UserError(f"trained_on={unknown[0]}: unknown score; give some of {', '.join(SCORES)}")
    return names
