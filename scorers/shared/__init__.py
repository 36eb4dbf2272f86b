"""The parts that scorers have in common."""
