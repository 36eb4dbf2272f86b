"""The files of a context store."""
