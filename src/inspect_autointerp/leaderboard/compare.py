"""Which entries stand in one table: those over the same store, latents, grader and options, and no others."""

from collections import defaultdict
from dataclasses import dataclass, replace

from inspect_autointerp.leaderboard.entry import RANDOM_CODER, Entry, is_known


@dataclass(frozen=True)
class Comparison:
    """Entries that may be compared, explainers before floors, best first."""

    setting: dict[str, str]
    entries: list[Entry]


def compare(entries: list[Entry]) -> tuple[list[Comparison], list[tuple[Entry, str]]]:
    """Group entries into tables, and say of every other one why it is in none.

    An evaluation that was repeated counts once, by its newest log. A group of a single entry is a table only if it is
    the newest of its score, so that a first evaluation of one's own is shown beside older ones (and in what it differs
    from them is said, too), or if it is of a random coder, which is a floor of the others.

    Args:
        entries: Oldest first.

    Returns:
        The tables, the largest first, those of random coders last; and the entries that stand in none of several, or
        alone, each with the reason.
    """
    groups: dict[tuple, dict[str, Entry]] = defaultdict(dict)
    apart: list[tuple[Entry, str]] = []
    for entry in entries:
        if entry.problem:
            apart.append((entry, entry.problem))
            continue
        group = groups[tuple(entry.setting.items())]
        if entry.explainer in group:
            apart.append((group[entry.explainer], "a newer log of the same evaluation is shown"))
        group[entry.explainer] = entry
    # The largest first, of equal ones the newest: a first evaluation of one's own goes before an older example's.
    newest = sorted(groups.values(), key=lambda group: max(entry.created for entry in group.values()), reverse=True)
    ordered = sorted(newest, key=lambda group: (_is_random(group), -len(group)))
    latest = {next(iter(group.values())).setting["score"]: group for group in reversed(newest)}
    tables: dict[str, list[Comparison]] = defaultdict(list)
    for group in ordered:
        first = next(iter(group.values()))
        score = first.setting["score"]
        if len(group) >= 2 or group is latest[score] or _is_random(group):
            tables[score].append(Comparison(first.setting, _ranked(_with_floors(list(group.values())))))
        if len(group) == 1 and tables[score][0].setting is not first.setting and not _is_random(group):
            apart += [(entry, _difference(entry, tables[score][0])) for entry in group.values()]
    return [table for found in tables.values() for table in found], apart


def _is_random(group: dict[str, Entry]) -> bool:
    return any(entry.coder.startswith(RANDOM_CODER) for entry in group.values())


def _with_floors(entries: list[Entry]) -> list[Entry]:
    """The lexical baseline is a floor of language models; where it stands among its like, it is compared itself."""
    models = any(not entry.floor and not entry.baseline for entry in entries)
    return [replace(entry, floor=entry.floor or (models and entry.baseline)) for entry in entries]


def _ranked(entries: list[Entry]) -> list[Entry]:
    def rank(entry: Entry) -> tuple:
        mean = entry.headline
        return entry.floor, not is_known(mean), -mean if is_known(mean) else 0.0, entry.explainer

    return sorted(entries, key=rank)


def _difference(entry: Entry, table: Comparison) -> str:
    """How an entry's setting differs from a table's."""
    reasons = []
    for key, value in entry.setting.items():
        if value == table.setting[key]:
            continue
        if key == "latents":  # of another store or hookpoint they are others anyway
            reasons += [] if reasons else ["other latents"]
        elif key == "grader":
            reasons.append(f"another grader ({value})")
        else:
            reasons.append(f"another {key} ({value})" if key != "options" else f"other options {value}")
    return ", ".join(reasons)
