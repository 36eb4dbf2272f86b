"""A store's subject run again: on new texts, and steered."""
