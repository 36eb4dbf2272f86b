"""Embedding: are texts on which the latent fires nearer to the explanation, as an embedding has it, than others?

Protocol of arXiv 2410.13928, §3.3.4 and D.4: the explanation is the query, each whole text a document, and the score
the AUROC of their cosines. No grader is asked, so it costs next to nothing; it sees what a text is about more than
what a token does in it. Differences: disjoint splits; every kind of negative apart; an explanation or a text without an
embedding (empty, or longer than the model reads) is unscored rather than compared by a part.

The default, TF-IDF of words, is no model: it needs no download and gives the same score on every machine, and whatever
is installed. It says what the mere words of an explanation are worth, which a sentence embedding has to exceed.
"""

from collections.abc import Sequence

import numpy as np
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.verdicts import Verdict, locate_contexts
from inspect_autointerp.latent import Context
from inspect_autointerp.models.batching import Batches
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.models.text_vectors import TFIDF, prepare_embedder, sentence_model
from inspect_autointerp.scorers.embedding.embedders import (
    Asked,
    BySentences,
    ByWords,
    Embedder,
    Similarity,
    compare,
    pairwise_cosines,
)
from inspect_autointerp.scorers.shared.ranking import ranking_statistics
from inspect_autointerp.scorers.shared.report import ranked
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.store.store import Store

_LATENTS = 8
"""Latents that are compared at once."""


@scorer(metrics=score_metrics("embedding"))
def embedding(
    activating: int = 100,
    nonactivating: int = 100,
    embedder: str = TFIDF,
    query_prompt: str | None = None,
    trust_remote_code: bool = False,
    store: str | None = None,
    window: int | None = None,
    negatives: str | None = None,
    min_contexts: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by how much more similar to it activating test contexts are than others.

    Args:
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negatives.
        embedder: `tfidf`; `minilm`, all-MiniLM-L6-v2 as a package carries it; or the name or folder of any model of
            sentence-transformers.
        query_prompt: Text to put in front of the explanation, in place of the model's own prompt for queries.
        trust_remote_code: Run the code that comes with the embedder, if any does.
        store: The context store; by default the one that the sample names. As for the next four, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        negatives: Kinds of negatives; each harder one than random gets its own statistics.
        min_contexts: A hard kind with fewer contexts is undefined.
        seed: Random seed of the draw and the order of contexts.
    """
    options = dict(locals())
    with one_line_errors():
        prepare_embedder(embedder, "embedder", trust_remote_code=trust_remote_code)

    async def grade(test: LatentTest) -> Outcome:
        contexts = test.contexts(activating, nonactivating)
        compared, _ = await comparison(test.store, embedder, query_prompt, trust_remote_code)
        [similarities] = await compared([Asked(test.explanation, contexts)])
        verdicts = [
            Verdict(**where, value=similarity.cosine, reason=similarity.reason)
            for where, similarity in zip(locate_contexts(test.store, contexts), similarities, strict=True)
        ]
        shown = ranked(contexts, verdicts, "COMPARED · by cosine with the explanation")
        return Outcome(ranking_statistics(verdicts, test.facts()), verdicts, shown)

    async def embedder_name(test: LatentTest) -> str:
        return (await comparison(test.store, embedder, query_prompt, trust_remote_code))[1]

    return latent_scorer("embedding", grade, options, embedder_name)


async def comparison(
    store: Store, name: str, prompt: str | None = None, trust_remote_code: bool = False
) -> tuple[Batches[Asked, list[Similarity]], str]:
    """Return what compares, for all samples of the running tasks together, and its name for the log.

    Args:
        store: Where the contexts are from.
        name: The embedder, see `embedding`.
        prompt: What to put in front of explanations in place of the model's own.
        trust_remote_code: Run the code that comes with the embedder, if any does.
    """
    with one_line_errors():
        model = None if name == TFIDF else await sentence_model(name, trust_remote_code=trust_remote_code)

    def make() -> tuple[Batches[Asked, list[Similarity]], str]:
        made: Embedder = ByWords(store) if model is None else BySentences(store, model, prompt)
        return Batches(lambda asked: compare(made, asked), _LATENTS), made.name

    return await shared(("embedding", name, prompt, store.key, store.window), make)


async def context_cosines(store: Store, name: str, trust_remote_code: bool, contexts: Sequence[Context]) -> np.ndarray:
    """Return the cosines of all pairs of contexts, float64 (context, context); NaN where one has no embedding.

    Args:
        store: Where the contexts are from.
        name: The embedder, see `embedding`.
        trust_remote_code: Run the code that comes with the embedder, if any does.
        contexts: The contexts.
    """
    with one_line_errors():
        model = None if name == TFIDF else await sentence_model(name, trust_remote_code=trust_remote_code)

    def make() -> Batches[Sequence[Context], np.ndarray]:
        made: Embedder = ByWords(store) if model is None else BySentences(store, model)
        return Batches(lambda asked: [pairwise_cosines(made.contexts(one)) for one in asked], _LATENTS)

    compared = await shared(("example_embedding", name, store.key, store.window), make)
    [cosines] = await compared([contexts])
    return cosines
