"""Generation: write texts on which the latent should fire."""
