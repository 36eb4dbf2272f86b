"""Contexts as text, for prompts and for readers."""
