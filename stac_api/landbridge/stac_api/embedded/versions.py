"""Versions of the running stack and of the installed distributions, which differ after an update."""

from __future__ import annotations

__all__ = ["installed_version", "version_note"]


def installed_version() -> str:
    """Return the version of the installed server."""
    # Not needed to join a stack; the import takes milliseconds.
    from importlib.metadata import version

    return version("landbridge-stac-api")


def version_note(running: str | None) -> str | None:
    """Return what to do if the stack that runs is of another version than the installed one, else None."""
    installed = installed_version()
    if running in (None, installed):
        return None
    return (
        f"The embedded stack that runs is of Landbridge {running}, and {installed} is installed here. When "
        "nothing uses it, restart it: landbridge up --restart"
    )
