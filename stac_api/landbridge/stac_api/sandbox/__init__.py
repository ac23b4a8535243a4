"""Sandboxes of processes that read users' files, and what all such processes have in common."""
