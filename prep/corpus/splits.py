"""Message about a corpus whose documents are all in one split."""

from collections.abc import Sequence

from inspect_autointerp.store.settings import Settings


def split_warning(test: Sequence[int], settings: Settings) -> str | None:
    """Return a warning where a split has no document, so that no latent can be evaluated; else None.

    Args:
        test: Whether each document is of the test split.
        settings: The store's.
    """
    n_test = sum(map(bool, test))
    if 0 < n_test < len(test) or not len(test):
        return None
    if len(test) == 1:
        empty = "explain" if n_test else "test"
        trouble = f"the corpus is a single document, and a document belongs to one split: the {empty} split is empty"
    else:
        full, empty = ("test", "explain") if n_test else ("explain", "test")
        trouble = f"all {len(test)} documents belong to the {full} split: the {empty} split is empty"
    remedy = "give a corpus with more documents"
    if settings.corpus == "stdlib":
        remedy = "read more --tokens of the corpus"
    elif settings.chat:
        remedy = "give a corpus with more conversations"
    elif settings.separator is None:
        remedy += (
            r", or give the separator of a text file's documents: --separator '<|endoftext|>', '\n\n' for"
            " blank lines"
        )
    return f"Warning: {trouble}, so no latent can be evaluated. To fix it, {remedy}."
