"""Models in memory, and the interfaces through which tasks, solvers and scorers reach them."""
