"""Generation: does the latent fire on texts that are written from the explanation, and not on near misses?

A model writes ten texts on which, by the explanation alone, the latent should fire, and ten near misses on which it
should not; the subject and its coder decide. Nobody judges. After the blog post that came before arXiv 2410.13928
("Open source automated interpretability", generation scoring) and the input-based evaluation of arXiv 2501.08319;
differences: near misses in place of neutral texts, two stated thresholds, copies do not count.

What it sees, in figures of planted latents with a perfect writer (tests/tasks/test_generation.py): a true explanation
scores 1; a wrong one one half, as an empty one does. One that is too broad leads to texts on which the latent is silent
(0.75; true positives 0.51, true negatives 1). One that is too narrow has all its texts fire, and shows only where a
near miss happens to be what it leaves out (0.82; true positives 1, true negatives 0.63, with near misses from among the
latent's relatives): with near misses from anywhere it would look as good as the true one. Nothing here is at a natural
base rate; detection, on contexts as they occur, sees that. A poor writer lowers every explanation's score, so
explainers are compared with one writer for all (the model role `writer`).
"""

import json
from collections.abc import Sequence

import numpy as np
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Model,
    ModelOutput,
)
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.answer_reasons import INVALID, main_reason
from inspect_autointerp.inspect_support.evaluation import one_line_errors
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.models.activations import Firing, load_firing
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.scorers.generation.copies import uncounted
from inspect_autointerp.scorers.generation.parse import Written, parse_written
from inspect_autointerp.scorers.generation.statistics import KEYS, report, tried_statistics
from inspect_autointerp.scorers.shared.ask import Question, ask, model_in_role
from inspect_autointerp.scorers.shared.metrics import estimate
from inspect_autointerp.scorers.shared.score import judged_score, latent_of, made_by, without_explanation
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

VERSION = "generation/1"
"""Changes whenever the wording below does."""
ROLE = "writer"

_SYSTEM = """\
One latent of a language model is active on some texts and silent on all others. Somebody has explained what it \
responds to. You get the explanation, and write new texts that put it to the test: the model will read them.

Write texts of two kinds:
- active: the latent is, by the explanation, active somewhere in the text. Let these differ from each other as much as \
the explanation allows, in what they are about, in wording and in where the thing stands that it speaks of.
- silent: near misses, on which it is active nowhere. Let these be as like the active ones as can be, in sort, wording \
and length, but for what the explanation asks for.

A text is one to three lines, of the sort of text that the explanation is about (prose, code, tables, …), and of your \
own making. No text twice, and none from the examples.

Answer with a JSON object {"active": [texts], "silent": [texts]}, with as many of each kind as are asked for, and \
nothing else."""

_WORKED = (
    (
        "names of days of the week",
        Written(
            ("The ferry leaves on Tuesday at noon.", "closed: Sundays + holidays", "Fri 09:30 dentist"),
            ("The ferry leaves in March at noon.", "closed: winters + holidays", "16/4 09:30 dentist"),
        ),
    ),
    (
        "the colon that opens an indented block of Python code",
        Written(
            ("for row in table:\n    total += row[2]", "try:\n    import json", "class Point:\n    x = 0"),
            ("total += table[2:]", "limits = {'low': 0, 'high': 9}", "print('a class: Point')"),
        ),
    ),
)


