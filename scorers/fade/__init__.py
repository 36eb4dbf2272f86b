"""FADE's four numbers: clarity, responsiveness, purity, faithfulness."""
