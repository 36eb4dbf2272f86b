"""An evaluation of very many latents, cut into shards: one Inspect log each."""
