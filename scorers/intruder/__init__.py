"""Intruder: find the context of another latent among five."""
