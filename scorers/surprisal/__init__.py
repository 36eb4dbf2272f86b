"""Surprisal: rank contexts by how much the explanation raises their probability."""
