"""Summary statistics of a context store: `autointerp stats`."""
