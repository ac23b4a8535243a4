"""`landbridge-server migrate|serve|work|doctor|backup|…`: a service, configured by the environment.

Exit code 0: done; 1: `doctor` or `backup` has findings; 2: the command failed, with the reason on stderr.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from landbridge.stac_api.admin.command_errors import CommandError
from landbridge.stac_api.admin.commands import server
from landbridge.stac_api.admin.service import doctor, report, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["doctor", "main", "report", "settings"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Raises:
        SystemExit: if the arguments are invalid.
    """
    given = None if arguments is None else list(arguments)
    try:
        return server.main(given, prog_name="landbridge-server", standalone_mode=False) or 0
    except CommandError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
