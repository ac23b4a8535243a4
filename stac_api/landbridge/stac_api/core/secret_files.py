"""Secrets in files: `LANDBRIDGE_TOKEN_FILE=/run/secrets/token` in place of `LANDBRIDGE_TOKEN=…`.

Docker, Kubernetes and systemd give secrets to a process as files. Unlike variables, they are not shown by
`docker inspect`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from landbridge.stac_api.core.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

__all__ = ["FOREIGN_SECRETS", "read_secret_files"]

_SUFFIX: Final = "_FILE"
FOREIGN_SECRETS: Final = (
    "PGPASSWORD",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
)
"""Variables of PostgreSQL and of the object stores that can be in files."""


def _names() -> Iterator[str]:
    fields = Settings.model_fields
    yield from (f"{PREFIX}{name.upper()}" for name in fields if f"{name}_file" not in fields)
    yield from FOREIGN_SECRETS


def read_secret_files(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set each variable whose name with `_FILE` names a file to the content of that file.

    All settings of the server can be in files, and the secrets of the database and the object store. A line
    break at the end of a file does not count. The variable with `_FILE` is removed, so a second call does
    nothing.

    Raises
    ------
    ValueError
        If both variables are set, or if the file is empty or cannot be read.
    """
    for name in _names():
        path = environment.get(name + _SUFFIX)
        if not path:
            continue
        if environment.get(name):
            raise ValueError(f"Both {name} and {name}{_SUFFIX} are set. Remove one of them.")
        try:
            text = Path(path).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ValueError(f"The file of {name}{_SUFFIX}, {path}, cannot be read: {reason}.") from None
        if not text:
            raise ValueError(f"The file of {name}{_SUFFIX}, {path}, is empty.")
        environment[name] = text
        del environment[name + _SUFFIX]
