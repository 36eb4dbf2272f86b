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
        trouble = f"the corpus is a single document, and a document is of one split: the {empty} split has none"
    else:
        full, empty = ("test", "explain") if n_test else ("explain", "test")
        trouble = f"all {len(test)} documents are of the {full} split: the {empty} split has none"
    remedy = "give a corpus of more documents"
    if settings.separator is None:
        remedy += (
            r", or say what stands between the documents of a text file: --separator '<|endoftext|>', '\n\n' for"
            " blank lines"
        )
    return f"Warning: {trouble}, so no latent can be evaluated. To mend it, {remedy}."
