"""Vectors of latents out of this package, and texts about vectors into it."""
