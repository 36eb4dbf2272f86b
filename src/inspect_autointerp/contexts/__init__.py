"""Draws of one latent's contexts from a store: for the explainer, and for tests."""
