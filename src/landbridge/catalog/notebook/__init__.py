"""Views of catalog objects in notebooks, made of the values that the objects hold, without requests."""
