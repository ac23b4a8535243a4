"""Storage of each class of objects in a STAC API."""
