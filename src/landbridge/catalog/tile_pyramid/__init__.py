"""Kept pyramids of products: mosaics of all images for the first zooms of a map."""