def generation_messages(explanation: str, n: int) -> list[ChatMessage]:
    """The prompt that asks for n texts of each kind.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for worked, texts in _WORKED:
        messages.append(ChatMessageUser(content=_question(worked, len(texts.active))))
        messages.append(ChatMessageAssistant(content=_answer(texts)))
    messages.append(ChatMessageUser(content=_question(explanation, n)))
    return messages


def _question(explanation: str, n: int) -> str:
    said = visible(explanation.strip()) or "(none was given)"
    return f"Explanation: {said}\n\nWrite {n} texts of each kind."


def _answer(texts: Written) -> str:
    return json.dumps({"active": texts.active, "silent": texts.silent}, ensure_ascii=False)


@scorer(metrics={key: [estimate()] for key in KEYS})
def generation(
    contexts: str | None = None,
    texts: int = 10,
    min_texts: int = 3,
    window: int | None = None,
) -> Scorer:
    """Grade an explanation by whether the latent fires on what is written from it.

    The writer is the model role `writer`; without one the explainer writes, and the score's metadata says so. How
    strongly a latent fires "in the median" is the median of its maxima on the activating contexts of the test split's
    sample, those that detection draws from. Texts that copy activating contexts of either split, the prompt's examples
    or each other do not count, see `copies.uncounted`.

    Args:
        contexts: The context store, see `evaluation.locate`.
        texts: How many the writer is asked for, of each kind.
        min_texts: With fewer that count, what is said of their kind is undefined.
        window: Tokens in a context; the store's own by default. Texts are not cut to it, but to what the subject saw at
            once in prep.

    Raises:
        UserError: A number is below 1, or `min_texts` above `texts`.
    """
    options = dict(locals())
    if not 1 <= min_texts <= texts:
        raise UserError(f"texts={texts}, min_texts={min_texts}: ask for one at least, and for no fewer than min_texts")

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        model, name = writer()
        metadata = made_by(f"the subject, on texts by {name}", VERSION, options)
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, KEYS, metadata)
        with one_line_errors():
            firing = await firing_of(store, latent.hookpoint)
        written, reason = await _written(model, explanation.text, texts)
        if written is None:
            return Score(
                value=dict.fromkeys(KEYS, float("nan")) | {"unscored": 1.0},
                answer=explanation.text,
                reason=main_reason(reason or INVALID),
                explanation=f"Unscored: the writer wrote no texts that can be used ({reason}).",
                metadata=metadata | {"unscored_reasons": {reason: 1}},
            )
        with one_line_errors():
            fired = await firing(latent.index, [*written.active, *written.silent])
        own = LatentContexts(store, latent)
        reasons = uncounted(written.active, written.silent, known_texts(own))
        peaks = own.peaks("test")
        median = float(np.median(peaks)) if len(peaks) else float("nan")
        sides = fired[:texts], fired[texts:]
        maxima = [
            [one.max_activation if why is None else None for one, why in zip(side, whys, strict=True)]
            for side, whys in zip(sides, reasons, strict=True)
        ]
        metadata |= {
            "median": median,
            "counted": {name: whys.count(None) for name, whys in zip(("active", "silent"), reasons, strict=True)},
            "cut": sum(one.n_cut > 0 for one in fired),
        }
        values = tried_statistics(*maxima, median, min_texts)
        shown = report(*sides, reasons, median, latent.max_activation)
        return judged_score(values, explanation.text, [*reasons[0], *reasons[1]], shown, metadata)

    return score


def writer() -> tuple[Model, str]:
    """The writer, and its name for the log, see `model_in_role`."""
    return model_in_role(ROLE, "the explainer")


async def firing_of(store: Store, hookpoint: str) -> Firing:
    """The engine of a store's hookpoint, which all samples share.

    Raises:
        UserError: See `load_firing`.
    """
    return await shared(("firing", store.key, hookpoint), lambda: load_firing(store, hookpoint))


def known_texts(contexts: LatentContexts) -> dict[str, Sequence[str]]:
    """What a text must not copy, by what it is."""
    own = [*contexts.activating("explain"), *contexts.activating("test")]
    worked = [text for _, written in _WORKED for text in (*written.active, *written.silent)]
    return {"context": [context.text for context in own], "example": worked}


async def _written(model: Model, explanation: str, n: int) -> tuple[Written | None, str | None]:
    """The texts, or why there are none."""

    def read(output: ModelOutput) -> Written:
        return parse_written(output.completion, n)

    wanted = f"the JSON object, with {n} texts under each of its two names,"
    [reply] = await ask(model, [Question("texts", generation_messages(explanation, n), read, wanted)], who=ROLE)
    return reply.value, reply.reason
