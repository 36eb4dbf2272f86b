"""The commands that make and extend context stores."""
