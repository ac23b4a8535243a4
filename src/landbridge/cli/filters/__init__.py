"""Conditions of searches, as options of commands."""
