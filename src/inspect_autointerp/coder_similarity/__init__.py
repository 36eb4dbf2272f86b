"""Latents of one coder matched one to one with those of another: how alike are the two dictionaries?

By the directions that latents write, where both write in one space, and by their activations on the same tokens.
"""
