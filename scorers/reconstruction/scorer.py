"""Reconstruction: can the latent's vector be told from other latents' by a vector made from the explanation alone?

A reconstructor turns the explanation into a vector; its cosine with the latent's decoder row is compared with its
cosines with other latents' rows. The raw cosine is what natural-language autoencoders are trained on. It is in the log,
but not the headline: see `statistics`. A verbalizer and a reconstructor that were trained together can agree on words
that mean nothing to people, so the score says that a text is *specific*, and not that it is true.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.selection import latents_to_compare
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.answer_reasons import main_reason
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.scorers.reconstruction.reconstructors import TOKENS, ByEndpoint, ByTokens
from inspect_autointerp.scorers.reconstruction.statistics import AMONG, OTHER, OWN, reconstruction_statistics
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.vectors.endpoint import Endpoint, EndpointError
from inspect_autointerp.vectors.rows import Side, check_side
from inspect_autointerp.vectors.sources import rows_of

_NEAREST = 5
"""Other latents that the report lists."""


@scorer(metrics=score_metrics("reconstruction"))
def reconstruction(
    reconstructor: str = TOKENS,
    vector: Side = "decoder",
    vectors: str | None = None,
    others: int = 200,
    timeout: float = 120.0,
    connections: int = 8,
    attempts: int = 5,
    store: str | None = None,
    window: int | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by whether the vector made of it is nearer to the latent's own than to other latents'.

    Args:
        reconstructor: `tokens` (the subject's own token vectors), or the URL of an endpoint (docs/vectors.md).
        vector: The latent's vector: `decoder` or `encoder`.
        vectors: A file of vectors (`autointerp export-vectors`); by default the store's coder is loaded.
        others: Other latents to compare with, at most: at random from those that an evaluation could draw.
        timeout: Seconds that one attempt at a request may take.
        connections: Requests at the same time.
        attempts: Attempts at a request that fails for a while.
        store: The context store; by default the one that the sample names. As for the next three, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        min_contexts: Contexts that another latent must have to be compared with.
        seed: Random seed of the draw of other latents.
    """
    options = dict(locals())
    with one_line_errors():
        check_side(vector)
        if others < AMONG - 1:
            raise UserError(f"others={others}: must be at least {AMONG - 1}, for lineups of {AMONG} latents")
        endpoint = None if reconstructor == TOKENS else Endpoint(reconstructor, timeout, connections, attempts)

    async def grade(test: LatentTest) -> Outcome:
        with one_line_errors():
            rows = await rows_of(test.store, test.latent.hookpoint, vectors, "reconstruction")
            target = rows.of(test.latent.index, vector)
            compared = await _compared(test, rows.index, others, vectors)
            if len(compared) < AMONG - 1:
                return _unscored("too_few_other_latents", f"{len(compared)} other latents can be compared with")
            try:
                made, about = await _vector(test, endpoint, vector, len(target))
            except EndpointError as error:
                return _unscored(str(error), "the reconstructor gave no vector")
        own = test.latent.index
        cosines = cosine(np.stack([rows.of(index, vector) for index in [own, *compared]]), made)
        verdicts = [
            Verdict(kind=OWN if index == own else OTHER, neighbour=index, value=value)
            for index, value in zip([own, *compared], cosines, strict=True)
        ]
        values = reconstruction_statistics(verdicts)
        return Outcome(values, verdicts, _report(verdicts, values["percentile"]), about)

    async def graded_by(test: LatentTest) -> str:
        return reconstructor

    return latent_scorer("reconstruction", grade, options, graded_by)


async def _compared(test: LatentTest, among: np.ndarray, n: int, file: str | None) -> list[int]:
    """Return other latents to compare a latent with, n at most; all latents of an evaluation have nearly the same."""
    store, hookpoint, asked = test.store, test.latent.hookpoint, (n + 1, test.min_contexts, test.seed)
    drawn = await shared(
        ("compared", store.key, store.window, hookpoint, file, *asked),
        partial(latents_to_compare, store, hookpoint, among, *asked),
    )
    return [index for index in drawn if index != test.latent.index][:n]


async def _vector(
    test: LatentTest, endpoint: Endpoint | None, side: Side, width: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the vector made of the explanation, float (width,), and what the log says of it; of no text zeros.

    Raises:
        EndpointError: There is none.
    """
    if not test.explanation.strip():
        return np.zeros(width), {}
    store, hookpoint = test.store, test.latent.hookpoint
    make = ByTokens(store, hookpoint) if endpoint is None else ByEndpoint(endpoint, store, hookpoint, side, test.seed)
    return await make(test.explanation, width)


def cosine(rows: np.ndarray, vector: np.ndarray) -> list[float]:
    """Return the cosine of a vector with each row; 0 where one of the two is zero, which points nowhere.

    Args:
        rows: float (row, d).
        vector: float (d,).
    """
    rows, vector = rows.astype(np.float64), np.asarray(vector, dtype=np.float64)
    vector = vector / (np.abs(vector).max(initial=0.0) or 1.0)  # the square of a very large number is no float
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(vector)
    products = rows @ vector
    return np.divide(products, lengths, out=np.zeros(len(rows)), where=lengths > 0).round(6).tolist()


def _unscored(reason: str, report: str) -> Outcome:
    counted = {"unscored_reasons": {reason: 1}}
    return Outcome(report=f"Unscored: {report} ({reason}).", metadata=counted, reason=main_reason(reason))


def _report(verdicts: Sequence[Verdict], percentile: float) -> str:
    """Return the own cosine and the nearest others, a line each."""
    nearest = sorted(verdicts[1:], key=lambda verdict: -(verdict.value or 0.0))[:_NEAREST]
    own, n = verdicts[0].value, len(verdicts) - 1
    lines = [f"own vector: cosine {own:.3f}, above {100 * percentile:.0f} % of {n} others"]
    return "\n".join([*lines, *(f"latent {verdict.neighbour}: cosine {verdict.value:.3f}" for verdict in nearest)])
