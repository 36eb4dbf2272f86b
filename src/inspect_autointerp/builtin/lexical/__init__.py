"""The lexical baseline: an explainer and a grader that know words and nothing else."""
