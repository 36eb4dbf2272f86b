"""The paper's experiments as one command each: an Inspect eval set per table, its cost before, the table after."""
