"""One-to-one matching of the largest total similarity (the Hungarian method's problem), on all pairs or on candidates.

A pair is worth its similarity if that is above 0, and nothing otherwise: a latent that nothing resembles stays without
a partner. So a graph of candidates is the same problem as the full matrix, with all other pairs worth nothing, and one
that holds every positive pair gives the full matrix's optimum.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix, csr_matrix, hstack, identity
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from inspect_autointerp.coder_similarity.progress import Progress, silent

Pairs = tuple[np.ndarray, np.ndarray]
"""Rows and columns of matched pairs, int64 (pair,), in order of row."""


def match_dense(similarity: np.ndarray) -> Pairs:
    """Match rows with columns of a full matrix, exactly.

    Args:
        similarity: float (row, column); NaN where undefined, which no match is made of.
    """
    worth = np.where(similarity > 0, similarity, 0.0)  # NaN is not above 0
    rows, columns = linear_sum_assignment(worth, maximize=True)
    real = worth[rows, columns] > 0
    return rows[real].astype(np.int64), columns[real].astype(np.int64)


def match_sparse(similarity: csr_matrix, progress: Progress = silent) -> Pairs:
    """Match rows with columns of a graph, exactly: of all matchings within it the best.

    A pair that is worth at least as much as the best others of its row and of its column together is in some best
    matching (whatever else the two were matched with can be given up for it), so such pairs are taken first, again and
    again; where the two dictionaries are alike, little is left. The rest goes to scipy's solver, in which every row has
    a partner of its own worth nothing, so that a full matching always exists.

    Args:
        similarity: (row, column): what is above 0 are the edges.
        progress: Is told how many edges are left for the solver.
    """
    edges = coo_matrix(similarity)
    alive = edges.data > 0
    order = np.argsort(-edges.data[alive], kind="stable")
    row, column = edges.row[alive][order].astype(np.int64), edges.col[alive][order].astype(np.int64)
    worth = edges.data[alive][order].astype(np.float64)
    parts: list[Pairs] = []
    while len(worth):
        taken = _dominating(row, column, worth)
        if not taken.any():
            break
        parts.append((row[taken], column[taken]))
        left = ~(np.isin(row, row[taken]) | np.isin(column, column[taken]))
        row, column, worth = row[left], column[left], worth[left]
    if len(worth):
        progress(f"matching on {len(worth):,} candidate pairs")
        parts.append(_solve(row, column, worth))
    rows = np.concatenate([pairs[0] for pairs in parts]) if parts else np.zeros(0, dtype=np.int64)
    columns = np.concatenate([pairs[1] for pairs in parts]) if parts else np.zeros(0, dtype=np.int64)
    order = np.argsort(rows)
    return rows[order], columns[order]


def _dominating(row: np.ndarray, column: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Which edges, in falling order of worth, outweigh the best others of their row and their column; bool (edge,).

    They are the first of both, so no two share a row or a column.
    """
    first_in_row, second_in_row = _two_best(row, worth)
    first_in_column, second_in_column = _two_best(column, worth)
    number = np.arange(len(worth))
    best = (first_in_row[row] == number) & (first_in_column[column] == number)
    return best & (worth >= second_in_row[row] + second_in_column[column])


def _two_best(node: np.ndarray, worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each node's best edge, and the worth of its second best, 0 without one."""
    n = int(node.max()) + 1
    by_node = np.argsort(node, kind="stable")  # the best first in each
    begin = np.searchsorted(node[by_node], np.arange(n + 1))
    has, has_two = np.diff(begin) > 0, np.diff(begin) > 1
    first, second = np.full(n, -1), np.zeros(n)
    first[has] = by_node[begin[:-1][has]]
    second[has_two] = worth[by_node[begin[:-1][has_two] + 1]]
    return first, second


def _solve(row: np.ndarray, column: np.ndarray, worth: np.ndarray) -> Pairs:
    """Match what is left of the edges by scipy's solver."""
    rows, row = np.unique(row, return_inverse=True)
    columns, column = np.unique(column, return_inverse=True)
    if len(rows) > len(columns):  # each row needs a partner worth nothing: the fewer, the faster
        swapped, pairs = _solve_narrow(column, row, worth, len(columns), len(rows))
        return rows[pairs], columns[swapped]
    rows_matched, pairs = _solve_narrow(row, column, worth, len(rows), len(columns))
    return rows[rows_matched], columns[pairs]


def _solve_narrow(row: np.ndarray, column: np.ndarray, worth: np.ndarray, n_rows: int, n_columns: int) -> Pairs:
    # The solver takes 0 for no edge. One more on every edge, the worthless ones too, changes no order: every row gets
    # exactly one.
    graph = csr_matrix((worth + 1, (row, column)), shape=(n_rows, n_columns))
    graph = csr_matrix(hstack([graph, identity(n_rows, format="csr")]))
    rows, columns = min_weight_full_bipartite_matching(graph, maximize=True)
    real = columns < n_columns
    return rows[real].astype(np.int64), columns[real].astype(np.int64)
