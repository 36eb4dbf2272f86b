"""A run of prep: one pass, its shards, its checkpoints."""
