"""An explanation, as it travels from a solver to a scorer in the sample's metadata."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from inspect_ai.solver import TaskState

from inspect_autointerp.text.json_values import is_mapping

KEY = "explanation"
"""Key in a sample's metadata."""
BETWEEN = "; or "
"""Between the concepts of an explanation, where one text says all of them."""
LENGTH = "explanation_length"
"""Key, in a sample's metadata, of the length of its explanation: a log's summaries leave long explanations out."""
_SIGNS = re.compile(r"[^\w\s]+")
_BETWEEN_TEXTS = "\0"
_SMALL_LETTERS = bytes(
    0 if code == 0 else ord(letter) if (letter := chr(code).lower()).isalnum() or letter == "_" else ord(" ")
    for code in range(256)
)
"""For ASCII: capitals as small letters, signs and white space as spaces."""
_ARTICLE = re.compile(rb"\0(?:the|a|an)(?: (?=[^\0])|(?=\0))")
"""An article at the head of a text."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One of several things that a latent responds to."""

    text: str
    weight: float | None = None
    """Weight that the writer gives it beside the others; None where the writer gives none.

    The explainer `clusters`: the share of the contexts that it clustered, in (0, 1]. A file of PRISM: the mean
    activation of the tokens that it highlighted, in the units of the neuron.
    """


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Explanation of a latent by a solver, and where it came from."""

    text: str | None
    """The explanation; empty for the floor that says nothing; None where there is none."""
    source: str
    """The solver and the version of its prompt: `explain/3`, `empty`, …"""
    latent: str
    """The latent that it was written for; another one's for the shuffled floor."""
    reason: str | None = None
    """Why there is none, for instance `invalid_response_format`."""
    store: str | None = None
    """Digest of the context store that it was written from; None if it was written from none."""
    model: str | None = None
    """Who wrote it, if a model did."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    """Options of what it was shown and asked, see `solvers.explain`."""
    tokens: int | None = None
    """Input and output that it took, whether paid for now or found in the cache."""
    candidates: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Candidates that it was chosen from: each one's `text` and `score` on the explain split, in order."""
    ended: str | None = None
    """End of an agent's work: `submitted`, or `turn_limit`, `token_limit`, `time_limit`, `cost_limit` and the like,
    where the best explanation so far was taken; None if no agent wrote it."""
    concepts: tuple[Concept, ...] = ()
    """Concepts of an explanation that names several things, one by one, if its writer gave them. The text is there
    beside them: `union_text` of the concepts, unless the writer gave a text of its own."""
    read: str | None = None
    """Material that it was written from, if that is not just contexts: `vector`, `contexts+vector`, `nothing`."""
    trained_on: list[str] = field(default_factory=list[str])
    """Scores that its writer was trained on; the leaderboard does not rank it by these."""
    file: str | None = None
    """sha256 of the file that it is from, if it is from one."""

    def put(self, state: TaskState) -> None:
        """Leave it for the scorer, and in the log."""
        state.metadata[KEY] = asdict(self)
        if self.text is not None:
            state.metadata[LENGTH] = length_of(self.text)

    @staticmethod
    def get(state: TaskState) -> "Explanation":
        """Return what the solver left; an explanation without text where it left nothing."""
        content = state.metadata.get(KEY)
        if content is None:
            return Explanation(text=None, source="none", latent=str(state.sample_id), reason="no_solver")
        return Explanation(**content | {"concepts": read_concepts(content.get("concepts"))})


def read_concepts(content: object) -> tuple[Concept, ...]:
    """Return the concepts that a log has of an explanation; logs made before there were weights have texts alone."""
    if not isinstance(content, list | tuple):
        return ()
    concepts: list[Concept] = []
    for one in cast(Sequence[object], content):
        if isinstance(one, str):
            concepts.append(Concept(one))
        elif is_mapping(one) and isinstance(text := one.get("text"), str):
            weight = one.get("weight")
            concepts.append(Concept(text, float(weight) if isinstance(weight, int | float) else None))
    return tuple(concepts)


def union_text(concepts: Sequence[Concept]) -> str:
    """Return one text that says all concepts, in order: `names of days; or names of months`."""
    return BETWEEN.join(concept.text.strip().rstrip(".;") for concept in concepts)


def length_of(text: str) -> dict[str, int]:
    """Return the `words` of an explanation, which white space separates, and its `characters`."""
    return {"words": len(text.split()), "characters": len(text.strip())}


def normalised(text: str) -> str:
    """Return an explanation in small letters, without punctuation and without an article at its head.

    Two explanations that differ in nothing else say the same. One that consists of signs alone stays as it is: `:` and
    `;` are two.
    """
    words = _SIGNS.sub(" ", text.casefold()).split()
    return " ".join(words[words[:1] in (["the"], ["a"], ["an"]) :]) or " ".join(text.split())


def _all_normalised(texts: Sequence[str]) -> list[str]:
    """Return `normalised` of each text, in any order; texts in ASCII are changed all at once."""
    joined = _BETWEEN_TEXTS.join(["", *texts, ""])
    if not joined.isascii() or joined.count(_BETWEEN_TEXTS) != len(texts) + 1:
        plain = [text for text in texts if text.isascii() and _BETWEEN_TEXTS not in text]
        others = [text for text in texts if not text.isascii() or _BETWEEN_TEXTS in text]
        return [*map(normalised, others), *(_all_normalised(plain) if plain else [])]
    changed = joined.encode().translate(_SMALL_LETTERS)
    while b"  " in changed:
        changed = changed.replace(b"  ", b" ")
    changed = changed.replace(b"\0 ", b"\0").replace(b" \0", b"\0")
    words = _ARTICLE.sub(b"\0", changed).decode().split(_BETWEEN_TEXTS)[1:-1]
    return [few or normalised(text) for few, text in zip(words, texts, strict=True)] if "" in words else words


def distinct_texts(candidates: Iterable[tuple[str, str]], explanation: str, n: int) -> dict[str, str]:
    """Return the first n candidates whose texts say the same as neither the explanation nor another one."""
    chosen: dict[str, str] = {}
    seen = {normalised(explanation)}
    for latent, text in candidates:
        if len(chosen) == n:
            break
        if (words := normalised(text)) not in seen:
            chosen[latent] = text
            seen.add(words)
    return chosen


def share_identical(texts: Sequence[str]) -> float:
    """Return the share of explanations that another latent has, too, in [0, 1]; NaN of fewer than two.

    Args:
        texts: One of each latent. They are compared as `normalised`.
    """
    counts = Counter(_all_normalised(texts))
    return sum(n for n in counts.values() if n > 1) / len(texts) if len(texts) > 1 else float("nan")
