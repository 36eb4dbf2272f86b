"""Logs to a table."""
