"""Which entries stand in one table: those over the same store, latents, grader and options, and no others."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from typing import Any

from inspect_autointerp.leaderboard.load.log_entry import RANDOM_CODER, Entry, is_known
from inspect_autointerp.leaderboard.load.setting import Setting
from inspect_autointerp.text.settings_words import setting_words, without_json


@dataclass(frozen=True)
class Comparison:
    """Entries that may be compared: explainers before those that were trained on the score, and these before floors,
    each best first.
    """

    setting: Setting
    entries: list[Entry]


def compare(entries: list[Entry], *, alone: bool = False) -> tuple[list[Comparison], list[tuple[Entry, str]]]:
    """Group entries into tables, and say of every other one why it is in none.

    An evaluation that was repeated counts once, by its newest log. A group of a single entry is a table only if it is
    the newest of its score, so that a first evaluation of one's own is shown beside older ones (and in what it differs
    from them is shown), or if it is of a random coder, which is a floor of the others. An
    entry of a suite over another store than the suite's is in no table: the suite's is the one of its published digest,
    and where none is published that of most entries, of equally many the newest. Where everybody makes a store of their
    own, each has its tables.

    Args:
        entries: Oldest first.
        alone: Whether every group of a single entry is a table, as where coders are compared.

    Returns:
        The tables, the largest first, those of random coders last; and the entries that stand in none of several, or
        alone, each with the reason.
    """
    groups: dict[Setting, dict[str, Entry]] = defaultdict(dict)
    apart: list[tuple[Entry, str]] = []
    stores = _stores(entries)
    for entry in entries:
        problem = entry.problem or _of_another_store(entry, stores)
        if problem:
            apart.append((entry, problem))
            continue
        group = groups[entry.setting]
        if entry.name in group:
            apart.append((group[entry.name], "a newer log of the same evaluation is shown"))
        group[entry.name] = entry
    # The largest first, of equal ones the newest: a first evaluation of one's own goes before an older example's.
    newest = sorted(groups.values(), key=lambda group: max(entry.created for entry in group.values()), reverse=True)
    ordered = sorted(newest, key=lambda group: (_is_random(group), -len(group)))
    latest = {next(iter(group.values())).setting.score: group for group in reversed(newest)}
    tables: dict[str, list[Comparison]] = defaultdict(list)
    for group in ordered:
        first = next(iter(group.values()))
        score = first.setting.score
        if len(group) >= 2 or group is latest[score] or _is_random(group) or alone:
            tables[score].append(Comparison(first.setting, _ranked(_with_floors(list(group.values())))))
        if len(group) == 1 and tables[score][0].setting != first.setting and not (_is_random(group) or alone):
            apart += [(entry, _difference(entry, tables[score][0])) for entry in group.values()]
    return [table for same_setting in tables.values() for table in same_setting], apart


def _stores(entries: list[Entry]) -> dict[str, str]:
    """The digest of each suite's store."""
    held: dict[str, Counter[str]] = defaultdict(Counter)
    published: dict[str, str] = {}
    for entry in reversed(entries):  # of equally many, `most_common` has the first one counted
        suite = entry.setting.suite if entry.one_store else None
        if suite and entry.digest:
            published.setdefault(suite, entry.digest)
        if suite:
            held[suite][_whole(entry)] += 1
    return {suite: counts.most_common(1)[0][0] for suite, counts in held.items()} | published


def _of_another_store(entry: Entry, stores: dict[str, str]) -> str | None:
    """Why an entry of a suite is refused; None if it is not."""
    wanted = stores.get(entry.setting.suite) if entry.one_store else None
    if wanted in (None, _whole(entry)):
        return None
    return f"store {_whole(entry)} is not that of suite {entry.setting.suite}, {wanted}"


def _whole(entry: Entry) -> str:
    """The digest of an entry's store as it was made, whatever its windows are cut to."""
    return entry.setting.store.partition("/")[0]


def _is_random(group: dict[str, Entry]) -> bool:
    return any(entry.coder.startswith(RANDOM_CODER) for entry in group.values())


def _with_floors(entries: list[Entry]) -> list[Entry]:
    """The lexical baseline is a floor of language models; where it stands among its like, it is compared itself."""
    models = any(not entry.floor and not entry.baseline for entry in entries)
    return [replace(entry, floor=entry.floor or (models and entry.baseline)) for entry in entries]


def _ranked(entries: list[Entry]) -> list[Entry]:
    def rank(entry: Entry) -> tuple[bool, bool, bool, float, str]:
        mean = entry.headline
        return entry.floor, entry.trained, not is_known(mean), -mean if is_known(mean) else 0.0, entry.explainer

    return sorted(entries, key=rank)


def _difference(entry: Entry, table: Comparison) -> str:
    """Return how an entry's setting differs from a table's."""
    reasons: list[str] = []
    for key, value in asdict(entry.setting).items():
        if value == getattr(table.setting, key):
            continue
        if key == "latents":  # of another store or hookpoint they are others anyway
            reasons += [] if reasons else ["other latents"]
        elif key == "options":
            reasons.append(f"other options ({_other_options(value, table.setting.options)})")
        else:
            reasons.append(f"another {key} ({without_json(value)})")
    return ", ".join(reasons)


def _other_options(own: str, other: str) -> str:
    """The options in which an entry differs, as words; options are JSON."""
    here: dict[str, Any] = json.loads(own) or {}
    there: dict[str, Any] = json.loads(other) or {}
    words = setting_words({key: value for key, value in here.items() if key not in there or there[key] != value})
    return ", ".join([*words, *(f"no {key}" for key in sorted(there.keys() - here.keys()))])
