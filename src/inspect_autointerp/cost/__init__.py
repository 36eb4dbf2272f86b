"""The tokens that a planned evaluation takes, and their price."""
