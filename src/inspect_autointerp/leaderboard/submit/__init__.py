"""Entries of a named suite: written from logs, and verified against them."""
