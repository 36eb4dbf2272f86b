"""The speed and memory claims: each module is one command that prints one table."""
