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

from collections.abc import Sequence

import numpy as np
from inspect_ai.model import Model, ModelOutput
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.answer_reasons import INVALID, main_reason
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.models.from_store import firing_of
from inspect_autointerp.scorers.generation.copies import uncounted
from inspect_autointerp.scorers.generation.parse import Written, parse_written
from inspect_autointerp.scorers.generation.prompt import WORKED, generation_messages
from inspect_autointerp.scorers.generation.report import report_texts
from inspect_autointerp.scorers.generation.statistics import ACTIVE, NEAR_MISS, generation_statistics
from inspect_autointerp.scorers.shared.ask import Question, ask, model_in_role
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics

ROLE = "writer"
MOST_TEXTS = 1000
"""Texts of a kind, at most: the writer writes all of them in one answer."""


@scorer(metrics=score_metrics("generation"))
def generation(
    texts: int = 10,
    min_texts: int = 3,
    store: str | None = None,
    window: int | None = None,
) -> Scorer:
    """Grade an explanation by whether the latent fires on what is written from it.

    The writer is the model role `writer`; without one the explainer writes, and the score's metadata says so. How
    strongly a latent fires "in the median" is the median of its maxima on the activating contexts of the test split's
    sample, those that detection draws from. Texts that copy activating contexts of either split, the prompt's examples
    or each other do not count, see `copies.uncounted`.

    Args:
        texts: Texts of each kind that the writer is asked for.
        min_texts: With fewer that count, the statistics of their kind are undefined.
        store: The context store; by default the one that the sample names.
        window: Tokens in a context, by default as the sample's metadata says. Texts are not cut to it, but to what the
            subject saw at once in prep.

    Raises:
        UserError: A number is below 1, `min_texts` above `texts`, or `texts` above `MOST_TEXTS`.
    """
    options = dict(locals())
    if not 1 <= min_texts <= texts:
        raise UserError(f"texts={texts}, min_texts={min_texts}: both must be at least 1, and min_texts at most texts")
    if texts > MOST_TEXTS:
        raise UserError(f"texts must be at most {MOST_TEXTS}, got {texts}")

    async def grade(test: LatentTest) -> Outcome:
        with one_line_errors():
            firing = await firing_of(test.store, test.latent.hookpoint)
        written, reason = await ask_writer(writer()[0], test.explanation, texts)
        if written is None:
            report = f"Unscored: the writer wrote no texts that can be used ({reason})."
            why = reason or INVALID
            return Outcome(report=report, metadata={"unscored_reasons": {why: 1}}, reason=main_reason(why))
        with one_line_errors():
            fired = await firing(test.latent.index, [*written.active, *written.silent])
        contexts = LatentContexts(test.store, test.latent)
        active, near = uncounted(written.active, written.silent, known_texts(contexts))
        reasons, kinds = [*active, *near], [ACTIVE] * len(active) + [NEAR_MISS] * len(near)
        verdicts = [
            Verdict(kind=kind, text=text, value=None if why else one.max_activation, reason=why)
            for kind, text, one, why in zip(kinds, [*written.active, *written.silent], fired, reasons, strict=True)
        ]
        peaks = contexts.peaks("test")
        median = float(np.median(peaks)) if len(peaks) else float("nan")
        metadata = {
            "median": median,
            "counted": {"active": active.count(None), "silent": near.count(None)},
            "cut": sum(one.n_cut > 0 for one in fired),
        }
        values = generation_statistics(verdicts, LatentFacts(min_contexts=min_texts, median=median))
        shown = report_texts(fired, verdicts, median, test.latent.max_activation)
        return Outcome(values, verdicts, shown, metadata)

    async def writer_name(_: LatentTest) -> str:
        return f"the subject, on texts by {writer()[1]}"

    return latent_scorer("generation", grade, options, writer_name)


def writer() -> tuple[Model, str]:
    """The writer, and its name for the log, see `model_in_role`."""
    return model_in_role(ROLE, "the explainer")


def known_texts(contexts: LatentContexts) -> dict[str, Sequence[str]]:
    """Return what a text must not copy, by what it is."""
    own = [*contexts.activating("explain"), *contexts.activating("test")]
    worked = [text for _, written in WORKED for text in (*written.active, *written.silent)]
    return {"context": [context.text for context in own], "example": worked}


async def ask_writer(model: Model, explanation: str, n: int) -> tuple[Written | None, str | None]:
    """Ask for n texts on which the latent should fire, and n near misses; return them, or why there are none."""

    def read(output: ModelOutput) -> Written:
        return parse_written(output.completion, n)

    wanted = f"one JSON object, with {n} texts in each of its two lists,"
    [reply] = await ask(model, [Question("texts", generation_messages(explanation, n), read, wanted)], who=ROLE)
    return reply.value, reply.reason
