"""Harder non-activating contexts, added to a finished store."""
