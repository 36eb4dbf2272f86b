"""Activations to context store: the only room that runs the subject model."""
