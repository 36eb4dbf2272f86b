"""An evaluation of very many latents, cut into shards: one Inspect log each."""

KEY = "sweep"
"""Under which a log's metadata say what sweep it is a shard of: `id`, `shard` (from 1), `of`, `latents` and `skipped`
(of all shards together)."""
