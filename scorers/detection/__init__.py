"""Detection: tell texts on which the latent fires from texts on which it does not."""
