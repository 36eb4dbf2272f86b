"""Embedding: are texts on which the latent fires nearer to the explanation, as an embedding has it, than others?

Protocol of arXiv 2410.13928, §3.3.4 and D.4: the explanation is the query, each whole text a document, and the score
the AUROC of their cosines. No grader is asked, so it costs next to nothing; it sees what a text is about more than
what a token does in it. Differences: disjoint splits; every kind of negative apart; an explanation or a text without an
embedding of its own (empty, or longer than the model reads) is unscored rather than compared by a part.

The default, TF-IDF of words, is no model: it needs no download and gives the same score on every machine, and whatever
is installed. It says what the mere words of an explanation are worth, which a sentence embedding has to exceed.
"""

from collections import Counter

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.negatives import HARD, negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.evaluation import one_line_errors
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.models.batching import Batches
from inspect_autointerp.models.sentence_embeddings import MINILM, SentenceModel
from inspect_autointerp.models.shared_engines import shared
from inspect_autointerp.scorers.embedding.embedders import (
    TFIDF,
    Asked,
    BySentences,
    ByWords,
    Embedder,
    Similarity,
    compare,
)
from inspect_autointerp.scorers.shared.ranking import KEYS, ranked, ranked_keys, ranked_statistics
from inspect_autointerp.scorers.shared.score import (
    judged_metrics,
    judged_score,
    latent_of,
    made_by,
    too_few,
    without_explanation,
)
from inspect_autointerp.store.store import Store

VERSION = "embedding/1"
"""Changes whenever what is compared does."""
_LATENTS = 8
"""How many are compared at once."""
_loaded: dict[str, SentenceModel] = {}
"""Models of evaluations that have not begun."""


@scorer(metrics=judged_metrics(HARD, KEYS))
def embedding(
    contexts: str | None = None,
    activating: int = 100,
    nonactivating: int = 100,
    embedder: str = TFIDF,
    query_prompt: str | None = None,
    trust_remote_code: bool = False,
    seed: int = 0,
    window: int | None = None,
    negatives: str = "random",
    min_contexts: int = 20,
) -> Scorer:
    """Grade an explanation by how near to it activating test contexts are, and others are not.

    Args:
        contexts: The context store, see `evaluation.locate`.
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negative.
        embedder: `tfidf`; `minilm`, all-MiniLM-L6-v2 as a package carries it; or the name or folder of any model of
            sentence-transformers.
        query_prompt: What to put in front of the explanation, in place of the model's own prompt for queries.
        trust_remote_code: Run the code that comes with the embedder, if any does.
        seed: Of the draw and the order of contexts.
        window: Tokens in a context; the store's own by default.
        negatives: Kinds of negatives, see `negative_kinds`; each harder one than random gets a statistic of its own.
        min_contexts: A latent with fewer contexts of a harder kind is undefined there.
    """
    options = dict(locals())
    with one_line_errors():
        _prepare(embedder, trust_remote_code)

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        compared, name = await comparison(store, embedder, query_prompt, trust_remote_code)
        metadata = made_by(name, VERSION, options)
        kinds = negative_kinds(store, latent.hookpoint, negatives)
        hard = kinds[1:]
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, ranked_keys(hard), metadata)
        tests = LatentContexts(store, latent).test(activating, nonactivating, seed, kinds)
        [found] = await compared([Asked(explanation.text, tests)])
        cosines = [similarity.cosine for similarity in found]
        reasons = [similarity.reason for similarity in found]
        values = ranked_statistics(tests, cosines, hard, min_contexts)
        metadata |= too_few(Counter(context.kind for context in tests), hard, min_contexts)
        shown = ranked(tests, cosines, reasons, "COMPARED · by cosine with the explanation")
        return judged_score(values, explanation.text, reasons, shown, metadata)

    return score


def _prepare(name: str, trust_remote_code: bool) -> None:
    """Load an embedder early: what is wrong with it is then said before the first explanation is paid for.

    Raises:
        UserError: It cannot be had.
    """
    if not name.strip():
        raise UserError(f"embedder={name}: give {TFIDF}, {MINILM}, or a model of sentence-transformers")
    if name != TFIDF and name not in _loaded:
        _loaded[name] = SentenceModel(name, "embedder", trust_remote_code=trust_remote_code)


async def comparison(
    store: Store, name: str, prompt: str | None = None, trust_remote_code: bool = False
) -> tuple[Batches[Asked, list[Similarity]], str]:
    """What compares, for all samples of the running tasks together, and its name for the log.

    Args:
        store: Where the contexts are from.
        name: The embedder, see `embedding`.
        prompt: What to put in front of explanations in place of the model's own.
        trust_remote_code: Run the code that comes with the embedder, if any does.
    """
    with one_line_errors():
        model = None if name == TFIDF else await shared(("sentences", name), lambda: _taken(name, trust_remote_code))

    def make() -> tuple[Batches[Asked, list[Similarity]], str]:
        made: Embedder = ByWords(store) if model is None else BySentences(store, model, prompt)
        return Batches(lambda asked: compare(made, asked), _LATENTS), made.name

    return await shared(("embedding", name, prompt, store.key, store.window), make)


def _taken(name: str, trust_remote_code: bool) -> SentenceModel:
    """The model that was loaded early, which is let go of with the task that it was loaded for; else another."""
    return _loaded.pop(name, None) or SentenceModel(name, "embedder", trust_remote_code=trust_remote_code)
