"""A latent's card: what a context store knows of it, for a terminal and as a page."""
