"""What can go wrong with the embedded stack.

StackError
├── PostgresNotFound    no usable PostgreSQL with PostGIS on this machine
├── ClusterError        the private cluster cannot be created, started or stopped
└── StartError          the server did not come up
"""

from landbridge.errors import LandbridgeError


class StackError(LandbridgeError, RuntimeError):
    """The embedded stack cannot do what was asked; the message says what to do about it."""


class PostgresNotFound(StackError):  # noqa: N818 - named like FileNotFoundError, for the thing that is missing
    """No PostgreSQL of a supported version with PostGIS was found; the message has the install lines."""


class ClusterError(StackError):
    """The private PostgreSQL cluster cannot be created, started or stopped."""


class StartError(StackError):
    """The server process ended or stayed silent instead of answering."""
