"""Attention checks: planted latents, whose true explanation is known, on sentences of the planted corpus.

They need no store. A check is passed if a rater who reads would pass it: of a true explanation most contexts are rated
3 or 4 and most texts are labelled right, of a wrong one most contexts are rated 1 or 2.
"""

import re
from collections.abc import Sequence
from typing import Literal

from inspect_autointerp.builtin.planted.claims import Claim
from inspect_autointerp.builtin.planted.corpus import LINE, documents
from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.ratings.records import Item, Part, Task
from inspect_autointerp.text.render import visible

PASSED = 0.75
"""Share of right answers from which a check counts as passed."""
_TOKENS = 60_000
_CLEAR = (0, 1, 3, 7, 8, 9, 11, 15)
"""Planted latents that a person sees at once: colours, materials, number words, names, cities, capitals, questions."""


def check_items(n: int, tasks: Sequence[Task], contexts: int, texts: int, seed: int, ids: Sequence[str]) -> list[Item]:
    """Return n attention checks, by turns of the tasks `scale` and `detection` that a sheet has.

    Args:
        n: How many.
        tasks: Of the sheet. Preference alone has no checks.
        contexts: Questions of a scale check.
        texts: Questions of a detection check; half of the texts fit the explanation.
        seed: Of the draw.
        ids: Ids to use, n.
    """
    kinds = [task for task in ("scale", "detection") if task in tasks]
    if not kinds:
        return []
    lines = list(dict.fromkeys(line for document in documents(_TOKENS, seed) for line in _lines(document)))
    rng = rng_of(seed, "rate", "checks")
    order = rng.permutation(len(_CLEAR)).tolist()
    items: list[Item] = []
    for number in range(n):
        latent = LATENTS[_CLEAR[int(order[number % len(order)])]]
        task = kinds[number % len(kinds)]
        sort: Literal["true", "wrong"] = "wrong" if task == "scale" and number // len(kinds) % 2 == 0 else "true"
        fires = [line for line in lines if latent.true.holds(line)]
        silent = [line for line in lines if not latent.true.holds(line)]
        fires = [fires[int(i)] for i in rng.permutation(len(fires))[: max(contexts, texts)].tolist()]
        silent = [silent[int(i)] for i in rng.permutation(len(silent))[:texts].tolist()]
        if task == "scale":
            shown = [line for line in fires if sort == "true" or not latent.wrong.holds(line)][:contexts]
            parts = [Part(pieces=_coloured(latent.true, line)) for line in shown]
        else:
            both = [(line, 1) for line in fires[: texts // 2]] + [(line, 0) for line in silent[: texts - texts // 2]]
            both = [both[int(i)] for i in rng.permutation(len(both)).tolist()]
            parts = [Part(pieces=[(visible(line), 0)], truth=truth) for line, truth in both]
        text = latent.claim(sort).text
        items.append(Item(id=ids[number], task=task, explanations=[text], parts=parts, check=sort))  # pyright: ignore
    return items


def passed(task: str, sort: str, answers: Sequence[int | None], truths: Sequence[int | None]) -> bool | None:
    """Return whether a rater passed a check; None where an answer is missing.

    Args:
        task: `scale` or `detection`.
        sort: `true` or `wrong`.
        answers: The rater's.
        truths: Of detection, the right ones.
    """
    given = [answer for answer in answers if answer is not None]
    if len(given) < len(answers) or not given:
        return None
    if task == "detection":
        right = [answer == truth for answer, truth in zip(answers, truths, strict=True)]
    else:
        right = [(answer >= 3) == (sort == "true") for answer in given]
    return sum(right) >= PASSED * len(right)


def _lines(document: list[str]) -> list[str]:
    return ["".join(document[i : i + LINE]).strip() for i in range(0, len(document), LINE)]


def _coloured(claim: Claim, line: str) -> list[tuple[str, int]]:
    pieces: list[tuple[str, int]] = []
    begin = 0
    for start, end in claim.spans(line):
        pieces += [(visible(line[begin:start]), 0), (visible(line[start:end]), 9)]
        begin = end
    pieces.append((visible(line[begin:]), 0))
    return [(text, depth) for text, depth in pieces if re.search(r".", text)]
