"""People's answers to a rating sheet, joined with the logs of a leaderboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.log_samples import read_header, read_samples
from inspect_autointerp.leaderboard.load.judgements import PEOPLE, Explained, Judgements, Labels, unit_code
from inspect_autointerp.leaderboard.load.log_values import log_values
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.ratings.answers import Answers, collect_answers
from inspect_autointerp.ratings.key import Key, read_key

_KEY = ".key.json"


@dataclass(frozen=True)
class People:
    """Raters' answers to one sheet."""

    key: Key
    raters: list[Answers]
    problems: list[str]
    """Lines on files that were left out, or not used whole."""

    @property
    def name(self) -> str:
        """People as a grader: `people (3 raters)`; the raters are those who labelled texts."""
        n = sum(any(self.key.items[item].task == "detection" for item, _ in one.values) for one in self.raters)
        return f"{PEOPLE} ({n} rater{'s' * (n != 1)})"


def read_people(
    places: Sequence[str], key: str | None, *, keep_edited: bool = False, least_attention: float = 0.5
) -> People:
    """Read answers to a sheet.

    Args:
        places: Files that the page saved, its CSV with answers filled in, or folders of such files.
        key: The sheet's key; by default the only one beside the answers.
        keep_edited: See `collect_answers`.
        least_attention: See `collect_answers`.

    Raises:
        UserError: There is no such file or key, or no answer can be used.
    """
    files: list[Path] = []
    folders: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            files += sorted(path for end in ("json", "csv") for path in place.glob(f"*.{end}"))
            folders += [place]
        elif place.exists():
            files.append(place)
            folders.append(place.parent)
        else:
            raise UserError(f"{place}: no such file or folder of answers")
    keys = sorted({path.resolve() for folder in folders for path in folder.glob(f"*{_KEY}")})
    files = list(dict.fromkeys(path for path in files if not path.name.endswith(_KEY)))
    if not files:
        raise UserError(f"{', '.join(places)}: no answers there; give what the page saved, or a folder of it")
    if key is None and len(keys) != 1:
        there = f"there are {len(keys)} keys" if keys else "there is no key"
        raise UserError(f"{there} beside the answers; give the sheet's as --key NAME{_KEY}")
    read = read_key(Path(key) if key is not None else keys[0])
    collected = collect_answers(files, read, keep_edited=keep_edited, least_attention=least_attention)
    return People(read, collected.raters, collected.problems)


def explanation_texts(people: People, results: Results) -> dict[str, dict[str, str]]:
    """Return the explanations that the logs over the sheet's store have of the sheet's latents.

    Returns:
        By log, by latent, the explanation.

    Raises:
        UserError: The sheet is of another store, or none of its explanations is in the logs.
    """
    entries = results.entries[results.entries["store"] == people.key.store]
    if entries.empty:
        stores = ", ".join(sorted({str(store) for store in results.entries["store"]}))
        raise UserError(
            f"{people.key.place}: a sheet about the store {people.key.store}, and these logs are over"
            f" {stores or 'none'}; give answers to a sheet that was made from these logs"
        )
    wanted = {one.latent for one in people.key.explained}
    texts: dict[str, dict[str, str]] = {}
    for log in dict.fromkeys(str(log) for log in entries["log"]):
        for one in results.logs_of(log):
            values = log_values(one, lambda column: column == "explanation").set_index("id")["explanation"]
            values = values[values.index.isin(wanted)]
            own = texts.setdefault(log, {})
            own |= {str(latent): str(text) for latent, text in values.dropna().items()}
            if long := [str(latent) for latent in values.index[values.isna()]]:  # or there is none
                for sample in read_samples(one, read_header(one), long):
                    answers = [score.answer for score in (sample.scores or {}).values() if score.answer]
                    own |= {str(sample.id): answers[0]} if answers else {}
    here = {(latent, text) for own in texts.values() for latent, text in own.items()}
    if not any((one.latent, one.text) in here for one in people.key.explained):
        raise UserError(
            f"{people.key.place}: none of the sheet's {len(people.key.explained)} explanations is in these logs; give"
            " answers to a sheet that was made from these logs"
        )
    return texts


def add_people(people: People, judgements: Judgements) -> None:
    """Add people's labels of texts to the judgements of detection over the sheet's store, as one grader's.

    A text has the label that most raters gave it; one on which they are divided evenly has none.
    """
    for group, of_group in judgements.items():
        if group.score == "detection" and group.store == people.key.store:
            for explained, labels in people_labels(people).items():
                if explained in of_group:
                    of_group[explained][people.name] = labels


def people_labels(people: People) -> dict[Explained, Labels]:
    """Return by explanation the raters' joint labels of its texts."""
    made: dict[Explained, Labels] = {}
    for name, item in people.key.items.items():
        if item.task != "detection" or item.check is not None or not item.starts:
            continue
        one = people.key.explained[item.which[0]]
        units: list[int] = []
        labels: list[float] = []
        truths: list[float] = []
        for part, (start, truth) in enumerate(zip(item.starts, item.truths, strict=True)):
            given = [rater.values[name, part] for rater in people.raters if (name, part) in rater.values]
            if start is None or not given:
                continue
            mean = float(np.mean(given))
            units.append(unit_code(start))
            labels.append(np.nan if mean == 0.5 else float(mean > 0.5))
            truths.append(float(truth or 0))
        if units:
            columns = (np.array(column, dtype=np.float32) for column in (labels, truths))
            made[Explained(one.latent, one.text)] = Labels(np.array(units, dtype=np.int64), *columns)
    return made
