"""The subject model and its hookpoints."""
