"""The paper's experiments, a file per table: what `autointerp study NAME` runs (see `study.definition` for the form)."""
