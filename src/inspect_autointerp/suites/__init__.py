"""Named suites: evaluations of which everything but the explainer is fixed, so that different people's rows compare."""
