"""Example embedding: are a latent's texts nearer to one another, as an embedding has it, than to other texts?

inspect eval tasks/example_embedding.py -T embedder=minilm -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.models.text_vectors import TFIDF
from inspect_autointerp.scorers.example_embedding.scorer import example_embedding as example_embedding_scorer
from inspect_autointerp.solvers.no_explanation import unexplained
from inspect_autointerp.tasks._task import open_latents, score_task, task


@task
def example_embedding(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    queries: int = 20,
    examples: int = 10,
    min_contexts: int = 20,
    window: int | None = None,
    embedder: str = TFIDF,
    trust_remote_code: bool = False,
    seed: int = 0,
) -> Task:
    """Compare a latent's texts with one another and with others by an embedding (arXiv 2507.08473).

    Nothing is explained, and no model is asked. Arguments that are not listed here are as in `tasks.embedding`.

    Args:
        queries: Most activating queries; as many random ones are compared in the same way.
        examples: Most activating examples, and random ones, that a query is compared with.
    """
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    scorer = example_embedding_scorer(queries, examples, embedder, trust_remote_code)
    return score_task(data, unexplained(), {"example_embedding": scorer})
