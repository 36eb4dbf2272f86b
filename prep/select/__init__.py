"""Selection of each latent's windows in one pass, in fixed memory."""
