"""Signs for judged texts, a character each: what lean logs hold of them beside the calls, and the page reads back."""

from inspect_autointerp.latent import DECILES

BY_TEXT = ("text by text, 0 to 9 is the decile:", "- is wrong, ? unscored:")
"""What stands before the signs of kinds, and before those of verdicts."""
KIND_SIGNS = {f"decile {decile:>2}": str(decile % 10) for decile in range(1, DECILES + 1)} | {
    kind: kind[0] for kind in ("activating", "random", "neighbours", "cooccurring", "similar", "mismarked")
}
"""The decile's last digit; of contexts without one, the first letter of their kind."""
VERDICT_SIGNS = {"wrong": "-", "unscored": "?", "right": "+"}
