"""Triage of latents without a language model: does a latent stand for its input, for its output, or for both?"""
