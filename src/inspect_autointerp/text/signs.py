"""Signs for judged texts, a character each: what lean logs hold of them beside the calls, and the page reads back."""

from inspect_autointerp.latent import DECILES

LEGEND = "text by text: the decile or kind; below it - wrong, ? unscored"
"""The line before the signs: those of kinds and those of verdicts in turn, of so many texts as `PER_LINE`."""
PER_LINE = 40
"""So that the viewer does not wrap them."""
KIND_SIGNS = {f"decile {decile:>2}": str(decile % 10) for decile in range(1, DECILES + 1)} | {
    kind: kind[0] for kind in ("activating", "random", "neighbours", "cooccurring", "similar", "mismarked")
}
"""The decile's last digit; of contexts without one, the first letter of their kind."""
VERDICT_SIGNS = {"wrong": "-", "unscored": "?", "right": "+"}
