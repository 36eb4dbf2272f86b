"""One explanation per cluster of contexts: the concepts of a latent that responds to several things.

After PRISM (arXiv 2506.15538): embed the contexts, cluster them, and describe each cluster. Different here: the usual
explainer's prompt; contexts of all strengths rather than of the top percentile; the number of clusters chosen by
silhouette unless given; clusters that get the same description are one concept; and weights.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError

from inspect_autointerp.contexts.sampling import seed_of
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.inspect_support.explanation import Concept, normalised, union_text
from inspect_autointerp.latent import Context
from inspect_autointerp.models.text_vectors import TFIDF, prepare_embedder, text_vectors
from inspect_autointerp.solvers.call_explainer import Answer, ask_explainer
from inspect_autointerp.solvers.cluster_contexts import Clustering, cluster_contexts, context_vectors
from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.evidence import gather
from inspect_autointerp.solvers.explain import explain_options, leave
from inspect_autointerp.solvers.options import Options, at_least_one
from inspect_autointerp.solvers.prompt import VERSION, explain_messages

SOURCE = f"clusters/{VERSION}"


@solver
def clusters(
    k: int | None = None,
    max_k: int = 5,
    contexts: int = 100,
    smallest: int = 5,
    silhouette: float = 0.1,
    embedder: str = TFIDF,
    **options: Any,
) -> Solver:
    """Cluster contexts of the explain split, and write one explanation per cluster.

    The explanation has the concepts with their weights, the largest cluster first; its text says all of them. A cluster
    without a readable explanation has no concept, and the log says so.

    Args:
        k: Number of clusters; by default the one with the largest mean silhouette.
        max_k: Largest number of clusters to choose from.
        contexts: Contexts of the explain split to cluster, drawn as `sampling` says.
        smallest: Fewest contexts of a cluster, where the number is chosen.
        silhouette: Mean silhouette below which all contexts are one cluster, where the number is chosen, in [-1, 1].
        embedder: `tfidf`, words and no model; `minilm`; or a sentence-transformers model.
        options: Those of `explain`; `examples` is the number of contexts to show of a cluster.
    """
    with one_line_errors():
        at_least_one(max_k=max_k, contexts=contexts, smallest=smallest, k=1 if k is None else k)
        if not -1 <= silhouette <= 1:
            raise UserError(f"silhouette must be in [-1, 1], got {silhouette}")
        prepare_embedder(embedder, "embedder")
        asked = explain_options(options)
        if "contexts" not in asked.kinds:
            raise UserError(
                f"evidence={asked.evidence}: clusters are made of contexts; give contexts among the evidence"
            )

    def cut(vectors: Any, latent_id: str) -> Clustering:
        seed = seed_of(asked.seed, latent_id, "clusters") % 2**32
        return cluster_contexts(vectors, k, most=max_k, smallest=smallest, least_silhouette=silhouette, seed=seed)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store, id = store_of(state), str(state.sample_id)
        with one_line_errors():
            gathered = await gather(store, latent_named(store, id), replace(asked, examples=contexts))
            if gathered.reason:
                leave(state, id, asked, None, reason=gathered.reason, source=SOURCE)
                return state
            embed = await text_vectors(store, embedder)
        vectors = await anyio.to_thread.run_sync(context_vectors, gathered.active, embed)
        clustering = await anyio.to_thread.run_sync(cut, vectors, id)
        answers: list[Answer] = []
        try:
            for members in clustering.members:
                shown = spread([gathered.active[i] for i in members], asked.examples)
                messages = explain_messages(replace(gathered, active=shown), asked)
                answers.append(await ask_explainer(messages, cache=asked.cache, seed=asked.seed))
        except LimitExceededError as error:  # Inspect goes on to the scorers
            leave(state, id, asked, None, reason=f"{error.type}_limit", source=SOURCE)
            raise
        _leave(state, id, asked, clustering, answers, embed.name)
        return state

    return costed(solve)


def spread(contexts: Sequence[Context], n: int) -> list[Context]:
    """Return up to n contexts, evenly spread over those given, the first and the last among them."""
    if len(contexts) <= n:
        return list(contexts)
    return [contexts[round(i * (len(contexts) - 1) / max(1, n - 1))] for i in range(n)]


def merged(texts: Sequence[str | None], sizes: Sequence[int]) -> tuple[Concept, ...]:
    """Return the concepts of clusters: those that say the same are one, and the heaviest comes first.

    Args:
        texts: The explanation of each cluster; None where it has none.
        sizes: Contexts of each cluster.
    """
    weights: dict[str, int] = {}
    wording: dict[str, str] = {}
    for text, size in zip(texts, sizes, strict=True):
        if text is not None:
            key = normalised(text)
            weights[key] = weights.get(key, 0) + size
            wording.setdefault(key, text)
    order = sorted(weights, key=lambda key: -weights[key])
    return tuple(Concept(wording[key], round(weights[key] / sum(sizes), 4)) for key in order)


def _leave(
    state: TaskState,
    latent_id: str,
    options: Options,
    clustering: Clustering,
    answers: Sequence[Answer],
    embedder: str,
) -> None:
    """Leave the concepts in the state, and how the contexts were clustered."""
    sizes = [len(members) for members in clustering.members]
    concepts = merged([answer.text for answer in answers], sizes)
    unread = [answer.reason for answer in answers if answer.text is None]
    first = next((answer for answer in answers if answer.text is not None), answers[0])
    known = clustering.silhouette == clustering.silhouette
    made = {
        "sizes": sizes,
        "silhouette": round(clustering.silhouette, 4) if known else None,
        "embedder": embedder,
        **({"unread": unread} if unread else {}),
    }
    leave(
        state,
        latent_id,
        options,
        first,
        text=union_text(concepts) if concepts else None,
        concepts=concepts,
        source=SOURCE,
        made={"clusters": made},
        tokens=sum(answer.tokens for answer in answers),
    )
    if concepts:
        state.output.completion = union_text(concepts)
