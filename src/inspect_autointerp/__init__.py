"""inspect-autointerp: how good is a natural-language explanation of a latent, and who writes the best ones?

The package root imports nothing heavy. Start with `inspect_autointerp.store.Store` to read a context store,
`inspect_autointerp.tasks` for the Inspect tasks, and the command line `autointerp --help`.
"""

__version__ = "0.1.0"
