"""Documents, and the chunks of tokens that the subject reads."""
