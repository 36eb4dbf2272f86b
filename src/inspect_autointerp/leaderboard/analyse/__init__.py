"""Statistics over `Results`."""
