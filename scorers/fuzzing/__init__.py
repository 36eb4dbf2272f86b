"""Fuzzing: tell activating tokens from other tokens."""
