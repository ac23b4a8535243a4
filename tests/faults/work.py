"""Separate worker with the same faults as `serve`: `python work.py HOME`."""

import sys
from pathlib import Path

from faults.serve import install
from landbridge.stac_api.__main__ import main

if __name__ == "__main__":
    install(Path(sys.argv[1]))
    sys.exit(main(["work"]))
