"""Embedding: rank contexts by their similarity to the explanation."""
