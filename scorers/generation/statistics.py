"""What texts that were written for a latent come to, by how strongly it fires on them: statistics and a report."""

from collections.abc import Sequence

from inspect_autointerp.models.activations import Fired
from inspect_autointerp.scorers.shared.classification import UNDEFINED
from inspect_autointerp.scorers.shared.ranking import auroc
from inspect_autointerp.text.render import ansi_block, coloured

KEYS = [
    *("balanced_accuracy", "balanced_accuracy_median", "auroc"),
    *("tpr", "tnr", "tpr_median", "tnr_median", "unscored"),
]
_TITLES = (
    "WRONG · written for it to fire, it is silent",
    "WRONG · a near miss, it fires",
    "NOT COUNTED",
    "RIGHT · fires",
    "RIGHT · silent",
)


def tried_statistics(
    active: Sequence[float | None], silent: Sequence[float | None], median: float, least: int = 1
) -> dict[str, float]:
    """All statistics of one latent, by name; NaN where one is undefined.

    Args:
        active: Of each text on which it should fire, its largest activation there; None of one that does not count.
        silent: The same of near misses.
        median: How strongly it fires in the median, NaN where that is not known.
        least: With fewer texts that count, what is said of their kind is undefined.

    Returns:
        - `tpr`, `tnr`: the share of active texts on which it fires at all (any activation above 0), and of near misses
          on which it does not.
        - `tpr_median`, `tnr_median`: the same of "fires at least as strongly as in the median".
        - `balanced_accuracy`, `balanced_accuracy_median`: the mean of the two; chance is 0.5.
        - `auroc`: how often the largest activation on an active text is above that on a near miss; equal ones count
          half.
        - `unscored`: the share of texts that do not count.
    """
    sides = [[value for value in values if value is not None] for values in (active, silent)]
    n_counted, n = sum(map(len, sides)), len(active) + len(silent)
    fires, near = (side if len(side) >= least else [] for side in sides)
    found = dict.fromkeys(KEYS, UNDEFINED) | {"auroc": auroc(fires, near)}
    found["unscored"] = 1 - n_counted / n if n else UNDEFINED
    found["tpr"] = _share([value > 0 for value in fires])
    found["tnr"] = _share([value <= 0 for value in near])
    if median == median:
        found["tpr_median"] = _share([value >= median for value in fires])
        found["tnr_median"] = _share([value < median for value in near])
    for name in ("", "_median"):
        found[f"balanced_accuracy{name}"] = (found[f"tpr{name}"] + found[f"tnr{name}"]) / 2
    return found


def _share(said: Sequence[bool]) -> float:
    return sum(said) / len(said) if said else UNDEFINED


def report(
    active: Sequence[Fired],
    silent: Sequence[Fired],
    reasons: tuple[Sequence[str | None], Sequence[str | None]],
    median: float,
    maximum: float,
) -> str:
    """The texts in sections, wrong ones first and the strongest first in each, as one block in ANSI colours.

    Args:
        active: Texts on which it should fire.
        silent: Near misses.
        reasons: For each kind, why a text does not count; None of one that does.
        median: How strongly the latent fires in the median; texts on which it does bear a `▲`.
        maximum: The activation that gets the deepest colour.
    """
    sections: dict[str, list[tuple[float, str]]] = {title: [] for title in _TITLES}
    for fires, texts, why in ((True, active, reasons[0]), (False, silent, reasons[1])):
        for text, reason in zip(texts, why, strict=True):
            title = _TITLES[_section(fires, text, reason)]
            sections[title].append((text.max_activation, _line(fires, text, reason, median, maximum)))
    n = len(active) + len(silent)
    lines = [f"▲ stands where the latent fires as strongly as in the median of its test contexts, {median:.3f}.", ""]
    for title, rows in sections.items():
        if rows:
            ordered = [line for _, line in sorted(rows, key=lambda row: -row[0])]
            lines += [f"{title}: {len(rows)} of {n}", *ordered, ""]
    return ansi_block(lines)


def _section(fires: bool, text: Fired, reason: str | None) -> int:
    if reason is not None:
        return 2
    if (text.max_activation > 0) == fires:
        return 3 if fires else 4
    return 0 if fires else 1


def _line(fires: bool, text: Fired, reason: str | None, median: float, maximum: float) -> str:
    strong = "▲" if text.max_activation >= median else " "
    why = f" {'active' if fires else 'near miss'}, {reason}" if reason else ""
    cut = f" … cut: {text.n_cut} tokens more than the subject saw at once in prep" if text.n_cut else ""
    return f"  {text.max_activation:8.3f} {strong}{why} │ {coloured(text, maximum)}{cut}"
