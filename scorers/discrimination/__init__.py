"""Discrimination: can a grader find the explained latent among its neighbours, by their contexts?"""
