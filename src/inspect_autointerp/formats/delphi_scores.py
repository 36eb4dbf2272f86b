"""Delphi's `scores/detection/` and `scores/fuzz/`: what a grader said of each context, a file per latent.

A file is a JSON list of the fields of Delphi's `ClassifierOutput`. Its analysis pools all contexts that are not
activating, so only random ones are written; harder negatives, `mismarked` ones among them, have no place of their own
there. A score on importance-sampled contexts is not written at all, since Delphi knows no weights. `distance` is
Delphi's quantile, 0 for the strongest tenth, and -1 of a random context. An unscored context has null for `prediction`,
`probability` and `correct`, as an answer that Delphi could not parse.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inspect_autointerp.builtin.stores_at_hand import StoresAtHand, as_wide_as, store_of
from inspect_autointerp.contexts.latent_windows import LatentWindows
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.dedupe import ADVICE, score_of
from inspect_autointerp.inspect_support.dataset import latent_named
from inspect_autointerp.inspect_support.log_samples import read_samples
from inspect_autointerp.inspect_support.verdicts import Verdict, recorded_verdicts
from inspect_autointerp.latent import DECILES
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.json_values import is_dict

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

FOLDERS = {"detection": "detection", "fuzzing": "fuzz"}
"""Folder of each score in Delphi."""


def file_name(hookpoint: str, index: int) -> str:
    """Return the name of a latent's file, in `explanations/` and in each folder of `scores/`."""
    return f"{hookpoint.replace('/', '--')}_latent{index}.txt"


def write_delphi_scores(logs: Mapping[str, "EvalLog"], folder: Path, store: str | None = None) -> list[str]:
    """Write a run's `scores/` from the verdicts of logs, for latents with an explanation of their own.

    Args:
        logs: Headers by path. Of several epochs the first is written.
        folder: The run's folder.
        store: The store that the logs are over, see `store_of`; by default one at hand: where the logs name it, the
            demo's, or that of the planted latents.

    Returns:
        A sentence for each log of which nothing was written.

    Raises:
        UserError: The store given is another than a log's; verdicts cannot be read, or are not of contexts of the
            store; two logs hold different verdicts of one latent.
    """
    notes: list[str] = []
    for path, log in logs.items():
        digest, name = str((log.eval.metadata or {}).get("store")), path.rstrip("/").rpartition("/")[2]
        opened, n = None if store is None else store_of(store, digest), 0
        for sample in read_samples(path, log):
            if opened is None and (opened := StoresAtHand([_folder(sample)]).find(digest)) is None:
                notes.append(f"{name}: no scores/, since its store {digest} is not at hand; give it as --store")
                break
            n += _write_sample(path, sample, opened, folder)
        else:
            if not n:
                held = f"verdicts of {' or '.join(FOLDERS)} on random contexts"
                notes.append(f"{name}: no scores/, since it holds no {held}")
    return notes


def classifier_outputs(store: Store, latent: str, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return what Delphi says of each context: tokens, activations, what the context is, and what was said of it.

    Args:
        store: The store, with windows as wide as the verdicts' contexts.
        latent: Its id.
        verdicts: On activating and random contexts.

    Raises:
        UserError: The store holds no such latent, or no context that starts there.
    """
    hookpoint, index = latent_named(store, latent).hookpoint, latent_named(store, latent).index
    starts = np.array([-1 if verdict.start is None else verdict.start for verdict in verdicts], dtype=np.int64)
    outside = (starts < 0) | (starts > len(store.tokens) - store.window)
    if outside.any():
        raise UserError(f"{store.folder}: it holds no context that starts at {starts[outside][0]}")
    activations = LatentWindows(store, hookpoint, index).on(starts, store.window)
    decoded = store.detokenizer.windows(store.ids(starts))
    return [
        {
            "str_tokens": [text[first:last] for first, last in spans],
            "activations": [float(f"{value:.7g}") for value in row],
            "distance": -1.0 if verdict.decile is None else DECILES - verdict.decile,
            "activating": verdict.kind == "activating",
            "prediction": None if verdict.label is None else verdict.label == 1,
            "probability": None if verdict.label is None else verdict.probability,
            "correct": None if verdict.label is None else (verdict.label == 1) == (verdict.kind == "activating"),
        }
        for verdict, (text, spans), row in zip(verdicts, decoded, activations, strict=True)
    ]


def _write_sample(path: str, sample: "EvalSample", store: Store, folder: Path) -> int:
    """Write the files of one latent, if it has an explanation of its own, and return how many."""
    n = 0
    latent, explanation = str(sample.id), sample.metadata.get("explanation")
    explanation = explanation if is_dict(explanation) else {}
    if not explanation.get("text") or explanation.get("latent", latent) != latent or sample.epoch != 1:
        return n
    for name, score in (sample.scores or {}).items():
        verdicts = recorded_verdicts(score.metadata, f"{path}: the verdicts of {name} of {latent}")
        weighted = any(verdict.weight is not None for verdict in verdicts)
        verdicts = [verdict for verdict in verdicts if verdict.kind in ("activating", "random")]
        if score_of(name) not in FOLDERS or weighted or not verdicts:
            continue
        outputs = classifier_outputs(as_wide_as(store, score.metadata), latent, verdicts)
        hookpoint, _, index = latent.rpartition("/")
        file = folder / "scores" / FOLDERS[score_of(name)] / file_name(hookpoint, int(index))
        content = json.dumps(outputs, allow_nan=False)
        if file.exists() and file.read_text(encoding="ascii") != content:
            raise UserError(f"{path}: {latent} has different verdicts for {score_of(name)} than before; {ADVICE}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="ascii")
        n += 1
    return n


def _folder(sample: "EvalSample") -> str:
    return str(sample.metadata.get("store", ""))
