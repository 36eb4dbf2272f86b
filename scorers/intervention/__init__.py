"""Intervention: recognise the effect of steering with the latent."""
