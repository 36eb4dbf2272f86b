"""Embedding: are texts on which the latent fires nearer to the explanation, as an embedding has it, than others?

inspect eval tasks/embedding.py --model openai/gpt-4o-mini -T embedder=minilm -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.models.text_vectors import TFIDF
from inspect_autointerp.scorers.embedding.scorer import embedding as embedding_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def embedding(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    embedder: str = TFIDF,
    query_prompt: str | None = None,
    trust_remote_code: bool = False,
    seed: int = 0,
) -> Task:
    r"""Explain latents, and grade each explanation by embedding (arXiv 2410.13928, §3.3.4). It needs no grader.

    Arguments that are not listed here are as in `tasks.detection`.

    Args:
        embedder: Model that embeds texts: `tfidf`, weighted counts of words, the same everywhere; `minilm`,
            all-MiniLM-L6-v2 as a package carries it, without a download; or the name or folder of any model of
            sentence-transformers.
        query_prompt: Text in front of the explanation, in place of the model's own prompt for queries. The
            paper's is `Instruct: Retrieve sentences that could be related to the explanation.\nQuery: `, or the like.
        trust_remote_code: Run Python code that comes with the embedder, if any does (the paper's, Stella, has some).
    """
    data = open_latents(store, hookpoint, latents, negatives, min_contexts, window, seed)
    scorer = embedding_scorer(test_activating, test_nonactivating, embedder, query_prompt, trust_remote_code)
    return score_task(data, explainer_solver(explainer, explanations, data), {"embedding": scorer})
