"""Deletions of the images and bands of a product, in the background."""
