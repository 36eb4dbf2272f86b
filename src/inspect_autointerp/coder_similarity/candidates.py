"""Graphs of candidates: of each latent the few that resemble it most."""

import numpy as np
from scipy.sparse import csr_matrix


def largest(similarity: csr_matrix, k: int | None) -> csr_matrix:
    """Return each row's k largest values above 0, the first ones of equals; all above 0 if k is None."""
    row = np.repeat(np.arange(similarity.shape[0]), np.diff(similarity.indptr))
    positive = similarity.data > 0
    row, column, value = row[positive], similarity.indices[positive], similarity.data[positive]
    if k is not None:
        begin = np.searchsorted(row, np.arange(similarity.shape[0] + 1))
        least = np.zeros(similarity.shape[0])
        for many in np.flatnonzero(np.diff(begin) > k):  # sorting all of them takes most of a comparison's time
            least[many] = np.partition(value[begin[many] : begin[many + 1]], -k)[-k]
        keep = value >= least[row]
        row, column, value = row[keep], column[keep], value[keep]
        order = np.lexsort((column, -value, row))
        row, column, value = row[order], column[order], value[order]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        row, column, value = row[rank < k], column[rank < k], value[rank < k]
    return csr_matrix((value, (row, column)), shape=similarity.shape)
