"""Simulation: predict the activation of every token."""
