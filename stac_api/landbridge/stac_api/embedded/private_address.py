"""The private address of an embedded stack: its key in the home, which server and clients read.

Other local users can connect to the stack's port. Reads need the token, or the key in the path of this
address, which programs such as QGIS and GDAL can use as it is.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from landbridge.private_addresses import read_key
from landbridge.stac_api.embedded.home_directory import write_private

if TYPE_CHECKING:
    from landbridge.stac_api.embedded.home_directory import Home

__all__ = ["create", "renew"]


def create(home: Home) -> None:
    """Make the key of a home if it has none."""
    if read_key(home.private_key) is None:
        renew(home)


def renew(home: Home) -> None:
    """Replace the key; a running server refuses the old address from its next request on."""
    write_private(home.private_key, secrets.token_urlsafe(32) + "\n")
