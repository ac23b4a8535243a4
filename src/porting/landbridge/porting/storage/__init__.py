"""The Storage service of old clients, whose keys are names of blobs in your own namespace.

Only the names and call shapes of the old methods are known, from public scripts and documentation. Behavior
that they do not state is set here:

- A value that was set as text is returned as text, every other one as bytes.
- `set` and `set_file` replace an existing value. Meanwhile the key does not exist for a moment, since blobs
  are not replaced in place; if the upload fails, the old value is put back.
- `get`, `get_file` and `delete` raise NotFoundError for a key that does not exist.
- Keys are listed in alphabetical order.
"""

from __future__ import annotations

import functools

from landbridge.porting.storage.client import Storage

__all__ = ["Storage", "default_client"]


@functools.cache
def default_client() -> Storage:
    """Return the client that `descarteslabs.storage` is."""
    return Storage()
