"""The layer between this package and Inspect."""
