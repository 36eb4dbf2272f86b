"""Log-probabilities of a text given another, by a model in memory or behind a server."""
