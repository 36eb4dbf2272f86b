"""Reconstruction: which latent's vector is the explanation about?"""
