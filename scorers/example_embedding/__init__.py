"""Example embedding: are a latent's texts nearer to one another, as an embedding has it, than to other texts?"""
