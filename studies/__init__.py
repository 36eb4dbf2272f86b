"""The paper's experiments, a file per table: what `autointerp study NAME` runs; `study.definition` has the form."""
