"""`autointerp study stability`: how much of a score is luck."""
