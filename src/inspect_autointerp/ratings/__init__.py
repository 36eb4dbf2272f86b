"""Ratings by people: a page on which explanations are rated blind, and what such ratings say of the scores."""
