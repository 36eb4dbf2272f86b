"""Output choice: pick the text that was steered with the latent, among texts that other latents steered."""
