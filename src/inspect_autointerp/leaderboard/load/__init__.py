"""Logs to `Results`."""
